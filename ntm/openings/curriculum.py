"""Curriculum: what each order draws, and what all lengths cost meanwhile."""

import json
from statistics import median

import matplotlib.pyplot as plt

from .. import plots
from ..beyond.curriculum import FILE

SHOWN = {"all at once": plots.SERIES[0], "growing": plots.SERIES[1],
         "doubling": plots.SERIES[2], "hardest first": plots.SERIES[3]}


def draw():
    """Copy: the mean length in each tenth of a training, and the cost of all lengths; medians."""
    plots.style()
    runs = json.loads(FILE.read_text(encoding="utf-8"))["runs"]
    fig, (left, right) = plt.subplots(1, 2, figsize=(7, 3))
    for name, colour in SHOWN.items():
        among = [r for r in runs if (r["course"], r["name"]) == ("copy", name)]
        curve = [median(at) for at in zip(*(r["bits"] for r in among))]
        levels = [median(at) for at in zip(*(r["levels"] for r in among))]
        tenth = len(curve) * among[0]["every"] / 10_000
        left.plot([tenth * (i + 0.5) for i in range(10)], levels, color=colour)
        right.plot([among[0]["every"] * (i + 1) / 1000 for i in range(len(curve))], curve,
                   color=colour, label=name)
    right.axhline(84, color=plots.PAPER, linestyle=":", zorder=0)
    left.set(ylabel="mean length drawn", ylim=(0, 21))
    right.set(yscale="log", ylabel="bits, all lengths")
    for ax in (left, right):
        ax.set_xlabel("thousands of sequences")
    right.legend(fontsize=8)
    plt.show()
