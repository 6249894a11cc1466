"""Heads that specialise: how alike several heads are, what each is good for, and what sets them
apart.

    python -m ntm.beyond.heads --first 20 --seeds 10

trains machines with one to eight read heads, four heads from other starts, and four that pay for
their overlap, on recall; and machines with one to eight heads of each kind on a small sort. It
writes what it finds to `pretrained/heads.json`. What is in the folder already is not made again.

The machine is the paper's. A start is what its weights are before training; a penalty is a module
around it that `ntm.train` takes as it takes a machine.
"""

import argparse
import copy
import math
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import normalize

from .. import tasks
from ..checks import integer, number, positive
from ..machine import NTM
from ..runs import made_by, write_runs
from ..training import evaluate, train, warm_cosine
from .record import side_by_side, source

FILE = Path(__file__).parents[1] / "pretrained" / "heads.json"
# what is learned: associative recall, by a smaller machine than that of its chapter, for less long
SETTINGS = dict(N=64, start="tape", initial_memory="redrawn")
SEQUENCES = 3_000
QUESTIONS = {"training range": {}, "12 items": dict(items=12)}
# and a sort of 10 vectors, the 8 highest of which are asked for, by the recipe of its chapter
SORT = dict(vectors=10, highest=8)
SORT_SETTINGS = dict(N=32, start="tape", initial_memory="constant")
SORT_RECIPE = dict(sequences=40_000, batch=8, lr=2e-3, every=1_000)


# How alike heads are

def cosines(w):
    """The cosine of the weightings of every two heads, w [..., heads, N] to [..., heads, heads]."""
    w = normalize(w, dim=-1)
    return w @ w.mT


def overlap(w):
    """The mean of these cosines over all pairs of different heads, and over all else: one number,
    from 0 (no two heads ever on one slot) to 1 (always the same weighting)."""
    heads = w.shape[-2]
    if heads < 2:
        raise ValueError(f"w has {heads} head; it must have at least 2 to overlap")
    return (cosines(w).sum((-2, -1)) - heads).mean() / (heads * (heads - 1))


# What a head is good for

@torch.no_grad()
def silence(machine, reads=(), writes=()):
    """A copy of an NTM in which these heads do nothing: what a read head reads is heard by no one,
    and a write head neither erases nor adds."""
    machine = copy.deepcopy(machine)
    width, sizes = machine.heads.width, machine.heads.sizes
    for name, given, most in [("reads", reads, machine.read_heads),
                              ("writes", writes, machine.write_heads)]:
        for head in given:
            allowed = f"a list of heads from 0 to {most - 1}"
            if integer(name, head, 0, allowed) >= most:
                raise ValueError(f"{name} holds {head}; it must be {allowed}")
    hidden = machine.controller.output_size
    for head in reads:
        for weight, first in [(machine.controller.layers[0].weight, machine.inputs),
                              (machine.output.weight, hidden)]:
            weight[:, first + head * width : first + (head + 1) * width] = 0
    for head in writes:
        rows = slice(head * width, (head + 1) * width)
        for part, value in [(5, -100.0), (6, 0.0)]:  # σ(-100) erases nothing
            machine.heads.linear.weight.split(sizes)[part][rows] = 0
            machine.heads.linear.bias.split(sizes)[part][rows] = value
    return machine


def without_each(machine, task, sequences=100, seed=1):
    """Bits a sequence where one read head after the other is silenced: a list."""
    return [evaluate(silence(machine, [head]), task, sequences=sequences, seed=seed).bits
            for head in range(machine.read_heads)]


def with_each(machine, task, sequences=100, seed=1):
    """Bits a sequence where one read head after the other is the only one that is heard: a list."""
    everyone = set(range(machine.read_heads))
    return [evaluate(silence(machine, everyone - {head}), task, sequences=sequences, seed=seed).bits
            for head in range(machine.read_heads)]


# How heads begin

def _of_reads(machine):
    """For each kind of raw value (k β g s γ), the read heads' rows of weight and bias, the heads
    first."""
    heads = machine.heads
    for part in (heads.linear.weight, heads.linear.bias):
        for rows in part.split(heads.sizes)[:5]:
            yield rows.unflatten(0, (heads.heads, -1))[: machine.read_heads]


