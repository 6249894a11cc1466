"""Every checker of the reading chapter accepts a right answer and refuses wrong ones with a reason."""

import pytest
import torch

from ntm.exercises import reading


def between(N, position):
    low, w = int(position), torch.zeros(N)
    w[low] += 1 - (position - low)
    w[(low + 1) % N] += position - low
    return w


def without_wrap(N, position):
    return between(N + 1, position)[:N]


def is_weighting(w):
    return bool((w >= 0).all() and ((w.sum(-1) - 1).abs() <= 1e-5).all())


RIGHT = [
    (reading.by_hand, ([2.75, 4],)),
    (reading.by_hand, (torch.tensor([2.75, 4.0]),)),
    (reading.two_ways, ([0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5])),
    (reading.is_weighting, (is_weighting,)),
    (reading.is_weighting, (lambda w: (w >= 0).all() and torch.allclose(w.sum(-1), torch.ones(w.shape[:-1]), atol=1e-5),)),
    (reading.between, (between,)),
]
WRONG = [
    (reading.by_hand, ([..., ...],), "two numbers"),
    (reading.by_hand, ([float("nan"), 4.0],), "two numbers"),
    (reading.by_hand, ([11.0, 16.0],), "column 0"),
    (reading.by_hand, ([2.75, 4.5],), "column 1"),
    (reading.two_ways, ([..., ..., ..., ...],) * 2, "first weighting is four numbers"),
    (reading.two_ways, ([0.5, 0, 0.5, 0],) * 2, "the same"),
    (reading.two_ways, ([0.5, 0, 0.5, 0], [1, 0.5, -0.5, 0]), "equation (1)"),
    (reading.two_ways, ([0.5, 0, 0.5, 0], [0.5, 0.5, 0, 0]), "second weighting reads (1, 1)"),
    (reading.is_weighting, (None,), "raised"),
    (reading.is_weighting, (lambda w: None,), "equal shares"),
    (reading.is_weighting, (lambda w: w,), "one True or False"),
    (reading.is_weighting, (lambda w: True,), "negative"),
    (reading.is_weighting, (lambda w: bool((w.sum(-1) - 1).abs().max() < 1e-5),), "negative"),
    (reading.is_weighting, (lambda w: bool((w >= 0).all()),), "1.2"),
    (reading.is_weighting, (lambda w: is_weighting(w.flatten(0, -2)[0]),), "second"),
    (reading.is_weighting, (lambda w: bool((w >= 0).all()) and abs(w.sum(-1).mean() - 1) < 1e-5,), "mean"),
    (reading.is_weighting, (lambda w: bool((w >= 0).all() and (w.sum(-1) == 1).all()),), "1.000002"),
    (reading.between, (lambda N, position: None,), "8 numbers"),
    (reading.between, (lambda N, position: torch.eye(N)[round(position)],), "slot 3"),
    (reading.between, (lambda N, position: torch.eye(N)[int(position) + 1],), "should give 1 to slot 2"),
    (reading.between, (without_wrap,), "slot 0"),
    (reading.between, (lambda N, position: 1 / 0,), "ZeroDivisionError"),
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
