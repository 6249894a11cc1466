"""Answers to the exercises of book/heads_that_specialise.ipynb, and what the checkers must say of
them."""

from itertools import combinations

import torch
from torch.nn.functional import cosine_similarity

from ntm.beyond.heads import alike


def overlap():
    return [
        (lambda a, b: cosine_similarity(a, b, dim=-1).mean(), "Correct: "),
        (lambda a, b: (a * b).sum(-1).mean(), "two soft ones"),
        (lambda a, b: (a != b).any(), "for the same"),
        (lambda a, b: cosine_similarity(a.flatten(), b.flatten(), dim=0), "two soft ones"),
        (lambda a, b: a * b, "return one number"),
        (lambda a: a, "raised"),
    ]


def fewest():
    def right(cost, heads):
        return next(n for n in range(heads + 1)
                    if any(cost(heard) < 1 for heard in combinations(range(heads), n)))

    def one_at_a_time(cost, heads):
        return sum(cost([h for h in range(heads) if h != silent]) > 1 for silent in range(heads))

    def greedy(cost, heads):
        heard = list(range(heads))
        for head in range(heads):
            rest = [h for h in heard if h != head]
            heard = rest if cost(rest) < 1 else heard
        return len(heard)

    def backwards(cost, heads):
        heard = list(range(heads))
        for head in reversed(range(heads)):
            rest = [h for h in heard if h != head]
            heard = rest if cost(rest) < 1 else heard
        return len(heard)

    return [
        (right, "Correct: "),
        (one_at_a_time, "2 of 4 are enough"),
        (backwards, "heads 0 and 1, or 3 alone"),
        (lambda cost, heads: heads, "head 2 alone"),
        (lambda cost, heads: None, "return one number"),
        (lambda cost: 1, "raised"),
        (greedy, "head 0 alone does it, or"),
    ]


def start():
    def breaks(machine):
        with torch.no_grad():
            machine.output.bias.fill_(torch.nan)

    return [
        (alike, "Correct: "),
        (breaks, "FloatingPointError"),
        (lambda: None, "came a TypeError"),
        (lambda machine: None, "no weight has changed"),
    ]
