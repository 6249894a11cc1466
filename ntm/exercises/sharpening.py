"""Checkers of the chapter on sharpening, equation (9), and on addressing as a whole."""

import math

import torch

from ..addressing import address, sharpen, shift
from . import verdict
from .shift import call, numbers


def by_hand(answer):
    """Exercise 1: [0.6, 0.3, 0, 0.1] with γ = 2."""
    w = numbers(answer)
    if w is None or w.shape != (4,):
        return verdict(False, "", "give a list of four numbers.")
    if torch.allclose(w, torch.tensor([0.36, 0.09, 0, 0.01]), atol=1e-3):
        return verdict(False, "", "these are the squares; they sum to 0.46. Divide by that.")
    return verdict(torch.allclose(w, torch.tensor([36.0, 9, 0, 1]) / 46, atol=6e-3),
                   "as 36 : 9 : 0 : 1, so the first slot has 0.78 where it had 0.6.",
                   "square 6, 3, 0 and 1 and divide by the sum of the squares; yours sum to "
                   f"{w.sum():.2f}.")


def which_exponent(answer):
    """Exercise 2: γ for which [0.25, 0.5, 0.25] gives the middle 0.98."""
    γ = numbers(answer)
    if γ is None or γ.numel() != 1:
        return verdict(False, "", "give one number.")
    middle = sharpen(torch.tensor([0.25, 0.5, 0.25]), γ.reshape(()))[1].item()
    return verdict(abs(γ.item() - math.log2(98)) < 6e-3,
                   f"γ = {γ.item():.2f}: the middle is 98 times as large as a neighbour.",
                   f"with γ = {γ.item():g} the middle slot has {middle:.3f}.")


def undo(answer):
    """Exercise 3: a function (w, γ) that inverts sharpen."""
    generator = torch.Generator().manual_seed(1)
    w_s = torch.softmax(torch.randn(3, 2, 6, generator=generator), dim=-1)
    γ = 1 + torch.rand(3, 2, generator=generator)
    given, reason = call(answer, sharpen(w_s, γ), γ)
    if given is None:
        return verdict(False, "", reason)
    if given.shape != w_s.shape:
        return verdict(False, "",
                       f"the result has the shape {list(given.shape)}; it must be that of w, "
                       f"{list(w_s.shape)}.")
    if not torch.allclose(given.sum(-1), torch.ones(3, 2), atol=1e-4):
        return verdict(False, "", "the result does not sum to 1.")
    return verdict(torch.allclose(given, w_s, atol=1e-4),
                   "sharpening by γ and then by 1/γ is sharpening by 1.",
                   f"some weight is off by {(given - w_s).abs().max():.3f}. What does sharpening "
                   "twice do to the exponents?")


def find_and_step(answer):
    """Exercise 4: settings β, g, s, γ that put more than 0.99 after the matching slot, with no
    entry of s above 0.8."""
    try:
        β, g, s, γ = (numbers(answer[name]) for name in ("β", "g", "s", "γ"))
    except (TypeError, KeyError, IndexError):
        return verdict(False, "", "give a dictionary with β, g, s and γ.")
    if s is None or s.shape != (3,) or any(x is None or x.numel() != 1 for x in (β, g, γ)):
        return verdict(False, "", "β, g and γ are one number each, s is three.")
    if s.min() < 0 or abs(s.sum().item() - 1) > 1e-4 or s.max() > 0.8 + 1e-6:
        return verdict(False, "",
                       "the three numbers of s must not be negative, must sum to 1, and none may "
                       "exceed 0.8.")
    if β < 0 or not 0 <= g <= 1 or γ < 1:
        return verdict(False, "", "β must not be negative, g lies from 0 to 1, γ is at least 1.")
    generator = torch.Generator().manual_seed(1)
    M, match, was = (
        torch.randn(20, 16, 8, generator=generator),
        torch.arange(20) % 16,
        (torch.arange(20) * 7 + 3) % 16,
    )
    k, w_prev, after = M[range(20),
                         match].unsqueeze(1), torch.eye(16)[was].unsqueeze(1), (match + 1) % 16
    fill = [x.reshape(()).expand(20, 1) for x in (β, g, γ)]
    w = address(M, k, fill[0], fill[1], s.expand(20, 1, 3), fill[2], w_prev)[:, 0]
    worst = w[range(20), after].min().item()
    return verdict(worst > 0.99,
                   f"at least {worst:.3f} on the slot after the match, in 20 memories.",
                   f"in 20 memories, the slot after the match has only {worst:.3f} in the worst "
                   "of them.")


def smallest_exponents(answer):
    """Exercise 5: {p: γ} for p = 0.95, 0.9, 0.8; each holds 0.9 after 100 steps, and γ − 0.05 does
    not."""
    try:
        γs = {p: numbers(answer[p]) for p in (0.95, 0.9, 0.8)}
    except (TypeError, KeyError, IndexError):
        return verdict(False, "", "give a dictionary {0.95: ..., 0.9: ..., 0.8: ...}.")
    for p, γ in γs.items():
        if γ is None or γ.numel() != 1 or γ < 1:
            return verdict(False, "", f"for p = {p} give one number of at least 1.")
        γ = γ.reshape(()) - torch.tensor([0.0, 0.05])
        w, s = torch.eye(128)[64].expand(2, -1), torch.tensor([(1 - p) / 2, p, (1 - p) / 2])
        for _ in range(100):
            w = sharpen(shift(w, s), γ)
        peak, peak_below = w[:, 64].tolist()
        if peak < 0.9:
            return verdict(False, "",
                           f"for p = {p} and γ = {γ[0]:.2f} only {peak:.3f} is left after 100 "
                           "steps.")
        if peak_below >= 0.9:
            return verdict(False, "",
                           f"for p = {p} a smaller γ will do: with {γ[1]:.2f} there is still "
                           f"{peak_below:.3f} left.")
    found = ", ".join(f"{γ.item():.2f} for p = {p}" for p, γ in γs.items())
    return verdict(True, f"{found}. The less sure the step, the more γ it takes.", "")
