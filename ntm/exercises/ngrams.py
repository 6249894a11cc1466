"""Checkers of the chapter "Dynamic N-grams"."""

import math

import torch

from ..tasks import Batch, NGrams, bayes, bits
from . import ask, attempt, numbers, verdict


def pencil(next_one, cost):
    """Exercise 1: P(1) after the outcomes 0, 0, 1, and the cost of the outcomes 1, 1, 0 of a
    context never seen before, in bits."""
    found = [numbers(value) for value in (next_one, cost)]
    if any(value is None for value in found):
        return verdict(False, "", "give two numbers, a probability and a cost in bits.")
    p, c = (value.item() for value in found)
    if math.isclose(p, 1 / 3, abs_tol=0.004):
        return verdict(False, "",
                       "1/3 is the plain share of ones; equation (10) adds half a one and half a "
                       "zero.")
    if math.isclose(p, 0.4, abs_tol=0.004):
        return verdict(False, "",
                       "2/5 adds a whole one and a whole zero; equation (10) adds half of each.")
    if not math.isclose(p, 0.375, abs_tol=0.004):
        return verdict(False, "",
                       f"{p:g} is not P(1) after 0, 0, 1. How many ones, how many zeros?")
    if not math.isclose(c, 4, abs_tol=0.01):
        return verdict(False, "", f"0.375 is right; {c:g} bits is not the cost. Multiply three "
                                  "predictions, each made before its outcome.")
    return verdict(True, "3/8, and 1/2 · 3/4 · 1/6 = 1/16: 4 bits, one more than three coins would "
                         "have cost.", "")


def probability(answer):
    """Exercise 2: the probability that equation (10) gives to N_1 ones and N_0 zeros, one after the
    other, after one context."""
    for N_1, N_0 in [(0, 0), (1, 0), (0, 1), (2, 1), (1, 3), (6, 2), (12, 9)]:
        right = math.prod((i + 0.5) / (i + 1)
                          for i in range(N_1)) * math.prod((i + 0.5) / (N_1 + i + 1)
                                                           for i in range(N_0))
        value, wrong = ask(answer, N_1, N_0)
        if wrong:
            return verdict(False, "", wrong)
        if not math.isclose(value.item(), right, rel_tol=1e-3):
            if math.isclose(value.item(), 0.5 ** (N_1 + N_0), rel_tol=1e-3):
                return verdict(False, "",
                               "that is a coin's. After each outcome the next prediction changes.")
            return verdict(False, "",
                           f"for {N_1} ones and {N_0} zeros it is {right:.3g}, not "
                           f"{value.item():.3g}.")
    return verdict(True,
                   "ones first, zeros first or mixed: the product is the same. Only the counts "
                   "matter.", "")


def prior(answer):
    """Exercise 3: equation (10) for a table from Beta(a, a)."""
    counts = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 1.0], [0.0, 9.0], [30.0, 10.0]])
    for a in (0.5, 1.0, 8.0):
        values, wrong = ask(answer, *counts.T, a, shape=(len(counts),),
                            want="return one probability for each pair of counts, a tensor like "
                                 "N_1.")
        if wrong:
            return verdict(False, "", wrong)
        right = (counts[:, 0] + a) / (counts.sum(-1) + 2 * a)
        for (N_1, N_0), mine, p in zip(counts.tolist(), values.tolist(), right.tolist()):
            if not math.isclose(mine, p, abs_tol=1e-4):
                return verdict(False, "",
                               f"with a = {a:g}, N_1 = {N_1:g} and N_0 = {N_0:g} it is {p:.3f}, "
                               f"not {mine:.3f}.")
    return verdict(True,
                   "a table from Beta(a, a) is worth a ones and a zeros seen before the first "
                   "outcome.", "")


def places(answer):
    """Exercise 4: for every context the slot where the head is most often, and how often it is
    there."""
    code = torch.tensor([-1, -1, 3, 3, 3, 0, 3, 2, 2, 0, 2, 3, 0, 0])
    slot = torch.tensor([7, 7, 5, 5, 1, 9, 5, 4, 4, 9, 4, 7, 9, 8])
    right = {0: (9, 0.75), 2: (4, 1.0), 3: (5, 0.6)}
    found, wrong = ask(answer, slot, code, shape=None)
    if wrong:
        return verdict(False, "", wrong)
    try:
        mine = {int(c): (int(s), float(share)) for c, (s, share) in found.items()}
    except Exception:
        return verdict(False, "", "return a dict {context: (slot, share)}.")
    if -1 in mine:
        return verdict(False, "",
                       "-1 means that there is no full context yet; leave those steps out.")
    if set(mine) != set(right):
        return verdict(False, "",
                       f"the contexts that occur are {sorted(right)}, yours are {sorted(mine)}.")
    for c, (s, share) in right.items():
        if mine[c][0] != s:
            return verdict(False, "",
                           f"in context {c} the commonest slot is {s}, not {mine[c][0]}.")
        if not math.isclose(mine[c][1], share, abs_tol=1e-3):
            return verdict(False, "", f"in context {c} the head is on slot {s} in {share:g} of its "
                                      f"steps, not {mine[c][1]:g}.")
    return verdict(True, "a write head that keeps a tally comes back: shares near 1. One that "
                         "keeps a log goes on.", "")


def switching(batch, seed):
    """Sequences whose table changes after 200 bits: two sequences of NGrams, glued. A Batch of 399
    steps, all scored but the first four."""
    generator = torch.Generator().manual_seed(seed)
    halves = [NGrams().sample(batch, generator=generator) for _ in range(2)]
    b = torch.cat([torch.cat([half.x[:1], half.y]) for half in halves])
    mask = torch.ones(len(b) - 1, batch)
    mask[:4] = 0
    return Batch(b[:-1], b[1:], mask)


def forget(answer, gain=10.0):
    """Exercise 5, open-ended: predictions that beat equation (10) where the table changes midway;
    reports by how much."""
    batch = switching(100, seed=5)
    p, wrong = ask(answer, batch.x, shape=batch.x.shape,
                   want=f"return a tensor of probabilities of the shape {list(batch.x.shape)}.")
    if wrong:
        return verdict(False, "", wrong)
    if not ((p > 0) & (p < 1)).all():
        return verdict(False, "", "every probability must lie between 0 and 1, and be neither.")
    other = batch.x.clone()
    other[300:] = 1 - other[300:]
    again = numbers(attempt(answer, other), *batch.x.shape)
    if again is None or not torch.allclose(again[:300], p[:300], atol=1e-5):
        return verdict(False, "",
                       "your predictions look at bits that come later: p[t] may depend on x[0] "
                       "to x[t] alone.")
    mine, best = bits(p.logit(), batch).mean().item(), bayes(batch)[1].mean().item()
    if not best - mine > gain:
        return verdict(False, "",
                       f"yours costs {mine:.1f} bits, equation (10) {best:.1f}. Aim at {gain:g} "
                       "bits less than that.")
    return verdict(True,
                   f"{mine:.1f} bits, {best - mine:.1f} less than equation (10): the optimum is "
                   "one for tables that stay.", "")
