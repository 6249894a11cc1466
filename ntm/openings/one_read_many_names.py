"""One read, many names: who remembers how many pairs, each model in a panel of its own."""

import json
from statistics import median

import matplotlib.pyplot as plt

from .. import plots
from ..kin.runs import FILE

KEPT = ["memory network", "MemN2N", "attention", "Transformer", "Memorizing"]
KEPT += ["hard attention", "Compressive"]  # in a memory that grows, or nearly
WRITTEN = ["linear attention", "delta rule", "slots", "Perceiver IO"]
ORDER = [*KEPT, *WRITTEN, "NTM", "DNC", "LSTM"]
COLOURS = dict.fromkeys(KEPT, plots.READ) | dict.fromkeys(WRITTEN, plots.WRITE)
COLOURS |= {"NTM": plots.MODELS["ntm-feedforward"], "LSTM": plots.MODELS["lstm"]}
COLOURS["DNC"] = plots.SERIES[3]  # as in its chapter


def draw():
    """The share of questions answered right over the number of pairs, a thin line a seed."""
    plots.style()
    runs = [
        r for r in json.loads(FILE.read_text(encoding="utf-8"))["runs"] if r["task"] == "shared"
    ]
    fig, axes = plt.subplots(3, 5, figsize=(7, 5.2), sharex=True, sharey=True)
    for ax, name in zip(axes.flat, ORDER):
        seeds = [r["right"] for r in runs if r["name"] == name]
        x = [int(n) for n in seeds[0]]
        ax.axvspan(2, 16, color=plots.PAPER, alpha=0.15, linewidth=0)
        for right in seeds:
            ax.plot(x, list(right.values()), color=COLOURS[name], linewidth=0.7, alpha=0.6)
        middle = [median(right[str(n)] for right in seeds) for n in x]
        ax.plot(x, middle, color=COLOURS[name], linewidth=2.2)
        ax.set_title(name.replace("memory network", "memory nets"), fontsize=11)
        ax.set(xscale="log", ylim=(-0.03, 1.06), yticks=[0, 0.5, 1])
        ax.set_xticks([2, 16, 128], ["2", "16", "128"])
        ax.minorticks_off()
    for ax in axes[2, 4:]:
        ax.set_visible(False)
    for ax in (*axes[2, :4], *axes[1, 4:]):
        ax.tick_params(labelbottom=True)
        ax.set_xlabel("pairs")
    for ax in axes[:, 0]:
        ax.set_ylabel("right")
    plt.show()
