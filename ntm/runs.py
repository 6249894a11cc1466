"""The runs behind the book's results: one recipe for each task and machine, the same for all seeds.

    python -m ntm.runs copy --models ntm-lstm ntm-feedforward --seeds 10 --folder build/runs
    python -m ntm.runs copy --seeds 10 --folder /shared/runs --dask tcp://scheduler:8786

trains each seed and leaves a JSON file with its settings, curve, scores, versions and minutes, and the weights beside it. A run that is
there already is not made again, and one of other settings or of other code is never taken for it. `ntm.pretrained` ships the results of
the runs of the book.
"""

import argparse
import ast
import contextlib
import hashlib
import json
import platform
import shutil
import time
from functools import partial
from pathlib import Path

import torch

from . import tasks
from .baseline import LSTMBaseline
from .grid import grid, terminate_is_ctrl_c
from .machine import NTM
from .optim import GravesRMSprop
from .training import evaluate, train
from .weights import write

TASKS = {
    "copy": tasks.Copy,
    "repeat_copy": tasks.RepeatCopy,
    "associative_recall": tasks.AssociativeRecall,
    "ngrams": tasks.NGrams,
    "priority_sort": tasks.PrioritySort,
}
MODELS = ("ntm-lstm", "ntm-feedforward", "lstm")

# What each machine needs beyond its defaults: the sizes of the paper's Tables 1 to 3, and content addressing that is strong from the start.
SETTINGS = {
    ("repeat_copy", "ntm-feedforward"): dict(initial_strength=3.0),
    ("associative_recall", "ntm-lstm"): dict(initial_strength=3.0),
    ("associative_recall", "ntm-feedforward"): dict(hidden_size=256, read_heads=4, write_heads=4),
    ("ngrams", "ntm-lstm"): dict(initial_strength=3.0),
    ("priority_sort", "ntm-lstm"): dict(
        hidden_size=100, layers=2, read_heads=5, write_heads=5, initial_memory="positions", initial_strength=3.0),
    ("priority_sort", "ntm-feedforward"): dict(
        hidden_size=512, read_heads=8, write_heads=8, initial_memory="positions", initial_strength=3.0),
    ("copy", "lstm"): dict(hidden_size=256),
    ("repeat_copy", "lstm"): dict(hidden_size=512),
    ("associative_recall", "lstm"): dict(hidden_size=256),
    ("ngrams", "lstm"): dict(hidden_size=128),
    ("priority_sort", "lstm"): dict(hidden_size=128),
}

# How it is trained beyond the defaults of ntm.train; the optimiser by its name. Each LSTM has the best of three or four rates, a factor
# of three apart (the others are in pretrained/tried.json).
RECIPES = {
    ("copy", "ntm-lstm"): dict(sequences=20_000),
    ("copy", "ntm-feedforward"): dict(sequences=20_000),
    ("copy", "lstm"): dict(sequences=60_000, batch=10, optimizer="Adam", lr=1e-3),
    ("repeat_copy", "ntm-lstm"): dict(sequences=60_000),
    ("repeat_copy", "ntm-feedforward"): dict(sequences=60_000),
    ("repeat_copy", "lstm"): dict(sequences=60_000, batch=10, optimizer="Adam", lr=3e-3),
    ("associative_recall", "ntm-lstm"): dict(sequences=40_000, rewind=5.0),
    ("associative_recall", "ntm-feedforward"): dict(sequences=30_000),
    ("associative_recall", "lstm"): dict(sequences=40_000, batch=10, optimizer="Adam", lr=3e-3),
    ("ngrams", "ntm-lstm"): dict(sequences=40_000),
    ("ngrams", "ntm-feedforward"): dict(sequences=100_000),
    ("ngrams", "lstm"): dict(sequences=30_000, batch=10, optimizer="Adam", lr=1e-2),
    ("priority_sort", "ntm-lstm"): dict(sequences=60_000),
    ("priority_sort", "ntm-feedforward"): dict(sequences=300_000, every=1_000, batch=10, optimizer="Adam", lr=1e-3),
    ("priority_sort", "lstm"): dict(sequences=150_000, batch=10, optimizer="Adam", lr=3e-3),
}
OPTIMIZERS = {"GravesRMSprop": GravesRMSprop, "Adam": torch.optim.Adam}

