"""A machine without a habit differs from a tape's there alone; the shipped record of what that
costs is whole."""

import json

import pytest
import torch

from ntm import ablation
from ntm.ablation import FILE, HABITS, TRIED, begin


@pytest.mark.parametrize("task", TRIED)
@pytest.mark.parametrize("habit", HABITS)
def test_one_habit_is_taken_away_and_no_other(task, habit):
    whole, less, bare = (begin(task, without, 3, start).state_dict()
                         for without, start in [(None, "tape"), (habit, "tape"), (None, "bare")])
    differ = {name for name in whole if not torch.equal(whole[name], less[name])}
    heads = {"heads.linear.weight", "heads.linear.bias"}
    where = dict(ties=heads, large=heads, loud={"controller.layers.0.weight"},
                 rows={"M_0"}).get(habit, {"heads.linear.bias"})
    if habit == "large" and TRIED[task] != "lstm":
        where = set()
    assert differ <= where and bool(differ) == bool(where)
    for name in differ - heads:
        assert torch.equal(less[name], bare[name])


def test_keys_without_the_tie_are_as_large_but_others():
    for task in TRIED:
        whole, less = (begin(task, without, 3).heads.linear.weight.split(20)[0]
                       for without in (None, "ties"))
        assert 0.8 < less.std() / whole.std() < 1.25 and not torch.allclose(whole, less, atol=0.01)


def test_a_habit_must_be_known():
    with pytest.raises(ValueError, match="without is 'nothing'"):
        begin("copy", "nothing")


def test_the_record_is_whole():
    record = json.loads(FILE.read_text(encoding="utf-8"))
    runs = record["runs"]
    seeds = {run["seed"] for run in runs}
    for task, controller in TRIED.items():
        wanted = {None, *HABITS, "all"} - ({"large"} if controller != "lstm" else set())
        found = [(run["without"], run["seed"]) for run in runs if run["task"] == task]
        assert (len(found) == len(set(found))
                and set(found) == {(w, s) for w in wanted for s in seeds})
    assert (all(len(run["bits"]) * run["every"] == run["sequences"] for run in runs)
            and record["command"])


def test_what_is_there_is_not_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(ablation, "FILE", tmp_path / "found.json")
    monkeypatch.setattr(ablation, "TRIED", {"copy": "feedforward"})
    monkeypatch.setattr(ablation, "HABITS", {})
    for seeds in ("1", "2"):
        ablation.main(["--first", "3", "--seeds", seeds, "--sequences", "200"])
    record = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    found = [(run["without"], run["seed"]) for run in record["runs"]]
    assert found == [(None, 3), ("all", 3), (None, 4), ("all", 4)]
    assert record["command"] and record["torch"] == torch.__version__
