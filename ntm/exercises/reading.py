"""Checkers of the chapter "Reading is a weighted sum"."""

import torch

from . import ask, numbers, verdict

M_HAND = torch.tensor([[2.0, 0.0], [0.0, 2.0], [4.0, 4.0], [6.0, 2.0]])


def by_hand(r):
    """The reading of (1, 0), (3, 2), (5, 4), (0, 8) with the weights 0, 1/2, 1/4, 1/4."""
    r = numbers(r, 2)
    if r is None:
        return verdict(False, "",
                       "the answer is two numbers, one for each column, such as [1.5, 2.0].")
    column = next((j for j, value in enumerate((2.75, 4.0)) if abs(r[j] - value) > 1e-3), None)
    return verdict(column is None,
                   "slot 0 has no weight, slot 1 counts half, slots 2 and 3 a quarter each.",
                   f"column {column} is not {r[column or 0]:.3g}; multiply each slot's number by "
                   "its share, then add the four.")


def two_ways(first, second):
    """Two different weightings that both read (3, 2) from the memory of the page."""
    weightings = [numbers(w, 4) for w in (first, second)]
    for name, w in zip(("first", "second"), weightings):
        if w is None:
            return verdict(False, "", f"the {name} weighting is four numbers, one for each slot.")
        if (w < 0).any() or abs(w.sum() - 1) > 1e-3:
            return verdict(False, "",
                           f"the {name} one breaks equation (1): no share below 0, and together "
                           f"1 (yours: {w.sum():.3g}).")
        r = w @ M_HAND
        if (r - torch.tensor([3.0, 2.0])).abs().max() > 0.01:
            return verdict(False, "",
                           f"the {name} weighting reads ({r[0]:.3g}, {r[1]:.3g}), not (3, 2).")
    return verdict((weightings[0] - weightings[1]).abs().max() > 0.01,
                   "both read (3, 2), so a reading does not tell where the head looked.",
                   "the two weightings are the same.")


def is_weighting(function):
    """Equation (1) as a function of a tensor [..., N]."""
    good, one_hot = torch.full((2, 3, 8), 1 / 8), torch.eye(5)
    negative, loud = torch.tensor([[-0.5, 1.0, 0.5]]), torch.tensor([[0.6, 0.6]])
    hidden = torch.stack([torch.tensor([1.0, 0.0]), torch.tensor([0.9, 0.0])])
    balanced = torch.stack([torch.tensor([0.7, 0.7]), torch.tensor([0.3, 0.3])])
    rounded = torch.tensor([[0.5, 0.5 + 2e-6]])
    for w, right, reason in [(good, True, "equal shares over 8 slots are a weighting"),
                             (one_hot, True, "all weight on one slot is a weighting"),
                             (negative, False, "(-0.5, 1, 0.5) sums to 1 but has a negative share"),
                             (loud, False, "(0.6, 0.6) sums to 1.2"),
                             (hidden, False,
                              "the second of two weightings sums to 0.9: look at each of them"),
                             (balanced, False,
                              "one sums to 1.4 and one to 0.6; their mean is 1, yet neither is a "
                              "weighting"),
                             (rounded, True, "a sum of 1.000002 is 1, as far as a computer knows")]:
        answer, wrong = ask(function, w, shape=None)
        if wrong:
            return verdict(False, "", wrong)
        try:
            wrong = answer is None or answer is ... or bool(answer) is not right
        except (TypeError, ValueError, RuntimeError):
            return verdict(False, "", "return one True or False, not one for every weighting.")
        if wrong:
            return verdict(False, "", f"{reason}; your function says {answer}.")
    return verdict(True, "no share below 0 and a sum of 1; that no share exceeds 1 then follows.",
                   "")


def between(function):
    """A weighting [N] for a fractional position on a circle of N slots."""
    for N, position, shares in [(8, 2.0, {2: 1.0}), (8, 2.25, {2: 0.75, 3: 0.25}),
                                (5, 0.5, {0: 0.5, 1: 0.5}), (8, 7.5, {7: 0.5, 0: 0.5})]:
        w, wrong = ask(function, N, position, shape=(N,),
                       want=f"between({N}, {position}) must return {N} numbers.",
                       call=f"between({N}, {position})")
        if wrong:
            return verdict(False, "", wrong)
        expected = torch.zeros(N)
        for slot, share in shares.items():
            expected[slot] = share
        if (w - expected).abs().max() > 1e-4:
            wanted = " and ".join(f"{share:.3g} to slot {slot}" for slot, share in shares.items())
            return verdict(False, "",
                           f"between({N}, {position}) should give {wanted}; yours is "
                           f"{[round(v, 3) for v in w.tolist()]}.")
    return verdict(True,
                   "a head may stand between two slots, and the last slot's neighbour is slot 0.",
                   "")
