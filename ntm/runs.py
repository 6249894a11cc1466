"""The runs behind the book's results: one recipe for each task and machine, the same for all seeds.

    python -m ntm.runs copy --models ntm-lstm ntm-feedforward --seeds 10 --folder build/runs
    python -m ntm.runs copy --seeds 10 --folder /shared/runs --dask tcp://scheduler:8786

trains each seed and leaves a JSON file with its settings, curve, scores, versions and minutes, and
the weights beside it. A run that is there already is not made again, and one of other settings or
of other code is never taken for it. `ntm.pretrained` ships the results of the runs of the book.
"""

import argparse
import ast
import contextlib
import hashlib
import json
import math
import platform
import time
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file

from . import tasks
from .baseline import LSTMBaseline
from .grid import grid, terminate_is_ctrl_c
from .machine import NTM
from .optim import GravesRMSprop
from .training import cosine, evaluate, train, warm_cosine
from .weights import read_safetensors, write

TASKS = {
    "copy": tasks.Copy,
    "repeat_copy": tasks.RepeatCopy,
    "repeat_copy_marks": partial(tasks.RepeatCopy, count="marks"),
    "associative_recall": tasks.AssociativeRecall,
    "ngrams": tasks.NGrams,
    "priority_sort": tasks.PrioritySort,
}
MODELS = ("ntm-lstm", "ntm-feedforward", "lstm")

# What each machine has beyond its defaults: a tape's start (ntm.start), and the sizes of the
# paper's Tables 1 to 3 where no smaller one does it; copy with an LSTM wants rows that differ,
# recall rows that are drawn anew for every update, N-grams a tape that is longer than the sequence
# (and, with a controller that has no state, three read heads: with one or two it lags far behind),
# repeat copy one that is shorter, three read heads and a sharper search.
TAPE = dict(start="tape")
REPEAT = TAPE | dict(initial_memory="redrawn", read_heads=3, N=64, initial_strength=5.0)
SETTINGS = {
    ("copy", "ntm-lstm"): TAPE | dict(initial_memory="distinct"),
    ("copy", "ntm-feedforward"): TAPE,
    ("repeat_copy", "ntm-lstm"): REPEAT,
    ("repeat_copy", "ntm-feedforward"): REPEAT,
    ("repeat_copy_marks", "ntm-lstm"): REPEAT,
    ("repeat_copy_marks", "ntm-feedforward"): REPEAT,
    ("associative_recall", "ntm-lstm"): TAPE | dict(initial_memory="redrawn"),
    ("associative_recall", "ntm-feedforward"): TAPE | dict(initial_memory="redrawn",
                                                           hidden_size=256, read_heads=4),
    ("ngrams", "ntm-lstm"): TAPE | dict(initial_memory="redrawn", N=256),
    ("ngrams", "ntm-feedforward"): TAPE | dict(initial_memory="redrawn", N=256, read_heads=3),
    ("priority_sort", "ntm-lstm"): TAPE | dict(initial_memory="constant"),
    ("priority_sort", "ntm-feedforward"): TAPE | dict(initial_memory="constant", hidden_size=512,
                                                      read_heads=8, write_heads=8),
    ("copy", "lstm"): dict(hidden_size=256),
    ("repeat_copy", "lstm"): dict(hidden_size=512),
    ("repeat_copy_marks", "lstm"): dict(hidden_size=512),
    ("associative_recall", "lstm"): dict(hidden_size=256),
    ("ngrams", "lstm"): dict(hidden_size=128),
    ("priority_sort", "lstm"): dict(hidden_size=128),
}

