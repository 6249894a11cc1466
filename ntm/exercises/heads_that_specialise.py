"""Checkers of the chapter "Heads that specialise"."""

import math

import torch

from ..beyond.heads import build
from ..beyond.heads import overlap as right_overlap
from ..tasks import AssociativeRecall
from ..training import train
from . import ask, attempt, verdict


def overlap(answer):
    """Exercise 1: the overlap of two heads, from their weightings over a sequence."""
    generator = torch.Generator().manual_seed(0)
    still, swept = torch.eye(4)[[0, 0, 0]], torch.eye(4)[[0, 1, 2]]
    soft = torch.rand(2, 5, 6, generator=generator).softmax(-1)
    for what, a, b in [("the same", swept, swept), ("one that stays and one that walks", still,
                                                    swept),
                       ("two soft ones", *soft), ("one of half the weight", still / 2, still)]:
        right = right_overlap(torch.stack([a, b], 1)).item()
        value, wrong = ask(answer, a, b, want="return one number.")
        if wrong:
            return verdict(False, "", wrong)
        if not math.isclose(value, right, abs_tol=1e-4):
            return verdict(False, "", f"for {what} it is {right:.3f}; yours is {value:.3f}.")
    return verdict(True, "step by step a cosine, then the mean over the steps.", "")


def _of(*enough):
    """The cost where any of these sets of heads is enough: 0 bits, otherwise 18."""
    return lambda heard: 0.0 if any(set(heads) <= set(heard) for heads in enough) else 18.0


def fewest(answer):
    """Exercise 2: how few heads are enough."""
    for what, heads, cost, right in [
        ("head 2 alone does it", 4, _of([2]), 1),
        ("heads 0 and 1 do the same, and 3 helps either", 4, _of([0, 3], [1, 3]), 2),
        ("heads 0 and 1, or 3 alone", 4, _of([0, 1], [3]), 1),
        ("head 0 alone does it, or 1 and 2", 4, _of([0], [1, 2]), 1),
        ("all three are needed", 3, _of([0, 1, 2]), 3),
        ("none is needed", 2, _of([]), 0),
    ]:
        value, wrong = ask(lambda n, cost=cost: answer(cost, n), heads,
                           want="return one number, of heads.")
        if wrong:
            return verdict(False, "", wrong)
        if value != right:
            return verdict(False, "", f"where {what}, {right} of {heads} are enough; yours is "
                                      f"{value:g}.")
    return verdict(True, "one at a time, two heads that do the same would both have looked idle.",
                   "")


def start(answer):
    """Exercise 3: a start of the reader's for four read heads, beside the tape's, on one seed. No
    answer is wrong that leaves a machine which can be trained."""
    ends = []
    for change in (None, answer):
        machine = build(4, seed=0)
        before = [value.clone() for value in machine.state_dict().values()]
        found = None if change is None else attempt(change, machine)
        same = all(map(torch.equal, before, machine.state_dict().values()))
        if change and found is None and same:
            return verdict(False, "", "no weight has changed: change the machine's in place.")
        if not isinstance(found, Exception):
            found = attempt(lambda m: train(m, AssociativeRecall(), 1_000, progress=False), machine)
        if isinstance(found, Exception):
            return verdict(False, "", f"with your start came a {type(found).__name__}: {found}. "
                                      "Change the machine's weights in place.")
        ends.append(sum(found.bits[-5:]) / 5)
    return verdict(True, f"sequences 501 to 1,000 cost {ends[0]:.3g} bits with the tape's start, "
                         f"{ends[1]:.3g} with yours.", "")
