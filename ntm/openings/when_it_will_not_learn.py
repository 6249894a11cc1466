"""It will not learn: six trainings of copy, each with its own way to go."""

import json

import matplotlib.pyplot as plt

from .. import plots
from ..beyond.failures import FILE

PANELS = {"sound": "nothing wrong", "alike": "flat: all slots alike", "few": "halts: 16 slots",
          "batch": "slow: 10 an update", "fast": "jumps: rate × 10",
          "bare": "by luck: bare weights"}


def draw():
    """The curves of every seed, for the sound machine and for five switches of the lab."""
    plots.style()
    runs = json.loads(FILE.read_text(encoding="utf-8"))["runs"]
    fig, axes = plt.subplots(2, 3, figsize=(7, 4.4), sharex=True, sharey=True)
    for ax, (name, title) in zip(axes.flat, PANELS.items()):
        for run in runs:
            if (run["task"], run["name"]) == ("copy", name):
                x = [run["every"] * (i + 1) / 1000 for i in range(len(run["bits"]))]
                colour = plots.MODELS["ntm-feedforward"] if name == "sound" else plots.GREY
                ax.plot(x, run["bits"], color=colour, linewidth=0.9, alpha=0.8)
        ax.axhline(84, color=plots.PAPER, linestyle=":", zorder=0)
        ax.set(yscale="log", ylim=(5e-4, 300), title=title)
    for ax in axes[:, 0]:
        ax.set_ylabel("bits")
    axes[1, 1].set_xlabel("thousands of sequences")
    plt.show()
