"""Every checker of the writing chapter accepts a right answer and refuses wrong ones with a reason."""

import pytest
import torch

from ntm.exercises import writing
from ntm.memory import add, erase, read


def overwrite(M, i, v, e=1.0):
    w = torch.eye(M.shape[1])[i].view(1, 1, -1)
    return add(erase(M, w, torch.full((1, 1, M.shape[2]), e)), w, v.view(1, 1, -1))


def in_place(M, i, v):
    M[0, i] = v
    return M


def average(η):
    return lambda x: torch.full_like(x, η), lambda x: η * x


def swap(M, i, j):
    w = torch.eye(M.shape[1])[[i, j]][None]
    r = read(M, w)
    return add(erase(M, w, torch.ones_like(r)), w, r.flip(1))


def copied_both(M, i, j):
    M[0, i] = M[0, j]
    M[0, j] = M[0, i]
    return M


RIGHT = [
    (writing.by_hand, ([3, 5.5],)),
    (writing.overwrite, (overwrite,)),
    (writing.overwrite, (in_place,)),
    (writing.average, (average,)),
    (writing.average, (lambda η: (lambda x: [η, η], lambda x: [η * float(x[0]), η * float(x[1])]),)),
    (writing.swap, (swap,)),
]
WRONG = [
    (writing.by_hand, ([..., ...],), "two numbers"),
    (writing.by_hand, ([2.0, 1.0],), "weight is 1/2"),
    (writing.by_hand, ([3.0, 6.0],), "column 1"),
    (writing.overwrite, (lambda M, i, v: None,), "shape [1, 5, 3]"),
    (writing.overwrite, (lambda M, i, v: overwrite(M, i, v, 0.0),), "sum of old and new"),
    (writing.overwrite, (lambda M, i, v: overwrite(M, i, v, 0.5),), "slot 3 should hold"),
    (writing.overwrite, (lambda M, i, v: v.expand_as(M),), "another slot"),
    (writing.overwrite, (lambda M, i, v: overwrite(M, 3, v),), "another slot"),
    (writing.overwrite, (lambda M, i, v: M @ v.view(1, 1, 3),), "RuntimeError"),
    (writing.average, (None,), "TypeError"),
    (writing.average, (lambda η: None,), "two functions"),
    (writing.average, (lambda η: (lambda x: None, lambda x: None),), "erase vector for"),
    (writing.average, (lambda η: (lambda x: torch.full_like(x, η), lambda x: None),), "add vector for"),
    (writing.average, (lambda η: (lambda x: torch.full_like(x, 1 - η), lambda x: η * x),), "must keep"),
    (writing.average, (lambda η: (lambda x: torch.full_like(x, η), lambda x: x),), "must gain"),
    (writing.average, (lambda η: (lambda x: η * x, lambda x: η * x),), "between 0 and 1"),
    (writing.swap, (lambda M, i, j: None,), "shape [1, 5, 3]"),
    (writing.swap, (lambda M, i, j: M,), "nothing has changed"),
    (writing.swap, (copied_both,), "slot 3 should hold"),
    (writing.swap, (lambda M, i, j: swap(M, 1, 3),), "after swap(M, 4, 0)"),
]


@pytest.mark.parametrize("checker, answer", RIGHT)
def test_right_answers_pass(checker, answer, capsys):
    assert checker(*answer) is True
    assert capsys.readouterr().out.startswith("Correct: ")


@pytest.mark.parametrize("checker, answer, reason", WRONG)
def test_wrong_answers_are_refused_with_a_reason(checker, answer, reason, capsys):
    assert checker(*answer) is False
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ") and reason in said and said.count("\n") == 1
