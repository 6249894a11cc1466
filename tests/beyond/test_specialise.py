"""Heads that specialise: the overlap, silence, the starts, and the price for overlap."""

import json
import math

import pytest
import torch

from ntm import NTM, tasks, train
from ntm.beyond import heads
from ntm.beyond.heads import Apart, alike, build, habits, overlap, run, silence, twins


def machine(reads=3, writes=1, controller="feedforward", **settings):
    return NTM(8, 6, controller, hidden_size=12, N=16, width=5, read_heads=reads,
               write_heads=writes, seed=0, **dict(start="tape") | settings)


def batch(size=4):
    return tasks.AssociativeRecall().sample(size, generator=torch.Generator().manual_seed(0))


def weightings(of, x):
    with torch.no_grad():
        return of(x, trace=True)[1].w_read


def test_overlap_is_the_mean_cosine_of_all_pairs():
    w = torch.rand(5, 2, 3, 7, generator=torch.Generator().manual_seed(0)).softmax(-1)
    pairs = []
    for step in w.flatten(0, 1):
        for i in range(3):
            for j in range(3):
                if i != j:
                    a, b = step[i], step[j]
                    pairs.append((a @ b / (a.norm() * b.norm())).item())
    assert overlap(w).item() == pytest.approx(sum(pairs) / len(pairs), abs=1e-6)


def test_overlap_of_the_same_and_of_different_slots():
    one = torch.eye(4)[0]
    assert overlap(torch.stack([one, one])).item() == pytest.approx(1)
    assert overlap(torch.eye(4)).item() == pytest.approx(0)
    with pytest.raises(ValueError, match="w has 1 head; it must have at least 2"):
        overlap(torch.ones(2, 1, 4))


@pytest.mark.parametrize("controller", ["feedforward", "lstm"])
def test_a_silent_read_head_is_heard_by_no_one(controller):
    whole, x = machine(controller=controller, start="bare"), batch().x
    quiet = silence(whole, reads=[1])
    noisy = silence(whole, reads=[1])
    with torch.no_grad():  # wherever it looks, nothing else changes
        for rows in heads._of_reads(noisy):
            rows[1] += 1.0
    with torch.no_grad():
        assert torch.allclose(quiet(x), noisy(x), atol=1e-5)
        assert not torch.allclose(quiet(x), whole(x), atol=1e-3)
    assert not torch.equal(weightings(quiet, x)[:, :, 1], weightings(noisy, x)[:, :, 1])


def test_a_silent_write_head_leaves_the_memory_as_it_is():
    whole, x = machine(writes=2), batch().x
    with torch.no_grad():
        _, trace = silence(whole, writes=[0, 1])(x, trace=True)
        assert torch.equal(trace.M, trace.M_0.expand_as(trace.M))
        _, trace = silence(whole, writes=[0])(x, trace=True)
        assert not torch.equal(trace.M, trace.M_0.expand_as(trace.M))


def test_silence_changes_a_copy():
    whole = machine()
    before = {name: value.clone() for name, value in whole.state_dict().items()}
    silence(whole, reads=[0, 2], writes=[0])
    assert all(torch.equal(value, before[name]) for name, value in whole.state_dict().items())
    for wrong in (dict(reads=[3]), dict(reads=[-1]), dict(writes=[1])):
        with pytest.raises(ValueError, match="it must be a list of heads from 0 to"):
            silence(whole, **wrong)


def test_each_head_alone_is_all_others_silenced():
    whole, task = machine(reads=2), tasks.AssociativeRecall()
    without = heads.without_each(whole, task, sequences=5)
    assert heads.with_each(whole, task, sequences=5) == without[::-1] and without[0] != without[1]


def test_alike_begin_alike_and_part():
    start = machine()
    alike(start)
    assert overlap(weightings(start, batch().x)).item() == pytest.approx(1, abs=1e-6)
    train(start, tasks.AssociativeRecall(), 100, progress=False)
    assert overlap(weightings(start, batch().x)).item() < 0.999


def test_twins_never_part():
    start = machine()
    twins(start)
    train(start, tasks.AssociativeRecall(), 100, progress=False)
    w = weightings(start, batch().x)
    assert torch.allclose(w, w[:, :, :1].expand_as(w), atol=1e-4)
    assert not torch.allclose(w[0], w[-1])  # though they move


