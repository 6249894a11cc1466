"""Checkers of the chapter "A head is seven signals, each kept in its range"."""

import torch
from torch.nn.functional import softplus

from ..machine import NTM
from . import verdict


def _numbers(answer):
    """answer as a flat float tensor, or None."""
    try:
        return torch.as_tensor(answer, dtype=torch.float32).flatten()
    except (TypeError, ValueError, RuntimeError):
        return None


def told_nothing(w_s):
    """Exercise 1: the shifted weighting of a head whose raw numbers are all 0."""
    w_s = _numbers(w_s)
    if w_s is None or w_s.numel() != 5:
        return verdict(False, "", "w_s is a list of five numbers, one a slot.")
    if torch.allclose(w_s, torch.tensor([0.1, 0.1, 0.6, 0.1, 0.1]), atol=0.02):
        return verdict(False, "",
                       "that is w_g, before the shift: every slot still has to share with its "
                       "two neighbours.")
    if abs(w_s.sum().item() - 1) > 0.02:
        return verdict(False, "", f"a weighting sums to 1; yours sums to {w_s.sum().item():.2f}.")
    if not torch.allclose(w_s, torch.tensor([0.1, 0.8 / 3, 0.8 / 3, 0.8 / 3, 0.1]), atol=0.02):
        return verdict(False, "",
                       "not these. w_g is 0.6 on slot 2 and 0.1 elsewhere; each slot of w_s is a "
                       "mean of three neighbours.")
    return verdict(True,
                   "0.1, 0.27, 0.27, 0.27, 0.1: after one step of saying nothing, the head is no "
                   "longer sure of its slot.", "")


def raw_for(answer):
    """Exercise 2: raw numbers from wanted β, g, γ."""
    for β, g, γ in [(1.0, 0.5, 2.0), (0.1, 0.01, 1.5), (8.0, 0.99, 6.0)]:
        try:
            raw = _numbers(answer(β, g, γ))
        except Exception as error:
            return verdict(False, "",
                           f"for β={β}, g={g}, γ={γ} your function raised "
                           f"{type(error).__name__}: {error}.")
        if raw is None or raw.numel() != 3:
            return verdict(False, "", "return three numbers: raw β, raw g, raw γ.")
        found = [softplus(raw[0]), torch.sigmoid(raw[1]), 1 + softplus(raw[2])]
        for name, wanted, value in zip("βgγ", (β, g, γ), found):
            if not abs(value.item() - wanted) < 1e-3:
                return verdict(False, "",
                               f"your raw {name} gives {name} = {value.item():.3f}; wanted was "
                               f"{wanted}.")
    return verdict(True, "the raw numbers give back β, g and γ in three cases.", "")


@torch.no_grad()
def walk(answer):
    """Exercise 3: biases that make both heads walk one slot a step."""
    machine = NTM(4, 3, "lstm", hidden_size=16, N=16, width=4, seed=0)
    try:
        answer(machine.heads)
        x = torch.randint(0, 2, (12, 1, 4), generator=torch.Generator().manual_seed(0)).float()
        _, trace = machine(x, trace=True)
    except Exception as error:
        return verdict(False, "", f"trying your heads raised {type(error).__name__}: {error}.")
    for name, w in [("read", trace.w_read[:, 0, 0]), ("write", trace.w_write[:, 0, 0])]:
        weight, slot = w.max(-1)
        if not torch.equal(slot, torch.arange(1, 13)):
            return verdict(False, "",
                           f"the {name} head begins on slot 0 and visits {slot[:5].tolist()} "
                           "...; it should visit 1, 2, 3, ...")
        if not weight.min() > 0.9:
            return verdict(False, "",
                           f"the {name} head goes the right way, but its weight falls to "
                           f"{weight.min():.2f}; keep it above 0.9.")
    return verdict(True, "both heads visit slots 1 to 12 in 12 steps, whatever comes in.", "")


def scalar_shift(answer):
    """Exercise 4: the paper's scalar shift as a head would emit it, from any raw number."""
    for raw, reach in [(0.0, 1), (0.8, 1), (-0.3, 2), (60.0, 1), (-1000.0, 2)]:
        x = torch.tensor(raw, requires_grad=True)
        try:
            s = _numbers(answer(x, reach))
        except Exception as error:
            return verdict(False, "",
                           f"for raw={raw}, reach={reach} your function raised "
                           f"{type(error).__name__}: {error}.")
        if s is None or s.numel() != 2 * reach + 1:
            return verdict(False, "",
                           f"for reach={reach} return {2 * reach + 1} numbers, the shares of the "
                           f"shifts {-reach} to {reach}.")
        expected = (1 - (reach * torch.tanh(x.detach()) - torch.arange(-reach, reach + 1)).abs(
            )).clamp(min=0)
        if not torch.allclose(s.detach(), expected, atol=1e-5):
            given, wanted = ([round(v, 3) + 0.0 for v in t.tolist()] for t in (s, expected))
            return verdict(False, "",
                           f"for raw={raw}, reach={reach} you give {given}, it is {wanted}.")
        if raw == 0.8 and not (s.requires_grad and torch.autograd.grad(s[-1], x)[0] > 0):
            return verdict(False, "",
                           "the shares are right, but no gradient reaches the raw number: keep "
                           "it a tensor all the way.")
    return verdict(True, "every raw number is a shift. Told nothing, this head stays where it is; "
                         "a softmax head spreads over three slots.", "")


def squash(answer):
    """Exercise 5, open-ended: a squashing function for γ; reports where it starts and how steep it
    is."""
    x = torch.linspace(-50, 50, 1001, requires_grad=True)
    try:
        γ = answer(x)
        slope, = torch.autograd.grad(γ.sum(), x)
    except Exception as error:
        return verdict(False, "", f"trying it on a tensor raised {type(error).__name__}: {error}.")
    if γ.shape != x.shape or not (γ.isfinite().all() and slope.isfinite().all()):
        return verdict(False, "",
                       "it must return a tensor of the same shape, finite from -50 to 50, and "
                       "with a finite gradient.")
    if γ.min() < 1:
        return verdict(False, "", f"it reaches {γ.min().item():.2f}; γ must be at least 1.")
    if (γ.diff() < -1e-6).any():
        return verdict(False, "",
                       "it decreases somewhere: a larger raw number should never mean less "
                       "sharpening.")
    if γ.max() < 5:
        return verdict(False, "",
                       f"its largest value is {γ.max().item():.2f}: a head must be able to "
                       "become sharp, say γ = 5.")
    middle = slope[(x.detach().abs() <= 4)]
    if middle.min() < 1e-3:
        return verdict(False, "",
                       f"its gradient falls to {middle.min().item():.1e} between -4 and 4: "
                       "training could not move it there.")
    return verdict(True,
                   f"it starts at γ = {γ[500].item():.2f} with slope {slope[500].item():.2f}; "
                         f"its gradient stays above {middle.min().item():.3f} between -4 and 4.",
                   "")
