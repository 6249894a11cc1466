"""Answers to the exercises of book/writing.ipynb, and what the checkers must say of them."""

import torch

from ntm.memory import add, erase, read


def right_overwrite(M, i, v, e=1.0):
    w = torch.eye(M.shape[1])[i].view(1, 1, -1)
    return add(erase(M, w, torch.full((1, 1, M.shape[2]), e)), w, v.view(1, 1, -1))


def in_place(M, i, v):
    M[0, i] = v
    return M


def right_average(η):
    return lambda x: torch.full_like(x, η), lambda x: η * x


def right_swap(M, i, j):
    w = torch.eye(M.shape[1])[[i, j]][None]
    r = read(M, w)
    return add(erase(M, w, torch.ones_like(r)), w, r.flip(1))


def copied_both(M, i, j):
    M[0, i] = M[0, j]
    M[0, j] = M[0, i]
    return M


def by_hand():
    return [
        ([3, 5.5], "Correct: "),
        ([..., ...], "two numbers"),
        ([2.0, 1.0], "weight is 1/2"),
        ([3.0, 6.0], "column 1"),
    ]


def overwrite():
    return [
        (right_overwrite, "Correct: "),
        (in_place, "Correct: "),
        (lambda M, i, v: None, "shape [1, 5, 3]"),
        (lambda M, i, v: right_overwrite(M, i, v, 0.0), "sum of old and new"),
        (lambda M, i, v: right_overwrite(M, i, v, 0.5), "slot 3 should hold"),
        (lambda M, i, v: v.expand_as(M), "another slot"),
        (lambda M, i, v: right_overwrite(M, 3, v), "another slot"),
        (lambda M, i, v: M @ v.view(1, 1, 3), "RuntimeError"),
    ]


def average():
    return [
        (right_average, "Correct: "),
        (lambda η: (lambda x: [η, η], lambda x: [η * float(x[0]), η * float(x[1])]), "Correct: "),
        (None, "TypeError"),
        (lambda η: None, "two functions"),
        (lambda η: (lambda x: None, lambda x: None), "erase vector for"),
        (lambda η: (lambda x: torch.full_like(x, η), lambda x: None), "add vector for"),
        (lambda η: (lambda x: torch.full_like(x, 1 - η), lambda x: η * x), "must keep"),
        (lambda η: (lambda x: torch.full_like(x, η), lambda x: x), "must gain"),
        (lambda η: (lambda x: η * x, lambda x: η * x), "between 0 and 1"),
    ]


def swap():
    return [
        (right_swap, "Correct: "),
        (lambda M, i, j: None, "shape [1, 5, 3]"),
        (lambda M, i, j: M, "nothing has changed"),
        (copied_both, "slot 3 should hold"),
        (lambda M, i, j: right_swap(M, 1, 3), "after swap(M, 4, 0)"),
    ]
