"""One function for every number that chapters, results page and README say of the book's runs."""

import math
from statistics import median
from typing import NamedTuple

from . import pretrained


class Spread(NamedTuple):
    """Median, lowest and highest of some numbers, one a seed; "never" is infinite, and counts."""

    median: float
    lowest: float
    highest: float

    def __str__(self):
        if self.lowest == self.highest:
            return said(self.median)
        return f"{said(self.median)} ({said(self.lowest)} to {said(self.highest)})"


def said(number):
    """A number to two figures, whole ones from 1,000 on with commas; infinity as "never"."""
    if math.isinf(number):
        return "never"
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.2g}" if abs(number) >= 0.001 or number == 0 else f"{number:.1g}"


def spread(numbers):
    """The Spread of some numbers; of an even count the median is the mean of the two in the middle."""
    numbers = sorted(numbers)
    return Spread(median(numbers), numbers[0], numbers[-1])


def first_touched(run, under):
    """After how many sequences the curve was below `under` bits for the first time; infinite if it never was."""
    return next((run["every"] * (i + 1) for i, bits in enumerate(run["bits"]) if bits < under), math.inf)


def at_the_end(run, sequences=1000):
    """The mean cost in bits over the last thousand sequences of a training."""
    points = max(1, sequences // run["every"])
    return sum(run["bits"][-points:]) / len(run["bits"][-points:])


def summary(task, model, start=None, under=0.1):
    """What is said of all seeds of one machine on one task, as a dict.

    seeds: how many; touched: in how many the curve was ever below `under` bits; first: after how many sequences, a Spread over all
    seeds; learned: in how many the mean over the last thousand sequences is below it; end: that mean; sequences, minutes: of a
    training; scores: for each question a dict of Spreads, of bits, wrong_bits, perfect and whatever else was counted.
    start: as in pretrained.runs. Raises ValueError where there is no such run.
    """
    runs = pretrained.runs(task, model, start)
    if not runs:
        raise ValueError(f"task, model and start are {task!r}, {model!r} and {start!r}; there is no such run")
    first, end = [first_touched(run, under) for run in runs], [at_the_end(run) for run in runs]
    scores = {question: {kind: spread([run["scores"][question][kind] for run in runs]) for kind in kinds}
              for question, kinds in runs[0]["scores"].items()}
    return dict(
        seeds=len(runs), sequences=runs[0]["recipe"]["sequences"], minutes=spread([run["minutes"] for run in runs]),
        touched=sum(map(math.isfinite, first)), first=spread(first), learned=sum(bits < under for bits in end), end=spread(end),
        scores=scores,
    )
