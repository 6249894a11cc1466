"""The allocator under hostile scores: after every single action all invariants of the original
hold."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ntm
from ntm.focus import tree
from ntm.focus.allocator import Allocator, fit_kernel, settle, sharpen, smooth, spread, to_blocks
from ntm.focus.data import F

C = 3
hostile = st.one_of(
    st.floats(-1e30, 1e30, allow_nan=False),
    st.sampled_from([0.0, 0.1, -0.1, 0.05, -0.05, 1e-30, 3e38, -3e38]))
scores = st.lists(hostile, min_size=C * F,
                  max_size=C * F).map(lambda s: torch.tensor([s], dtype=torch.float32))


@given(st.lists(scores, min_size=1, max_size=6), st.integers(C, 60), st.integers(0, 3))
@settings(max_examples=120, deadline=None)
def test_invariants_hold_after_every_action(sequence, W_max, cooldown):
    allocator = Allocator(1, C, W_max, N_diff=1, cooldown=cooldown)
    last = {}  # node: (refocus, direction)
    for t, s in enumerate(sequence):
        for _ in range(4):
            waiting, before = allocator.wait.clone(), tree.visible(allocator.e2, allocator.e1)
            allocator.act(s)
            tree.check(allocator.e2, allocator.e1, W_max)
            changed = allocator.done[0].nonzero()[:, 0].tolist()
            assert len(changed) <= 1
            if not changed:
                assert torch.equal(before, tree.visible(allocator.e2, allocator.e1))
            for node in changed:
                way = int(allocator.done[0, node])
                assert waiting[0, node] == 0
                # no node is turned back within its cooldown, and none goes the same way twice
                if node in last:
                    assert last[node][1] == -way
                    assert t - last[node][0] > cooldown or cooldown == 0
                last[node] = (t, way)
                grown = int(tree.cost(allocator.e2, allocator.e1)) - int(before.sum())
                assert grown == 7 * way  # one node whole, never a part of one
        allocator.tick()


@given(st.lists(scores, min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_n_diff_actions_a_call_at_most_and_the_same_twice(sequence):
    one, two = Allocator(1, C, 24), Allocator(1, C, 24)
    for s in sequence:
        one.act(s).tick()
        two.act(s.clone()).tick()
        assert one.done.ne(0).sum() <= 2
        assert torch.equal(one.e1, two.e1) and torch.equal(one.e2, two.e2)


@pytest.mark.parametrize("bad", [float("inf"), float("nan"), -float("inf")])
def test_scores_that_are_not_finite_are_refused(bad):
    s = torch.zeros(1, C * F)
    s[0, 4] = bad
    with pytest.raises(ValueError, match="finite"):
        Allocator(1, C).act(s)


def test_a_budget_below_the_coarsest_focus_is_refused():
    with pytest.raises(ValueError, match="W_max is 2"):
        Allocator(1, C, 2)


def test_of_equal_scores_the_newest_is_opened_and_the_oldest_closed():
    allocator = Allocator(1, C, 60, N_diff=1)
    assert allocator.act(torch.ones(1, C * F)).done[0].nonzero().item() == C - 1
    e2, e1 = tree.show(1, C, torch.tensor([[2, 17]]))
    allocator = Allocator(1, C, 60, N_diff=1, focus=(e2, e1))
    assert allocator.act(-torch.ones(1, C * F)).done[0].nonzero().item() == C + 2


def test_inside_the_dead_band_nothing_moves():
    e2, e1 = tree.show(1, C, torch.tensor([[2, 17]]))
    allocator = Allocator(1, C, 60, focus=(e2.clone(), e1.clone()))
    for t in range(20):  # a flicker of half a threshold
        allocator.act(torch.full((1, C * F), 0.05 if t % 2 else -0.05)).tick()
    assert torch.equal(allocator.e1, e1) and torch.equal(allocator.e2, e2)


def test_a_full_budget_swaps_only_with_a_margin():
    for lead, moves in [(0.15, False), (0.25, True)]:
        e2, e1 = tree.show(1, 1, torch.tensor([[0]]))
        allocator = Allocator(1, 1, 15, focus=(e2, e1))
        s = torch.full((1, F), -0.05)
        s[0, 0], s[0, 5] = 1.0, 1.0 + lead
        allocator.act(s)
        assert bool(allocator.e1[0, 0, 5]) == moves


def test_a_score_that_flips_is_held_by_the_cooldown():
    def count(cooldown):
        allocator, actions = Allocator(1, 1, 15, N_diff=1, cooldown=cooldown), 0
        for t in range(24):
            actions += int(allocator.act(torch.full((1, F), 1.0 if t % 2
                                                    else -1.0)).done.ne(0).sum())
            allocator.tick()
        return actions

    assert count(0) > 1.5 * count(2)


def test_expand_then_collapse_gives_everything_back():
    allocator = Allocator(1, C, 60, N_diff=1, cooldown=0)
    s = torch.full((1, C * F), -0.05)
    s[0, 3] = 2.0
    before = int(tree.cost(allocator.e2, allocator.e1))
    allocator.act(s).act(s).tick()
    assert (allocator.e1.flatten(1).nonzero().tolist() == [[0, 3]]
            and int(tree.cost(allocator.e2, allocator.e1)) == before + 14)
    allocator.act(-s - 1).act(-s - 1)
    assert (not allocator.e2.any() and not allocator.e1.any()
            and int(tree.cost(allocator.e2, allocator.e1)) == before)


@given(st.lists(st.integers(-20, 20), min_size=F, max_size=F, unique=True), st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_greedy_is_the_best_there_is_for_gains_that_add_up(values, n):
    s = torch.tensor([values]).float()
    allocator = Allocator(1, 1, 8 + 7 * n, N_diff=20, focus=tree.show(1, 1, torch.tensor([[-1]])))
    allocator.e2[:] = True
    allocator.act(s)
    got = s[0][allocator.e1[0, 0]].sum().item()
    best = max(sum(c) for k in range(n + 1) for c in itertools.combinations(values, k))
    assert got == best


def test_smooth_is_equation_7():
    a, b = torch.randn(4, 10), torch.randn(4, 10)
    assert torch.equal(smooth(a, b, 1.0), a) and torch.equal(smooth(a, b, 0.0), b)
    g = torch.rand(4)
    assert torch.allclose(smooth(a, b, g), ntm.addressing.interpolate(a, b, g))
    assert torch.allclose(smooth(a, b, g), smooth(a, b, g[:, None].expand(4, 10)))


def test_spread_is_equation_8_with_ends():
    s, unit = torch.randn(2, 12), torch.zeros(1, 12)
    unit[0, 4] = 1
    assert torch.equal(spread(s, (0, 1, 0)), s)
    assert spread(unit, (0, 0, 1)).argmax() == 5 and spread(unit, (1, 0, 0)).argmax() == 3
    assert torch.allclose(spread(torch.ones(1, 12), (0.25, 0.5, 0.25)), torch.ones(1, 12))
    circle = ntm.addressing.shift(s, torch.tensor([0.2, 0.5, 0.3]).expand(2, 3))
    # only the ends differ
    assert torch.allclose(spread(s, (0.2, 0.5, 0.3))[:, 1:-1], circle[:, 1:-1], atol=1e-6)


def test_sharpen_keeps_order_and_sign():
    s = torch.linspace(-2, 2, 9)[None]
    assert torch.allclose(sharpen(s, 1), s)
    for γ in (0.5, 2, 4):
        sharp = sharpen(s, γ)
        assert torch.equal(sharp.sign(), s.sign()) and torch.equal(sharp.argsort(-1), s.argsort(-1))


def test_fit_kernel_finds_the_kernel():
    s = torch.randn(30, 16)
    kernel = fit_kernel(s, spread(s, (0.1, 1.0, 0.7)) + 0.3)
    assert torch.allclose(kernel, torch.tensor([0.1, 1.0, 0.7, 0.3]), atol=1e-4)


def test_to_blocks():
    e2, e1 = tree.show(1, 2, torch.tensor([[1]]))
    idx, ok = tree.index(tree.visible(e2, e1))
    lod, start, _ = tree.layout(2)
    values = torch.where(lod[idx] == 2, 5.0, torch.where(lod[idx] == 1, 2.0, start[idx].float()))
    assert to_blocks(values, idx, e2, e1)[0].tolist() == [2, 11.5, 2, 2, 2, 2, 2, 2] + [5] * 8


def test_blocks_revealed_by_an_action_wait_for_a_score_of_their_own():
    s = torch.full((1, C * F), -0.05)
    s[0, 8:16] = 4.0  # what a closed node lends its blocks says nothing about which of them
    allocator = Allocator(1, C, 60).act(s)
    assert allocator.e2.tolist() == [[False, True, False]] and not allocator.e1.any()


def test_settle_scores_again_between_its_passes():
    seen = []
    s = torch.zeros(1, C * F)
    s[0, 9] = 3.0
    settle(Allocator(1, C, 40), lambda e2, e1: seen.append(int(e2.sum())) or s)
    assert seen == [0, 1]
