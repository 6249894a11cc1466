"""The lab of failures: known bugs and disputed choices, each switched on alone in a machine that
learns without it.

    python -m ntm.beyond.failures --first 30 --seeds 5

trains every switch on these seeds, five at a time, and writes what it finds to
`pretrained/failures.json`; those that leave the fast path, and all of recall, on the first five.
What is in the folder already is not made again.

A switch changes the machine, the task or the recipe from outside, in a few lines. Most leave the
fast path as it is: a gate that is nailed shut is a bias of -100, through which no gradient comes.
"""

import argparse
import contextlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from .. import addressing, tasks
from ..machine import NTM, State
from ..many import train_many
from ..memory import add, erase, read
from ..optim import GravesRMSprop
from ..runs import made_by, write_runs
from ..training import evaluate, train
from .record import side_by_side, source

FILE = Path(__file__).parents[1] / "pretrained" / "failures.json"
# added to a raw value, it takes a sigmoid to 0 or 1 for good: its slope there is 0, too
SHUT = 100.0


class Switch(NamedTuple):
    """One way to go wrong, or to choose otherwise. What is None or empty is as in the sound
    machine."""

    says: str  # what it is, in a row of a table
    settings: dict = {}  # of NTM
    machine: type = NTM
    change: Callable | None = None  # of the new machine, in place
    task: Callable | None = None  # what it is trained on
    recipe: dict = {}  # of ntm.train
    optimizer: Callable | None = None  # from the machine
    # {(module or class, name): function}; the clear path, all seeds side by side
    replaces: dict = {}
    sequences: int | None = None
    slow: bool = False  # not an update in one call: five seeds, not all


# Parts of a machine

@torch.no_grad()
def nail(machine, kind, value):
    """Give all heads the same raw value for ever; kind: a place in Heads.sizes (k β g s γ e a)."""
    for part in (machine.heads.linear.weight, machine.heads.linear.bias):
        rows = part.split(machine.heads.sizes)["kβgsγea".index(kind)]
        rows.zero_() if part.dim() == 2 else rows.fill_(value)


@torch.no_grad()
def lift(machine, kind, value):
    """Begin with the raw values of a kind so much higher."""
    machine.heads.linear.bias.split(machine.heads.sizes)["kβgsγea".index(kind)].add_(value)


@torch.no_grad()
def mirror(machine):
    """Shift as conv1d does, a correlation: what was meant for +1 moves by -1."""
    offsets = machine.heads.offsets
    for part in (machine.heads.linear.weight, machine.heads.linear.bias):
        s = part.split(machine.heads.sizes)[3].unflatten(0, (-1, offsets))
        s.copy_(s.flip(1))


@torch.no_grad()
def untie(machine):
    """Read keys as large as before, but of another map of h than what is added."""
    for part in (machine.heads.linear.weight, machine.heads.linear.bias):
        keys = part[: machine.read_heads * machine.heads.width]
        keys.copy_(keys.flip(0))


def noise(machine):
    """Draw the rows anew for every update, of size 1, as zeros would be in a memory made with
    torch.randn."""
    shape = machine.M_0.shape
    machine.redraw = lambda generator: machine.M_0.copy_(torch.randn(shape, generator=generator))


class Carried(NTM):
    """The memory is never wiped: a sequence finds what the last one left."""

    left = None

    def initial_state(self, batch):
        state = super().initial_state(batch)
        return (state if self.left is None or len(self.left) != batch
                else state._replace(M=self.left))

    def unroll(self, x, state=None):
        y, state = super().unroll(x, state)
        self.left = state.M.detach()
        return y, state


class Cut(NTM):
    """The gradient goes back ten steps and no further: the state is detached."""

    def unroll(self, x, state=None):
        logits = []
        for i, part in enumerate(x.split(10)):
            if i:
                state = State(*(v.detach() for v in state[:3]),
                              tuple(v.detach() for v in state.controller))
            y, state = super().unroll(part, state)
            logits.append(y)
        return torch.cat(logits), state


# Optimisers

class Held(GravesRMSprop):
    """The paper's optimiser, with functions that are called before each step and after it: a way to
    tie or to hold weights that leaves the machine as it is. (Norms are clipped before, each weight
    counted.)"""

    def __init__(self, params, before, after):
        super().__init__(params)
        self.before, self.after = before, after
        after()

    @torch.no_grad()
    def step(self, closure=None):
        self.before()
        loss = super().step(closure)
        self.after()
        return loss


