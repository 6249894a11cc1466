"""Hard choices: what they choose, what comes back through them, and where a hard machine goes."""

import json
from functools import partial

import pytest
import torch

from ntm.addressing import address
from ntm.beyond import hard
from ntm.beyond.hard import Hard, gumbel, harden, hardest, moves, one_slot, straight_through, top
from ntm.machine import NTM


def emitted(B=3, heads=2, N=9, width=5, seed=0):
    """M, what two heads might emit, and where they are: at one slot each."""
    g = torch.Generator().manual_seed(seed)
    draw = partial(torch.randn, generator=g)
    s = draw(B, heads, 3).softmax(-1)
    w = torch.eye(N)[torch.randint(0, N, (B, heads), generator=g)]
    return [draw(B, N, width), draw(B, heads, width), 5 * draw(B, heads).exp(),
            draw(B, heads).sigmoid(), s, 1 + draw(B, heads).exp(), w]


def test_hardest_is_one_and_zero():
    p = torch.tensor([[0.2, 0.5, 0.3], [0.9, 0.1, 0.0]])
    assert hardest(p).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert hardest(torch.full((1, 4), 0.25)).sum() == 1  # of equals, one


def test_straight_through_has_the_gradient_of_what_went_in():
    raw = torch.randn(2, 5, requires_grad=True)
    value = torch.randn(2, 5)
    p = raw.softmax(-1)
    assert torch.allclose(straight_through(p), hardest(p))
    (one,) = torch.autograd.grad((straight_through(p) * value).sum(), raw, retain_graph=True)
    (two,) = torch.autograd.grad((p * value).sum(), raw)
    assert torch.allclose(one, two) and one.abs().sum() > 0


def test_gumbel_draws_by_the_chances():
    torch.manual_seed(0)
    p = torch.tensor([0.6, 0.3, 0.1]).expand(20_000, 3)
    for temperature in (0.2, 2.0):
        share = hardest(gumbel(p, temperature)).mean(0)  # softened, but ordered as drawn
        assert torch.allclose(share, p[0], atol=0.02)


def test_top_keeps_k_and_the_sum():
    p = torch.tensor([0.4, 0.1, 0.3, 0.2])
    assert torch.allclose(top(p, 2), torch.tensor([4 / 7, 0, 3 / 7, 0]))
    assert torch.allclose(top(p, 9), p)


def test_moves_is_the_loop_that_its_words_say():
    M, k, β, g, s, γ, w_prev = given = emitted()
    w = moves(*given)
    for b in range(3):
        for h in range(2):
            here = int(w_prev[b, h].argmax())
            if g[b, h] > 0.5:
                cosine = torch.cosine_similarity(M[b], k[b, h].unsqueeze(0), dim=-1)
                here = int(cosine.argmax())
            there = (here + int(s[b, h].argmax()) - 1) % 9
            assert w[b, h].tolist() == [float(i == there) for i in range(9)]


def test_a_whole_shift_is_the_paper_s_address_with_all_of_one_step():
    M, k, β, g, s, γ, w_prev = emitted()
    s = s[:, :, [2, 0, 1]]
    most = torch.eye(3)[s.argmax(-1)]
    assert torch.equal(hard.whole_shift(M, k, β, g, s, γ, w_prev),
                       address(M, k, β, g, most, γ, w_prev))
    assert not torch.allclose(address(M, k, β, g, s, γ, w_prev),
                              address(M, k, β, g, most, γ, w_prev), atol=1e-2)


def test_cooled_goes_on_from_trained_machines_and_asks_before_and_after(tmp_path, monkeypatch):
    few = hard.MARKS._replace(questions={"training range": ({}, 2)})
    monkeypatch.setattr(hard, "MARKS", few)
    task = few.task
    for seed in (3, 4):
        NTM(task.inputs, task.outputs, "feedforward", N=32, start="tape", seed=seed).save(
            tmp_path / f"repeat_copy_marks-ntm-feedforward-{seed}.safetensors")
    found = hard.cooled(tmp_path, 3, 2, sequences=160)
    assert [r["seed"] for r in found] == [3, 4] and all(len(r["bits"]) == 2 for r in found)
    assert found[0]["soft"].keys() == found[0]["wrong_bits"].keys() == {"training range"}
    assert found[0]["soft"] != found[0]["wrong_bits"]


def test_one_slot_is_where_most_of_the_weight_was():
    given = emitted(seed=1)
    assert torch.equal(one_slot(*given).argmax(-1), address(*given).argmax(-1))
    assert torch.equal(one_slot(*given).sum(-1), torch.ones(3, 2))


def test_straight_through_sends_a_gradient_into_every_choice():
    M, k, β, g, s, γ, w = emitted()
    g = torch.full_like(g, 0.9)  # every head jumps, so that the search matters
    leaves = [v.requires_grad_() for v in (k, g, s)]
    value = torch.randn(3, 2, 9)
    out = moves(M, k, β, g, s, γ, w, choose=straight_through)
    for leaf, d in zip(leaves, torch.autograd.grad((out * value).sum(), leaves)):
        assert d.abs().sum() > 0, leaf.shape


