"""The DNC beside the NTM: two tasks made for it, and the runs of its chapter.

    python -m ntm.beyond.dnc_runs --first 10 --seeds 5

trains every machine on every task, all seeds side by side, and writes what it finds to
`pretrained/dnc/`: runs.json, and of each task the weights of
one DNC. What is in the folder of results already is not made again.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

import torch

from .. import tasks
from ..checks import positive
from ..grid import grid, terminate_is_ctrl_c
from ..machine import NTM
from ..many import train_many
from ..runs import made_by, ship, write_runs
from ..training import evaluate, train
from .dnc import DNC
from .record import source

HOME = Path(__file__).parents[1] / "pretrained" / "dnc"


def _bits(numbers, width):
    """Whole numbers [...] as so many bits [..., width]."""
    return (numbers.unsqueeze(-1) >> torch.arange(width) & 1).float()


class Walk:
    """A walk through a small graph: see its roads in any order, then a place: from there, say
    where each road leads, place after place.

    Each place has a name of `width` bits, and one road leaves it; together they are one ring. A
    road takes two steps, first the name of where it begins, with a mark, then
    that of where it ends. Then comes one name with another mark: where the walk begins. From
    the next step on every second one is scored: the name of the next place.
    2n + 2 steps steps for n places. width + 2 inputs, width outputs.
    places: lowest and highest n, both included; at least 2. steps: how far to walk.
    """

    steady = True

    def __init__(self, width=5, places=(2, 4), steps=2):
        self.width, self.steps = positive(width=width, steps=steps)
        self.places, self.inputs, self.outputs = places, self.width + 2, self.width
        self._range(None)

    def _range(self, places):
        low, high = self.places if places is None else (places, places)
        low, high = positive(**{"places (lowest)": low, "places (highest)": high})
        if not 2 <= low <= high <= 2**self.width:
            raise ValueError(
                f"places is {self.places if places is None else places}; it must lie within 2 and "
                f"{2**self.width}, the lowest first"
            )
        return low, high

    def sample(self, batch, *, places=None, steps=None, generator=None):
        """`batch` sequences as a Batch. places, steps: these, instead of a draw and of the
        task's own."""
        low, high = self._range(places)
        batch, steps = positive(batch=batch, steps=self.steps if steps is None else steps)
        n = torch.randint(low, high + 1, (batch, 1), generator=generator)
        most, b = int(n.max()), torch.arange(batch).unsqueeze(-1)
        names = torch.rand(batch, 2**self.width, generator=generator).argsort(1)[
            :, :most
        ]  # in the order of the ring
        names = _bits(names, self.width)  # [B, most, width]
        there = torch.arange(most) < n  # [B, most]
        shown = torch.where(there, torch.rand(batch, most, generator=generator), 2.0).argsort(
            1
        )  # the roads, in any order
        x = torch.zeros(2 * most + 2 * steps, batch, self.inputs)
        y, mask = torch.zeros(len(x), batch, self.outputs), torch.zeros(len(x), batch)
        for i in range(most):
            road = shown[:, i : i + 1]
            here = there[:, i : i + 1].float()
            x[2 * i, :, : self.width] = names[b, road].squeeze(1) * here
            x[2 * i, :, self.width] = here.squeeze(1)
            x[2 * i + 1, :, : self.width] = names[b, (road + 1) % n].squeeze(1) * here
        at = (torch.rand(batch, 1, generator=generator) * n).long()
        x[2 * n, b, : self.width] = names[b, at]
        x[2 * n, b, self.width + 1] = 1
        for step in range(steps):
            at = (at + 1) % n
            y[2 * n + 2 * step + 1, b] = names[b, at]
            mask[2 * n + 2 * step + 1, b] = 1
        return tasks.Batch(x, y, mask)