# How it is trained beyond the defaults of ntm.train; optimiser and schedule by their names. Each
# LSTM has the best of three or four rates, a factor of three apart (the others are in
# pretrained/tried.json).
RECIPES = {
    ("copy", "ntm-lstm"): dict(sequences=16_000),
    ("copy", "ntm-feedforward"): dict(sequences=16_000),
    ("copy", "lstm"): dict(sequences=160_000, batch=10, optimizer="Adam", lr=1e-3),
    ("repeat_copy", "ntm-lstm"): dict(sequences=500_000, lr=2e-4),
    ("repeat_copy", "ntm-feedforward"): dict(sequences=500_000, lr=2e-4),
    ("repeat_copy", "lstm"): dict(sequences=60_000, batch=10, optimizer="Adam", lr=3e-3),
    ("repeat_copy_marks", "ntm-lstm"): dict(sequences=40_000),
    ("repeat_copy_marks", "ntm-feedforward"): dict(sequences=40_000),
    ("repeat_copy_marks", "lstm"): dict(sequences=60_000, batch=10, optimizer="Adam", lr=3e-3),
    ("associative_recall", "ntm-lstm"): dict(sequences=30_000),
    ("associative_recall", "ntm-feedforward"): dict(sequences=30_000),
    ("associative_recall", "lstm"): dict(sequences=300_000, batch=10, optimizer="Adam", lr=3e-3),
    ("ngrams", "ntm-lstm"): dict(sequences=100_000),
    ("ngrams", "ntm-feedforward"): dict(sequences=100_000),
    ("ngrams", "lstm"): dict(sequences=100_000, optimizer="Adam", lr=3e-3),
    ("priority_sort", "ntm-lstm"): dict(sequences=2_000_000, every=1_000, batch=8, optimizer="Adam",
                                        lr=2e-3, schedule="warm_cosine"),
    ("priority_sort", "ntm-feedforward"): dict(sequences=300_000, every=1_000, batch=10,
                                               optimizer="Adam", lr=1e-3),
    ("priority_sort", "lstm"): dict(sequences=2_000_000, every=1_000, batch=8, optimizer="Adam",
                                    lr=3e-3),
}

# The same machines with a bare start, as torch draws the weights: (settings, recipe), for `--start
# bare`.
BARE = {
    ("copy", "ntm-lstm"): ({}, dict(sequences=20_000)),
    ("copy", "ntm-feedforward"): ({}, dict(sequences=20_000)),
    ("repeat_copy", "ntm-lstm"): ({}, dict(sequences=60_000)),
    ("repeat_copy", "ntm-feedforward"): (dict(initial_strength=3.0), dict(sequences=60_000)),
    ("associative_recall", "ntm-lstm"): (dict(initial_strength=3.0),
                                         dict(sequences=40_000, rewind=5.0)),
    ("associative_recall", "ntm-feedforward"): (dict(hidden_size=256, read_heads=4, write_heads=4),
                                                dict(sequences=30_000)),
    ("ngrams", "ntm-lstm"): (dict(initial_strength=3.0), dict(sequences=40_000)),
    ("ngrams", "ntm-feedforward"): ({}, dict(sequences=100_000)),
    ("priority_sort", "ntm-lstm"): (dict(layers=2, read_heads=5, write_heads=5,
                                         initial_memory="positions", initial_strength=3.0),
                                    dict(sequences=60_000)),
    ("priority_sort", "ntm-feedforward"): (
        dict(hidden_size=512, read_heads=8, write_heads=8, initial_memory="positions",
             initial_strength=3.0),
        dict(sequences=300_000, every=1_000, batch=10, optimizer="Adam", lr=1e-3)),
}  # fmt: skip
OPTIMIZERS = {"GravesRMSprop": GravesRMSprop, "Adam": torch.optim.Adam}
SCHEDULES = {"cosine": cosine, "warm_cosine": warm_cosine}

# What is asked of a trained machine, on sequences it has not seen: the paper's tests of
# generalisation.
QUESTIONS = {
    "copy": {f"length {n}": dict(length=n) for n in (10, 20, 30, 50, 120)},
    # Trained on 64 slots, so that a write head that never stops comes round and must learn to do no
    # harm; 3 vectors and 100 marks need 105, so beyond the training lengths the same weights are
    # asked on 128, the paper's number (see on_slots).
    "repeat_copy": {
        "training range": {},
        "length 10, 20 repeats": dict(length=10, repeats=20, slots=128),
        "length 20, 10 repeats": dict(length=20, repeats=10, slots=128),
    },
    "repeat_copy_marks": {
        "training range": {},
        "length 20, 10 repeats": dict(length=20, repeats=10, slots=128),
        "length 10, 20 repeats": dict(length=10, repeats=20, slots=128),
        "length 10, 40 repeats": dict(length=10, repeats=40, slots=128),
        "length 3, 100 repeats": dict(length=3, repeats=100, slots=128),
    },
    "associative_recall": {f"{n} items": dict(items=n) for n in (6, 8, 10, 12, 15, 20)},
    "ngrams": {"training range": {}},
    "priority_sort": {"training range": {}},
}
# how many each question is asked with, where not 100
SEQUENCES = {"ngrams": 1000, "priority_sort": 1000}
# the tasks whose LSTM a page runs
LSTM_SHIPPED = ("copy", "ngrams")


