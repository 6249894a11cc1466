"""Checkers of the chapter "Levels of detail"."""

import torch

from ..focus import tree
from . import ask, numbers, verdict


def budget(answer):
    """Exercise 1: the smallest budget for two blocks of different nodes, of seven."""
    value = numbers(answer)
    if value is None:
        return verdict(False, "", "give one number of entries.")
    if value == 28:
        return verdict(False, "", "28 is enough for two blocks of the same node. Two must open.")
    if value == 21:
        return verdict(False, "", "21 shows one block. Two of different nodes take four openings.")
    if value != 35:
        why = "seven gists, and seven more for each opening"
        return verdict(False, "", f"with {value.item():g} entries it does not come out: {why}.")
    return verdict(True, "35: seven gists and four openings.", "")


def window(answer):
    """Exercise 2: blocks first to last as tokens, everything else as coarse as it can be."""
    for B, C, first, last in [(2, 3, 7, 8), (1, 7, 0, 0), (3, 2, 0, 15)]:
        found, wrong = ask(answer, B, C, first, last, shape=None)
        if wrong:
            return verdict(False, "", wrong)
        if not isinstance(found, tuple) or len(found) != 2:
            return verdict(False, "", "return two tensors, e2 and e1.")
        e2, e1 = numbers(found[0], B, C), numbers(found[1], B, C, 8)
        if e2 is None or e1 is None:
            return verdict(False, "", f"e2 must be of the shape {[B, C]}, e1 of {[B, C, 8]}.")
        e2, e1 = e2.bool(), e1.bool()
        right2, right1 = tree.show(B, C, torch.arange(first, last + 1).expand(B, -1))
        if (e1.any(-1) & ~e2).any():
            return verdict(False, "", "a block is shown under a node that is not open.")
        if not torch.equal(e1, right1):
            yours = e1[0].flatten().nonzero()[:, 0].tolist()
            what = f"blocks {first} to {last} must be shown, and no others"
            return verdict(False, "", f"{what}; yours are {yours}.")
        if not torch.equal(e2, right2):
            return verdict(False, "", "a node without a block in detail must stay closed.")
    return verdict(True, "every stream shows its window, and the rest costs one entry a node.", "")
