"""The record behind the two chapters on the kin: every number that they say of a training.

    python -m ntm.kin.runs --seeds 5

trains each model on each task with these seeds, from 200 on (trials used others), and writes what
it finds to `results.json` beside this file; what lies in the folder is not made again. About twenty
minutes on one free core. `measure` counts costs and needs no training.
"""

import argparse
import math
import time
from pathlib import Path

import torch

from ..beyond import dnc_runs
from ..beyond.record import side_by_side
from ..many import train_many
from ..runs import made_by, write_runs
from ..training import one_thread, train
from . import recall, small
from .fit import fit, per_question
from .tasks import Recall, answered

FILE = Path(__file__).with_name("results.json")
PAIRS = (2, 4, 8, 16, 32, 64, 128)  # trained on 2 to 16
GAPS = (0, 16, 64, 256)  # silent steps between eight pairs and their questions; trained on 0 to 16
FAR = ("attention", "Compressive", "NTM", "LSTM")  # tried on gaps
TASKS = {"shared": tuple(recall.MODELS), "gaps": FAR, **small.TASKS}


def shared(name, seed, gap=0, updates=400, batch=32):
    """One model on the shared task: `updates` batches of 32; the NTM sees as many sequences, one an
    update, by the recipe of the book. gap: of Recall; where there is one, answers are counted
    against it."""
    model, task, begin = recall.build(name, seed), Recall(gap=gap), time.process_time()
    if name == "NTM":
        train(model, task, updates * batch, seed=seed, progress=False)
        model.eval()
    else:
        fit(model, lambda g: task.sample(batch, generator=g), per_question, updates, 3e-3, seed)
    seconds = time.process_time() - begin
    parameters = sum(p.numel() for p in model.parameters())
    right = test(model, seed, gaps=GAPS) if gap else test(model, seed)
    return dict(right=right, parameters=parameters, seconds=seconds)


def dnc(first, seeds, sequences=12_800, few=32):
    """The DNC on the shared task, all seeds side by side, by the recipe of its own chapter.

    It is trained with `few` slots, enough for the 16 pairs of training and as many questions, and
    tested with 128: no weight depends on their number, and its links cost the square of it.
    """
    among, begin = list(range(first, first + seeds)), time.process_time()
    machines = [with_slots(recall.build("DNC", seed), few) for seed in among]
    train_many(machines, Recall(), sequences, seeds=among, progress=False, **dnc_runs.RECIPE)
    seconds = (time.process_time() - begin) / seeds
    return dict(
        runs=[
            dict(
                task="shared",
                name="DNC",
                seed=seed,
                right=test(with_slots(machine, 128).eval(), seed),
                parameters=sum(p.numel() for p in machine.parameters()),
                seconds=seconds,
            )
            for seed, machine in zip(among, machines)
        ]
    )


def with_slots(machine, N):
    """A DNC of the same weights with N slots."""
    other = type(machine)(**machine.settings | dict(N=N), seed=0)
    other.load_state_dict(machine.state_dict() | dict(M_0=other.M_0))
    return other


@torch.no_grad()
def test(model, seed, gaps=None):
    """The share of questions answered right, over about 400 of them: for each number of pairs, or
    for eight pairs and each of `gaps`."""
    generator = torch.Generator().manual_seed(10**6 + seed)
    found = {}
    for n, gap in [(n, 0) for n in PAIRS] if gaps is None else [(8, gap) for gap in gaps]:
        batch = Recall().sample(max(400 // n, 4), pairs=n, gap=gap, generator=generator)
        found[str(n if gaps is None else gap)] = answered(model(batch.x), batch)
    return found


def run(task, name, seed):
    """One training, as a dict that JSON can hold."""
    with one_thread():
        if task in ("shared", "gaps"):
            found = shared(name, seed, gap=(0, 16) if task == "gaps" else 0)
        else:
            found = small.TASKS[task][name](seed)
    return dict(task=task, name=name, seed=seed, **found)


@torch.no_grad()
def measure(names=tuple(recall.MODELS), n=16, repeats=5):
    """{name: microseconds a step} of a forward pass over n pairs and n questions, one sequence; the
    best of some repeats."""
    found = {}
    for name in names:
        model, x, best = recall.build(name).eval(), Recall().sample(1, pairs=n).x, math.inf
        model(x)
        for _ in range(repeats):
            begin = time.process_time()
            for _ in range(5):
                model(x)
            best = min(best, (time.process_time() - begin) / 5)
        found[name] = 1e6 * best / len(x)
    return found


def short(value):
    """Numbers to four figures, in whatever holds them."""
    if isinstance(value, dict):
        return {name: short(v) for name, v in value.items()}
    if isinstance(value, list):
        return [short(v) for v in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ntm.kin.runs", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--first", type=int, default=200, help="the first seed")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1, help="processes side by side")
    parser.add_argument("--folder", default="build/kin")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    given = parser.parse_args(arguments)
    jobs = [
        dict(task=task, name=name, seed=seed)
        for seed in range(given.first, given.first + given.seeds)
        for task in given.tasks
        for name in TASKS[task]
        if (task, name) != ("shared", "DNC")
    ]
    together = [dict(first=given.first, seeds=given.seeds)] * ("shared" in given.tasks)
    (results, several), failed = side_by_side(
        (run, jobs, given.folder),
        (dnc, together, Path(given.folder) / "dnc"),
        workers=given.workers,
        progress=False,
    )
    found = results + [r for one in several for r in one["runs"]]
    tasks = list(TASKS)
    runs = sorted(
        found,
        key=lambda r: (tasks.index(r["task"]), list(TASKS[r["task"]]).index(r["name"]), r["seed"]),
    )
    command = f"python -m ntm.kin.runs --first {given.first} --seeds {given.seeds}"
    write_runs(FILE, made_by(command), [short(r) for r in runs])
    raise SystemExit(failed)


if __name__ == "__main__":
    from ntm.kin.runs import main as imported  # so that the workers find `run` in this module

    imported()
