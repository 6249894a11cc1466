"""Answers to the exercises of book/diagnosing.ipynb, and what the checkers must say of them."""

import torch


def points():
    return [
        (12, 0.1, "Correct: "),
        (..., ..., "single numbers"),
        (12, None, "single numbers"),
        (4, 0.1, "3 bits each"),
        (12, 5, "mean over 50"),
    ]


def suspects():
    def right(batch):
        return ((batch.y.sum(-1) == 0) & (batch.mask > 0)).any(0)

    return [
        (right, "Correct: "),
        (lambda batch: None, "one boolean"),
        (lambda batch: torch.zeros(40), "you suspect none"),
        (lambda batch: right(batch)[:3], "shape [B]"),
        (lambda batch: (batch.x[..., :-2].sum(-1) == 0).any(0), "you suspect all"),
        (lambda: 0, "raised"),
        (lambda batch: (batch.y[len(batch.y) // 2 + 1 :].sum(-1) == 0).any(0), "padding"),
    ]


def touched_and_learned():
    def right(bits):
        return min(bits) < 0.1, sum(bits[-10:]) / 10 < 0.1

    return [
        (right, "Correct: "),
        (lambda bits: None, "two booleans"),
        (lambda bits: (right(bits)[0],) * 2, "touches once"),
        (lambda: 0, "raised"),
        (lambda bits: (bits[-1] < 0.1, right(bits)[1]), "touches once"),
        (lambda bits: (right(bits)[0], max(bits[5:]) < 0.1), "comes down and stays"),
    ]


def stepping():
    def right(w):
        peak = w.argmax(-1)
        return ((peak[1:] - peak[:-1]) % w.shape[-1] == 1).float().mean()

    return [
        (right, "Correct: "),
        (lambda w: None, "single number"),
        (lambda: 0, "raised"),
        (lambda w: 1.0, "second step"),
        (lambda w: (w.argmax(-1).diff() == 1).float().mean(), "end of the ring"),
        (lambda w: (w.argmax(-1).diff() != 0).float().mean(), "backwards"),
    ]
