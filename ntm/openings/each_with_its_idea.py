"""Each with its idea: six tasks, with the model that has the idea and the one that lacks it."""

import json
from statistics import median

import matplotlib.pyplot as plt

from .. import plots
from ..kin.runs import FILE


def draw():
    """A panel a task: dots are seeds where one number says it, lines where a curve does."""
    plots.style()
    runs = json.loads(FILE.read_text(encoding="utf-8"))["runs"]
    of = lambda task, name: [r for r in runs if (r["task"], r["name"]) == (task, name)]  # noqa: E731
    dots = {
        "two hops": [
            (name, [r["right"] for r in of("hops", name)]) for name in ("1 hop", "2 hops")
        ],
        "objects in slots": [
            (label, [r["bound"] for r in of("scene", name)])
            for label, name in [("ordinary", "ordinary attention"), ("compete", "slots compete")]
        ],
        "8 of 4,096 things": [
            (name, [r["right"]["4096"] for r in of("marked", name)])
            for name in ("2 latents", "16 latents")
        ],
        "4 keys, written twice": [
            (name, [r["right"]["4"] for r in of("rewrites", name)]) for name in ("add", "delta")
        ],
    }
    fig, axes = plt.subplots(2, 3, figsize=(7, 4.6), sharey=True)
    for ax, (title, pair) in zip(axes.flat, dots.items()):
        for x, (_, values) in enumerate(pair):
            colour = plots.READ if x else plots.GREY
            ax.plot([x] * len(values), values, "o", color=colour, alpha=0.6)
            ax.plot([x - 0.25, x + 0.25], [median(values)] * 2, color=colour, linewidth=2.2)
        ax.set_xticks([0, 1], [name for name, _ in pair])
        ax.set(title=title, xlim=(-0.5, 1.5), ylim=(-0.03, 1.06))
    curves = {
        "past the window": [(r["distance"], r["right"], name) for name in ("window", "kNN")
                            for r in of("stream", name)],
        "where to look": [([3.2 * i for i in range(len(r["curve"]))], r["curve"], name)
                          for name in ("hard", "soft") for r in of("picture", name)],
    }  # fmt: skip
    for ax, (title, lines) in zip(axes.flat[4:], curves.items()):
        for x, y, name in lines:
            colour = plots.READ if name in ("kNN", "soft") else plots.GREY
            ax.plot(x, y, color=colour, linewidth=0.9)
        ax.set_title(title)
        ax.set_xlabel("steps back" if title == "past the window" else "thousand pictures")
        names = {name: plots.READ if name in ("kNN", "soft") else plots.GREY for *_, name in lines}
        for i, (name, colour) in enumerate(names.items()):
            ax.text(0.98, 0.42 - 0.13 * i, name, color=colour, ha="right", transform=ax.transAxes)
    for ax in axes[:, 0]:
        ax.set_ylabel("right")
    plt.show()