class Shelf:
    """A shelf that is filled and emptied: put a value there under a key, or take what lies
    under a key, and say what it was; it is then gone.

    One step an event. 2 width + 2 inputs: key, value, a mark that says put, a mark that says
    take; width outputs, scored where something is taken. At most `room`
    things lie there at a time, each under another key; a key may come again later, with another
    value. At random a thing is put or taken, whichever is possible.
    events: how many.
    """

    steady = True

    def __init__(self, width=4, room=4, events=16):
        self.width, self.room, self.events = positive(width=width, room=room, events=events)
        if self.room > 2**self.width:
            raise ValueError(
                f"room is {room}; it must be at most {2**self.width}, the number of keys"
            )
        self.inputs, self.outputs = 2 * self.width + 2, self.width

    def sample(self, batch, *, events=None, generator=None):
        """`batch` sequences as a Batch of `events` steps, by default the task's own."""
        batch, events = positive(batch=batch, events=self.events if events is None else events)
        keys, b = 2**self.width, torch.arange(batch)
        lies, value = (
            torch.zeros(batch, keys, dtype=torch.bool),
            torch.zeros(batch, keys, dtype=torch.long),
        )
        x, y, mask = (
            torch.zeros(events, batch, self.inputs),
            torch.zeros(events, batch, self.outputs),
            torch.zeros(events, batch),
        )
        for t in range(events):
            coin, draws = (
                torch.rand(batch, generator=generator) < 0.5,
                torch.rand(batch, keys, generator=generator),
            )
            new = torch.randint(keys, (batch,), generator=generator)
            many = lies.sum(1)
            puts = (many == 0) | coin & (many < self.room)
            key = (draws + (lies == puts.unsqueeze(1)) * -2.0).argmax(
                1
            )  # one that is free, to put; one that lies there, to take
            value[b, key] = torch.where(puts, new, value[b, key])
            lies[b, key] = puts
            said = _bits(value[b, key], self.width)
            x[t, :, : self.width], x[t, :, self.width : 2 * self.width] = (
                _bits(key, self.width),
                said * puts.unsqueeze(1),
            )
            x[t, :, -2], x[t, :, -1], mask[t] = puts, ~puts, ~puts
            y[t] = said * ~puts.unsqueeze(1)
        return tasks.Batch(x, y, mask)


TASKS = {
    "copy": lambda: tasks.Copy(width=6, lengths=(1, 5)),
    "repeat_copy": lambda: tasks.RepeatCopy(width=6, lengths=(1, 2), repeats=(1, 4)),
    "recall": lambda: tasks.AssociativeRecall(width=6, vectors=1, items=(2, 4)),
    "walk": Walk,
    "shelf": Shelf,
}
# What is asked of a trained machine, on sequences it has not seen: as in training, and longer.
QUESTIONS = {
    "copy": {"training range": {}, "12 vectors": dict(length=12)},
    "repeat_copy": {"training range": {}, "2 vectors, 12 times": dict(length=2, repeats=12)},
    "recall": {"training range": {}, "6 items": dict(items=6)},
    "walk": {"training range": {}, "6 places, 6 steps": dict(places=6, steps=6)},
    "shelf": {"training range": {}, "100 events": dict(events=100)},
}
SIZES = dict(hidden_size=64, N=16, width=12, start="tape")
MODELS = {
    "dnc": (DNC, {}),
    "dnc-mended": (DNC, dict(masked=True, emptied=True, sharpened=True)),
    "ntm-lstm": (NTM, {}),
}
JOBS = [(task, model) for task in TASKS for model in MODELS]
SHIPPED = [("copy", "dnc-mended"), ("copy", "ntm-lstm")]
RECIPE = dict(batch=16, lr=1e-3, every=160)
SEQUENCES = {"copy": 6_400, "repeat_copy": 8_000, "recall": 11_200, "walk": 11_200, "shelf": 9_600}


def build(task, model, seed, **settings):
    """A new machine, and the task it is to be trained on. settings: of the machine, beyond
    those of MODELS."""
    for what, value, allowed in [("task", task, TASKS), ("model", model, MODELS)]:
        if value not in allowed:
            raise ValueError(
                f"{what} is {value!r}; it must be one of {', '.join(map(repr, allowed))}"
            )
    subject, (kind, more) = TASKS[task](), MODELS[model]
    few = dict(N=8) if task == "shelf" else {}
    return kind(
        subject.inputs, subject.outputs, seed=seed, **SIZES | few | more | settings
    ), subject


