"""The checkers of the sharpening chapter take right answers, and refuse wrong ones with a sentence."""

import math

import pytest
import torch

from ntm.addressing import sharpen
from ntm.exercises import sharpening as check


def raises(*_):
    raise RuntimeError("a reader's mistake")


def settings(**changed):
    return dict(β=50.0, g=1.0, s=[0, 0.2, 0.8], γ=5.0) | changed


RIGHT = [
    (check.by_hand, [0.78, 0.2, 0, 0.02]),
    (check.by_hand, torch.tensor([36.0, 9, 0, 1]) / 46),
    (check.which_exponent, 6.61),
    (check.which_exponent, math.log2(98)),
    (check.undo, lambda w, γ: sharpen(w, 1 / γ)),
    (check.find_and_step, settings()),
    (check.find_and_step, settings(β=40, g=1, s=torch.tensor([0.1, 0.1, 0.8]), γ=torch.tensor(4.0))),
    (check.smallest_exponents, {0.95: 1.16, 0.9: 1.32, 0.8: 1.68}),
]
WRONG = [
    (check.by_hand, ..., "four numbers"),
    (check.by_hand, None, "four numbers"),
    (check.by_hand, [0.36, 0.09, 0, 0.01], "squares"),
    (check.by_hand, [0.6, 0.3, 0, 0.1], "sum to 1.00"),
    (check.which_exponent, ..., "one number"),
    (check.which_exponent, "two", "one number"),
    (check.which_exponent, 2.0, "0.667"),
    (check.which_exponent, 5.61, "0.961"),
    (check.undo, None, "function"),
    (check.undo, lambda w, γ: None, "None"),
    (check.undo, raises, "mistake"),
    (check.undo, lambda w, γ: w[0], "shape"),
    (check.undo, lambda w, γ: w ** (1 / γ.unsqueeze(-1)), "sum to 1"),
    (check.undo, lambda w, γ: sharpen(w, -γ), "off by"),
    (check.undo, lambda w, γ: w, "off by"),
    (check.find_and_step, ..., "dictionary"),
    (check.find_and_step, {"β": 1}, "dictionary"),
    (check.find_and_step, settings(β=...), "one number each"),
    (check.find_and_step, settings(s=[0.2, 0.8]), "three"),
    (check.find_and_step, settings(s=[0, 0, 1.0]), "none may exceed"),
    (check.find_and_step, settings(g=2.0), "0 to 1"),
    (check.find_and_step, settings(γ=0.5), "at least 1"),
    (check.find_and_step, settings(g=0.0), "after the match"),
    (check.find_and_step, settings(s=[0.8, 0.2, 0]), "after the match"),
    (check.find_and_step, settings(γ=1.0), "after the match"),
    (check.smallest_exponents, None, "dictionary"),
    (check.smallest_exponents, {0.95: ..., 0.9: ..., 0.8: ...}, "0.95"),
    (check.smallest_exponents, {0.95: 1.16, 0.9: 1.2, 0.8: 1.68}, "only"),
    (check.smallest_exponents, {0.95: 1.16, 0.9: 1.32, 0.8: 3.0}, "smaller γ will do"),
]


@pytest.mark.parametrize("checker, answer", RIGHT)
def test_right_answers_pass(checker, answer, capsys):
    assert checker(answer) is True
    assert capsys.readouterr().out.startswith("Correct: ")


@pytest.mark.parametrize("checker, answer, reason", WRONG)
def test_wrong_answers_are_refused_with_the_reason(checker, answer, reason, capsys):
    assert checker(answer) is False
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ") and reason in said
