"""A tree of many levels: it tiles, grows at its end alone, and its coarsest focus stays small."""

import pytest
import torch

from ntm.focus import data
from ntm.focus.data import F, K
from ntm.focus.model import LM
from ntm.focus.scale import Tower, cover, open_to


def tokens_of(focus):
    """First and last token of every entry."""
    return [
        (n * K * F ** (level - 1), (n + 1) * K * F ** (level - 1)) if level else (n, n + 1)
        for level, n in focus
    ]


@pytest.mark.parametrize("blocks", [1, 7, 8, 9, 64, 73, 511, 512, 513, 12800])
def test_the_coarsest_focus_tiles_and_is_small(blocks):
    spans = tokens_of(cover(blocks))
    assert (
        spans[0][0] == 0
        and spans[-1][1] == blocks * K
        and all(a[1] == b[0] for a, b in zip(spans, spans[1:]))
    )
    digits = 0
    n = blocks
    while n:
        digits, n = digits + n % F, n // F
    assert len(spans) == digits


@pytest.mark.parametrize("block", [0, 100, 511, 599])
def test_any_block_can_be_opened_and_the_rest_stays_coarse(block):
    focus = open_to(cover(600), block)
    spans = tokens_of(focus)
    assert (
        spans[0][0] == 0
        and spans[-1][1] == 4800
        and all(a[1] == b[0] for a, b in zip(spans, spans[1:]))
    )
    assert [n for level, n in focus if level == 0] == list(range(block * K, block * K + K))
    assert len(focus) <= len(cover(600)) + 4 * (F - 1)


def test_a_tower_grown_block_by_block_is_the_one_made_at_once_and_the_tree_of_two_levels():
    lm, blocks = LM(seed=1), data.text()[: 100 * K].view(-1, K)
    once, slowly = Tower(lm, 800).append(blocks), Tower(lm, 800)
    for some in blocks.split(3):
        before = [rows[:n].clone() for rows, n in zip(slowly.levels, slowly.length)]
        slowly.append(some)
        assert all(torch.equal(old, rows[: len(old)]) for old, rows in zip(before, slowly.levels))
    assert once.length == slowly.length == [100, 12, 1]
    assert all(
        torch.allclose(a.float(), b.float(), atol=2e-3) for a, b in zip(once.levels, slowly.levels)
    )
    table = lm.table(data.text()[None, : 64 * 12])[0].view(12, -1, 64)
    assert torch.allclose(once.levels[1][:12].float(), table[:, 0], atol=5e-3)
    assert torch.allclose(
        once.levels[0][:96].float().view(12, F, -1), table[:, 1 :: K + 1], atol=5e-3
    )
    assert once.bytes() == 2 * 64 * 113 + 800