def run(task, model, first, seeds, folder=None, **changes):
    """Train that machine on that task with so many seeds, from `first` on, side by side;
    {"runs": a dict for each, as JSON can hold it}.

    folder: where their weights are left. changes: `settings` of the machine, `sequences`, or of
    RECIPE.
    """
    settings, recipe = (
        changes.pop("settings", {}),
        RECIPE | dict(sequences=SEQUENCES[task]) | changes,
    )
    among = list(range(first, first + seeds))
    machines, began = (
        [build(task, model, seed, **settings)[0] for seed in among],
        time.process_time(),
    )
    subject = TASKS[task]()
    if model == "ntm-lstm":  # on the fast path, one after the other
        histories = [
            train(machine, subject, seed=seed, progress=False, **recipe)
            for seed, machine in zip(among, machines)
        ]
    else:
        histories = train_many(machines, subject, seeds=among, progress=False, **recipe)
    minutes, runs = (time.process_time() - began) / 60, []
    for seed, machine, history in zip(among, machines, histories):
        if folder is not None:
            machine.save(
                Path(folder) / f"{task}-{model}-{seed}.safetensors",
                task=task,
                seed=seed,
                sequences=recipe["sequences"],
            )
        runs.append(
            dict(
                task=task,
                model=model,
                seed=seed,
                settings=settings,
                recipe=recipe,
                every=recipe["every"],
                minutes=round(minutes / seeds, 2),
                bits=[float(f"{bits:.4g}") for bits in history.bits],
                scores=score(machine, task, seed),
            )
        )
    return dict(runs=runs)


def score(machine, task, seed):
    """What a trained machine answers to every question of its task, on fresh sequences, the
    same for all models."""
    found = {}
    for question, lengths in QUESTIONS[task].items():
        scored = evaluate(
            machine, TASKS[task](), sequences=200, seed=10_000 + seed, batch=100, **lengths
        )
        found[question] = {
            kind: float(f"{getattr(scored, kind):.4g}")
            for kind in ("bits", "wrong_bits", "perfect")
        }
    return found


def occupied(machine, batch, taken, seed=0):
    """A machine's initial State, but with something in the slots `taken`: random rows. A DNC is
    told that they are used; an NTM cannot be told."""
    state, rows = (
        machine.initial_state(batch),
        torch.randn(
            len(taken), machine.M_0.shape[-1], generator=torch.Generator().manual_seed(seed)
        ),
    )
    M = state.M.clone()
    M[:, taken] = 0.5 * rows
    if not isinstance(machine, DNC):
        return state._replace(M=M)
    u = state.u.clone()
    u[:, taken] = 1
    return state._replace(M=M, u=u)


def record():
    """The runs that are shipped: {(task, model): a list of dicts, by seed}."""
    found = {}
    for one in json.loads((HOME / "runs.json").read_text(encoding="utf-8"))["runs"]:
        found.setdefault((one["task"], one["model"]), []).append(one)
    return found


def load(task, model):
    """The trained machine that is shipped (see SHIPPED)."""
    return (
        MODELS[model][0].load(HOME / f"{task}-{model}.safetensors").float()
    )  # they travel in float16


def collect(results, folder, head):
    """Write all runs into the package, and of each machine of SHIPPED the weights of its median
    seed, by the last question's cost."""
    runs = sorted(
        (one for result in results for one in result["runs"]),
        key=lambda one: (
            list(TASKS).index(one["task"]),
            list(MODELS).index(one["model"]),
            one["seed"],
        ),
    )
    HOME.mkdir(exist_ok=True)
    for task, model in SHIPPED:
        question = list(QUESTIONS[task])[-1]
        ranked = sorted(
            (one for one in runs if (one["task"], one["model"]) == (task, model)),
            key=lambda one: one["scores"][question]["bits"],
        )
        if ranked:
            median = ranked[(len(ranked) - 1) // 2]
            median["shipped"] = True
            ship(
                Path(folder) / f"{task}-{model}-{median['seed']}.safetensors",
                HOME / f"{task}-{model}.safetensors",
            )
    write_runs(HOME / "runs.json", head, runs)


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ntm.beyond.dnc_runs", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--first", type=int, default=10, help="the first seed")
    parser.add_argument("--seeds", type=int, default=5, help="how many, side by side")
    parser.add_argument("--folder", default="build/dnc")
    given = parser.parse_args(arguments)
    terminate_is_ctrl_c()
    jobs = [
        dict(task=task, model=model, first=given.first, seeds=given.seeds) for task, model in JOBS
    ]
    made = dict(source=source("beyond/dnc.py", "beyond/dnc_runs.py", "many.py"))
    results, failures = grid(
        partial(run, folder=str(Path(given.folder).resolve())),
        jobs,
        given.folder,
        made=made,
    )
    for name, error in failures.items():
        print(f"{name} failed: {error!r}")
    command = f"python -m ntm.beyond.dnc_runs --first {given.first} --seeds {given.seeds}"
    collect([result for result in results if result], given.folder, made_by(command) | made)
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    from ntm.beyond.dnc_runs import (
        main as imported,  # so that the workers find `run` in this module
    )

    imported()