def test_with_address_a_hard_machine_is_the_machine():
    machine = NTM(6, 4, N=16, width=5, read_heads=2, start="tape", seed=0)
    x = torch.rand(7, 2, 6)
    other = harden(machine, address)
    state = machine.initial_state(2)
    assert torch.allclose(other.unroll(x, state)[0], machine.unroll(x, state)[0], atol=1e-5)


def test_a_hard_machine_is_always_at_one_slot():
    machine = Hard(6, 4, "feedforward", N=16, width=5, start="tape", seed=0)
    _, trace = machine(torch.rand(20, 2, 6), trace=True)
    assert set(trace.w.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(trace.w.sum(-1), torch.ones_like(trace.w.sum(-1)))


def test_harden_on_more_slots_keeps_the_weights():
    machine = NTM(6, 4, N=16, start="tape", seed=0)
    other = harden(machine, slots=40)
    assert other.settings["N"] == 40 and other.M_0.shape[0] == 40
    assert torch.equal(other.heads.linear.weight, machine.heads.linear.weight)


@pytest.mark.parametrize("task, way", [*(("copy", way) for way in hard.WAYS), ("recall", "reward"),
                                       ("recall, LSTM", "soft to hard"), ("counting", "soft"),
                                       ("counting", "soft to hard, home")])
def test_every_way_runs_and_says_all(task, way, monkeypatch):
    monkeypatch.setattr(hard, "RECIPE", dict(batch=2, lr=1e-3, every=4))
    _, found = hard.run(task, way, "tape", 3, 2, sequences=20, most=42)
    assert [r["seed"] for r in found] == [3, 4]
    questions = {"copy": {"length 20"}, "recall": {"2 items", "6 items"}}.get(
        task.split(",")[0], {"training range", "3 vectors, 5 times"})
    for r in found:
        assert r["task"] == task and len(r["bits"]) == 5 and set(r["wrong_bits"]) == questions
        assert all(bits == bits and bits < 500 for bits in r["bits"])


@pytest.mark.parametrize("task", hard.COURSES)
def test_a_course_has_room_for_a_head_that_never_stops(task):
    course = hard.COURSES[task]
    (machine,) = hard.begin(course, [0], "tape")
    for seed in range(20):
        steps = len(course.task.sample(8, generator=torch.Generator().manual_seed(seed)).x)
        assert steps <= hard.longest(course.task) < machine.settings["N"]


def test_the_surrogate_has_on_average_the_slope_of_the_expected_cost():
    """All draws of two choices, each by its chance: the first decides what both steps cost."""
    raw = torch.randn(2, 3, dtype=torch.double, requires_grad=True)
    price = torch.rand(2, 3, 3, dtype=torch.double)  # of step t, after the choices i and j
    mask, usual = torch.ones(2, 1, dtype=torch.double), torch.tensor(0.3, dtype=torch.double)
    p, total, surrogate = raw.softmax(-1), 0.0, 0.0
    for i in range(3):
        for j in range(3):
            chance = p[0, i] * p[1, j]
            cost = torch.stack([price[0, i, 0], price[1, i, j]]).unsqueeze(1)
            log_p = torch.stack([p[0, i].log(), p[1, j].log()]).unsqueeze(1)
            total = total + chance * cost.sum()
            surrogate = surrogate + chance.detach() * hard.blamed(cost, usual, mask, log_p).sum()
    one, two = (torch.autograd.grad(v, raw, retain_graph=True)[0] for v in (total, surrogate))
    assert torch.allclose(one, two)


def test_unknown_ways_and_tasks_are_refused():
    with pytest.raises(ValueError, match="way is 'softly'; it must be one of 'soft'"):
        hard.run("copy", "softly", "tape", 0, 1)
    with pytest.raises(ValueError, match="task is 'sort'; it must be one of 'copy', 'recall'"):
        hard.run("sort", "soft", "tape", 0, 1)


def test_asked_asks_hard_and_soft_alike():
    course = hard.COURSES["copy"]._replace(questions={"length 3": (dict(length=3), 4)})
    machines = hard.begin(course, [0, 1], "tape")
    soft = hard.asked(course, machines)
    same = hard.asked(course, machines, address)  # on the clear path, begun at one slot
    for one, two in zip(soft, same):
        assert abs(one["length 3"] - two["length 3"]) < 6  # of 24, guessing


def test_too_long_a_question_is_not_asked():
    course = hard.COURSES["recall"]
    (found,) = hard.asked(course, hard.begin(course, [0], "tape"), most=16)
    assert set(found) == {"2 items"}


def test_the_record_holds_every_way_on_its_seeds():
    runs = json.loads(hard.FILE.read_text(encoding="utf-8"))["runs"]
    assert {r["task"] for r in runs if r["of"] == "shipped"} == set(hard.SHIPPED)
    trained = [r for r in runs if r["of"] == "training"]
    assert {r["way"] for r in trained} <= set(hard.WAYS)
    assert len({(r["task"], r["way"], r["start"], r["seed"]) for r in trained}) == len(trained)
    for r in trained:
        assert r["bits"] and set(r["wrong_bits"]) <= set(hard.COURSES[r["task"]].questions)
        assert all(wrong >= 0 for wrong in r["wrong_bits"].values())
