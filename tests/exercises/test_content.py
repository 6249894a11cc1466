"""The checkers of the content chapter refuse wrong answers with a sentence, and accept right ones."""

import math

import pytest
import torch

from ntm.addressing import content
from ntm.exercises import content as check


def dot(M, k):
    return torch.softmax(k @ M.transpose(-1, -2) / k.shape[-1] ** 0.5, dim=-1)


def known_only(M, k, β, known, ε=1e-6):
    rows, keys = M.unsqueeze(1) * known.unsqueeze(2), (k * known).unsqueeze(2)
    lengths = ((rows.square().sum(-1) + ε) * (keys.square().sum(-1) + ε)).sqrt()
    return torch.softmax(β.unsqueeze(-1) * (rows * keys).sum(-1) / lengths, dim=-1)


WRONG = [
    (check.key_between, (...,), "two numbers"),
    (check.key_between, ("north",), "two numbers"),
    (check.key_between, ((0.0, 0.0),), "largest"),
    (check.key_between, ((-2.0, -1.0),), "largest"),
    (check.key_between, ((4.0, 4.0),), "Half way"),
    (check.key_between, ((3.0, 1.0),), "should be equal"),
    (check.strength_for, (lambda N, p: None,), "None"),
    (check.strength_for, (lambda N, p: math.log(p / (1 - p)),), "right row gets"),
    (check.strength_for, (lambda N, p: 1 / 0,), "ZeroDivisionError"),
    (check.content_of_known, (lambda M, k, β, known: None,), "None"),
    (check.content_of_known, (lambda M, k, β, known: content(M, k, β),), "known columns"),
    (check.content_of_known, (lambda M, k, β, known: content(M, k * known, β),), "known columns"),
    (check.content_of_known, (lambda M, k, β, known: known_only(M, k, β, known, ε=0.0),), "NaN"),
    (check.content_of_known, (lambda M, k, β, known: known_only(M, k, 1, known),), "AttributeError"),
    (check.content_of_known, (lambda M, k, β, known: known_only(M, k, 0 * β, known),), "equation 5"),
    (check.content_of_known, (lambda M, k, β, known: M,), "[2, 6, 5]"),
    (check.attention, (lambda M, k: None, ...), "None"),
    (check.attention, (lambda M, k: k @ M.transpose(-1, -2), 1), "sum to 1"),
    (check.attention, (lambda M, k: torch.softmax(k @ M.transpose(-1, -2), -1), 1), "root of the width"),
    (check.attention, (dot, 0), "largest weight"),
    (check.attention, (dot, ...), "largest weight"),
    (check.shared_direction, (...,), "dictionary"),
    (check.shared_direction, ({0: 9.0},), "three offsets"),
    (check.shared_direction, ({0: 9.0, 1: None, 2: 48},), "numbers"),
    (check.shared_direction, ({0: 9.0, 1: 9.0, 2: 9.0},), "at offset 1"),
]
RIGHT = [
    (check.key_between, ((2.0, 1.0),)),
    (check.key_between, (torch.tensor([1.6, 0.8]),)),
    (check.strength_for, (lambda N, p: math.log(p * (N - 1) / (1 - p)),)),
    (check.content_of_known, (known_only,)),
    (check.attention, (dot, 1)),
    (check.shared_direction, ({0: 9.0, 1: 17.0, 2: 48.0},)),
]


@pytest.mark.parametrize("checker, answer, reason", WRONG)
def test_a_wrong_answer_is_refused_with_a_reason(checker, answer, reason, capsys):
    assert checker(*answer) is False
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ") and reason in said


@pytest.mark.parametrize("checker, answer", RIGHT)
def test_a_right_answer_is_accepted(checker, answer, capsys):
    assert checker(*answer) is True
    assert capsys.readouterr().out.startswith("Correct: ")
