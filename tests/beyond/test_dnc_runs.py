"""The tasks made for the DNC ask what they say; its record is whole, and the shipped machines are
those of the record."""

import json

import pytest
import torch

from ntm import NTM
from ntm.beyond.dnc import DNC
from ntm.beyond.dnc_runs import (
    HOME,
    JOBS,
    QUESTIONS,
    SHIPPED,
    TASKS,
    Shelf,
    Walk,
    build,
    load,
    occupied,
    record,
    run,
    score,
)


def drawn(task, batch=50, seed=0, **options):
    return task.sample(batch, generator=torch.Generator().manual_seed(seed), **options)


def name(bits):
    return "".join(str(int(bit)) for bit in bits)


def test_a_walk_by_a_dictionary():
    task = Walk(steps=3)
    batch = drawn(task)
    for x, y, mask in zip(*(v.unbind(1) for v in batch)):
        (query,) = (x[:, -1] > 0).nonzero().flatten().tolist()
        roads = {}
        for t in range(0, query, 2):
            assert x[t, task.width] == 1 and x[t + 1, task.width] == 0 and x[t + 1, -1] == 0
            roads[name(x[t, : task.width])] = name(x[t + 1, : task.width])
        assert 2 <= len(roads) == query // 2 <= 4 and set(roads) == set(roads.values())
        at, seen = name(x[query, : task.width]), set()
        while at not in seen:  # one ring, all of it
            seen.add(at)
            at = roads[at]
        assert len(seen) == len(roads)
        assert mask.nonzero().flatten().tolist() == [query + 1, query + 3, query + 5]
        for t in range(query + 1, query + 6, 2):
            at = roads[at]
            assert name(y[t]) == at
        assert not x[query + 1 :].any() and not y[mask == 0].any()


def test_roads_come_in_any_order_and_walks_begin_anywhere():
    task, firsts, begins = Walk(places=(4, 4)), set(), set()
    for x in drawn(task, 200).x.unbind(1):
        shown = [name(x[t, : task.width]) for t in range(0, 8, 2)]
        ends = {name(x[t, : task.width]): name(x[t + 1, : task.width]) for t in range(0, 8, 2)}
        begins.add(shown.index(name(x[8, : task.width])))
        firsts.add(shown.index(ends[shown[0]]))
    assert begins == {0, 1, 2, 3} and firsts == {1, 2, 3}


def test_a_shelf_by_a_dictionary():
    task, most, again = Shelf(), 0, 0
    for x, y, mask in zip(*(v.unbind(1) for v in drawn(task, events=60))):
        lies, once = {}, set()
        for t in range(60):
            key, value, puts, takes = name(x[t, :4]), name(x[t, 4:8]), bool(x[t, 8]), bool(x[t, 9])
            assert puts != takes and mask[t] == takes
            if puts:
                assert key not in lies and len(lies) < 4
                again += key in once
                lies[key] = value
                once.add(key)
            else:
                assert value == "0000" and name(y[t]) == lies.pop(key)
            most = max(most, len(lies))
        assert not y[mask == 0].any()
    assert most == 4 and again > 100  # full now and then, and keys that come again


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_draws_the_same_sequences_and_settings_are_looked_at(task):
    a, b = drawn(TASKS[task](), 3), drawn(TASKS[task](), 3)
    assert all(torch.equal(x, y) for x, y in zip(a, b)) and not torch.equal(
        a.x, drawn(TASKS[task](), 3, seed=1).x
    )
    assert a.x.shape[2] == TASKS[task]().inputs and a.y.shape[2] == TASKS[task]().outputs


def test_what_is_refused():
    for wrong, says in [
        (lambda: Walk(places=(1, 3)), "places is"),
        (lambda: Walk(places=(2, 40)), "within 2 and 32"),
        (lambda: Walk(steps=0), "steps is 0"),
        (lambda: Shelf(room=17), "room is 17"),
        (lambda: drawn(Shelf(), events=0), "events is 0"),
        (lambda: build("sums", "dnc", 0), "task is 'sums'"),
        (lambda: build("copy", "lstm", 0), "model is 'lstm'"),
    ]:
        with pytest.raises(ValueError, match=says):
            wrong()


def test_what_lies_in_taken_slots_and_who_is_told():
    for model in ("dnc", "ntm-lstm"):
        machine, _ = build("copy", model, 0)
        empty, state = machine.initial_state(2), occupied(machine, 2, [1, 3])
        changed = (state.M != empty.M).any(-1)[0].nonzero().flatten().tolist()
        assert changed == [1, 3] and torch.equal(state.M[0], state.M[1])
        if model == "dnc":
            assert state.u[0].nonzero().flatten().tolist() == [1, 3] and not empty.u.any()
    assert isinstance(machine, NTM)


def test_a_run_leaves_curve_scores_and_weights(tmp_path, monkeypatch):
    monkeypatch.setitem(QUESTIONS, "copy", {"training range": {}})
    for model in ("dnc-mended", "ntm-lstm"):
        found = run(
            "copy",
            model,
            3,
            2,
            folder=tmp_path,
            sequences=32,
            every=16,
            settings=dict(hidden_size=4),
        )["runs"]
        assert [one["seed"] for one in found] == [3, 4] and len(found[0]["bits"]) == 2
        assert json.loads(json.dumps(found)) == found
        kind = NTM if model == "ntm-lstm" else DNC
        assert (
            score(kind.load(tmp_path / f"copy-{model}-4.safetensors"), "copy", 4)
            == found[1]["scores"]
        )


def test_the_record_is_whole():
    found = record()
    assert set(found) <= set(JOBS) and {task for task, _ in found} >= {"copy", "walk", "shelf"}
    for (task, _), runs in found.items():
        assert len({one["seed"] for one in runs}) == len(runs) >= 5
        for one in runs:
            assert (
                set(one["scores"]) == set(QUESTIONS[task])
                and len(one["bits"]) == one["recipe"]["sequences"] // one["every"]
            )
    head = json.loads((HOME / "runs.json").read_text(encoding="utf-8"))
    assert head["command"] and head["source"]
    assert sum(path.stat().st_size for path in HOME.iterdir()) < 600_000


@pytest.mark.parametrize("task, model", SHIPPED)
def test_what_is_shipped_is_the_median_of_the_record(task, model):
    runs = record()[task, model]
    (one,) = (r for r in runs if r.get("shipped"))
    question = list(QUESTIONS[task])[-1]
    costs = sorted(r["scores"][question]["bits"] for r in runs)
    assert one["scores"][question]["bits"] == costs[(len(costs) - 1) // 2]
    found = score(load(task, model), task, one["seed"])["training range"]
    assert found["bits"] == pytest.approx(
        one["scores"]["training range"]["bits"], rel=0.05, abs=0.02
    )  # in float16
