"""Results: the learning curve of every run that the book ships, before the paper's."""

import matplotlib.pyplot as plt

from .. import plots, pretrained
from ..ledger import MEASURES, TASKS

START = {"tape": "-", "bare": ":"}


def draw():
    """A panel a task; thin lines in colour are ours, one a seed, the grey ones the paper's."""
    plots.style()
    fig, axes = plt.subplots(2, 3, figsize=(7, 5.2))
    for ax, (task, measure) in zip(axes.flat, MEASURES.items()):
        for x, y in pretrained.paper(measure.figure).values():
            ax.plot([n / 1000 for n in x], y, color=plots.PAPER, lw=1.2)
        for model in plots.MODELS:
            for start in START:
                for run in pretrained.runs(task, model, start):
                    x, y = thousands(run)
                    line = "-" if model == "lstm" else START[start]
                    ax.plot(x, y, line, color=plots.MODELS[model], lw=0.9)
        ax.set(title=TASKS[task], ylim=(100 if task == "ngrams" else 0, None), xscale="log")
        ax.set(xlim=(0.8, 2400), xticks=[1, 10, 100, 1000], xticklabels=["1", "10", "100", "1000"])
    fig.supxlabel("thousands of sequences", fontsize=12)
    fig.supylabel("bits per sequence", fontsize=12)
    lines = [plt.Line2D([], [], color=c, label=plots.NAMES[m]) for m, c in plots.MODELS.items()]
    lines += [plt.Line2D([], [], color=plots.GREY, ls=line, label=f"{start} start")
              for start, line in START.items()]
    lines += [plt.Line2D([], [], color=plots.PAPER, label="the paper")]
    axes[1][2].axis("off")
    axes[1][2].legend(handles=lines, loc="center")
    plt.show()


def thousands(run):
    """The curve of a run as one mean for each thousand sequences: x in thousands, y in bits."""
    n = 1000 // run["every"]
    means = [sum(run["bits"][k : k + n]) / n for k in range(0, len(run["bits"]) - n + 1, n)]
    return range(1, len(means) + 1), means