# What is asked of a trained machine, on sequences it has not seen: the paper's tests of generalisation.
QUESTIONS = {
    "copy": {f"length {n}": dict(length=n) for n in (10, 20, 30, 50, 120)},
    "repeat_copy": {
        "training range": {},
        "length 10, 20 repeats": dict(length=10, repeats=20),
        "length 20, 10 repeats": dict(length=20, repeats=10),
    },
    "associative_recall": {f"{n} items": dict(items=n) for n in (6, 8, 10, 12, 15, 20)},
    "ngrams": {"training range": {}},
    "priority_sort": {"training range": {}},
}
SEQUENCES = {"ngrams": 1000, "priority_sort": 1000}  # how many each question is asked with, where not 100


def build(task, model, seed, **changes):
    """The machine of that task and model at the paper's size, with weights drawn from `seed`; changes override its settings."""
    channels, sizes = TASKS[task](), SETTINGS.get((task, model), {}) | changes
    if model == "lstm":
        return LSTMBaseline(channels.inputs, channels.outputs, seed=seed, **sizes)
    return NTM(channels.inputs, channels.outputs, model.removeprefix("ntm-"), seed=seed, **sizes)


def run(task, model, seed, folder=None, *, settings=None, progress=False, **recipe):
    """Train one machine by its recipe, score it, and return all there is to say about it as a dict for JSON.

    scores are those of the best weights (the lowest mean cost over a hundred training sequences), which are the ones kept; final those
    of the last weights.
    folder: where the weights go, and a checkpoint from which an interrupted run goes on; it stays until the caller has kept the result
    (`main` then removes it). settings: what the machine shall have otherwise; the rest: what the recipe shall, as sequences=1000.
    Raises ValueError for fewer sequences than a point of the curve takes.
    """
    changed, recipe = recipe, RECIPES[task, model] | recipe
    every = recipe.get("every", 100)
    if recipe["sequences"] < every:
        raise ValueError(f"sequences is {recipe['sequences']}; it must be at least every, {every}, or there is no curve")
    machine, subject, name = build(task, model, seed, **settings or {}), TASKS[task](), f"{task}-{model}-{seed}"
    checkpoint = checkpoint_of(folder, task, model, seed) if folder else None
    optimizer = OPTIMIZERS[recipe.get("optimizer", "GravesRMSprop")](machine.parameters(), lr=recipe.get("lr", 1e-4))
    history = train(machine, subject, seed=seed, checkpoint=checkpoint, progress=progress, **recipe | dict(optimizer=optimizer))
    if history.interrupted:
        raise KeyboardInterrupt
    final = score(machine, task, seed)
    machine.load_state_dict(history.best_weights)
    command = f"python -m ntm.runs {task} --models {model} --first {seed} --seeds 1"
    if changed.keys() == {"sequences"} and not settings:
        command += f" --sequences {recipe['sequences']}"
    elif changed or settings:
        options = "".join(f", {k}={v!r}" for k, v in ((dict(settings=settings) if settings else {}) | changed).items())
        command = f"from ntm.runs import run; run({task!r}, {model!r}, {seed}{options})"
    result = dict(
        task=task, model=model, seed=seed, settings=machine.settings, recipe=recipe, every=history.every,
        bits=history.bits, best_bits=history.best_bits, rewinds=history.rewinds,
        scores=score(machine, task, seed), final=final, minutes=round(history.seconds / 60, 2),
        parameters=sum(p.numel() for p in machine.parameters()), torch=torch.__version__, python=platform.python_version(),
        machine=f"{platform.machine()}, one thread", source=source(), date=time.strftime("%Y-%m-%d"), command=command,
    )
    if folder:
        machine.save(Path(folder) / f"{name}.safetensors", task=task, model=model, seed=seed, scores=result["scores"])
    return result


def checkpoint_of(folder, task, model, seed):
    """Where the checkpoint of a run lies."""
    return Path(folder) / f"{task}-{model}-{seed}.checkpoint"


