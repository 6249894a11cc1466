"""A gate that is learned: how much of a new score to take, and how much to keep of the old; the
paper's g, equation (7), on scores.

What it learns from is again a counterfactual: at every refocus, what each block in detail will be
worth for the *next* answer to come."""

import torch
from torch import nn
from torch.nn import functional

from ..weights import Saved
from . import oracle
from .allocator import best_below, smooth
from .data import F, K, windows
from .lens import PRICE, UNIT
from .measures import change
from .model import descend, table_of


class Gate(Saved, nn.Module):
    """each: "stream", one g for all of its blocks, or "block", one for each. Called with (scores,
    previous [B, C F], e2, e1)."""

    def __init__(self, each="stream", units=8, seed=0):
        super().__init__()
        if each not in ("stream", "block"):
            raise ValueError(f'each is {each!r}; it must be "stream" or "block"')
        self.each, self.settings = each, dict(each=each, units=units)
        inputs = 2 if each == "stream" else 5
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.net = nn.Sequential(nn.Linear(inputs, units), nn.Tanh(), nn.Linear(units, 1))

    def forward(self, scores, previous, e2, e1):
        seen = torch.stack([scores.amax(-1), previous.amax(-1)], -1)
        if self.each == "block":
            of_all = seen[:, None].expand(-1, scores.shape[1], -1)
            own = torch.stack([scores, previous, e1.flatten(1).float()], -1)
            seen = torch.cat([of_all, own], -1)
        return torch.sigmoid(self.net(seen)[..., 0])


def worth(lm, stream, found):
    """For every refocus the measured score of every block for the next answer, [B, t, C F]; nan
    after the last answer.

    found: what run.follow returned for this stream."""
    row, step = found["row"], found["step"]
    tail, answer = windows(stream.tail, row, step), windows(stream.wanted, row, step)
    answer[:, : 7 * K] = False  # earlier answers still in the window
    gain = oracle.detail(lm, table_of(lm, stream)[row], tail, answer) / UNIT - PRICE
    target = torch.full(found["shown"].shape, torch.nan)
    # from the last question backwards, each as far as the one before
    for q in reversed(range(len(row))):
        target[row[q], : step[q] + 1] = gain[q]
    return target


def _lesson(found, target):
    """Per refocus what a gate sees and is told: raw scores, the focus they were made under, the
    target, and what counts how much.

    A closed node lends its one score to all of its blocks. It counts once, and its target is the
    best of them."""
    opened = found["under2"].repeat_interleave(F, -1)
    counts = torch.where(opened, 1.0, 1.0 / F) * ~target.isnan()
    target = torch.where(opened, target, best_below(target)).nan_to_num().clamp(max=14 / UNIT)
    return found["raw"], found["under2"], found["under1"], target, counts


def train_gate(runs, each="stream", steps=120, rate=3e-2, calm=0.0, seed=0):
    """A gate, from runs [(found, target)]: `found` of run.follow(keep=True), `target` of worth.
    Squared error of the smoothed scores, with the gradient through the whole recursion. calm: the
    weight of an auxiliary loss on how much the focus changes (measures.change)."""
    gate, lessons = Gate(each, seed=seed), [_lesson(*run) for run in runs]
    optimiser = torch.optim.Adam(gate.parameters(), rate)
    for _ in range(steps):
        value = 0
        for raw, e2, e1, target, counts in lessons:
            mixed, kept = raw[:, 0], []
            for t in range(raw.shape[1]):
                mixed = smooth(raw[:, t], mixed, gate(raw[:, t], mixed, e2[:, t], e1[:, t]))
                kept.append(mixed)
            kept = torch.stack(kept, 1)
            error = functional.mse_loss(kept, target, reduction="none")
            value = value + (error * counts).sum() / counts.sum()
            if calm:
                value = value + calm * change(torch.sigmoid(4 * kept)) * kept.shape[-1]
        descend(value, optimiser)
    return gate.eval()
