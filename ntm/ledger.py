"""One function for every number that chapters, results page and README say of the book's runs."""

import math
from collections.abc import Callable
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
    """The Spread of some numbers; of an even count the median is the mean of the two in the
    middle."""
    numbers = sorted(numbers)
    return Spread(median(numbers), numbers[0], numbers[-1])


def first_touched(run, under):
    """After how many sequences the curve was below `under` bits for the first time; infinite if it
    never was."""
    return next((run["every"] * (i + 1) for i, bits in enumerate(run["bits"]) if bits < under),
                math.inf)


def at_the_end(run, sequences=1000):
    """The mean cost in bits over the last thousand sequences of a training."""
    points = max(1, sequences // run["every"])
    return sum(run["bits"][-points:]) / len(run["bits"][-points:])


def summary(task, model, start=None, under=0.1):
    """What is said of all seeds of one machine on one task, as a dict.

    seeds: how many; touched: in how many the curve was ever below `under` bits; first: after how
    many sequences, a Spread over all seeds; learned: in how many the mean over the last thousand
    sequences is below it; end: that mean; sequences, minutes: of a training; scores: for each
    question a dict of Spreads, of bits, wrong_bits, perfect and whatever else was counted.
    start: as in pretrained.runs. Raises ValueError where there is no such run.
    """
    runs = pretrained.runs(task, model, start)
    if not runs:
        raise ValueError(f"task, model and start are {task!r}, {model!r} and {start!r}; there is "
                         "no such run")
    first, end = [first_touched(run, under) for run in runs], [at_the_end(run) for run in runs]
    scores = {question: {kind: spread([run["scores"][question][kind] for run in runs])
                         for kind in kinds}
              for question, kinds in runs[0]["scores"].items()}
    return dict(
        seeds=len(runs), sequences=runs[0]["recipe"]["sequences"],
        minutes=spread([run["minutes"] for run in runs]),
        touched=sum(map(math.isfinite, first)), first=spread(first),
        learned=sum(bits < under for bits in end), end=spread(end),
        scores=scores,
    )


class Measure(NamedTuple):
    """What is set against the paper on one task."""

    figure: int  # of the paper's learning curves
    under: float | None  # bits; None where no machine comes near zero
    question: str  # of ntm.runs.QUESTIONS
    value: Callable  # what is counted of a run's scores on it
    unit: str
    printed: tuple | None = None  # by the paper, of its NTM and of its LSTM; otherwise read off


MEASURES = {
    "copy": Measure(3, 0.1, "length 120", lambda score: score["wrong_bits"],
                    "wrong bits of 960, length 120", (184, 431)),
    "repeat_copy": Measure(7, 1.0, "length 20, 10 repeats",
                           lambda score: score["wrong_data_bits"] / 12,
                           "% of bits wrong, 20 vectors 10 times",
                           (100 * 11 / 1206, 100 * 552 / 1206)),
    "associative_recall": Measure(10, 0.1, "20 items", lambda score: score["bits"],
                                  "bits, 20 items"),
    "ngrams": Measure(13, None, "training range", lambda score: score["bits"] - score["bayes"],
                      "bits above the optimum"),
    "priority_sort": Measure(18, None, "training range", lambda score: score["bits"], "bits"),
}
SERIES = {"ntm-lstm": "NTM-LSTM", "ntm-feedforward": "NTM-FF", "lstm": "LSTM"}  # the paper's names
TASKS = {task: task.replace("_", " ") for task in MEASURES}
TASKS |= {"associative_recall": "recall", "ngrams": "N-grams"}


def the_paper(task, model):
    """What the paper reached: after how many sequences (None where that is not asked), and by the
    task's measure.

    The points of its curves lie 10,000 sequences apart. The cost of N-grams and sort is the mean of
    the last ten.
    """
    measure, curves = MEASURES[task], pretrained.paper(MEASURES[task].figure)
    x, y = curves[SERIES[model]]
    first = next((5000 * round(n / 5000) for n, bits in zip(x, y) if bits < (measure.under or 0)),
                 math.inf)
    if measure.printed:
        value = measure.printed[model == "lstm"]
    elif task == "associative_recall":
        value = pretrained.paper(11)[SERIES[model]][1][-1]
    else:
        value = sum(y[-10:]) / 10 - (curves["Optimal"][1][-1] if task == "ngrams" else 0)
    return (None if measure.under is None else first), value


def against_the_paper(task, model, start=None):
    """One row of the tables in README and results: a dict of texts. start: as in
    pretrained.runs."""
    measure, runs = MEASURES[task], pretrained.runs(task, model, start)
    found, (first, value) = summary(task, model, start, measure.under or 0), the_paper(task, model)
    curve = {"the paper, first under": "", "first under": "", "touched": "", "learned": ""}
    if measure.under is not None:
        curve = {"the paper, first under": said(first), "first under": str(found["first"]),
                 "touched": f"{found['touched']} of {len(runs)}",
                 "learned": f"{found['learned']} of {len(runs)}"}
    return curve | {
        "task": TASKS[task], "machine": SERIES[model], "seeds": str(len(runs)),
        "measure": measure.unit,
        "start": "" if model == "lstm" else runs[0].get("start") or "bare",
        "the paper": said(value),
        "ours": str(spread([measure.value(run["scores"][measure.question]) for run in runs])),
        "sequences": f"{found['sequences']:,}", "minutes": str(found["minutes"]),
    }
