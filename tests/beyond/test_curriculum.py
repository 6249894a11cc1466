"""Curricula: what each draws, and that a Lessons is a task that ntm.train takes."""

import json
from collections import Counter

import pytest
import torch

from ntm.beyond import curriculum
from ntm.beyond.curriculum import COURSES, CURRICULA, Doubling, Gain, Lessons, lesson, run
from ntm.training import train


def drawn(name, sequences=400, course="copy"):
    """The levels that a curriculum which does not listen draws."""
    machine, lessons = lesson(course, name, seed=0, sequences=sequences)
    generator = torch.Generator().manual_seed(0)
    for _ in range(sequences):
        lessons.sample(1, generator=generator)
    return lessons.drawn


def test_all_at_once_draws_every_level_from_the_first_tenth_on():
    levels = drawn("all at once")
    assert set(levels) == set(range(1, 21)) and len(set(levels[:40])) > 10


def test_growing_reaches_one_level_after_another_over_the_first_half():
    levels = drawn("growing")
    assert levels[:10] == [1] * 10  # a twentieth of 200
    for i, level in enumerate(levels):
        assert level <= min(20, 1 + i // 10)
    assert max(levels[150:200]) > 14 and set(levels[200:]) == set(range(1, 21))


def test_mixed_has_a_fifth_of_all_levels_while_it_grows():
    levels = drawn("mixed", 2_000)
    early = levels[:100]  # growing alone would draw 1 and 2 here
    beyond = sum(level > 2 for level in early) / len(early)
    assert 0.08 < beyond < 0.32 and max(early) > 10


def test_hardest_first_is_growing_upside_down():
    levels = drawn("hardest first")
    assert levels[:10] == [20] * 10
    for i, level in enumerate(levels):
        assert level >= max(1, 20 - i // 10)
    assert set(drawn("hardest only")) == {20} and set(drawn("lower half only")) == set(range(1, 11))


def test_doubling_waits_for_a_hundred_cheap_sequences():
    doubling = Doubling()
    for _ in range(99):
        doubling.learn(1, 0.1, 0.0)
    assert doubling(0.0, 20, None) == (1, 1)
    doubling.learn(1, 0.1, 0.0)
    assert [doubling(0.0, 20, None) for _ in range(3)] == [(1, 2)] * 3  # and waits anew
    for _ in range(100):
        doubling.learn(1, 5.0, 0.0)
    assert doubling(0.0, 20, None) == (1, 2)
    for expected in (4, 8, 16, 20, 20):
        for _ in range(100):
            doubling.learn(1, 0.0, 0.0)
        assert doubling(0.0, 20, None) == (1, expected)


def test_prediction_gain_goes_where_updates_help():
    gain, generator, asked = Gain(), torch.Generator().manual_seed(0), []
    for _ in range(3_000):
        level, same = gain(0.0, 10, generator)
        assert level == same and gain.policy.sum().item() == pytest.approx(1)
        assert gain.policy.min() >= 0.1 / 10 - 1e-9  # no level is given up
        gain.learn(level, 1.0, -abs(level - 7.0))
        asked.append(level)
    assert Counter(asked[:300])[7] < 100 and Counter(asked[-300:])[7] > 150


def test_a_listening_curriculum_hears_the_cost_before_and_after_the_update():
    heard = []

    class Ear:
        def learn(self, level, before, gain):
            heard.append((level, before, gain))

        def __call__(self, done, levels, generator):
            return 3, 3

    machine, _ = lesson("copy", "all at once", seed=0)
    lessons = Lessons(COURSES["copy"], Ear(), machine, 300)
    train(machine, lessons, 300, progress=False)
    assert len(heard) == 299 and {level for level, *_ in heard} == {3}
    assert heard[0][1] == pytest.approx(24, abs=3)  # three vectors of eight bits, guessed
    assert sum(gain for *_, gain in heard) > 0  # an update helps its own sequence


def test_listening_does_not_change_the_training():
    class Ear:
        def learn(self, level, before, gain):
            pass

        def __call__(self, done, levels, generator):
            return 1, levels

    weights = []
    for heard in (curriculum.everything, Ear()):
        machine, _ = lesson("copy", "all at once", seed=0)
        train(machine, Lessons(COURSES["copy"], heard, machine, 30), 30, progress=False)
        weights.append(machine.state_dict())
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name


def test_run_says_all_and_is_repeatable():
    one, two = (run("copy", "doubling", 3, sequences=200) for _ in range(2))
    assert one == two and len(one["bits"]) == 2 and len(one["levels"]) == 10
    assert set(one["scores"]) == {"training range", "length 120"}


def test_unknown_names_and_batches_are_refused():
    with pytest.raises(ValueError, match="course is 'sort'; it must be one of 'copy'"):
        lesson("sort", "growing", 0)
    with pytest.raises(ValueError, match="name is 'harder'; it must be one of 'all at once'"):
        lesson("copy", "harder", 0)
    with pytest.raises(ValueError, match="batch is 2; it must be 1"):
        lesson("copy", "growing", 0)[1].sample(2)
    machine, _ = lesson("copy", "growing", 0)
    for wrong in [(0, 3), (5, 4), (1, 21)]:
        with pytest.raises(ValueError, match="they must lie in 1 to 20, the lower first"):
            Lessons(COURSES["copy"], lambda *_, wrong=wrong: wrong, machine, 10).sample(1)


def test_the_record_holds_every_curriculum_on_the_same_seeds():
    record = json.loads(curriculum.FILE.read_text(encoding="utf-8"))
    for course in {r["course"] for r in record["runs"]}:
        seeds = {name: {r["seed"] for r in record["runs"]
                        if (r["course"], r["name"]) == (course, name)} for name in CURRICULA}
        assert len(set(map(frozenset, seeds.values()))) == 1 and seeds["growing"]