def one_weighting(machine):
    """One set of k, β, g, s and γ for both heads: the write head is always where the read head
    is."""
    weight, bias = machine.heads.linear.weight, machine.heads.linear.bias

    def halves(part):
        return [rows.chunk(2) for rows in part.split(machine.heads.sizes)[:5]]

    def sum_gradients():
        for d_read, d_write in halves(weight.grad) + halves(bias.grad):
            d_write.copy_(d_read.add_(d_write))

    @torch.no_grad()
    def equal():
        for read_head, write_head in halves(weight) + halves(bias):
            write_head.copy_(read_head)

    return Held(machine.parameters(), sum_gradients, equal)


def deaf(machine):
    """What was read does not come back to the controller."""
    weight, heard = machine.controller.layers[0].weight, machine.inputs
    silence = slice(heard, heard + machine.read_heads * machine.heads.width)

    @torch.no_grad()
    def no_ears():
        weight[:, silence] = 0

    return Held(machine.parameters(), lambda: weight.grad[:, silence].zero_(), no_ears)


class Forgetful(GravesRMSprop):
    """zero_grad was forgotten: every gradient is added to all before it."""

    def zero_grad(self, set_to_none=True):
        pass


def torch_rmsprop(machine):
    return torch.optim.RMSprop(machine.parameters(), lr=1e-4, alpha=0.95, eps=1e-4, momentum=0.9,
                               centered=True)


def adam(rate):
    return lambda machine: torch.optim.Adam(machine.parameters(), lr=rate)


def averaged(bits):
    """The loss divided by so many bits: to the paper's optimiser the same as an ε larger by their
    square."""
    return lambda machine: GravesRMSprop(machine.parameters(), eps=1e-4 * bits**2)


# Tasks

class NoEnd(tasks.Copy):
    """Copy without its end mark."""

    steady = True

    def sample(self, batch, **options):
        drawn = super().sample(batch, **options)
        drawn.x[:, :, -1] = 0
        return drawn


# Functions of the machine, replaced

def write_first(self, x, state):
    """NTM.step, but what is read is the memory as this step has written it."""
    M, w_prev, r_prev, c_prev = state
    h, c = self.controller(torch.cat([x, r_prev.flatten(1)], dim=-1), c_prev)
    k, β, g, s, γ, e, a = emitted = self.heads(h)
    w = addressing.address(M, k, β, g, s, γ, w_prev)
    w_read, w_write = w.split([self.read_heads, self.write_heads], dim=1)
    M = add(erase(M, w_write, e), w_write, a)
    r = read(M, w_read)
    return self.output(torch.cat([h, r.flatten(1)], dim=-1)), State(M, w, r, c), emitted


def plain_powers(w_s, γ):
    """Equation (9) as it is written, with the usual 1e-16: powers that underflow."""
    powers = w_s ** γ.unsqueeze(-1)
    return powers / (powers.sum(-1, keepdim=True) + 1e-16)


def bare_cosine(M, k):
    """Equation (6) as it is written: 0 / 0 where a row is zero."""
    return k @ M.transpose(-1, -2) / (k.norm(dim=-1).unsqueeze(-1) * M.norm(dim=-1).unsqueeze(-2))


