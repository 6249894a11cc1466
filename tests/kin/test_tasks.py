"""What the kin are tried on is what it says, a perfect answer scores in full, and the record is
whole."""

import json
from functools import partial

import pytest
import torch
from torch.testing import assert_close

from ntm.kin import recall, runs, small, tasks
from ntm.kin.family import WORKS
from ntm.kin.tasks import PEOPLE, THINGS, WORDS, Recall, Stream, answered


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def truth(x, shown):
    """For each question, by loops, the value that was last shown with its key [m, B, 4]."""
    answers = []
    for q in range(shown, len(x)):
        row = []
        for b in range(x.shape[1]):
            same = [
                t for t in range(shown) if torch.equal(x[t, b, :8], x[q, b, :8]) and x[t, b].any()
            ]
            row.append(x[same[-1], b, 8:12])
        answers.append(torch.stack(row))
    return torch.stack(answers)


@pytest.mark.parametrize("gap, rewrites", [(0, False), (3, False), (0, True)])
def test_recall(gap, rewrites):
    batch = Recall(gap=gap, rewrites=rewrites).sample(3, pairs=5, generator=generator())
    shown = (10 if rewrites else 5) + gap
    assert batch.x.shape == (shown + 5, 3, 13)
    assert not batch.x[:shown, :, 12].any() and batch.x[shown:, :, 12].all()
    assert not batch.x[shown:, :, 8:12].any() and not batch.x[shown - gap : shown].any()
    assert torch.equal(batch.mask.sum(0), torch.full((3,), 5.0)) and batch.mask[-5:].all()
    assert torch.equal(batch.y[-5:], truth(batch.x, shown)) and not batch.y[:-5].any()
    for b in range(3):  # asked for once each, and all different
        assert len({tuple(key.tolist()) for key in batch.x[shown:, b, :8]}) == 5


def test_support_is_the_step_with_the_answer():
    batch = Recall().sample(3, pairs=5, generator=generator())
    support = Recall.support(batch.x)
    for b in range(3):
        assert torch.equal(batch.x[support[b], b, 8:12], batch.y[-5:, b])


def test_answered():
    batch = Recall().sample(4, pairs=6, generator=generator())
    logits = 2 * batch.y - 1
    assert answered(logits, batch) == 1
    logits[-1, 0, 2] *= -1
    assert answered(logits, batch) == pytest.approx(23 / 24)


def test_stream_asks_for_what_was_shown_so_long_ago():
    task = Stream()
    batch = task.sample(3, generator=generator())
    assert torch.equal(batch.y[-7:], truth(batch.x, task.length)) and batch.mask.sum() == 21
    for i, distance in enumerate(task.distances):
        shown = task.length + i - distance
        assert torch.equal(batch.x[shown, :, :8], batch.x[task.length + i, :, :8])
    assert batch.x[: task.length].any(-1).float().sum(0).tolist() == [7, 7, 7]


def test_two_hops_are_needed_and_suffice():
    batch = tasks.two_hops(20, generator=generator())
    words = batch["facts"].argmax(-1)
    assert batch["facts"].shape == (20, 8, 3, WORDS)
    for b in range(20):
        thing = batch["questions"][b, 0, 2].argmax()
        first = [f for f in words[b] if f[0] == thing]
        assert len(first) == 1 and THINGS <= first[0][2] < THINGS + PEOPLE
        second = [f for f in words[b] if f[0] == first[0][2]]
        assert len(second) == 1 and second[0][2] - THINGS - PEOPLE == batch["answer"][b, 0]
        told = words[b][batch["support"][b, 0]]
        assert torch.equal(told, torch.stack([first[0], second[0]]))


def test_scenes_have_whole_objects_that_do_not_touch_upon_each_other():
    batch = tasks.scenes(50, generator=generator())
    assert batch["picture"].shape == (50, 24, 3)
    for picture, owner in zip(batch["picture"], batch["owner"]):
        assert set(owner.tolist()) == {0, 1, 2, 3} and not picture[owner == 0].any()
        colours = set()
        for i in (1, 2, 3):
            at = (owner == i).nonzero().flatten().tolist()
            assert at == list(range(at[0], at[-1] + 1)) and 4 <= len(at) <= 6
            assert (picture[at] == picture[at[0]]).all()
            colours.add(tuple(picture[at[0]].tolist()))
        assert len(colours) == 3


def test_bound_is_the_best_pairing():
    owner = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 3]])
    share = (
        torch.nn.functional.one_hot(torch.tensor([[3, 2, 2, 0, 2, 1, 1, 1]]), 4)
        .transpose(1, 2)
        .float()
    )
    assert small.bound(owner, share) == pytest.approx(6 / 7)
    assert small.bound(owner, torch.ones(1, 4, 8)) == pytest.approx(3 / 7)  # one slot for all


def test_marked_asks_for_what_is_marked():
    batch = tasks.marked(3, 40, 5, generator=generator())
    for b in range(3):
        kept = batch["x"][b][batch["x"][b, :, 12] == 1]
        assert len(kept) == 5
        for q, a in zip(batch["queries"][b], batch["answers"][b]):
            (same,) = [item for item in kept if torch.equal(item[:8], q)]
            assert torch.equal(same[8:12], a)