def settings_of(task, model, start="tape"):
    """What a machine has beyond its defaults, and how it is trained beyond those of ntm.train: two
    dicts."""
    if model != "lstm" and start == "bare":
        return BARE[task, model]
    return SETTINGS[task, model], RECIPES[task, model]


def build(task, model, seed, start="tape", **changes):
    """The machine of that task and model with weights drawn from `seed`; changes override its
    settings."""
    channels, sizes = TASKS[task](), settings_of(task, model, start)[0] | changes
    if model == "lstm":
        return LSTMBaseline(channels.inputs, channels.outputs, seed=seed, **sizes)
    return NTM(channels.inputs, channels.outputs, model.removeprefix("ntm-"), seed=seed,
               **{"start": start} | sizes)


def run(task, model, seed, folder=None, *, start="tape", settings=None, progress=False, **recipe):
    """Train one machine by its recipe, score it, and return all there is to say about it as a dict
    for JSON.

    What is scored and kept are the weights at the end. start: "tape" or "bare", for an NTM.
    folder: where the weights go, and a checkpoint from which an interrupted run goes on; it stays
    until the caller has kept the result (`main` then removes it). settings: what the machine shall
    have otherwise; the rest: what the recipe shall, as sequences=1000. Raises ValueError for fewer
    sequences than a point of the curve takes.
    """
    changed, recipe = recipe, settings_of(task, model, start)[1] | recipe
    every = recipe.get("every", 100)
    if recipe["sequences"] < every:
        raise ValueError(f"sequences is {recipe['sequences']}; it must be at least every, "
                         f"{every}, or there is no curve")
    machine, subject, name = build(task, model, seed, start,
                                   **settings or {}), TASKS[task](), f"{task}-{model}-{seed}"
    checkpoint = checkpoint_of(folder, task, model, seed) if folder else None
    named = recipe.get("optimizer", "GravesRMSprop")
    # fused: one pass over the LSTM's millions of weights; an NTM's update is a call of kernel.c
    optimizer = OPTIMIZERS[named](machine.parameters(), lr=recipe.get("lr", 1e-4),
                                  **dict(fused=True) if model == "lstm" and named == "Adam" else {})
    objects = dict(optimizer=optimizer, schedule=SCHEDULES[recipe.get("schedule", "cosine")])
    history = train(machine, subject, seed=seed, checkpoint=checkpoint, progress=progress,
                    **recipe | objects)
    if history.interrupted:
        raise KeyboardInterrupt
    command = (f"python -m ntm.runs {task} --models {model} --first {seed} --seeds "
               f"1{' --start bare' * (start == 'bare')}")
    if changed.keys() == {"sequences"} and not settings:
        command += f" --sequences {recipe['sequences']}"
    elif changed or settings:
        options = "".join(f", {k}={v!r}"
                          for k, v in dict(start=start, settings=settings, **changed).items())
        command = f"from ntm.runs import run; run({task!r}, {model!r}, {seed}{options})"
    result = dict(
        task=task, model=model, seed=seed, start=None if model == "lstm" else start,
        settings=machine.settings, recipe=recipe,
        every=history.every, bits=history.bits, rewinds=history.rewinds,
        scores=score(machine, task, seed),
        minutes=round(history.seconds / 60, 2),
        parameters=sum(p.numel() for p in machine.parameters()), **made_by(command))
    if folder:
        machine.save(Path(folder) / f"{name}.safetensors", task=task, model=model, seed=seed,
                     scores=result["scores"])
    return result


