"""Answers to the exercises of book/copy.ipynb, and what the checkers must say of them."""

import torch

from ntm import NTM, pretrained


def reversed_batch(batch):
    y = batch.y.clone()
    for b in range(y.shape[1]):
        scored = batch.mask[:, b] > 0
        y[scored, b] = y[scored, b].flip(0)
    return batch._replace(y=y)


def coin():
    return [
        (10.5, 3, "Correct: "),
        (..., ..., "two numbers"),
        (None, 3, "two numbers"),
        (84, 3, "all eight"),
        (20, 5, "the longest"),
        (7, 3, "how many vectors"),
        (10.5, 24, "lengths 1 to 5"),
    ]


def reverse():
    def in_place(batch):
        batch.y[:] = reversed_batch(batch).y
        return batch

    def first_only(batch):
        y = batch.y.clone()
        y[:, 0] = reversed_batch(batch).y[:, 0]
        return batch._replace(y=y)

    return [
        (reversed_batch, "Correct: "),
        (lambda b: None, "return a Batch"),
        (lambda: 0, "raised"),
        (in_place, "has changed"),
        (lambda b: b, "as they were"),
        (lambda b: b._replace(y=b.y.flip(0)), "whole tensor"),
        (lambda b: b._replace(x=b.x.flip(0)), "only the targets"),
        (lambda b: b._replace(y=b.y[1:]), "its shape"),
        (first_only, "sequence 1"),
    ]


def first_wrong():
    def steps(logits, batch, offset=0):
        wrong = ((logits > 0) != (batch.y > 0.5)).any(-1) & (batch.mask > 0)
        first = batch.mask.argmax(0)
        return [
            int(wrong[:, b].int().argmax() - first[b] + offset * first[b])
            if wrong[:, b].any()
            else -1
            for b in range(wrong.shape[1])
        ]

    def unscored(logits, batch):
        wrong = ((logits > 0) != (batch.y > 0.5)).any(-1)
        return [int(wrong[:, b].int().argmax()) for b in range(wrong.shape[1])]

    return [
        (steps, "Correct: "),
        (lambda *a: torch.tensor(steps(*a)), "Correct: "),
        (lambda *_: None, "one integer"),
        (lambda *_: [0], "one integer"),
        (lambda: 0, "raised"),
        (unscored, "not scored"),
        (lambda *a: steps(*a, offset=1), "is the step"),
        (lambda *a: [v - (v > 0) for v in steps(*a)], "you say"),
    ]


def follows():
    def right(trace, length, late=0):
        written = trace.w_write[1 : length + 1, 0, 0].argmax(-1)
        return (
            (written == trace.w_read[length + 2 - late : 2 * length + 2 - late, 0, 0].argmax(-1))
            .float()
            .mean()
        )

    return [
        (right, "Correct: "),
        (lambda *_: None, "one number"),
        (lambda: 0, "raised"),
        (lambda *_: 1.0, "3 of 9"),
        (lambda *a: right(*a, late=1), "all in its place"),
    ]


def teach():
    return [
        (lambda: pretrained.load("copy", "ntm-feedforward"), "Correct: "),
        (lambda: None, "10 inputs"),
        (lambda: 1 / 0, "raised"),
        (lambda: NTM(3, 8, seed=0), "10 inputs"),
        (lambda: NTM(10, 8, "feedforward", N=8, seed=0), "bits are wrong"),
    ]
