"""The checkers of the chapter on a focus that moves take right answers, and refuse wrong ones."""

import pytest
import torch

from ntm.exercises import focus_that_moves as check


def opens(scores, previous):
    return torch.sigmoid(8 * (scores.amax(-1) - 1.2))


def falls(scores, previous):
    best = scores.amax(-1)
    return (best >= 1).float() - 0.05 * (best > 2.9).float()


WRONG = [
    (check.neighbour, ..., "one number"), (check.neighbour, 1, "price"),
    (check.neighbour, 1.95, "itself"), (check.neighbour, 0.5, "0.5"),
    (check.gate, None, "raised"), (check.gate, lambda s, p: None, "[B]"),
    (check.gate, lambda s, p: s.amax(-1), "within"),
    (check.gate, lambda s, p: torch.ones(len(s)), "forgets"),
    (check.gate, lambda s, p: torch.zeros(len(s)), "late"),
    (check.gate, falls, "falls"),
    (check.gate, lambda s, p: torch.sigmoid(8 * (p.amax(-1) - 1.2)), ""),
]  # fmt: skip


@pytest.mark.parametrize("checker, answer", [(check.neighbour, 0.95), (check.gate, opens)])
def test_right(checker, answer, capsys):
    assert checker(answer) is True
    assert capsys.readouterr().out.startswith("Correct: ")


@pytest.mark.parametrize("checker, answer, word", WRONG)
def test_wrong(checker, answer, word, capsys):
    assert checker(answer) is False
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ") and word in said and said.count("\n") == 1
