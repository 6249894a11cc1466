"""Sparse memory: with K = N it is the machine itself; with less, what it keeps and costs."""

import json

import pytest
import torch

from ntm import NTM
from ntm.beyond import sparse as module
from ntm.beyond.sparse import Memory, Sparse, content, cost, exact, kept, merged, sparse


def machine(**sizes):
    sizes = dict(N=12, width=7, read_heads=2, write_heads=2, initial_memory="distinct") | sizes
    return NTM(6, 5, start="tape", seed=3, **sizes).double()


def test_with_k_equal_n_it_is_the_dense_machine_and_so_are_its_gradients():
    dense = machine()
    thin, x = sparse(dense, K=12).double(), torch.rand(9, 1, 6).double()
    assert torch.allclose(thin(x), dense(x), atol=1e-10)
    one, two = (torch.autograd.grad(who(x).square().sum(), list(who.parameters()))
                for who in (thin, dense))
    for (name, _), a, b in zip(dense.named_parameters(), one, two):
        assert torch.allclose(a, b, atol=1e-10), name


def test_content_is_the_softmax_over_the_nearest():
    values, k, β = torch.randn(30, 4), torch.randn(2, 4), torch.tensor([3.0, 9.0])
    w = content(Memory(values), k, β, 5)
    cosine = torch.nn.functional.cosine_similarity(values.unsqueeze(0), k.unsqueeze(1), dim=-1)
    assert torch.equal(w.i.sort(-1).values, cosine.topk(5).indices.sort(-1).values)
    whole = torch.softmax(torch.where(w.dense(30) > 0, β.unsqueeze(-1) * cosine, -torch.inf), -1)
    assert torch.allclose(w.dense(30), whole, atol=1e-3)
    assert torch.equal(exact(values, k, 1).squeeze(1), cosine.argmax(-1))


def test_merged_adds_equal_slots_and_keeps_the_largest():
    i, v = torch.tensor([[4, 2, 4, 7, 2]]), torch.tensor([[0.2, 0.1, 0.3, 0.15, 0.25]])
    w = merged(i, v, 2, torch.tensor([1.0]))
    assert w.dense(9)[0].tolist() == pytest.approx(
        [0, 0, 0.35 / 0.85, 0, 0.5 / 0.85, 0, 0, 0, 0], abs=1e-6)
    sharp = merged(i, v, 3, torch.tensor([2.0])).dense(9)[0]
    assert sharp[4] / sharp[2] == pytest.approx((0.5 / 0.35) ** 2, rel=1e-4)


def test_writing_touches_its_slots_alone():
    values = torch.randn(20, 3)
    M = Memory(values)
    w = Sparse(torch.tensor([[3, 8]]), torch.tensor([[0.75, 0.25]]))
    M.write(w, torch.ones(1, 3), torch.full((1, 3), 2.0))
    right = values.clone()
    right[3], right[8] = 0.25 * values[3] + 1.5, 0.75 * values[8] + 0.5
    assert torch.allclose(M.values, right) and set(M.rows) == {3, 8}
    assert torch.allclose(M[torch.tensor([[8, 0]])], right[[8, 0]].unsqueeze(0))


def test_what_is_kept_for_the_backward_pass_does_not_grow_with_n():
    small, large = (cost("sparse", N, steps=3)["bytes"] for N in (256, 8_192))
    assert small == large
    assert cost("dense", 8_192, steps=3)["bytes"] > 20 * large


def test_kept_counts_a_tensor_once():
    a, b = torch.ones(100, requires_grad=True), torch.ones(100)
    assert kept(lambda: a * b * b)[1] == 400


def test_one_sequence_at_a_time():
    with pytest.raises(ValueError, match="batch is 2; it must be 1"):
        sparse(machine(), K=4)(torch.rand(3, 2, 6).double())
    with pytest.raises(ValueError, match="K must be|K is 0"):
        sparse(machine(), K=0)


def test_the_record_has_every_size_and_every_number_of_items():
    runs = json.loads(module.FILE.read_text(encoding="utf-8"))["runs"]
    costs = [r for r in runs if r["of"] == "cost"]
    assert {r["N"] for r in costs} == set(module.SIZES)
    assert {r["kind"] for r in costs} == {"dense", "sparse", "no search"}
    assert {r["items"] for r in runs if r["of"] == "recall"} == set(module.ITEMS)
