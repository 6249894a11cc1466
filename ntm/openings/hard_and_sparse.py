"""Hard and sparse: how far soft and hard machines copy, and what a step costs over N."""

import json
from statistics import mean

import matplotlib.pyplot as plt

from .. import plots
from ..beyond import hard, sparse

SHOWN = {"soft": (plots.SERIES[0], "--"), "soft to hard": (plots.SERIES[3], "-"),
         "Gumbel": (plots.SERIES[2], ":"), "soft to hard, home": (plots.SERIES[1], "-.")}


def shares(runs, way, start="tape"):
    """{length: the share of bits that each seed has wrong} of the runs of a way on copy."""
    found = {}
    for r in runs:
        if (r["task"], r.get("way"), r.get("start")) == ("copy", way, start):
            for question, wrong in r["wrong_bits"].items():
                length = int(question.split()[-1])
                found.setdefault(length, []).append(wrong / (8 * length))
    return found


def draw():
    """Copy: wrong bits over the length, means, a dot a seed; and bytes of a step over N."""
    plots.style()
    trained = json.loads(hard.FILE.read_text(encoding="utf-8"))["runs"]
    costs = [r for r in json.loads(sparse.FILE.read_text(encoding="utf-8"))["runs"]
             if r["of"] == "cost"]
    fig, (left, right) = plt.subplots(1, 2, figsize=(7, 3))
    for name, (colour, line) in SHOWN.items():
        found = shares(trained, name)
        left.plot(list(found), [100 * mean(v) for v in found.values()], line, color=colour,
                  label=name)
        for length, values in found.items():
            left.scatter([length] * len(values), [100 * v for v in values], color=colour, s=10,
                         alpha=0.5)
    left.axvspan(1, 20, color=plots.GREY, alpha=0.15, linewidth=0)
    left.set(xscale="log", xlabel="vectors", ylabel="% of bits wrong", ylim=(-2, 55))
    for kind, colour, line in [("dense", plots.SERIES[0], "--"), ("sparse", plots.SERIES[3], "-")]:
        among = [r for r in costs if r["kind"] == kind]
        right.plot([r["N"] for r in among], [r["bytes"] / 1e6 for r in among], line, color=colour,
                   label=kind)
    right.set(xscale="log", yscale="log", xlabel="slots", ylabel="MB kept a step")
    left.legend(fontsize=9, loc="upper left")
    right.legend(fontsize=9)
    plt.show()
