"""Fast: where the time of an update goes, in torch's way and in one call."""

import statistics
import time

import matplotlib.pyplot as plt

from .. import benchmark, fast, plots
from ..machine import NTM
from ..tasks import Copy
from ..training import train


class Timed:
    """The kernel, with the seconds that its calls took."""

    def __init__(self, kernel):
        self.kernel, self.seconds = kernel, 0.0

    def __getattr__(self, name):
        function = getattr(self.kernel, name)
        if name == "update_room":  # asks for a number and computes nothing
            return function

        def timed(*arguments):
            started = time.perf_counter()
            value = function(*arguments)
            self.seconds += time.perf_counter() - started
            return value

        setattr(self, name, timed)
        return timed


class Drawn(Copy):
    """Copy, with the seconds that drawing took. It does not say that it is steady: one by one."""

    seconds = []  # of the class: what an instance holds says what is drawn

    def sample(self, *arguments, **options):
        started = time.perf_counter()
        value = super().sample(*arguments, **options)
        self.seconds.append(time.perf_counter() - started)
        return value


class DrawnInBlocks(Drawn):
    steady = True


def parts(machine, task, one_call, sequences):
    """Seconds of an update at batch 1, as ntm.train makes it: all, drawing, in the kernel."""
    library, kernels = fast.library, {}
    task.seconds.clear()

    def timed(dtype):
        kernel = library(dtype)
        return kernels.setdefault(dtype, kernel and Timed(kernel))

    fast.library = timed
    try:
        with benchmark.environment(NTM_UPDATE="1" if one_call else "0"):
            seconds = train(machine, task, sequences, every=sequences, progress=False).seconds
    finally:
        fast.library = library
    inside = sum(kernel.seconds for kernel in kernels.values() if kernel)
    return [value / sequences for value in (seconds, sum(task.seconds), inside)]


def measure(rounds=9, sequences=64):
    """For each bar: its name, its model and the medians of drawing, Python and torch, and the
    kernel, as multiples of the time of the first bar, torch's LSTM alone, in the same round."""
    lstm = benchmark.Yardstick(10, 8)
    bars = [("LSTM alone", "lstm", lstm, Drawn, False)]
    for controller in ("feedforward", "lstm"):
        key = f"ntm-{controller}"
        machine = NTM(10, 8, controller, seed=0)
        bars.append((f"{plots.NAMES[key]}\nin torch's way", key, machine, Drawn, False))
        bars.append((f"{plots.NAMES[key]}\none call", key, machine, DrawnInBlocks, True))
    found = [[] for _ in bars]
    for _ in range(rounds + 1):  # the first warms up
        for row, (*_, machine, task, one_call) in zip(found, bars):
            row.append(parts(machine, task(), one_call, sequences))
    result = []
    for row, (name, key, *_) in zip(found, bars):
        shares = []
        for (all_of_it, drawing, kernel), (unit, *_) in list(zip(row, found[0]))[1:]:
            rest = all_of_it - drawing - kernel
            shares.append([part / unit for part in (drawing, rest, kernel)])
        result.append((name, key, [statistics.median(part) for part in zip(*shares)]))
    return result


def draw():
    """One bar for each way to train on copy at batch 1; torch's LSTM alone is 1."""
    plots.style()
    found = measure()
    kinds = {"drawing the sequence": plots.PAPER, "Python and torch": "#d0d0d0"}
    kinds["the kernel"] = plots.SERIES[3]
    fig, ax = plt.subplots(figsize=(7, 3.9))
    for y, (_, _, sizes) in enumerate(found):
        left = 0
        for (kind, colour), size in zip(kinds.items(), sizes):
            ax.barh(y, size, left=left, color=colour, height=0.62, label=None if y else kind)
            left += size
        ground = dict(facecolor="white", edgecolor="none", pad=1)
        ax.text(left + 0.02, y, f"{left:.2f}", va="center", fontsize=12, bbox=ground)
    ax.axvline(1, color="black", lw=1, ls=":")
    ax.set(yticks=range(len(found)), xlabel="time of an update; torch's LSTM alone is 1")
    ax.set_yticklabels([name for name, *_ in found])
    for label, (_, key, _) in zip(ax.get_yticklabels(), found):
        label.set_color(plots.MODELS[key])
    ax.margins(x=0.12)
    ax.invert_yaxis()
    fig.legend(loc="outside upper right", ncols=3, fontsize=11)
    plt.show()
