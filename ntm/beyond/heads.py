"""Heads that specialise: how alike several heads are, what each is good for, and what sets them
apart.

    python -m ntm.beyond.heads --first 20 --seeds 10

trains machines with one to eight read heads, four heads from several starts and four heads that pay
for their overlap, on these seeds, and writes what it finds to `pretrained/heads.json`. What is in
the folder already is not made again.

The machine is the paper's. A start is what its weights are before training; a penalty is a module
around it that `ntm.train` takes as it takes a machine.
"""

import argparse
import copy
import hashlib
import math
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import normalize

from .. import tasks
from ..checks import integer, number, positive
from ..grid import grid, terminate_is_ctrl_c
from ..machine import NTM
from ..runs import made_by, write_runs
from ..runs import source as source_of_runs
from ..training import evaluate, train

FILE = Path(__file__).parents[1] / "pretrained" / "heads.json"
# for each task: the task, the machine beyond its heads, how it is trained, what is asked at the end
COURSES = {
    "recall": (tasks.AssociativeRecall,
               dict(hidden_size=256, start="tape", initial_memory="redrawn"),
               dict(sequences=3_000), {"training range": {}, "20 items": dict(items=20)}),
    "sort": (tasks.PrioritySort,
             dict(hidden_size=100, initial_memory="positions", initial_strength=3.0),
             dict(sequences=10_000, batch=10, every=500, lr=1e-3), {"training range": {}}),
}


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

    def __init__(self, machine, weight, moments=2, seed=0):
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


def build(task, heads, start="tape", seed=0):
    """A new machine for one of COURSES with so many read heads (for sort as many write heads),
    begun as STARTS says; and the task."""
    for what, value, allowed in [("task", task, COURSES), ("start", start, STARTS)]:
        if value not in allowed:
            raise ValueError(f"{what} is {value!r}; it must be one of "
                             f"{', '.join(map(repr, allowed))}")
    kind, settings, _, _ = COURSES[task]
    subject = kind()
    machine = NTM(subject.inputs, subject.outputs, "feedforward", seed=seed, read_heads=heads,
                  write_heads=heads if task == "sort" else 1, **settings)
    if STARTS[start] is not None:
        STARTS[start](machine)
    return machine, subject


def run(task, heads, start, weight, seed, sequences=None):
    """Train one machine; a dict for JSON. weight: of the penalty, in bits; 0 for none."""
    machine, subject = build(task, heads, start, seed)
    recipe = dict(every=100) | COURSES[task][2]
    if sequences is not None:
        recipe["sequences"] = sequences
    if "lr" in recipe:
        recipe["optimizer"] = torch.optim.Adam(machine.parameters(), lr=recipe["lr"])
    probe = subject.sample(50, generator=torch.Generator().manual_seed(9_000 + seed))

    def now():
        with torch.no_grad():
            w = machine(probe.x, trace=True)[1].w_read
        return round(overlap(w).item(), 4) if heads > 1 else None

    begin, started = now(), time.process_time()
    learner = Apart(machine, weight, seed=seed) if weight else machine
    curve = train(learner, subject, seed=seed, progress=False, **recipe).bits
    seconds, fresh = time.process_time() - started, 10_000 + seed
    scores = {}
    for question, how in COURSES[task][3].items():
        scored = evaluate(machine, subject, sequences=100, seed=fresh, **how)
        scores[question] = dict(bits=float(f"{scored.bits:.4g}"), wrong_bits=scored.wrong_bits)
    return dict(task=task, heads=heads, start=start, weight=weight, seed=seed,
                sequences=recipe["sequences"], every=recipe["every"],
                bits=[float(f"{bits:.4g}") for bits in curve],
                overlap=dict(begin=begin, end=now()), scores=scores,
                without=[float(f"{bits:.4g}")
                         for bits in without_each(machine, subject, 50, fresh)],
                milliseconds=round(1e3 * seconds / recipe["sequences"], 3),
                parameters=sum(p.numel() for p in machine.parameters()))


def source():
    """A hash of the code that makes a result."""
    digest = hashlib.sha256(source_of_runs().encode())
    digest.update(Path(__file__).read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:12]


def jobs_of(seeds):
    """What the record holds. On these seeds: so many heads, and four heads from other starts; on
    the first five: four heads that pay; on the first three: sort."""
    counts = [dict(task="recall", heads=heads, start="tape", weight=0.0) for heads in (1, 2, 4, 8)]
    starts = [dict(task="recall", heads=4, start=start, weight=0.0)
              for start in ("alike", "habits", "twins")]
    pays = [dict(task="recall", heads=4, start="tape", weight=weight)
            for weight in (0.1, 1.0, 10.0)]
    sort = [dict(task="sort", heads=heads, start="tape", weight=0.0) for heads in (1, 2, 4, 8)]
    jobs = [(counts + starts, seeds[:5]), (pays, seeds[:5]), (sort, seeds[:3]),
            (counts + starts, seeds[5:])]
    return [job | dict(seed=seed) for what, among in jobs for seed in among for job in what]


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ntm.beyond.heads",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--first", type=int, default=20, help="the first seed")
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--folder", default="build/heads")
    parser.add_argument("--workers", type=int, default=1, help="processes side by side")
    given = parser.parse_args(arguments)
    terminate_is_ctrl_c()
    jobs = jobs_of(range(given.first, given.first + given.seeds))
    with ProcessPoolExecutor(given.workers, get_context("spawn"), torch.set_num_threads,
                             (1,)) as executor:
        results, failures = grid(run, jobs, given.folder, executor=executor)
    for name, error in failures.items():
        print(f"{name} failed: {error!r}")
    command = f"python -m ntm.beyond.heads --first {given.first} --seeds {given.seeds}"
    runs = [{k: v for k, v in result.items() if k != "made"} for result in results if result]
    write_runs(FILE, made_by(command) | dict(source=source()), runs)
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    from ntm.beyond.heads import (
        main as imported,  # so that the workers find `run` in this module
    )

    imported()