def checkpoint_of(folder, task, model, seed):
    """Where the checkpoint of a run lies."""
    return Path(folder) / f"{task}-{model}-{seed}.checkpoint"


def score(machine, task, seed):
    """What a trained machine answers to every question of its task, on fresh sequences, the same
    for all models. A dict for JSON."""
    subject, fresh, found = TASKS[task](), dict(sequences=SEQUENCES.get(task, 100),
                                                seed=10_000 + seed), {}
    for question, asked in QUESTIONS[task].items():
        who = (on_slots(machine, asked["slots"]) if "slots" in asked
               and isinstance(machine, NTM) else machine)
        lengths = {name: value for name, value in asked.items() if name != "slots"}
        scored = evaluate(who, subject, **fresh, **lengths)
        found[question] = dict(bits=scored.bits, wrong_bits=scored.wrong_bits,
                               perfect=scored.perfect)
        if task == "ngrams" or task.startswith("repeat_copy"):
            batch = subject.sample(fresh["sequences"],
                                   generator=torch.Generator().manual_seed(fresh["seed"]),
                                   **lengths)
        # one sequence differs from the next by 35 bits, so the optimum is taken on the very same
        # ones
        if task == "ngrams":
            found[question]["bayes"] = tasks.bayes(batch)[1].double().mean().item()
        # the paper counts the data alone, without the end marker's channel
        if task.startswith("repeat_copy"):
            with torch.no_grad():
                wrong = tasks.wrong_bits(*subject.data(who(batch.x), batch))
            found[question]["wrong_data_bits"] = wrong.double().mean().item()
    return found


def on_slots(machine, slots):
    """An NTM's weights on another number of slots, on which none of them depends; the rows are a
    new machine's, and every head begins as firmly on slot 0 as it did."""
    other = NTM(**machine.settings | {"N": slots}, seed=0)
    w_0 = other.w_0.clone()
    w_0[:, 0] += math.log((slots - 1) / (machine.settings["N"] - 1))
    other.load_state_dict(machine.state_dict() | {"M_0": other.M_0.clone(), "w_0": w_0})
    return other


