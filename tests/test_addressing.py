"""Equations (5) to (9): where a head looks."""

import pytest
import spec
import torch
from cases import case, cases, smooth
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from ntm.addressing import address, content, interpolate, sharpen, shift, similarity


def sums_to_one(w):
    return bool(((w.sum(-1) - 1).abs() < 1e-5).all() and (w >= 0).all())


def stages(c):
    """The four stages and the whole of a case, as {name: weighting}."""
    w_c = content(c.M, c.k, c.β)
    w_g = interpolate(w_c, c.w, c.g)
    w_s = shift(w_g, c.s)
    return dict(w_c=w_c, w_g=w_g, w_s=w_s, w=sharpen(w_s, c.γ),
                address=address(c.M, c.k, c.β, c.g, c.s, c.γ, c.w))


@given(cases)
def test_every_stage_equals_its_sum(c):
    found = stages(c)
    for b in range(c.B):
        M, k, β, g, s, γ, w = (value[b].tolist() for value in (c.M, c.k, c.β, c.g, c.s, c.γ, c.w))
        for h in range(c.heads):
            assert_close(similarity(c.M, c.k)[b, h].tolist(), [spec.K(k[h], row) for row in M])
            w_c = spec.content(M, k[h], β[h])
            w_g = spec.interpolate(w_c, w[h], g[h])
            w_s = spec.shift(w_g, s[h])
            expected = dict(w_c=w_c, w_g=w_g, w_s=w_s, w=spec.sharpen(w_s, γ[h]),
                            address=spec.address(M, k[h], β[h], g[h], s[h], γ[h],
                                                 w[h]))  # fmt: skip
            for name, value in expected.items():
                assert_close(found[name][b, h].tolist(), value, rtol=1e-7, atol=1e-9,
                             msg=lambda m, name=name: f"{name}: {m}")


@given(cases)
def test_in_single_precision_every_weighting_sums_to_one(c):
    for name, value in vars(c).items():
        if isinstance(value, torch.Tensor):
            setattr(c, name, value.float())
    for name, w in stages(c).items():
        assert sums_to_one(w), name


@given(cases, st.integers(1, 5))
def test_rotating_memory_and_weighting_rotates_the_result(c, by):
    w = address(c.M, c.k, c.β, c.g, c.s, c.γ, c.w)
    assert_close(address(c.M.roll(by, 1), c.k, c.β, c.g, c.s, c.γ, c.w.roll(by, 2)), w.roll(by, 2))


@given(cases)
def test_a_batch_equals_one_by_one_and_heads_do_not_see_each_other(c):
    arguments = (c.k, c.β, c.g, c.s, c.γ, c.w)
    w = address(c.M, *arguments)
    for b in range(c.B):
        for h in range(c.heads):
            assert_close(address(c.M[b : b + 1],
                                 *(value[b : b + 1, h : h + 1] for value in arguments))[0, 0],
                         w[b, h])


def test_without_ε_the_cosine_is_that_of_the_paper():
    c = case(1, 1, 1, 6, 4, 1)
    c.M, c.k = torch.randn_like(c.M), torch.randn_like(c.k)
    expected = [spec.K(c.k[0, 0].tolist(), row, ε=0) for row in c.M[0].tolist()]
    assert_close(similarity(c.M, c.k)[0, 0].tolist(), expected, rtol=1e-4, atol=1e-4)
    # lengths do not count, directions do
    assert_close(similarity(3 * c.M, 7 * c.k), similarity(c.M, c.k), rtol=1e-4, atol=1e-4)
    assert (similarity(c.k, c.k).item() == pytest.approx(1, abs=1e-4)
            and similarity(c.k, -c.k).item() == pytest.approx(-1, abs=1e-4))


# by hand

s_by = {-1: [1.0, 0.0, 0.0], 0: [0.0, 1.0, 0.0], +1: [0.0, 0.0, 1.0], "mostly +1": [0.1, 0.2, 0.7]}


@pytest.mark.parametrize("s, at, expected", [
    (+1, 1, [0, 0, 1, 0]),
    (+1, 3, [1, 0, 0, 0]),  # wraps past the last slot
    (-1, 1, [1, 0, 0, 0]),
    (-1, 0, [0, 0, 0, 1]),  # wraps below the first
    (0, 2, [0, 0, 1, 0]),
    ("mostly +1", 1, [0.1, 0.2, 0.7, 0]),
    ("mostly +1", 0, [0.2, 0.7, 0, 0.1]),
    ("mostly +1", 3, [0.7, 0, 0.1, 0.2]),
])  # fmt: skip
def test_shift_moves_the_way_of_equation_8(s, at, expected):
    w_s = shift(torch.eye(4)[None, at : at + 1], torch.tensor([[s_by[s]]]))
    assert_close(w_s[0, 0], torch.tensor(expected, dtype=torch.float32))


def test_shift_of_two_and_of_none():
    w = torch.eye(5)[None, :1]
    assert_close(shift(w, torch.tensor([[[0.0, 0.0, 0.0, 0.0, 1.0]]]))[0, 0], torch.eye(5)[2])
    assert_close(shift(w, torch.tensor([[[0.5, 0.0, 0.0, 0.3, 0.2]]]))[0, 0],
                 torch.tensor([0.0, 0.3, 0.2, 0.5, 0.0]))
    assert torch.equal(shift(w, torch.ones(1, 1, 1)), w)