@torch.no_grad()
def alike(machine):
    """All read heads begin as the first: the same key, strength, gate, shift and sharpening at
    every step. What each of them reads is still heard by weights of its own."""
    for rows in _of_reads(machine):
        rows.copy_(rows[:1].expand_as(rows).clone())


@torch.no_grad()
def twins(machine):
    """Alike, and heard alike: nothing tells one read head from another."""
    alike(machine)
    shape = (machine.read_heads, machine.heads.width)
    for weight, first in [(machine.controller.layers[0].weight, machine.inputs),
                          (machine.output.weight, machine.controller.output_size)]:
        heard = weight[:, first : first + math.prod(shape)].unflatten(1, shape)
        heard.copy_(heard[:, :1].expand_as(heard).clone())


# what is added to the raw gate, and where to the tape's step of +1 is turned: in turn
HABITS = {"walks": (-2.0, 1), "finds": (2.0, 0), "finds the next": (2.0, 1),
          "goes back": (-2.0, -1)}


@torch.no_grad()
def habits(machine):
    """Read heads that a tape's start has made get one habit each, in turn: one walks on by place,
    one goes where its key points, one to the slot after that, one walks back."""
    _, _, g, s, _ = list(_of_reads(machine))[5:]  # of the bias
    middle = machine.heads.offsets // 2
    for head in range(machine.read_heads):
        gate, offset = list(HABITS.values())[head % len(HABITS)]
        g[head] += gate
        s[head, middle + 1] -= 3
        s[head, middle + offset] += 3


STARTS = {"tape": None, "alike": alike, "twins": twins, "habits": habits}


# What sets them apart

class _Also(torch.autograd.Function):
    """y as it is, through which one more cost, in bits, is descended."""

    @staticmethod
    def forward(ctx, y, cost):
        return y.view_as(y)

    @staticmethod
    def backward(ctx, d):
        return d, d.new_tensor(math.log(2))  # train descends nats


class Apart(nn.Module):
    """A machine whose read heads pay for their overlap while they learn: `weight` bits if they were
    always all alike.

    The overlap is that at `moments` steps of each sequence, drawn anew from `seed`: on average the
    same as at all of them, and the fast path is left only so many times. What is trained is the
    machine itself; the curve of the training is of its own cost alone.
    """

    def __init__(self, machine, weight, moments=1, seed=0):
        super().__init__()
        self.machine, self.weight = machine, number("weight", weight, "above 0", above=0)
        (self.moments,) = positive(moments=moments)
        self.generator, self.redraw = torch.Generator().manual_seed(seed), machine.redraw

    def forward(self, x):
        """Logits [T, B, outputs] for x [T, B, inputs]."""
        if not torch.is_grad_enabled():
            return self.machine(x)
        moments = torch.randperm(len(x) - 1, generator=self.generator)[: self.moments]
        logits, seen, state = [], [], None
        for part in x.tensor_split((moments.sort().values + 1).tolist()):
            y, state = self.machine.unroll(part, state)
            logits.append(y)
            seen.append(state.w[:, : self.machine.read_heads])
        paid = self.weight * overlap(torch.stack(seen[:-1]))
        return _Also.apply(torch.cat(logits), paid)


def build(heads, start="tape", seed=0):
    """A new machine for recall with so many read heads, begun as STARTS says."""
    if start not in STARTS:
        raise ValueError(f"start is {start!r}; it must be one of {', '.join(map(repr, STARTS))}")
    task = tasks.AssociativeRecall()
    machine = NTM(task.inputs, task.outputs, "feedforward", read_heads=heads, seed=seed, **SETTINGS)
    if STARTS[start] is not None:
        STARTS[start](machine)
    return machine


def overlap_now(machine, task=None, sequences=20, seed=0):
    """The overlap of a machine's read heads over fresh sequences of a task, by default recall; None
    for one head."""
    task = tasks.AssociativeRecall() if task is None else task
    x = task.sample(sequences, generator=torch.Generator().manual_seed(seed)).x
    with torch.no_grad():
        w = machine(x, trace=True)[1].w_read
    return overlap(w).item() if machine.read_heads > 1 else None


