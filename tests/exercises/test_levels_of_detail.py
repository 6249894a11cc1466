"""The checkers of the chapter on levels of detail take right answers, and refuse wrong ones."""

import pytest
import torch

from ntm.exercises import levels_of_detail as check
from ntm.focus import tree


def window(B, C, first, last):
    return tree.show(B, C, torch.arange(first, last + 1).expand(B, -1))


def no_node(B, C, first, last):
    e2, e1 = window(B, C, first, last)
    return torch.zeros_like(e2), e1


def all_nodes(B, C, first, last):
    e2, e1 = window(B, C, first, last)
    return torch.ones_like(e2), e1


def too_few(B, C, first, last):
    return window(B, C, first, max(first, last - 1))


WRONG = [
    (check.budget, ..., "one number"), (check.budget, 28, "same node"),
    (check.budget, 21, "one block"), (check.budget, 30, "30"),
    (check.window, None, "raised"), (check.window, lambda *_: None, "two"),
    (check.window, lambda *_: (1, 2), "shape"), (check.window, no_node, "not open"),
    (check.window, too_few, "no others"), (check.window, all_nodes, "stay closed"),
]  # fmt: skip


@pytest.mark.parametrize("checker, answer", [(check.budget, 35), (check.window, window)])
def test_right(checker, answer, capsys):
    assert checker(answer) is True
    assert capsys.readouterr().out.startswith("Correct: ")


@pytest.mark.parametrize("checker, answer, word", WRONG)
def test_wrong(checker, answer, word, capsys):
    assert checker(answer) is False
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ") and word in said and said.count("\n") == 1
