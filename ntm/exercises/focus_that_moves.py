"""Checkers of the chapter "Focus that moves"."""

import torch

from . import attempt, numbers, verdict


def neighbour(answer):
    """Exercise 1: the score, less its price, that a kernel lends a silent neighbour."""
    value = numbers(answer)
    if value is None:
        return verdict(False, "", "give one number.")
    if abs(value - 1) < 1e-6:
        return verdict(False, "", "1 is right before the price is taken off again.")
    if abs(value - 1.95) < 1e-6:
        return verdict(False, "", "1.95 is the block itself. Its right neighbour gets half of it.")
    if abs(value - 0.95) > 1e-3:
        return verdict(False, "", f"{value.item():g} is not 0.5 times 2, less the price of 0.05.")
    return verdict(True, "0.95: half of the gain, and then the price.", "")


def gate(answer):
    """Exercise 2: a gate that stays shut while nothing is said, and opens when something is."""
    generator = torch.Generator().manual_seed(0)
    best = torch.linspace(-1, 4, 21)
    scores = torch.rand(21, 56, generator=generator) * 0.2 + best[:, None] - 1.2
    scores[torch.arange(21), torch.randint(56, (21,), generator=generator)] = best
    previous = torch.rand(21, 56, generator=generator) * 4 - 1
    found = attempt(answer, scores, previous)
    if isinstance(found, Exception):
        return verdict(False, "", f"your gate raised {type(found).__name__}: {found}.")
    g = numbers(found, 21)
    if g is None:
        return verdict(False, "", "return one finite g for each stream, of the shape [B].")
    if (g < 0).any() or (g > 1).any():
        ends = f"{g.min():.2f} to {g.max():.2f}"
        return verdict(False, "", f"g must lie within 0 and 1; yours goes from {ends}.")
    if (g[best <= 0.5] > 0.1).any():
        return verdict(False, "", "no score is above 0.5 and g is above 0.1: the focus forgets.")
    if (g[best >= 2] < 0.9).any():
        return verdict(False, "", "a score is 2 or more and g is below 0.9: the focus comes late.")
    if (g[1:] < g[:-1] - 1e-4).any():
        return verdict(False, "", "your g falls somewhere although the best score rises.")
    return verdict(True, "shut in silence, open when something is said.", "")