def made_of(machine, task, seed, questions, learner=None, **recipe):
    """What one training makes of a machine; a dict for JSON.

    learner: what is trained, by default the machine itself. recipe: of ntm.train, `sequences` and
    `every` among it. milliseconds: of CPU time, a sequence. without, alone: bits where one read
    head after the other is silenced, or is the only one that is heard.
    """
    fresh, sequences = 10_000 + seed, recipe["sequences"]
    begin, started = overlap_now(machine, task, seed=fresh), time.process_time()
    curve = train(learner or machine, task, seed=seed, progress=False, **recipe).bits
    seconds, scores = time.process_time() - started, {}
    for question, how in questions.items():
        scored = evaluate(machine, task, sequences=100, seed=fresh, **how)
        scores[question] = dict(bits=float(f"{scored.bits:.4g}"), wrong_bits=scored.wrong_bits)
    return dict(sequences=sequences, every=recipe["every"],
                bits=[float(f"{bits:.4g}") for bits in curve], scores=scores,
                overlap=dict(begin=begin, end=overlap_now(machine, task, seed=fresh)),
                without=[float(f"{bits:.4g}") for bits in without_each(machine, task, 40, fresh)],
                alone=[float(f"{bits:.4g}") for bits in with_each(machine, task, 40, fresh)],
                milliseconds=round(1e3 * seconds / sequences, 3),
                parameters=sum(p.numel() for p in machine.parameters()))


def run(heads, start, weight, seed, sequences=SEQUENCES, every=100):
    """Train one machine on recall; a dict for JSON. weight: of the price for overlap, in bits; 0
    for none."""
    machine = build(heads, start, seed)
    learner = Apart(machine, weight, seed=seed) if weight else machine
    return dict(task="recall", heads=heads, start=start, weight=weight, seed=seed,
                **made_of(machine, tasks.AssociativeRecall(), seed, QUESTIONS, learner,
                          sequences=sequences, every=every))


def sort(heads, controller, seed, **changes):
    """Train one machine with so many read and so many write heads on the small sort; a dict for
    JSON. changes: of SORT_RECIPE."""
    task, recipe = tasks.PrioritySort(**SORT), SORT_RECIPE | changes
    machine = NTM(task.inputs, task.outputs, controller, read_heads=heads, write_heads=heads,
                  seed=seed, **SORT_SETTINGS)
    adam = torch.optim.Adam(machine.parameters(), lr=recipe["lr"])
    return dict(task="sort", heads=heads, controller=controller, seed=seed,
                **made_of(machine, task, seed, {"training range": {}}, optimizer=adam,
                          schedule=warm_cosine, **recipe))


def jobs_of(seeds):
    """What the record holds, on these seeds: the jobs of recall, and those of sort."""
    kinds = [dict(heads=heads, start="tape", weight=0.0) for heads in (1, 2, 4, 8)]
    kinds += [dict(heads=4, start=start, weight=0.0) for start in ("alike", "habits")]
    kinds += [dict(heads=4, start="tape", weight=weight) for weight in (0.1, 1.0, 10.0)]
    sorts = [dict(heads=heads, controller=controller) for controller in ("feedforward", "lstm")
             for heads in (1, 2, 4, 8)]
    return [[job | dict(seed=seed) for seed in seeds for job in among] for among in (kinds, sorts)]


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ntm.beyond.heads",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--first", type=int, default=20, help="the first seed")
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--folder", default="build/heads")
    parser.add_argument("--workers", type=int, default=1, help="processes side by side")
    given = parser.parse_args(arguments)
    recall, sorted_ = jobs_of(range(given.first, given.first + given.seeds))
    runs, failed = side_by_side((run, recall, given.folder), (sort, sorted_, given.folder),
                                workers=given.workers)
    command = f"python -m ntm.beyond.heads --first {given.first} --seeds {given.seeds}"
    write_runs(FILE, made_by(command) | dict(source=source("beyond/heads.py")), sum(runs, []))
    raise SystemExit(failed)


if __name__ == "__main__":
    from ntm.beyond.heads import (
        main as imported,  # so that the workers find `run` in this module
    )

    imported()
