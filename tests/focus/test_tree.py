"""The tree and its focuses: rows, cover, cost, alignment, and what grows."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ntm.focus import tree
from ntm.focus.data import F, K


def focus(B, C, seed):
    """Any focus at all: nodes open by chance, blocks shown by chance under those."""
    generator = torch.Generator().manual_seed(seed)
    e2 = torch.rand(B, C, generator=generator) < 0.5
    return e2, (torch.rand(B, C, F, generator=generator) < 0.4) & e2[..., None]


def test_rows_come_in_the_order_of_a_walk():
    lod, start, span = tree.layout(2)
    assert len(lod) == 2 * tree.ROWS == 146
    assert (lod[:11].tolist() == [2, 1] + [0] * 8 + [1]
            and start[:11].tolist() == [0, 0, *range(8), 8])
    assert start[73] == 64 and lod[73] == 2 and span[lod == 2].unique().tolist() == [64]
    assert (span[lod == 1].unique().tolist() == [8]
            and torch.equal(start[lod == 0], torch.arange(128)))


def test_the_layout_only_grows_at_its_end():
    for a, b in zip(tree.layout(3), tree.layout(5)):
        assert torch.equal(a, b[: len(a)])


@given(C=st.integers(1, 5), seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_every_focus_tiles_the_stream_once(C, seed):
    e2, e1 = focus(4, C, seed)
    tree.check(e2, e1)
    _, start, span = tree.layout(C)
    for shown in tree.visible(e2, e1):
        times = torch.zeros(C * F * K)
        for s, n in zip(start[shown].tolist(), span[shown].tolist()):
            times[s : s + n] += 1
        assert (times == 1).all()


@given(C=st.integers(1, 5), seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_index_puts_what_is_shown_last_and_in_order(C, seed):
    e2, e1 = focus(5, C, seed)
    shown = tree.visible(e2, e1)
    idx, ok = tree.index(shown)
    for b in range(5):
        assert torch.equal(idx[b, ok[b]], shown[b].nonzero()[:, 0])
        assert (ok[b].long().diff() >= 0).all()  # padding on the left only


@given(seed=st.integers(0, 10**6), W_max=st.integers(4, 200))
@settings(max_examples=60, deadline=None)
def test_fill_never_exceeds_the_budget_and_shows_the_first_that_fits(seed, W_max):
    order = torch.rand(3, 32, generator=torch.Generator().manual_seed(seed)).argsort(-1)
    e2, e1 = tree.fill(order, *tree.nothing(3, 4), W_max)
    tree.check(e2, e1, W_max)
    if W_max >= 4 + 14:
        assert e1.flatten(1)[torch.arange(3), order[:, 0]].all()


def test_show():
    e2, e1 = tree.show(2, 2, torch.tensor([[3, -1], [3, 9]]))
    assert e1.flatten(1).nonzero().tolist() == [[0, 3], [1, 3], [1, 9]]
    assert e2.tolist() == [[True, False], [True, True]]


def test_check_names_what_is_wrong():
    e2, e1 = tree.nothing(1, 2)
    e1[0, 1, 3] = True  # a block in detail under a closed node
    with pytest.raises(ValueError, match="levels"):
        tree.check(e2, e1)
    with pytest.raises(ValueError, match="budget"):
        tree.check(*tree.everything(1, 2), W_max=127)
    tree.check(*tree.everything(1, 2), W_max=128)


@pytest.mark.parametrize("wrong, name", [("twice", "cover"), ("gap", "cover"), ("shift", "cover")])
def test_check_sees_a_gist_over_the_wrong_tokens(monkeypatch, wrong, name):
    right = tree.visible

    def broken(e2, e1):
        shown = right(e2, e1)
        if wrong == "twice":
            shown[0, 0] = True  # the node's gist beside its blocks
        elif wrong == "gap":
            shown[0, 1] = False
        else:
            shown[0, 1], shown[0, 2] = False, True
        return shown

    monkeypatch.setattr(tree, "visible", broken)
    e2, e1 = tree.nothing(1, 1)
    e2[:] = True
    with pytest.raises(ValueError, match=name):
        tree.check(e2, e1)
