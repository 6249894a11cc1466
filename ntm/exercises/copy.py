"""Checkers of the chapter "Learning to copy"."""

import math

import torch

from ..programs import copy, run
from ..tasks import Copy
from ..training import evaluate
from . import ask, attempt, numbers, verdict


def _mixed():
    """A batch of sequences of different lengths."""
    return Copy(lengths=(2, 7)).sample(12, generator=torch.Generator().manual_seed(0))


def coin(cost_1_to_20, cost_1_to_5):
    """Exercise 1: the cost of a machine that tosses a coin for one channel of eight."""
    found = [numbers(value) for value in (cost_1_to_20, cost_1_to_5)]
    if any(value is None for value in found):
        return verdict(False, "",
                       "give two numbers, the cost in bits for lengths 1 to 20 and for lengths 1 "
                       "to 5.")
    first, second = (value.item() for value in found)
    if math.isclose(first, 84, abs_tol=0.01):
        return verdict(False, "", "84 is what a coin for all eight channels costs.")
    if math.isclose(first, 20, abs_tol=0.01):
        return verdict(False, "",
                       "20 is the cost of the longest sequence; the lengths 1 to 20 are equally "
                       "frequent.")
    if not math.isclose(first, 10.5, abs_tol=0.01):
        return verdict(False, "",
                       f"{first:g} is not the cost on lengths 1 to 20. A coin costs 1 bit: for "
                       "how many vectors on average?")
    if not math.isclose(second, 3, abs_tol=0.01):
        return verdict(False, "",
                       f"10.5 is right; {second:g} for lengths 1 to 5 is not. The mean of 1, 2, "
                       "3, 4, 5?")
    return verdict(True,
                   "10.5 and 3 bits, one for each vector. Watch for such plateaus in learning "
                   "curves.", "")


def reverse(answer):
    """Exercise 2: the targets of a batch in reverse order."""
    batch = _mixed()
    kept = batch.y.clone()
    found = attempt(lambda: answer(batch))
    if not torch.equal(batch.y, kept):
        return verdict(False, "", "the batch you were given has changed; work on batch.y.clone().")
    try:
        x, y, mask = found
        same = torch.equal(x, batch.x) and torch.equal(mask, batch.mask)
    except Exception:
        why = (f" Yours raised {type(found).__name__}: {found}."
               if isinstance(found, Exception) else "")
        return verdict(False, "", f"return a Batch, as batch._replace(y=...).{why}")
    if not same:
        return verdict(False, "", "only the targets may change, not x or the mask.")
    if not isinstance(y, torch.Tensor) or y.shape != batch.y.shape:
        return verdict(False, "", f"y must keep its shape {list(batch.y.shape)}.")
    if torch.equal(y, batch.y):
        return verdict(False, "", "the targets are as they were.")
    if torch.equal(y, batch.y.flip(0)):
        return verdict(False, "",
                       "you have turned the whole tensor: the answer must stay in the steps that "
                       "are scored.")
    for b in range(y.shape[1]):
        scored = batch.mask[:, b] > 0
        if not torch.equal(y[scored, b], kept[scored, b].flip(0)):
            length = int(scored.sum())
            return verdict(False, "",
                           f"sequence {b}, of {length} vectors, is not reversed within its own "
                           f"{length} scored steps.")
    return verdict(True, "every sequence is reversed within its own scored steps.", "")


def first_wrong(answer):
    """Exercise 3: the number of the first wrong vector of each sequence."""
    batch = _mixed()
    logits = 8 * batch.y - 4
    lengths = batch.mask.sum(0).long()
    expected = []
    for b, length in enumerate(lengths.tolist()):
        # a mistake where nothing is scored
        logits[-1, b, 0] *= -1 if length < int(lengths.max()) else 1
        logits[0, b, 1] = 3
        place = [-1, 0, length - 1, length // 2][b % 4]
        expected.append(place)
        if place >= 0:
            logits[length + 2 + place, b, b % 8] *= -1
            if b % 3 == 0:
                # and the last vector, too
                logits[2 * length + 1, b, :2] = 4 - 8 * batch.y[2 * length + 1, b, :2]
    values, wrong = ask(answer, logits.clone(), batch, shape=(len(expected),),
                        want=f"return one integer for each of the {len(expected)} sequences.")
    if wrong:
        return verdict(False, "", wrong)
    for b, (mine, right) in enumerate(zip(values.tolist(), expected)):
        if mine != right:
            if right == -1:
                hint = ("all its scored steps are right: −1. Did you look at steps that are not "
                        "scored?")
            elif mine == right + lengths[b] + 2:
                hint = f"{int(mine)} is the step; the vector is number {right}."
            else:
                hint = f"its first wrong vector is number {right}, you say {mine:g}."
            return verdict(False, "", f"sequence {b} has {int(lengths[b])} vectors; {hint}")
    return verdict(True,
                   "twelve sequences, with mistakes at the beginning, in the middle, at the end, "
                   "unscored, and none.", "")


def follows(answer):
    """Exercise 4: the share of vectors that are read where they were written."""
    for length, faults in [(6, 0), (9, 3), (4, 4)]:
        x = Copy().sample(1, length=length, generator=torch.Generator().manual_seed(length)).x[:, 0]
        _, trace = run(copy, x, N=16, width=10)
        w = trace.w.clone()
        # the first reads go astray
        w[length + 2 : length + 2 + faults, :, 0] = w[length + 2 : length + 2 + faults, :,
                                                      0].roll(5, -1)
        trace.w = w
        value, wrong = ask(answer, trace, length, want="return one number, from 0 to 1.")
        if wrong:
            return verdict(False, "", wrong)
        right = 1 - faults / length
        if not math.isclose(value.item(), right, abs_tol=1e-4):
            what = ("all in its place"
                    if not faults else f"{faults} of {length} reads in another slot")
            return verdict(False, "",
                           f"for a program with {what} you return {value.item():.3f}, it is "
                           f"{right:.3f}.")
    return verdict(True, "1 for a perfect program, less by each read that goes astray.", "")


def teach(answer, least=8.0):
    """Exercise 5, open-ended: a machine trained on at most 5,000 sequences; reports how far it
    got."""
    machine, wrong = ask(answer, shape=None)
    if wrong:
        return verdict(False, "", wrong)
    try:
        wrong = evaluate(machine, Copy(), length=10, sequences=32, seed=7).wrong_bits
    except Exception as error:
        return verdict(False, "",
                       "return a machine with 10 inputs and 8 outputs; trying yours raised "
                       f"{type(error).__name__}.")
    if not wrong < least:
        return verdict(False, "",
                       f"{wrong:.1f} of 80 bits are wrong at 10 vectors, untrained it is about "
                       f"40. Aim under {least:g}.")
    return verdict(True,
                   f"{wrong:.1f} of 80 bits are wrong at 10 vectors. How long a sequence does it "
                   "copy?", "")