SHORT = partial(tasks.Copy, lengths=(1, 10))  # for what leaves the fast path
COPY = {
    "sound": Switch("nothing wrong"),
    # how it begins
    "bare": Switch("first weights as torch draws them", settings=dict(start="bare")),
    "alike": Switch("heads begin everywhere, rows alike",
                    settings=dict(initial_weighting="uniform")),
    "everywhere": Switch("heads begin everywhere, rows differ",
                         settings=dict(initial_weighting="uniform", initial_memory="distinct")),
    "constant": Switch("rows begin at 0.000001", settings=dict(initial_memory="constant")),
    "distinct": Switch("rows random, fixed", settings=dict(initial_memory="distinct")),
    "noise": Switch("rows random, of size 1, new each time", change=noise),
    "carried": Switch("memory never wiped", machine=Carried, slow=True),
    # the heads
    "few": Switch("16 slots for 20 vectors", settings=dict(N=16)),
    "mirrored": Switch("shift mirrored (conv1d)", change=mirror),
    "no erase": Switch("no erase", change=partial(nail, kind="e", value=-SHUT)),
    "blunt": Switch("no sharpening, γ = 1", change=partial(nail, kind="γ", value=-SHUT)),
    "sharp": Switch("γ begins 4 higher", change=partial(lift, kind="γ", value=4.0)),
    "by place": Switch("no content, g = 0", change=partial(nail, kind="g", value=-SHUT)),
    "by content": Switch("no place, g = 1", change=partial(nail, kind="g", value=SHUT)),
    "one weighting": Switch("write head uses the read head's weights", optimizer=one_weighting,
                            slow=True),
    "deaf": Switch("what was read not fed back", optimizer=deaf, slow=True),
    # the recipe
    "adam": Switch("Adam at 0.001", optimizer=adam(1e-3)),
    "torch": Switch("torch's RMSprop, centred", optimizer=torch_rmsprop, slow=True),
    "fast": Switch("rate ten times as high", recipe=dict(lr=1e-3)),
    "constant rate": Switch("rate constant", recipe=dict(schedule=None)),
    "unclipped": Switch("gradient not clipped", recipe=dict(clip=None)),
    "each": Switch("each element clipped at 10", recipe=dict(clip=None, clip_each=10.0)),
    "batch": Switch("10 sequences an update", recipe=dict(batch=10)),
    "batch, fast": Switch("10 an update, rate ten times as high", recipe=dict(batch=10, lr=1e-3)),
    "mean": Switch("loss averaged over its 84 bits", optimizer=averaged(84),
                   recipe=dict(clip=840.0)),
    "never zeroed": Switch("gradients never zeroed",
                           optimizer=lambda machine: Forgetful(machine.parameters()), slow=True),
    "cut": Switch("gradient cut every 10 steps", machine=Cut, slow=True),
    # the data
    "short": Switch("lengths 1 to 10", task=SHORT),
    "always 20": Switch("always 20 vectors", task=partial(tasks.Copy, lengths=(20, 20))),
    "no end": Switch("no end mark", task=NoEnd),
    # clear path, on lengths 1 to 10: to be held against "short"
    "no ε": Switch("memory of zeros, cosine without ε", task=SHORT,
                   change=lambda machine: machine.M_0.zero_(),
                   replaces={(addressing, "similarity"): bare_cosine}, sequences=100, slow=True),
    "write first": Switch("write, then read (lengths 1 to 10)", task=SHORT,
                          replaces={(NTM, "step"): write_first},
                          sequences=1_500, slow=True),
    "plain powers": Switch("w^γ / (Σ + 1e-16) (lengths 1 to 10)", task=SHORT,
                           replaces={(addressing, "sharpen"): plain_powers}, sequences=1_500,
                           slow=True),
}
RECALL = {name: COPY[name] for name in ("sound", "bare", "by content", "adam", "batch")} | {
    "no search": Switch("search not sharp at first", change=partial(lift, kind="β", value=-5.0)),
    "untied": Switch("keys and adds unrelated", change=untie),
    "distinct": Switch("rows random, fixed", settings=dict(initial_memory="distinct")),
    "mean": Switch("loss averaged over its 18 bits", optimizer=averaged(18),
                   recipe=dict(clip=180.0)),
}
LAB = {"copy": COPY, "recall": RECALL}
# the task, what the machine is beyond a tape's start, how many sequences, and the questions
SOUND = {
    "copy": (tasks.Copy, dict(controller="feedforward"), 3_000,
             {"training range": {}, "length 120": dict(length=120)}),
    "recall": (tasks.AssociativeRecall, dict(controller="lstm", initial_memory="redrawn"), 5_000,
               {"training range": {}, "20 items": dict(items=20)}),
}


def switch(name, task="copy"):
    """The Switch of that name; raises ValueError where there is none."""
    for what, value, allowed in [("task", task, LAB), ("name", name, LAB.get(task, ()))]:
        if value not in allowed:
            raise ValueError(f"{what} is {value!r}; it must be one of "
                             f"{', '.join(map(repr, allowed))}")
    return LAB[task][name]


def build(name, task="copy", seed=0):
    """A machine with that switch on, the task it is to be trained on, and the options for
    ntm.train."""
    on, (sound, settings, sequences, _) = switch(name, task), SOUND[task]
    subject = (on.task or sound)()
    machine = on.machine(subject.inputs, subject.outputs, seed=seed,
                         **dict(start="tape") | settings | on.settings)
    if on.change is not None:
        on.change(machine)
    recipe = dict(sequences=on.sequences or sequences) | on.recipe
    if on.optimizer is not None:
        recipe["optimizer"] = on.optimizer(machine)
    return machine, subject, recipe


