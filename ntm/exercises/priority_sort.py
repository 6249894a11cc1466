"""Checkers of the chapter "Priority sort"."""

import inspect
import math
from functools import partial

import torch

from ..programs import run
from ..tasks import PrioritySort
from ..training import evaluate
from . import ask, attempt, numbers, verdict


def shared(pairs, bits):
    """Exercise 1: how many pairs of 20 vectors share one of 128 places, and what a pair costs."""
    found = [numbers(value) for value in (pairs, bits)]
    if any(value is None for value in found):
        return verdict(False, "", "give two numbers, how many pairs and how many bits.")
    first, second = (value.item() for value in found)
    if math.isclose(first, 400 / 128, abs_tol=0.01) or math.isclose(first, 380 / 128, abs_tol=0.01):
        return verdict(False, "", f"{first:g} counts every pair twice.")
    if not math.isclose(first, 190 / 128, abs_tol=0.01):
        return verdict(False, "",
                       f"{first:g} is not it. How many pairs are there, and with what chance "
                       "does each share a place?")
    if math.isclose(second, 4, abs_tol=0.01):
        return verdict(False, "",
                       "4 bits is what one of the two vectors costs; both are asked for.")
    if not math.isclose(second, 8, abs_tol=0.01):
        return verdict(False, "",
                       f"1.48 pairs is right; {second:g} bits is not. In how many of 8 bits do "
                       "two random vectors differ?")
    return verdict(True,
                   "1.48 pairs of 8 bits, less than 12 in all: some of the pairs are not among "
                   "the 16 that are asked for.", "")


def gaps(answer):
    """Exercise 2: how near the nearest other priority is, for each vector that is asked for."""
    batch = PrioritySort().sample(6, generator=torch.Generator().manual_seed(0))
    p = batch.x[:20, :, 8].sort(dim=0, descending=True).values
    down = torch.cat([p[:-1] - p[1:], torch.full((1, 6), 9.0)])
    up = torch.cat([torch.full((1, 6), 9.0), p[:-1] - p[1:]])
    right = torch.minimum(up, down)[:16]
    kept = batch.x.clone()
    found = attempt(lambda: answer(batch))
    if not torch.equal(batch.x, kept):
        return verdict(False, "", "the batch you were given has changed; work on a copy.")
    if isinstance(found, Exception):
        return verdict(False, "", f"your function raised {type(found).__name__}: {found}.")
    values = numbers(found, 16, 6)
    if values is None:
        return verdict(False, "", "return a tensor of the shape [16, 6], for 6 sequences.")
    if (values == 0).all():
        return verdict(False, "",
                       "nothing but zeros: the nearest priority to a priority is itself; leave "
                       "it out.")
    wrong = ~torch.isclose(values, right, atol=1e-5)
    if (torch.allclose(values, down[:16], atol=1e-5)
        or torch.allclose(values[1:], up[1:16], atol=1e-5)):
        return verdict(False, "",
                       "these are the gaps on one side only; the nearer of the two neighbours "
                       "counts.")
    if wrong[15].any() and not wrong[:15].any():
        return verdict(False, "",
                       "only the last rows are wrong: a vector that is not asked for, of rank "
                       "16, is a neighbour too.")
    if wrong.any():
        k, b = (int(i) for i in wrong.nonzero()[0])
        return verdict(False, "",
                       f"rank {k} of sequence {b}: {right[k, b]:.4f}, not {values[k, b]:.4f}.")
    nearest, half = right.min(), right.median()
    return verdict(True,
                   f"in these six sequences the nearest pair is {nearest:.4f} apart, and half of "
                   f"all gaps are under {half:.3f}.", "")


def lowest_first(program):
    """Exercise 3: a program that says the 16 vectors of lowest priority, lowest first."""
    if not inspect.isgeneratorfunction(program):
        return verdict(False, "",
                       "a program is a function of x that yields instructions (or nothing) at "
                       "every step.")
    for seed in range(3):
        batch = PrioritySort().sample(1, generator=torch.Generator().manual_seed(seed))
        x, p = batch.x[:, 0], batch.x[:20, 0, 8]
        ranked = x[p.sort().indices, :8] > 0.5
        sort = partial(run, program, x.clone(), 32, 10, β=1000, γ=100)
        found = attempt(lambda: sort()[0][21:, :8])  # noqa: B023, called at once
        if isinstance(found, Exception):
            return verdict(False, "", f"the program stopped with {type(found).__name__}: {found}")
        heard = found > 0
        if torch.equal(heard, ranked.flip(0)[:16]):
            return verdict(False, "", "these are the 16 highest, highest first.")
        if torch.equal(heard, ranked[:16].flip(0)):
            return verdict(False, "", "these are the 16 lowest, but the lowest comes last.")
        right = (heard == ranked[:16]).all(-1)
        if not right.all():
            k = int((~right).int().argmax())
            again = k and torch.equal(heard[k], heard[k - 1])
            more = "; it says what it said before: was that marked?" if again else "."
            return verdict(False, "", f"in sequence {seed} answer {k + 1} is wrong{more}")
    return verdict(True, "the same program, and the other end of the scale comes first.", "")


def inversions(answer):
    """Exercise 4: how many pairs of an answer are in the wrong order."""
    generator = torch.Generator().manual_seed(0)
    shuffled = torch.stack([torch.randperm(16, generator=generator) for _ in range(3)], 1)
    straight, swapped, twice = torch.arange(16), torch.arange(16), torch.arange(16)
    swapped[[3, 4]] = swapped[[4, 3]]
    twice[7] = 6
    said = torch.cat([torch.stack([straight, straight.flip(0), swapped, twice], 1), shuffled], 1)
    later = torch.ones(16, 16).triu(1).bool().unsqueeze(-1)
    right = ((said.unsqueeze(1) > said.unsqueeze(0)) & later).sum((0, 1))
    values, wrong = ask(answer, said, shape=(7,),
                        want="return one integer for each of the 7 sequences.")
    if wrong:
        return verdict(False, "", wrong)
    for b, name in enumerate(["in perfect order", "in reverse", "with two neighbours exchanged",
                              "in which rank 6 is said twice",
                              *["in random order"] * 3]):
        if values[b] != right[b]:
            return verdict(False, "",
                           f"an answer {name} has {int(right[b])} pairs in the wrong order, not "
                           f"{values[b]:g}.")
    return verdict(True,
                   "none in perfect order, all 120 in reverse, one where two neighbours are "
                   "exchanged, none for a repetition.", "")


def teach(answer, below=10.0):
    """Exercise 5, open-ended: a machine trained to sort 4 vectors and say 3; reports how far it
    got."""
    machine, wrong = ask(answer, shape=None)
    if wrong:
        return verdict(False, "", wrong)
    try:
        score = evaluate(machine, PrioritySort(vectors=4, highest=3), sequences=200, seed=7)
    except Exception as error:
        return verdict(False, "",
                       "return a machine with 10 inputs and 8 outputs; trying yours raised "
                       f"{type(error).__name__}.")
    if not score.bits < below:
        return verdict(False, "", f"it costs {score.bits:.1f} of 24 bits. Aim under {below:g}.")
    return verdict(True,
                   f"{score.bits:.1f} of 24 bits, and {100 * score.perfect:.0f} % of the answers "
                   "without a wrong bit.", "")
