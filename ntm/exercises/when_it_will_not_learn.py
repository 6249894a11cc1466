"""Checkers of the chapter "It will not learn"."""

import math

import torch

from ..addressing import shift
from ..beyond.failures import SHORT
from ..machine import NTM
from ..training import evaluate, train
from . import ask, verdict


def plateau(answer):
    """Exercise 1: what copy costs a machine that keeps the first k vectors and guesses the
    others."""
    for k, width, longest in [(20, 8, 20), (0, 8, 20), (10, 8, 20), (16, 8, 20), (3, 4, 6)]:
        right = width * sum(max(L - k, 0) for L in range(1, longest + 1)) / longest
        value, wrong = ask(answer, k, width, longest,
                           want="return a single number, the bits of a sequence on average.")
        if wrong:
            return verdict(False, "", wrong)
        if not math.isclose(value, right, abs_tol=0.01):
            less = math.isclose(value, width * ((longest + 1) / 2 - k), abs_tol=0.01)
            why = " A sequence shorter than k costs nothing, not less." if less else ""
            return verdict(False, "",
                           f"for k = {k}, {width} bits and 1 to {longest} vectors it is "
                           f"{right:.2f}; yours is {value:.2f}.{why}")
    return verdict(True, "22 bits where ten vectors of twenty are kept, 4 where sixteen are.", "")


def _padded(w_g, s):
    reach = s.shape[-1] // 2
    moved = torch.zeros_like(w_g)
    for j in range(-reach, reach + 1):
        start, end = max(j, 0), w_g.shape[-1] + min(j, 0)
        moved[..., start:end] += s[..., reach + j, None] * w_g[..., start - j : end - j]
    return moved


def _two_on(w_g, s):
    return shift(w_g, s).roll(1, -1)


BROKEN = {"a mirrored one": lambda w_g, s: shift(w_g, s.flip(-1)),
          "one that pads with zeros": _padded,
          "one that is a slot too far on": _two_on, "one that forgets to shift": lambda w_g, s: w_g}


def unit_test(answer):
    """Exercise 2: a function that is given a shift, and says whether it is sound."""
    for name, function in {"the right one": shift, **BROKEN}.items():
        found, wrong = ask(answer, function, shape=None, call="your test")
        if wrong:
            return verdict(False, "", wrong)
        if not isinstance(found, bool):
            return verdict(False, "", "return True or False, as a Python bool.")
        if found != (function is shift):
            return verdict(False, "", f"your test {'passes' if found else 'refuses'} {name}.")
    return verdict(True, "it passes the right shift and refuses four wrong ones.", "")


def shrink(answer):
    """Exercise 3: how much shorter the optimiser's steps become where the loss is averaged."""
    for σ, bits in [(10.0, 84), (1.0, 84), (0.01, 84), (1.0, 18), (1.0, 1)]:
        right = math.sqrt((σ**2 + 1e-4) / (σ**2 + 1e-4 * bits**2))
        value, wrong = ask(answer, σ, bits,
                           want="return a single number, the new step over the old one.")
        if wrong:
            return verdict(False, "", wrong)
        if not math.isclose(value, right, rel_tol=1e-3):
            why = {1 / right: " It is the ratio of the steps: new over old.",
                   bits * right: " The gradient shrinks too, not its deviation alone."}
            why = next((w for v, w in why.items() if math.isclose(value, v, rel_tol=1e-3)), "")
            return verdict(False, "",
                           f"for σ = {σ:g} and {bits} bits the steps are {right:.3g} times as "
                           f"long; yours {value:.3g}.{why}")
    return verdict(True, "large gradients lose little; small ones, those at the end, nearly all.",
                   "")


def bug(answer, seeds=(0, 1), sequences=2_000):
    """Exercise 4, open-ended: a change of one's own, in place, and what it costs at copy of 1 to 10
    vectors."""
    costs = {True: [], False: []}
    for broken in (False, True):
        for seed in seeds:
            task = SHORT()
            machine = NTM(task.inputs, task.outputs, "feedforward", start="tape", seed=seed)
            if broken:
                before = machine.state_dict()
                before = {name: value.clone() for name, value in before.items()}
                found, wrong = ask(answer, machine, shape=None)
                if wrong:
                    return verdict(False, "", wrong)
                if all(torch.equal(value, before[name])
                       for name, value in machine.state_dict().items()):
                    return verdict(False, "",
                                   "no weight and no row of the machine has changed: change them "
                                   "in place.")
            try:
                train(machine, task, sequences, seed=seed, progress=False)
            except FloatingPointError as error:
                return verdict(True, f"it stops: {error}.", "")
            costs[broken].append(evaluate(machine, task, sequences=100).bits)
    sound, worse = (sum(costs[broken]) / len(seeds) for broken in (False, True))
    said = f"sound {sound:.2f} bits, with your bug {worse:.2f}"
    return verdict(worse > sound + 1, f"{said}.",
                   f"{said}: it learns all the same. Aim at a bit more.")
