"""Answers to the exercises of book/hard_and_sparse.ipynb, and what the checkers must say of
them."""

import torch

from ntm.addressing import address
from ntm.beyond.hard import hardest, moves, straight_through


def goes():
    def right(here, most_like, g, s, N):
        return ((most_like if g > 0.5 else here) + s.index(max(s)) - 1) % N

    return [
        (right, "Correct: "),
        (lambda *_: None, "one slot"),
        (lambda: 0, "raised"),
        (lambda here, most_like, g, s, N: (here if g > 0.5 else most_like) + s.index(max(s)) - 1,
         "it goes to slot 3 of 8"),
        (lambda here, most_like, g, s, N: (most_like if g > 0.5 else here) + s.index(max(s)) - 1,
         "it goes to slot 0 of 8"),
    ]


def through():
    return [
        (straight_through, "Correct: "),
        (lambda p: 3, "return a tensor [3]"),
        (lambda: 0, "raised"),
        (lambda p: p, "1 at the largest"),
        (hardest, "no gradient"),
        (lambda p: hardest(p) + 2 * (p - p.detach()), "not that of p"),
    ]


def bytes_kept():
    return [
        (lambda N, width, T, K: (4 * N * width * (T + 1), 4 * width * (N + T * K)), "Correct: "),
        (lambda *_: 5, "two numbers"),
        (lambda: 0, "raised"),
        (lambda N, width, T, K: (4 * N * width * T, 4 * width * (N + T * K)), "dense, for N"),
        (lambda N, width, T, K: (4 * N * width * (T + 1), 4 * width * T * K), "sparse, for N"),
    ]


def own():
    return [
        (moves, "Correct: 0 wrong bits of 160 at 20"),
        (address, "Correct: "),
        (lambda M, k, β, g, s, γ, w: w[:, :1, :3], "return weightings, shaped as w_prev"),
        (lambda *_: None, "return weightings"),
        (lambda *_: 1 / 0, "your function raised ZeroDivisionError"),
        (lambda M, k, β, g, s, γ, w: w[:, :, :5], "Return weightings like w_prev"),
        (lambda M, k, β, g, s, γ, w: w if len(M[0]) == 5 else w * torch.nan, "not finite"),
    ]