def test_habits_do_what_they_are_called():
    tape = NTM(8, 6, "feedforward", read_heads=5, start="tape", seed=0)
    other = NTM(8, 6, "feedforward", read_heads=5, start="tape", seed=0)
    habits(other)
    with torch.no_grad():
        after = other(batch().x, trace=True)[1]
    gates, shifts = after.g.mean((0, 1)), after.s.mean((0, 1)).argmax(-1) - 1
    assert shifts[:5].tolist() == [1, 0, 1, -1, 1]
    assert (gates[[0, 3, 4]] < 0.25).all() and (gates[[1, 2]] > 0.75).all()
    moved = (tape.heads.linear.bias - other.heads.linear.bias).abs() > 0.1
    assert [int(part.sum()) for part in moved.split(tape.heads.sizes)] == [0, 0, 5, 4, 0, 0, 0]


def test_the_price_is_descended_and_the_logits_are_the_machines_own():
    whole, sample = machine(start="bare", initial_weighting="uniform"), batch(1)
    pays = Apart(whole, weight=2.0, moments=10_000)  # at every step
    logits = pays(sample.x)
    assert torch.allclose(logits, whole(sample.x), atol=1e-5)
    (0 * logits).sum().backward()
    found = whole.heads.linear.weight.grad.clone()
    whole.zero_grad()
    state, seen = whole.initial_state(1), []
    for x in sample.x[:-1]:
        _, state = whole.unroll(x[None], state)
        seen.append(state.w[:, :3])
    (2.0 * math.log(2) * overlap(torch.stack(seen))).backward()
    assert found.abs().max() > 0
    assert torch.allclose(found, whole.heads.linear.weight.grad, atol=1e-6)


def test_a_price_drives_heads_apart():
    ends = []
    for weight in (None, 5.0):
        whole = machine()
        learner = whole if weight is None else Apart(whole, weight)
        train(learner, tasks.AssociativeRecall(), 60, progress=False)
        ends.append(overlap(weightings(whole, batch().x)).item())
    assert ends[1] < ends[0] - 0.1


def test_without_a_gradient_nothing_is_drawn():
    pays = Apart(machine(), 1.0)
    before = pays.generator.get_state()
    with torch.no_grad():
        pays(batch().x)
    assert torch.equal(before, pays.generator.get_state())


def test_unknown_names_and_weights_are_refused():
    with pytest.raises(ValueError, match="start is 'bare'; it must be one of 'tape', 'alike'"):
        build(2, "bare")
    for weight in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="weight is .*; it must be above 0"):
            Apart(machine(), weight)


def test_run_says_all_and_is_repeatable():
    one, two = (run(2, "habits", 0.5, 3, sequences=100) for _ in range(2))
    assert one.pop("milliseconds") > 0 and two.pop("milliseconds") > 0
    assert one == two and len(one["bits"]) == 1 and len(one["without"]) == len(one["alone"]) == 2
    assert set(one["scores"]) == {"training range", "12 items"}
    assert run(1, "tape", 0.0, 3, sequences=100)["overlap"] == dict(begin=None, end=None)


def test_sort_says_all_and_is_repeatable():
    one, two = (heads.sort(2, "lstm", 3, sequences=80, every=40) for _ in range(2))
    assert one.pop("milliseconds") > 0 and two.pop("milliseconds") > 0
    assert one == two and len(one["bits"]) == 2 and len(one["without"]) == len(one["alone"]) == 2
    assert one["task"] == "sort" and 0 < one["overlap"]["end"] <= 1


def test_the_record_holds_every_kind_on_the_same_seeds():
    record = json.loads(heads.FILE.read_text(encoding="utf-8"))
    first = min(r["seed"] for r in record["runs"])
    jobs = heads.jobs_of(range(first, first + 10))
    held = {tuple(r[name] for name in ("task", "heads", "seed")) + (
        (r["start"], r["weight"]) if r["task"] == "recall" else (r["controller"],))
        for r in record["runs"]}
    asked = {("recall", j["heads"], j["seed"], j["start"], j["weight"]) for j in jobs[0]}
    asked |= {("sort", j["heads"], j["seed"], j["controller"]) for j in jobs[1]}
    assert held == asked and len(record["runs"]) == len(asked)
