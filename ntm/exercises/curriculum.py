"""Checkers of the chapter "Curriculum"."""

import math

import torch

from ..beyond.curriculum import COURSES, Lessons, everything
from ..machine import NTM
from ..tasks import bits
from ..training import train
from . import ask, attempt, verdict


def mean_level(answer):
    """Exercise 1: the mean level that "growing" draws, after a share of the training."""
    for done, levels in [(0.0, 20), (0.25, 20), (0.6, 20), (0.1, 5), (0.4, 10)]:
        right = (1 + min(levels, 1 + int(2 * done * levels))) / 2
        value, wrong = ask(answer, done, levels, want="return a single number, the mean level.")
        if wrong:
            return verdict(False, "", wrong)
        if not math.isclose(value, right, abs_tol=1e-4):
            return verdict(False, "", f"after {done:.0%} with {levels} levels it is {right:g}; "
                                      f"yours is {value:g}.")
    return verdict(True, "the mean level grows from 1 to half of all, and no further.", "")


def policy(answer):
    """Exercise 2: the chance of each level, from the weights of the bandit."""
    for weights, explore in [([0.0, 0.0, 0.0, 0.0], 0.1), ([2.0, 0.0, -1.0], 0.2),
                             ([800.0, 0.0], 0.5), ([1.0, 3.0], 0.0)]:
        given = torch.tensor(weights)
        right = (1 - explore) * given.softmax(0) + explore / len(weights)
        value, wrong = ask(answer, given, explore, shape=(len(weights),),
                           want=f"for weights {weights} return {len(weights)} finite numbers, a "
                                "chance for each level.")
        if wrong:
            return verdict(False, "", wrong)
        if not torch.allclose(value, right, atol=1e-4):
            if not math.isclose(value.sum().item(), 1, abs_tol=1e-3):
                return verdict(False, "", f"your chances sum to {value.sum():.3g}, not to 1.")
            said = [round(p, 3) for p in right.tolist()]
            return verdict(False, "", f"for weights {weights} and explore {explore} it is {said}.")
    return verdict(True, "every level keeps a chance of explore / levels, whatever its weight.", "")


def own(answer):
    """Exercise 3: a curriculum of the reader's beside all levels at once, on one seed. No answer is
    wrong that draws levels from 1 to 20."""
    course, seed, sequences, ends = COURSES["copy"], 0, 1_500, {}
    probe = course.task().sample(20, generator=torch.Generator().manual_seed(1))
    for who, curriculum in [("yours", answer), ("all at once", everything)]:
        subject = course.task()
        machine = NTM(subject.inputs, subject.outputs, seed=seed, **course.settings)
        lessons = Lessons(course, curriculum, machine, sequences, seed=seed)
        found = attempt(lambda m, t: train(m, t, sequences, seed=seed, progress=False),
                        machine, lessons)
        if isinstance(found, Exception):
            return verdict(False, "", f"with your curriculum train raised {type(found).__name__}: "
                                      f"{found}. Return two levels from 1 to 20, the lower first.")
        with torch.no_grad():
            ends[who] = bits(machine(probe.x), probe).mean().item()
    return verdict(True, f"after {sequences:,} sequences all lengths cost "
                         f"{ends['all at once']:.3g} bits with all at once, "
                         f"{ends['yours']:.3g} with yours.", "")
