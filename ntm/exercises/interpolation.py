"""Checkers of the chapter on interpolation."""

import torch

from ..addressing import interpolate
from . import attempt, numbers, verdict, was


def gate_by_hand(g, r):
    """The gate that leaves 0.4 on slot 2, and what the head then reads from the page's memory:
    (0.84, 1.28)."""
    g, r = numbers(g), numbers(r, 2)
    if g is None:
        return verdict(False, "", "the gate must be one number.")
    if abs(g - 0.6) > 1e-3:
        return verdict(False, "", f"with g = {g:g} slot 2 keeps {1 - g:.3g}, not 0.4.")
    if r is None:
        return verdict(False, "",
                       "the gate is right; the reading must be two numbers, one for each column.")
    return verdict((r - torch.tensor([0.84, 1.28])).abs().max() < 1e-3,
                   "slot 2 keeps 1 − g = 0.4, and the head reads (0.84, 1.28).",
                   f"the gate is right; the reading is not ({r[0]:.3g}, {r[1]:.3g}). Blend the "
                   "weightings first, then sum the rows.")


def largest_gate(function):
    """function(T, p): the largest gate that leaves the share p of a focus after T steps."""
    for T, p in [(1, 0.9), (7, 0.5), (100, 0.9)]:
        answer = attempt(function, T, p)
        g = numbers(answer)
        if g is None:
            return verdict(False, "", f"largest_gate({T}, {p}) must be a number; {was(answer)}.")
        w = torch.eye(2)[0]
        for _ in range(T):
            w = interpolate(torch.eye(2)[1], w, g)
        if not 0 <= g <= 1 or abs(w[0] - p) > 2e-3:
            return verdict(False, "",
                           f"for T = {T} and p = {p} your gate is {g:.5g}, and with it "
                           f"{w[0]:.3f} is left.")
    return verdict(True,
                   "with that gate the share p is left after T steps, for every T and p tried.", "")


def follow(function):
    """function(w_c, g, w_0): the weightings [T, N] after every step of equation (7)."""
    generator = torch.Generator().manual_seed(0)
    w_c, g = (torch.softmax(3 * torch.randn(6, 4, generator=generator), dim=-1),
              torch.rand(6, generator=generator))
    w_0 = torch.eye(4)[0]
    answer = attempt(function, w_c, g, w_0)
    got = numbers(answer, 6, 4)
    if got is None:
        return verdict(False, "",
                       "for 6 steps and 4 slots the answer must be a tensor [6, 4]; "
                       f"{was(answer)}.")
    w, wanted = w_0, []
    for t in range(6):
        w = interpolate(w_c[t], w, g[t])
        wanted.append(w)
    wrong = [t for t in range(6) if not torch.allclose(got[t], wanted[t], atol=1e-4)]
    return verdict(not wrong, "every step begins where the one before ended.",
                   f"step {wrong[0] if wrong else 0} is the first that differs. Its w_prev must "
                   "be the weighting of the step before.")


def be_the_network(gates):
    """Ten gates that lead a head over the slots 0, 0, 2, 2, 2, 2, 2, 4, 4 and half 4, half 3."""
    gates = numbers(gates, 10)
    if gates is None or not ((gates >= 0) & (gates <= 1)).all():
        return verdict(False, "", "give ten numbers, each from 0 to 1.")
    finds, slots = torch.eye(8)[[5, 5, 2, 7, 7, 1, 2, 4, 0, 3]], torch.eye(8)
    path = [*slots[[0, 0, 2, 2, 2, 2, 2, 4, 4]], (slots[4] + slots[3]) / 2]
    w = slots[0]
    for t in range(10):
        w = interpolate(finds[t], w, gates[t])
        if not torch.allclose(w, path[t], atol=0.02):
            at = ", ".join(f"{share:.2g} on slot {i}" for i, share in enumerate(w.tolist())
                           if share > 0.005)
            return verdict(False, "", f"after step {t} the head has {at}.")
    return verdict(True,
                   "the head stays, jumps and stays as asked, and ends with half of its weight "
                   "on each of two slots.", "")


def gate_per_slot(w_c, w_prev, gates):
    """Two weightings and a gate for each of four slots, whose blend is no weighting."""
    w_c, w_prev, gates = (numbers(value, 4) for value in (w_c, w_prev, gates))
    for name, w in [("w_c", w_c), ("w_prev", w_prev)]:
        if w is None:
            return verdict(False, "", f"{name} must be four numbers.")
        if (w < 0).any() or abs(w.sum() - 1) > 1e-3:
            return verdict(False, "",
                           f"{name} is no weighting: its numbers must not be negative and must "
                           f"sum to 1 (yours: {w.sum():.3g}).")
    if gates is None or not ((gates >= 0) & (gates <= 1)).all():
        return verdict(False, "", "the gates must be four numbers, each from 0 to 1.")
    total = (gates * w_c + (1 - gates) * w_prev).sum()
    return verdict(abs(total - 1) > 0.01,
                   f"the blend sums to {total:.3g}. One gate for all slots cannot do that.",
                   "the blend still sums to 1. Let the gates differ where the weightings differ.")
