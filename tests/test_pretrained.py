"""The shipped machines do on fresh sequences what their records say, and the README says what the records hold."""

import math
from pathlib import Path
from statistics import median

import pytest
import torch

from ntm import evaluate, pretrained
from ntm.runs import MODELS, QUESTIONS, TASKS, build

SHIPPED = sorted((path.parent.name, path.stem) for path in pretrained.HERE.glob("*/*.safetensors") if path.stem in MODELS)
ROOT = Path(__file__).parents[1]


def first_below(run, bits):
    return next((run["every"] * (i + 1) for i, b in enumerate(run["bits"]) if b < bits), math.inf)


def test_something_is_shipped():
    assert {("copy", "ntm-lstm"), ("copy", "ntm-feedforward")} <= set(SHIPPED)


@pytest.mark.parametrize("task, model", SHIPPED)
def test_a_shipped_machine_scores_what_its_record_says(task, model):
    (record,) = [run for run in pretrained.runs(task, model) if run.get("shipped")]
    machine = pretrained.load(task, model)
    assert machine.settings == record["settings"]
    assert sum(p.numel() for p in machine.parameters()) == record["parameters"]
    for question in (list(QUESTIONS[task])[0], list(QUESTIONS[task])[-1]):
        said, few = record["scores"][question], 30
        found = evaluate(machine, TASKS[task](), sequences=few, seed=77, **QUESTIONS[task][question])
        # fresh sequences: of a hundred some may fail whole, and how many is a matter of chance, here and in the record
        failing = 1 - said["perfect"]
        chance = 3 * math.sqrt(failing * said["perfect"] * (1 / few + 1 / 100))
        assert found.bits < 1.5 * said["bits"] * (1 + chance / max(failing, 0.01)) + 2, (question, found, said)
        assert found.perfect >= said["perfect"] - max(chance, 0.1), (question, found, said)


@pytest.mark.parametrize("task", sorted({task for task, _ in SHIPPED}))
def test_records_are_whole(task):
    records = pretrained.runs(task, start="tape") + pretrained.runs(task, start="bare")
    assert len({(run["model"], run["seed"], (run.get("start") or "bare")) for run in records}) == len(records)
    assert {run["model"] for run in records} == set(MODELS)
    for run in records:
        assert len(run["bits"]) * run["every"] == run["recipe"]["sequences"]
        assert all(math.isfinite(b) for b in run["bits"]) and set(run["scores"]) == set(QUESTIONS[task])
        assert run["settings"] == build(task, run["model"], run["seed"], run.get("start") or "bare").settings
        assert run["command"].startswith(f"python -m ntm.runs {task} --models {run['model']}")


def test_paper_curves():
    x, y = pretrained.paper(3)["NTM-LSTM"]
    assert min(x) > 1000 and y[-1] < 0.01
    assert set(pretrained.paper(11)) == {"LSTM", "NTM-LSTM", "NTM-FF"} and pretrained.paper(11)["LSTM"][0] == [6, 10, 15, 20]


@pytest.mark.parametrize("model, name", [("ntm-feedforward", "NTM, feedforward controller"), ("ntm-lstm", "NTM, LSTM controller")])
def test_the_readme_says_what_the_records_hold(model, name):
    (row,) = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith(f"| {name}")]
    runs = pretrained.runs("copy", model)
    when = [first_below(run, 0.1) for run in runs]
    there = sorted(filter(math.isfinite, when))
    wrong = [run["scores"]["length 120"]["wrong_bits"] for run in runs]
    _, _, share, sequences, minutes, errors, _ = (part.strip() for part in row.split("|"))
    assert share == f"{len(there)} of {len(runs)}"
    never = "" if len(there) == len(runs) else ", one never"
    assert sequences == f"{median(when):,.0f} ({there[0]:,} to {there[-1]:,}{never})"
    assert float(minutes) == pytest.approx(median(run["minutes"] for run in runs), abs=0.06)
    assert errors == f"{median(wrong):.0f} ({min(wrong):.0f} to {max(wrong):.0f}; none in {wrong.count(0)} seeds)"


OTHERS = {  # task: what counts of a run, and as what it is told
    "repeat_copy": (lambda run: 100 * run["scores"]["length 20, 10 repeats"]["wrong_data_bits"] / 1200, "% wrong, 20 vectors 10 times"),
    "associative_recall": (lambda run: run["scores"]["20 items"]["bits"], "bits, 20 items"),
    "ngrams": (lambda run: run["scores"]["training range"]["bits"] - run["scores"]["training range"]["bayes"], "bits above the optimum"),
    "priority_sort": (lambda run: run["scores"]["training range"]["bits"], "bits of 128"),
}


def readme_row(task, model):
    """The row of the README's second table, as the records have it."""
    value, told = OTHERS[task]
    runs = pretrained.runs(task, model)
    values = sorted(map(value, runs))
    there = "" if task in ("ngrams", "priority_sort") else f"{sum(first_below(run, 1) < math.inf for run in runs)} of {len(runs)}"
    minutes = f"{median(run['minutes'] for run in runs):.0f}"
    spread = f"{median(values):.2g} ({values[0]:.2g} to {values[-1]:.2g}) {told}"
    name = {"ntm-lstm": "NTM, LSTM", "ntm-feedforward": "NTM, feedforward"}[model]
    return f"| {task.replace('_', ' ')} | {name} | {len(runs)} | {runs[0]['recipe']['sequences']:,} | {minutes} | {there} | {spread} |"


@pytest.mark.parametrize("task", OTHERS)
@pytest.mark.parametrize("model", ["ntm-lstm", "ntm-feedforward"])
def test_the_readme_says_what_the_records_of_the_other_tasks_hold(task, model):
    assert readme_row(task, model) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_weights_are_plain_tensors():
    for task, model in SHIPPED:
        for value in pretrained.load(task, model).state_dict().values():
            assert value.dtype == torch.float32 and torch.isfinite(value).all()
