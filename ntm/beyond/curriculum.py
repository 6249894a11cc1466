"""Curricula: in which order a machine meets easy and hard sequences.

    python -m ntm.beyond.curriculum --first 40 --seeds 10

trains every curriculum on these seeds and writes what it finds to `pretrained/curriculum.json`.
What is in the folder already is not made again.

A task's levels are its lengths, from the easiest to the hardest. `Lessons` is a task to
`ntm.train`: before every update it asks a curriculum for a level, and draws a sequence of it.
"""

import argparse
import math
import shlex
from collections import deque
from pathlib import Path
from typing import NamedTuple

import torch

from .. import tasks
from ..checks import positive
from ..machine import NTM
from ..runs import made_by, write_runs
from ..training import cosine, evaluate, train
from .record import side_by_side, source

FILE = Path(__file__).parents[1] / "pretrained" / "curriculum.json"


class Course(NamedTuple):
    """What is learned: a task, its levels, the machine, and how long it may take."""

    task: type
    levels: list  # for each level, what task.sample takes, the easiest first
    settings: dict  # of NTM
    sequences: int
    questions: dict  # asked at the end


COURSES = {
    "copy": Course(tasks.Copy, [dict(length=n) for n in range(1, 21)],
                   dict(controller="feedforward", start="tape"), 3_000,
                   {"training range": {}, "length 120": dict(length=120)}),
    "copy, bare": Course(tasks.Copy, [dict(length=n) for n in range(1, 21)],
                         dict(controller="feedforward", start="bare"), 8_000,
                         {"training range": {}, "length 120": dict(length=120)}),
    "recall": Course(tasks.AssociativeRecall, [dict(items=n) for n in range(2, 7)],
                     dict(controller="lstm", start="tape", initial_memory="redrawn"), 5_000,
                     {"training range": {}, "20 items": dict(items=20)}),
    "repeat copy": Course(tasks.RepeatCopy, [dict(repeats=n) for n in range(1, 11)],
                          dict(controller="feedforward", start="tape", initial_memory="redrawn"),
                          6_000, {"training range": {}, "20 repeats": dict(repeats=20)}),
}


# The curricula. Each is called with the share of the training done, in [0, 1), the number of levels
# and a generator, and returns the (lowest, highest) level that is drawn from, counted from 1. Those
# that listen have `learn(level, before, gain)`: what the last sequence cost in bits before its own
# update, and how many bits a scored step that update made it cheaper.

def everything(done, levels, generator):
    """All levels at once: what the NTM paper does."""
    return 1, levels


def growing(done, levels, generator):
    """From the easiest to all, one level after another over the first half."""
    return 1, min(levels, 1 + int(2 * done * levels))


def mixed(done, levels, generator, share=0.2):
    """Growing, but a fifth is drawn from all levels (Zaremba and Sutskever 2014 mix the two)."""
    chance = torch.rand((), generator=generator)
    return (everything if chance < share else growing)(done, levels, generator)


def hardest_first(done, levels, generator):
    """From the hardest to all, over the first half."""
    return max(1, levels - int(2 * done * levels)), levels


def lower_half(done, levels, generator):
    """Never more than half of the levels."""
    return 1, levels // 2


def hardest(done, levels, generator):
    """The hardest level, always."""
    return levels, levels


class Doubling:
    """The highest level doubles when the last 100 sequences cost under a bit (Rae 2016)."""

    def __init__(self, below=1.0, last=100):
        self.below, self.highest, self.costs = below, 1, deque(maxlen=last)

    def learn(self, level, before, gain):
        self.costs.append(before)

    def __call__(self, done, levels, generator):
        costs = self.costs
        if len(costs) == costs.maxlen and sum(costs) < self.below * len(costs):
            self.highest = min(levels, 2 * self.highest)
            self.costs.clear()
        return 1, self.highest


class Gain:
    """The level at which updates help most, by prediction gain (Graves et al. 2017).

    A bandit: rewards are gains, scaled by percentiles; no level is given up."""

    def __init__(self, rate=0.05, explore=0.1, forget=1e-3):
        self.rate, self.explore, self.forget = rate, explore, forget
        self.weights, self.gains = None, deque(maxlen=1_000)

    def learn(self, level, before, gain):
        self.gains.append(gain)
        ranked, fifth = sorted(self.gains), len(self.gains) // 5
        low, high = ranked[fifth], ranked[-1 - fifth]
        reward = 2 * (gain - low) / (high - low) - 1 if high > low else 0.0
        step = self.rate * min(1.0, max(-1.0, reward))
        self.weights[level - 1] += step / self.policy[level - 1]
        everyone = self.weights.logsumexp(0) + math.log(self.forget / len(self.weights))
        self.weights = torch.logaddexp(self.weights + math.log(1 - self.forget), everyone)

    def __call__(self, done, levels, generator):
        if self.weights is None:
            self.weights = torch.zeros(levels).double()
        self.policy = (1 - self.explore) * self.weights.softmax(0) + self.explore / levels
        level = 1 + int(torch.multinomial(self.policy, 1, generator=generator))
        return level, level


