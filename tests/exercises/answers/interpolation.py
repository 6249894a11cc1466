"""Answers to the exercises of book/interpolation.ipynb, and what the checkers must say of them."""

import torch

here, there = torch.eye(4)[0], torch.eye(4)[2]


def right_follow(w_c, g, w_0):
    w, path = w_0, []
    for t in range(len(w_c)):
        w = g[t] * w_c[t] + (1 - g[t]) * w
        path.append(w)
    return torch.stack(path)


def forgetful(w_c, g, w_0):
    return g.unsqueeze(-1) * w_c + (1 - g.unsqueeze(-1)) * w_0


def gate_by_hand():
    return [
        (..., ..., "one number"),
        (0.4, (0.76, 1.52), "slot 2 keeps 0.6"),
        (0.6, ..., "two numbers"),
        (0.6, (0.7, 1.4), "Blend the weightings"),
        (0.6, (0.84, 1.28), "Correct: "),
    ]


def largest_gate():
    return [
        (lambda T, p: None, "None"),
        (lambda T, p: p ** (1 / T), "is left"),
        (lambda T, p: (1 - p) / T, "is left"),
        (lambda T, p: T[0], "TypeError"),
        (lambda T, p: 1 - p ** (1 / T), "Correct: "),
    ]


def follow():
    return [
        (lambda w_c, g, w_0: None, "None"),
        (lambda w_c, g, w_0: w_0, "[4]"),
        (forgetful, "step 1"),
        (lambda w_c, g, w_0: right_follow(w_c, 1 - g, w_0), "step 0"),
        (right_follow, "Correct: "),
    ]


def be_the_network():
    return [
        (..., "ten numbers"),
        ([0, 0, 2, 0, 0, 0, 0, 1, 0, 0.5], "from 0 to 1"),
        ([0] * 10, "after step 2 the head has 1 on slot 0"),
        ([0, 0, 1, 0, 0, 0, 0, 1, 0, 0], "after step 9"),
        ([0, 0, 1, 0, 0, 0, 0, 1, 0, 0.5], "Correct: "),
        ([0, 0, 1, 0, 0, 0, 0.7, 1, 0, 0.5], "Correct: "),
    ]


def gate_per_slot():
    return [
        (..., ..., ..., "four numbers"),
        ([1.0, 1.0, 0.0, 0.0], here, here, "no weighting"),
        (here, there, [2.0, 0.0, 0.0, 0.0], "from 0 to 1"),
        (here, there, [0.5] * 4, "still sums to 1"),
        (here, here, [1.0, 0.5, 0.0, 0.5], "still sums to 1"),
        (here, there, [1.0, 0.5, 0.0, 0.5], "Correct: "),
        (here, there, [0.0, 0.5, 1.0, 0.5], "Correct: "),
    ]