@contextlib.contextmanager
def replaced(functions):
    """While this lasts, these functions stand in place of the package's, and the clear path is
    taken."""
    before = {(owner, name): getattr(owner, name) for owner, name in functions}
    fast = os.environ.get("NTM_FAST")
    try:
        if functions:
            os.environ["NTM_FAST"] = "0"  # the kernel knows nothing of them
        for (owner, name), function in functions.items():
            setattr(owner, name, function)
        yield
    finally:
        for (owner, name), function in before.items():
            setattr(owner, name, function)
        if functions:
            os.environ.pop("NTM_FAST") if fast is None else os.environ.__setitem__("NTM_FAST", fast)


def run(task, name, first, seeds, sequences=None, every=100):
    """Train that switch with so many seeds, from `first` on; {"runs": a dict for each, as JSON can
    hold it}."""
    on, among = switch(name, task), range(first, first + seeds)
    with replaced(on.replaces):
        made, stopped = [build(name, task, seed) for seed in among], [None] * seeds
        options = [recipe | dict(every=every, progress=False,
                                 **({} if sequences is None else dict(sequences=sequences)))
                   for _, _, recipe in made]
        curves = [[] for _ in among]
        if on.replaces:
            try:
                machines = [machine for machine, _, _ in made]
                curves = [h.bits for h in train_many(machines, made[0][1], seeds=list(among),
                                                     **options[0])]
            except FloatingPointError as error:
                stopped = [str(error)] * seeds
        for i, (machine, subject, _) in enumerate(made):
            if not on.replaces:
                try:
                    curves[i] = train(machine, subject, seed=among[i], **options[i]).bits
                except FloatingPointError as error:
                    stopped[i] = str(error)
        return dict(runs=[
            dict(task=task, name=name, seed=seed, sequences=options[i]["sequences"], every=every,
                 stopped=stopped[i],
                 bits=[float(f"{bits:.4g}") for bits in curves[i]],
                 scores=None if stopped[i] else score(made[i][0], task, name, seed))
            for i, seed in enumerate(among)])


def score(machine, task, name, seed):
    """What it costs on fresh sequences of the sound task (of its own where the end mark is
    missing)."""
    on, (sound, _, _, questions) = switch(name, task), SOUND[task]
    subject = NoEnd() if on.task is NoEnd else sound()
    # a memory that is never wiped sees one sequence after the other
    found, batch = {}, 1 if on.machine is Carried else 50
    for question, lengths in questions.items():
        scored = evaluate(machine, subject, sequences=50 if lengths else 200, seed=10_000 + seed,
                          batch=batch, **lengths)
        found[question] = {k: float(f"{getattr(scored, k):.4g}")
                           for k in ("bits", "wrong_bits", "perfect")}
    return found


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ntm.beyond.failures",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--first", type=int, default=30, help="the first seed")
    parser.add_argument("--seeds", type=int, default=5, help="how many, a multiple of 5")
    parser.add_argument("--folder", default="build/failures")
    parser.add_argument("--workers", type=int, default=1, help="processes side by side")
    given = parser.parse_args(arguments)
    if given.seeds % 5:
        parser.error(f"--seeds is {given.seeds}; it must be a multiple of 5")
    jobs = [dict(task=task, name=name, first=first, seeds=5)
            for first in range(given.first, given.first + given.seeds, 5)
            for task in LAB for name in LAB[task]
            if first == given.first or task == "copy" and not LAB[task][name].slow]
    made = dict(source=source("beyond/failures.py", "many.py"))
    (results,), failed = side_by_side((run, jobs, given.folder), workers=given.workers, made=made)
    runs = sorted((r for result in results for r in result["runs"]),
                  key=lambda r: (list(LAB).index(r["task"]), list(LAB[r["task"]]).index(r["name"]),
                                 r["seed"]))
    command = f"python -m ntm.beyond.failures --first {given.first} --seeds {given.seeds}"
    write_runs(FILE, made_by(command) | made, runs)
    raise SystemExit(failed)


if __name__ == "__main__":
    from ntm.beyond.failures import (
        main as imported,  # so that the workers find `run` in this module
    )

    imported()