CURRICULA = {
    "all at once": lambda: everything,
    "growing": lambda: growing,
    "mixed": lambda: mixed,
    "doubling": Doubling,
    "prediction gain": Gain,
    "hardest first": lambda: hardest_first,
    "lower half only": lambda: lower_half,
    "hardest only": lambda: hardest,
}


class Lessons:
    """A task whose levels a curriculum chooses; `ntm.train` asks it for one sequence at a time.

    course: a Course. curriculum: as in CURRICULA. machine: the one that learns. sequences: how many
    there will be. seed: of the levels alone; the data come from train's generator. `drawn` lists
    the levels.
    """

    def __init__(self, course, curriculum, machine, sequences, seed=0):
        (self.sequences,) = positive(sequences=sequences)
        self.course, self.curriculum, self.machine = course, curriculum, machine
        self.task = course.task()
        self.inputs, self.outputs = self.task.inputs, self.task.outputs
        self.generator, self.drawn, self.last = torch.Generator().manual_seed(seed), [], None
        self.listens = hasattr(curriculum, "learn")

    def cost(self, batch):
        """Bits of a sequence, for the machine as it is now."""
        with torch.no_grad():
            return tasks.bits(self.machine(batch.x), batch).item()

    def sample(self, batch=1, *, generator=None):
        """One sequence of the level that the curriculum chooses, as a Batch."""
        if batch != 1:
            raise ValueError(f"batch is {batch}; it must be 1: a level is chosen for every update")
        if self.last is not None:
            level, sample, before = self.last
            steps = sample.mask.sum().item()
            self.curriculum.learn(level, before, (before - self.cost(sample)) / steps)
        highest = len(self.course.levels)
        low, high = self.curriculum(len(self.drawn) / self.sequences, highest, self.generator)
        if not 1 <= low <= high <= highest:
            raise ValueError(f"the curriculum returned the levels {low} to {high}; they must lie "
                             f"in 1 to {highest}, the lower first")
        level = int(torch.randint(low, high + 1, (), generator=self.generator))
        sample = self.task.sample(1, generator=generator, **self.course.levels[level - 1])
        if self.listens:
            self.last = level, sample, self.cost(sample)
        self.drawn.append(level)
        return sample


def lesson(course, name, seed, sequences=None):
    """A machine and its Lessons, by the names in COURSES and CURRICULA."""
    for what, value, allowed in [("course", course, COURSES), ("name", name, CURRICULA)]:
        if value not in allowed:
            raise ValueError(f"{what} is {value!r}; it must be one of "
                             f"{', '.join(map(repr, allowed))}")
    subject = COURSES[course].task()
    machine = NTM(subject.inputs, subject.outputs, seed=seed, **COURSES[course].settings)
    return machine, Lessons(COURSES[course], CURRICULA[name](), machine,
                            sequences or COURSES[course].sequences, seed=seed)


def run(course, name, seed, sequences=None, every=100):
    """Train one machine by a curriculum; a dict for JSON.

    The costs of the training say little: they are of what the curriculum chose. `bits` holds what
    20 sequences of all levels cost, the same ones every hundred sequences.
    """
    machine, lessons = lesson(course, name, seed, sequences)
    probe = COURSES[course].task().sample(20, generator=torch.Generator().manual_seed(9_000 + seed))
    asked = []

    def schedule(done):  # called before every update
        if len(lessons.drawn) % every == 0 and lessons.drawn:
            with torch.no_grad():
                asked.append(tasks.bits(machine(probe.x), probe).mean().item())
        return cosine(done)

    train(machine, lessons, lessons.sequences, seed=seed, schedule=schedule, progress=False)
    with torch.no_grad():
        asked.append(tasks.bits(machine(probe.x), probe).mean().item())
    scores = {}
    for question, how in COURSES[course].questions.items():
        scored = evaluate(machine, lessons.task, sequences=100, seed=10_000 + seed, **how)
        scores[question] = dict(bits=scored.bits, wrong_bits=scored.wrong_bits)
    steps = len(lessons.drawn) // 10  # the mean level in each tenth of the training
    levels = [round(sum(part) / len(part), 2) for part in
              (lessons.drawn[i * steps:(i + 1) * steps] for i in range(10))]
    return dict(course=course, name=name, seed=seed, every=every,
                bits=[round(bits, 5) for bits in asked], levels=levels, scores=scores)


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ntm.beyond.curriculum",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--courses", nargs="+", choices=COURSES, default=["copy"])
    parser.add_argument("--first", type=int, default=40, help="the first seed")
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--folder", default="build/curriculum")
    parser.add_argument("--workers", type=int, default=1, help="processes side by side")
    given = parser.parse_args(arguments)
    jobs = [dict(course=course, name=name, seed=seed) for course in given.courses
            for seed in range(given.first, given.first + given.seeds) for name in CURRICULA]
    (runs,), failed = side_by_side((run, jobs, given.folder), workers=given.workers)
    command = (f"python -m ntm.beyond.curriculum --courses {shlex.join(given.courses)} "
               f"--first {given.first} --seeds {given.seeds}")
    write_runs(FILE, made_by(command) | dict(source=source("beyond/curriculum.py")), runs)
    raise SystemExit(failed)


if __name__ == "__main__":
    from ntm.beyond.curriculum import (
        main as imported,  # so that the workers find `run` in this module
    )

    imported()
