"""Measures, on histories made by hand."""

import math

import torch

from ntm.focus import measures


def history(*rows, blocks=6):
    shown = torch.zeros(1, len(rows), blocks, dtype=torch.bool)
    for t, row in enumerate(rows):
        shown[0, t, list(row)] = True
    return shown


def test_a_scan_is_sequential_and_a_still_focus_is_stable():
    assert measures.sequential(history([0], [1], [2], [3])) == 1
    assert measures.sequential(history([3], [2], [1], [0])) == -1
    assert measures.sequential(history([2], [2], [2])) == 0
    assert (measures.stability(history([2, 4], [2, 4])) == 1
            and measures.stability(history([0], [1])) == 0)
    assert math.isclose(measures.stability(history([0, 1], [1, 2])), 1 / 3, rel_tol=1e-6)
    assert measures.stability(history([], [])) == 1


def test_locality():
    assert measures.locality(history([1, 2, 3])) == 1 and measures.locality(history([0, 2, 4])) == 0
    assert measures.locality(history([0, 1, 4], [5])) == 0.5
    assert math.isnan(measures.locality(history([3])))


def test_a_flicker_reverses_and_does_not_stay():
    done = torch.zeros(1, 8, 3, dtype=torch.long)
    done[0, ::2, 1], done[0, 1::2, 1] = 1, -1
    assert (measures.actions(done) == 1 and measures.reversals(done) == 7 / 8
            and measures.residency(done) == 1)
    assert measures.swap_rate(done, 4) == 0.25
    done = torch.zeros(1, 8, 3, dtype=torch.long)
    done[0, 0, 0], done[0, 6, 0], done[0, 3, 2] = 1, -1, 1
    assert measures.reversals(done) == 0 and measures.residency(done) == 6


def test_the_differentiable_twins():
    p = history([0], [1], [1]).float()
    assert math.isclose(measures.change(p).item(), 2 / 12, rel_tol=1e-6)
    assert measures.fragments(torch.ones(1, 2, 6)) == 0 < measures.fragments(p)