def score(machine, task, seed):
    """What a trained machine answers to every question of its task, on fresh sequences, the same for all models. A dict for JSON."""
    subject, fresh, found = TASKS[task](), dict(sequences=SEQUENCES.get(task, 100), seed=10_000 + seed), {}
    for question, lengths in QUESTIONS[task].items():
        scored = evaluate(machine, subject, **fresh, **lengths)
        found[question] = dict(bits=scored.bits, wrong_bits=scored.wrong_bits, perfect=scored.perfect)
        if task in ("ngrams", "repeat_copy"):
            batch = subject.sample(fresh["sequences"], generator=torch.Generator().manual_seed(fresh["seed"]), **lengths)
        if task == "ngrams":  # one sequence differs from the next by 35 bits, so the optimum is taken on the very same ones
            found[question]["bayes"] = tasks.bayes(batch)[1].double().mean().item()
        if task == "repeat_copy":  # the paper counts the data alone, without the end marker's channel
            with torch.no_grad():
                wrong = tasks.wrong_bits(*subject.data(machine(batch.x), batch))
            found[question]["wrong_data_bits"] = wrong.double().mean().item()
    return found


def collect(folder, into=Path(__file__).parent / "pretrained"):
    """Take the results in `folder` over into the package: all curves, and of every model the weights of its median seed.

    The median is by the cost of the task's last, hardest question.
    """
    found = {}
    for path in sorted(Path(folder).glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        found.setdefault(result["task"], {}).setdefault(result["model"], []).append(result)
    for task, models in found.items():
        home = into / task
        home.mkdir(parents=True, exist_ok=True)
        question = list(QUESTIONS[task])[-1]
        for model, results in models.items():
            ranked = sorted(results, key=lambda result: result["scores"][question]["bits"])
            median = ranked[(len(ranked) - 1) // 2]
            median["shipped"] = True
            shutil.copy(Path(folder) / f"{task}-{model}-{median['seed']}.safetensors", home / f"{model}.safetensors")
        everything = [result for model in MODELS for result in sorted(models.get(model, []), key=lambda result: result["seed"])]
        write(home / "runs.json", "[\n" + ",\n".join(map(json.dumps, everything)) + "\n]\n")


def source():
    """A hash of the code that makes a result: this module and all of the package that it imports, one through another."""
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
    parser = argparse.ArgumentParser(prog="python -m ntm.runs", description="Train the book's machines, all seeds side by side.")
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--sequences", type=int, help="instead of the recipe's")
    parser.add_argument("--folder", default="build/runs")
    parser.add_argument("--dask", metavar="ADDRESS", help="of a Dask scheduler whose workers see the folder, as tcp://host:8786")
    parser.add_argument("--collect", action="store_true", help="afterwards, take the folder's results over into ntm.pretrained")
    chosen = parser.parse_args(arguments)
    terminate_is_ctrl_c()
    seeds, folder = range(chosen.first, chosen.first + chosen.seeds), Path(chosen.folder).expanduser().resolve()
    jobs = [dict(task=chosen.task, model=model, seed=seed) for seed in seeds for model in chosen.models]
    extra = {} if chosen.sequences is None else dict(sequences=chosen.sequences)
    for model in chosen.models:
        recipe = RECIPES[chosen.task, model] | extra
        batch, every = recipe.get("batch", 1), recipe.get("every", 100)
        if recipe["sequences"] < every or recipe["sequences"] % batch:
            parser.error(f"--sequences is {chosen.sequences}; for {model} it must be at least {every}, and a multiple of {batch}")
    folder.mkdir(parents=True, exist_ok=True)
    there = {path.stem for path in folder.glob("*.json")}
    with _executor(chosen.dask) as executor:
        made = dict(source=source())
        results, failures = grid(partial(run, folder=folder, **extra), jobs, folder, executor=executor, made=made)
    for job, result in zip(jobs, results):
        if result is None:
            continue
        checkpoint_of(folder, **job).unlink(missing_ok=True)  # only now: the result is on disk
        scores = ", ".join(f"{question}: {score['bits']:.3g} bits" for question, score in result["scores"].items())
        name = "-".join(map(str, job.values()))
        print(f"{chosen.task} {result['model']} seed {result['seed']}{' (was there)' if name in there else ''}: "
              f"{result['recipe']['sequences']} sequences, {result['minutes']} min; {scores}")
    for name, error in failures.items():
        print(f"{name} failed: {error!r}")
    if chosen.collect:
        collect(folder)
    raise SystemExit(bool(failures))


@contextlib.contextmanager
def _executor(address):
    """Dask's executor at that address; None, for processes of this machine, where there is no address."""
    if address is None:
        yield None
        return
    from distributed import Client  # an optional dependency

    with Client(address) as client:
        yield client.get_executor()


if __name__ == "__main__":
    from ntm.runs import main as imported  # so that the workers, too, find `run` in this module and not in "__main__"

    imported()