def test_limits():
    c = case(2, 2, 2, 6, 3, 1)
    c.M, c.k = torch.randn_like(c.M), torch.randn_like(c.k)
    # β = 0: everywhere alike
    assert_close(content(c.M, c.k, torch.zeros_like(c.β)), torch.full_like(c.w, 1 / 6))
    best = torch.nn.functional.one_hot(similarity(c.M, c.k).argmax(-1), 6)
    # β huge: the most similar slot
    assert_close(content(c.M, c.k, torch.full_like(c.β, 1e6)), best.double())
    w_c = content(c.M, c.k, torch.ones_like(c.β))
    assert torch.equal(interpolate(w_c, c.w, torch.ones_like(c.g)), w_c)
    assert torch.equal(interpolate(w_c, c.w, torch.zeros_like(c.g)), c.w)
    assert_close(sharpen(w_c, torch.ones_like(c.γ)), w_c)  # γ = 1: as it was
    peak = torch.nn.functional.one_hot(w_c.argmax(-1), 6)
    assert_close(sharpen(w_c, torch.full_like(c.γ, 1e5)), peak.double())
    assert_close(sharpen(torch.tensor([[[0.6, 0.3, 0.1]]]), torch.tensor([[2.0]]))[0, 0],
                 torch.tensor([36.0, 9.0, 1.0]) / 46)


@pytest.mark.parametrize("N", [1, 2, 3, 128, 1000])
@pytest.mark.parametrize("γ", [1.0, 9.0, 12.0, 100.0])
def test_sharpening_never_loses_mass(N, γ):
    generator = torch.Generator().manual_seed(N)
    for w in [torch.full((N,), 1 / N), torch.eye(N)[0],
              torch.softmax(3 * torch.randn(N, generator=generator), -1)]:
        w.requires_grad_()
        sharp = sharpen(w[None, None], torch.full((1, 1), γ, requires_grad=True))
        assert sums_to_one(sharp)
        sharp.square().sum().backward()
        assert torch.isfinite(w.grad).all()
        if w.min() == w.max():
            assert_close(sharp[0, 0], w)  # uniform stays uniform
        if N > 1 and w.min() == 0:
            # zeros stay out, but for the floor under the logarithm
            assert sharp[0, 0, 1:].max() < 1e-11


@pytest.mark.parametrize("N, reach", [(1, 0), (2, 0), (2, 1), (3, 1), (16, 2)])
def test_after_500_steps_a_weighting_still_sums_to_one(N, reach):
    generator = torch.Generator().manual_seed(0)
    w = torch.eye(N)[None, :1]
    for step in range(500):
        c = case(step, 1, 1, N, 3, reach, torch.float32)
        c.γ = 1 + torch.rand(1, 1, generator=generator) * (99 if step % 2 else 0.1)
        w = address(c.M, c.k, c.β, c.g, c.s, c.γ, w)
        assert sums_to_one(w), step


def test_a_sharp_head_walks_500_steps_without_blurring():
    w, s = torch.eye(8)[None, :1], torch.softmax(torch.tensor([[[0.0, 0.0, 6.0]]]), -1)
    for _ in range(500):
        w = sharpen(shift(w, s), torch.tensor([[10.0]]))
    assert w[0, 0].argmax() == 500 % 8 and w.max() > 0.999


# gradients

@pytest.mark.parametrize("f, names", [
    (similarity, "M k"), (content, "M k β"), (interpolate, "w w g"), (shift, "w s"),
    (sharpen, "w γ"), (address, "M k β g s γ w")
])  # fmt: skip
def test_gradients(f, names):
    c = smooth(reach=1)
    inputs = [getattr(c, name) for name in names.split()]
    if f is interpolate:
        inputs[0] = torch.softmax(torch.randn_like(c.w), -1).detach().requires_grad_()
    assert torch.autograd.gradcheck(f, inputs)


@pytest.mark.parametrize("M, k", [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (1e-6, 1e-6)])
def test_zero_rows_and_zero_keys_have_small_gradients(M, k):
    M, k = torch.full((1, 3, 4), M, requires_grad=True), torch.full((1, 1, 4), k,
                                                                    requires_grad=True)
    similarity(M, k).sum().backward()
    for gradient in (M.grad, k.grad):
        assert torch.isfinite(gradient).all() and gradient.abs().max() < 1e4


def test_gradients_through_exact_zeros_are_finite():
    c = case(3, 1, 2, 5, 3, 1, torch.float32)
    inputs = [torch.zeros_like(c.M), torch.zeros_like(c.k), c.β, torch.zeros_like(c.g),
              torch.tensor([s_by[0], s_by[+1]])[None],
              torch.tensor([[1.0, 100.0]]), torch.eye(5)[None, :2]]  # fmt: skip
    inputs = [value.clone().requires_grad_() for value in inputs]
    address(*inputs).square().sum().backward()
    assert all(torch.isfinite(value.grad).all() for value in inputs)