def test_pictures_have_the_shape_once():
    batch = tasks.pictures(30, generator=generator())
    shape, shade = batch["a"][..., :4], batch["a"][..., 4:]
    hits = (shape * batch["h"].unsqueeze(1)).sum(-1)
    assert torch.equal(hits.sum(1), torch.ones(30)) and torch.equal(hits.argmax(1), batch["at"])
    assert torch.equal((shade * hits.unsqueeze(-1)).sum(1).argmax(1), batch["answer"])


def test_fit_learns_and_is_the_same_twice():
    def teach():
        model = recall.build("MemN2N", 3)
        sample = lambda g: Recall((2, 4)).sample(16, generator=g)  # noqa: E731
        return runs.fit(model, sample, runs.per_question, 150, 1e-2, 3)

    curve = teach()
    assert curve == teach() and len(curve) == 6 and curve[-1] < 0.6 * curve[0]


def test_the_record_is_whole():
    record = json.loads(runs.FILE.read_text(encoding="utf-8"))
    names = runs.TASKS
    found = [(r["task"], r["name"], r["seed"]) for r in record["runs"]]
    assert {task for task, *_ in found} == set(names)
    for task in names:  # all models of a task on the same seeds
        seeds = sorted({seed for t, _, seed in found if t == task})
        assert seeds == list(range(200, 200 + len(seeds)))
        wanted = [(task, name, seed) for name in names[task] for seed in seeds]
        assert [run for run in found if run[0] == task] == wanted
    for r in record["runs"]:
        if r["task"] in ("shared", "gaps"):
            asked = runs.PAIRS if r["task"] == "shared" else runs.GAPS
            assert list(r["right"]) == [str(n) for n in asked]
    assert record["command"] and record["torch"]


def test_the_family_has_no_child_older_than_its_parents():
    for year, _, taken in WORKS.values():
        assert all(WORKS[earlier][0] <= year for earlier in taken)


def test_the_scene_that_is_shipped_binds():
    batch = small.drawn_from(partial(tasks.scenes, 50), 200)
    with torch.no_grad():
        begin = torch.randn(50, 4, 32, generator=generator())
        _, masks, _ = small.load_scene()(batch["picture"], begin)
    assert_close(masks.sum(1), torch.ones(50, 24))
    assert small.bound(batch["owner"], masks) > 0.65


def test_numbers_of_the_record_are_short():
    assert runs.short(dict(a=[0.123456, 7], b="x")) == dict(a=[0.1235, 7], b="x")


def test_memory_counts_what_the_models_keep():
    for name in recall.MODELS:
        few, many = recall.memory(name, 8), recall.memory(name, 256)
        grows = name in (
            "memory network",
            "MemN2N",
            "hard attention",
            "attention",
            "Transformer",
            "Memorizing",
            "Compressive",
        )
        assert (many > few) == grows, name
    assert recall.memory("NTM", 8) == sum(
        part[0].numel() for part in recall.build("NTM").initial_state(1)[:3]
    )
    *state, (h, c) = recall.build("DNC").initial_state(1)
    assert recall.memory("DNC", 8) == sum(part[0].numel() for part in state) + h.numel() + c.numel()


def test_gaps_are_drawn_from_their_range():
    task, g = Recall((3, 3), gap=(2, 4)), generator()
    lengths = {len(task.sample(1, generator=g).x) for _ in range(60)}
    assert lengths == {3 + gap + 3 for gap in (2, 3, 4)}
    assert len(task.sample(1, gap=9, generator=g).x) == 15


def test_answers_are_counted_against_pairs_and_against_the_gap():
    def perfect(x):
        stored, asked = x[x[:, 0, -1] == 0], (x[:, 0, -1] == 1).sum()
        at = Recall.support(x).T.unsqueeze(-1).expand(-1, -1, 4)
        answers = stored[..., 8:12].gather(0, at)
        return torch.cat([torch.zeros(len(x) - asked, x.shape[1], 4), 2 * answers - 1])

    assert runs.test(perfect, 3) == {str(n): 1.0 for n in runs.PAIRS}
    assert runs.test(perfect, 3, gaps=(0, 5)) == {"0": 1.0, "5": 1.0}
    assert runs.test(lambda x: -perfect(x), 3, gaps=(0, 5))["5"] == 0.0


def test_a_dnc_keeps_its_weights_in_a_room_of_other_size():
    """Its weights, there and back."""
    x = Recall().sample(2, pairs=4, generator=generator()).x
    machine = recall.build("DNC", 5).eval()
    few = runs.with_slots(machine, 16)
    assert_close(runs.with_slots(few, 128)(x), machine(x))
    assert few.M_0.shape == (16, 20) and few(x).isfinite().all()


def test_the_dncs_are_trained_side_by_side():
    found = runs.dnc(7, 2, sequences=160, few=16)["runs"]
    assert [(r["task"], r["name"], r["seed"]) for r in found] == [
        ("shared", "DNC", 7),
        ("shared", "DNC", 8),
    ]
    assert set(found[0]["right"]) == set(map(str, runs.PAIRS))
    assert found[0]["parameters"] == sum(p.numel() for p in recall.build("DNC").parameters())