def collect(folder, into=Path(__file__).parent / "pretrained"):
    """Take the results in `folder` over into the package: all curves, and of every model the
    weights of its median seed (but of the LSTM only where a page runs it: they are large).

    The median is by the cost of the task's last, hardest question. Results of other models, and of
    another start, stay where they are.
    """
    found = {}
    for path in sorted(Path(folder).glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        del result["made"]
        # five digits: a long curve is most of what a record weighs
        result["bits"] = [float(f"{bits:.5g}") for bits in result["bits"]]
        found.setdefault(result["task"], {}).setdefault(result["model"], []).append(result)
    for task, models in found.items():
        home = into / task
        home.mkdir(parents=True, exist_ok=True)
        question, kept = list(QUESTIONS[task])[-1], home / "runs.json"
        everything = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else []
        for model, results in models.items():
            ranked = sorted(results, key=lambda result: _cost(result["scores"][question]))
            median = ranked[(len(ranked) - 1) // 2]
            everything = [
                r
                for r in everything
                if r["model"] != model or (r.get("start") or "bare") != (median["start"] or "bare")
            ]
            for other in everything:
                if other["model"] == model:
                    # one machine of each model is shipped: the latest start's
                    other.pop("shipped", None)
            if model != "lstm" or task in LSTM_SHIPPED:
                median["shipped"] = True
                ship(Path(folder) / f"{task}-{model}-{median['seed']}.safetensors",
                     home / f"{model}.safetensors")
            everything += results
        everything.sort(key=lambda r: (MODELS.index(r["model"]),
                                       (r.get("start") or "bare") == "bare", r["seed"]))
        write(kept, "[\n" + ",\n".join(map(json.dumps, everything)) + "\n]\n")


def _cost(scored):
    """Bits; of N-grams those above the Bayes estimator on the same sequences: every seed has
    its own, which differ by more than the machines do."""
    return scored["bits"] - scored.get("bayes", 0)


def ship(path, into):
    """Copy weights with half the digits: float16 costs no score anything, and the package travels
    with every notebook."""
    metadata, tensors = read_safetensors(path)
    write(into, lambda part: save_file({name: value.half() for name, value in tensors.items()},
                                       part, metadata))


def made_by(command):
    """What a result says of its making, as a dict for JSON."""
    return dict(command=command, source=source(), torch=torch.__version__,
                python=platform.python_version(), machine=f"{platform.machine()}, one thread",
                date=time.strftime("%Y-%m-%d"))


def write_runs(file, head, runs):
    """A JSON file of runs, a line each, below a head that holds for all of them."""
    write(file, json.dumps(head)[:-1] + ', "runs": [\n' + ",\n".join(map(json.dumps, runs))
          + "\n]}\n")


def source():
    """A hash of the code that makes a result: this module and all of the package that it imports,
    one through another."""
    package = Path(__file__).parent
    digest, waiting, found = hashlib.sha256(), {package / "runs.py"}, set()
    while waiting:
        file = waiting.pop()
        found.add(file)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                names = [node.module] if node.module else [alias.name for alias in node.names]
                waiting |= {package / f"{name}.py" for name in names} - found
    for path in sorted(found | {*package.glob("*.c")}):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:12]


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ntm.runs",
                                     description="Train the book's machines, all seeds side by "
                                                 "side.")
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--sequences", type=int, help="instead of the recipe's")
    parser.add_argument("--start", choices=("tape", "bare"), default="tape",
                        help="how an NTM begins")
    parser.add_argument("--folder", help="by default build/runs, and build/bare for bare starts")
    parser.add_argument("--dask", metavar="ADDRESS",
                        help="of a Dask scheduler whose workers see the folder, as tcp://host:8786")
    parser.add_argument("--collect", action="store_true",
                        help="afterwards, take the folder's results over into ntm.pretrained")
    chosen = parser.parse_args(arguments)
    terminate_is_ctrl_c()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    folder = Path(chosen.folder or {"tape": "build/runs",
                                    "bare": "build/bare"}[chosen.start]).expanduser().resolve()
    jobs = [dict(task=chosen.task, model=model, seed=seed) for seed in seeds
            for model in chosen.models]
    extra = {} if chosen.sequences is None else dict(sequences=chosen.sequences)
    extra |= {} if chosen.start == "tape" else dict(start=chosen.start)
    for model in chosen.models:
        recipe = settings_of(chosen.task, model, chosen.start)[1] | extra
        batch, every = recipe.get("batch", 1), recipe.get("every", 100)
        if recipe["sequences"] < every or recipe["sequences"] % batch:
            parser.error(f"--sequences is {chosen.sequences}; for {model} it must be at least "
                         f"{every}, and a multiple of {batch}")
    folder.mkdir(parents=True, exist_ok=True)
    there = {path.stem for path in folder.glob("*.json")}
    with _executor(chosen.dask) as executor:
        made = dict(source=source())
        results, failures = grid(partial(run, folder=folder, **extra), jobs, folder,
                                 executor=executor, made=made)
    for job, result in zip(jobs, results):
        if result is None:
            continue
        checkpoint_of(folder, **job).unlink(missing_ok=True)  # only now: the result is on disk
        scores = ", ".join(f"{question}: {score['bits']:.3g} bits"
                           for question, score in result["scores"].items())
        name = "-".join(map(str, job.values()))
        print(f"{chosen.task} {result['model']} seed "
              f"{result['seed']}{' (was there)' if name in there else ''}: "
              f"{result['recipe']['sequences']} sequences, {result['minutes']} min; {scores}")
    for name, error in failures.items():
        print(f"{name} failed: {error!r}")
    if chosen.collect:
        collect(folder)
    raise SystemExit(bool(failures))


@contextlib.contextmanager
def _executor(address):
    """Dask's executor at that address; None, for processes of this machine, where there is no
    address."""
    if address is None:
        yield None
        return
    from distributed import Client  # an optional dependency

    with Client(address) as client:
        yield client.get_executor()


if __name__ == "__main__":
    # so that the workers, too, find `run` in this module and not in "__main__"
    from ntm.runs import main as imported

    imported()
