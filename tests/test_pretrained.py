"""The shipped machines do on fresh sequences what their records say."""

import math

import pytest
import torch

from ntm import evaluate, pretrained
from ntm.runs import MODELS, QUESTIONS, TASKS, build, on_slots, settings_of

SHIPPED = sorted((path.parent.name, path.stem) for path in pretrained.HERE.glob("*/*.safetensors")
                 if path.stem in MODELS)


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
        lengths = dict(QUESTIONS[task][question])
        who = on_slots(machine, lengths.pop("slots")) if "slots" in lengths else machine
        found = evaluate(who, TASKS[task](), sequences=few, seed=77, **lengths)
        # fresh sequences: of a hundred some may fail whole, and how many is a matter of chance,
        # here and in the record
        failing = 1 - said["perfect"]
        chance = 3 * math.sqrt(failing * said["perfect"] * (1 / few + 1 / 100))
        most = 1.5 * said["bits"] * (1 + chance / max(failing, 0.01)) + 2
        assert found.bits < most, (question, found, said)
        assert found.perfect >= said["perfect"] - max(chance, 0.1), (question, found, said)


@pytest.mark.parametrize("task", sorted({task for task, _ in SHIPPED}))
def test_records_are_whole(task):
    records = pretrained.runs(task, start="tape") + pretrained.runs(task, start="bare")
    assert (len({(run["model"], run["seed"], (run.get("start") or "bare")) for run in records})
            == len(records))
    # the variant has no LSTM beside it, and no machine with one
    models = {"ntm-feedforward"} if task == "repeat_copy_marks" else set(MODELS)
    assert {run["model"] for run in records} == models
    for run in records:
        assert len(run["bits"]) * run["every"] == run["recipe"]["sequences"]
        assert (all(math.isfinite(b) for b in run["bits"])
                and set(run["scores"]) == set(QUESTIONS[task]))
        assert (run["settings"] == build(task, run["model"], run["seed"],
                                         run.get("start") or "bare").settings)
        assert run["command"].startswith(f"python -m ntm.runs {task} --models {run['model']}")


def test_paper_curves():
    x, y = pretrained.paper(3)["NTM-LSTM"]
    assert min(x) > 1000 and y[-1] < 0.01
    assert (set(pretrained.paper(11)) == {"LSTM", "NTM-LSTM", "NTM-FF"}
            and pretrained.paper(11)["LSTM"][0] == [6, 10, 15, 20])


def test_weights_are_plain_tensors():
    for task, model in SHIPPED:
        for value in pretrained.load(task, model).state_dict().values():
            assert value.dtype == torch.float32 and torch.isfinite(value).all()


@torch.no_grad()
def test_the_count_of_repeat_copy_lies_on_the_tape():
    """The machine that its chapter takes apart says 4 vectors as often as there are marks left, and
    never ends if nothing is written."""
    machine = pretrained.load("repeat_copy_marks", "looked_at/ntm-feedforward-seed-10")
    task, b = TASKS["repeat_copy_marks"](), torch.arange(8)
    assert evaluate(machine, task, sequences=30, seed=77).wrong_bits == 0
    assert (evaluate(on_slots(machine, 128), task, length=20, repeats=10, sequences=10,
                     seed=77).wrong_bits == 0)
    for wiped, frozen, rounds in [((), False, 6), ((2, 3), False, 4), ((), True, None)]:
        x = task.sample(8, length=4, repeats=6, generator=torch.Generator().manual_seed(7)).x
        state, said, written = machine.initial_state(8), [], []
        for t, x_t in enumerate(torch.cat([x, x.new_zeros(8, 8, 9)])):
            M = state.M
            y, state, _ = machine.step(x_t, state)
            if frozen and t > 11:
                state = state._replace(M=M)
            written.append(state.w[:, 3].argmax(-1))
            if t == 11:  # the go mark
                for mark in wiped:
                    state.M[b, written[5 + mark]] = machine.M_0[written[5 + mark]]
            said += [y[:, 6] > 0] * (t > 11)
        said = torch.stack(said)
        assert (not said.any()) if rounds is None else (said.int().argmax(0) == 4 * rounds).all()


@pytest.mark.parametrize("task", TASKS)
def test_a_long_run_is_the_recipe_at_the_papers_budget(task):
    for run in pretrained.long_runs(task):
        assert len(run["bits"]) * run["every"] == run["recipe"]["sequences"] >= 500_000
        assert set(run["scores"]) == set(QUESTIONS[task])
        assert run["settings"] == build(task, run["model"], run["seed"]).settings
        assert run["recipe"] == (settings_of(task, run["model"])[1]
                                 | {k: run["recipe"][k] for k in ("sequences", "every")})
