"""Answers to the exercises of book/reading.ipynb, and what the checkers must say of them."""

import torch


def right_between(N, position):
    low, w = int(position), torch.zeros(N)
    w[low] += 1 - (position - low)
    w[(low + 1) % N] += position - low
    return w


def without_wrap(N, position):
    return right_between(N + 1, position)[:N]


def right_is_weighting(w):
    return bool((w >= 0).all() and ((w.sum(-1) - 1).abs() <= 1e-5).all())


def by_hand():
    return [
        ([2.75, 4], "Correct: "),
        (torch.tensor([2.75, 4.0]), "Correct: "),
        ([..., ...], "two numbers"),
        ([float("nan"), 4.0], "two numbers"),
        ([11.0, 16.0], "column 0"),
        ([2.75, 4.5], "column 1"),
    ]


def two_ways():
    return [
        ([0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], "Correct: "),
        ([..., ..., ..., ...], [..., ..., ..., ...], "first weighting is four numbers"),
        ([0.5, 0, 0.5, 0], [0.5, 0, 0.5, 0], "the same"),
        ([0.5, 0, 0.5, 0], [1, 0.5, -0.5, 0], "equation (1)"),
        ([0.5, 0, 0.5, 0], [0.5, 0.5, 0, 0], "second weighting reads (1, 1)"),
    ]


def is_weighting():
    return [
        (right_is_weighting, "Correct: "),
        (
            lambda w: (
                (w >= 0).all() and torch.allclose(w.sum(-1), torch.ones(w.shape[:-1]), atol=1e-5)
            ),
            "Correct: ",
        ),
        (None, "raised"),
        (lambda w: None, "equal shares"),
        (lambda w: w, "one True or False"),
        (lambda w: True, "negative"),
        (lambda w: bool((w.sum(-1) - 1).abs().max() < 1e-5), "negative"),
        (lambda w: bool((w >= 0).all()), "1.2"),
        (lambda w: right_is_weighting(w.flatten(0, -2)[0]), "second"),
        (lambda w: bool((w >= 0).all()) and abs(w.sum(-1).mean() - 1) < 1e-5, "mean"),
        (lambda w: bool((w >= 0).all() and (w.sum(-1) == 1).all()), "1.000002"),
    ]


def between():
    return [
        (right_between, "Correct: "),
        (lambda N, position: None, "8 numbers"),
        (lambda N, position: torch.eye(N)[round(position)], "slot 3"),
        (lambda N, position: torch.eye(N)[int(position) + 1], "should give 1 to slot 2"),
        (without_wrap, "slot 0"),
        (lambda N, position: 1 / 0, "ZeroDivisionError"),
    ]
