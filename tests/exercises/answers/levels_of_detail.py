"""Answers to the exercises of book/levels_of_detail.ipynb, and what the checkers must say of
them."""

import torch

from ntm.focus import tree


def shown(B, C, first, last):
    return tree.show(B, C, torch.arange(first, last + 1).expand(B, -1))


def no_node(B, C, first, last):
    e2, e1 = shown(B, C, first, last)
    return torch.zeros_like(e2), e1


def all_nodes(B, C, first, last):
    e2, e1 = shown(B, C, first, last)
    return torch.ones_like(e2), e1


def too_few(B, C, first, last):
    return shown(B, C, first, max(first, last - 1))


def budget():
    return [
        (35, "Correct: "),
        (..., "one number"),
        (28, "same node"),
        (21, "one block"),
        (30, "30"),
    ]


def window():
    return [
        (shown, "Correct: "),
        (None, "raised"),
        (lambda *_: None, "two"),
        (lambda *_: (1, 2), "shape"),
        (no_node, "not open"),
        (too_few, "no others"),
        (all_nodes, "stay closed"),
    ]
