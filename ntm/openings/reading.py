"""Reading: one memory, read in three ways."""

import matplotlib.pyplot as plt
import torch

from .. import plots


def draw(seed=0, N=8, width=10):
    """Random signs in N slots, read on one slot, on two and on all."""
    plots.style()
    M = torch.randint(0, 2, (N, width), generator=torch.Generator().manual_seed(seed)) * 2.0 - 1
    one = torch.eye(N)
    show(M, [one[2], (one[2] + one[5]) / 2, torch.full((N,), 1 / N)],
         ["all on slot 2", "half 2, half 5", "the same on all"])


def show(M, weightings, titles):
    """For each weighting [N]: it, the memory [N, width] beside it, and what is read, below."""
    n = len(weightings)
    fig, axes = plt.subplots(2, 2 * n, figsize=(7.4, 3.4), width_ratios=[1, 4] * n,
                             height_ratios=[len(M), 1])
    for i, (w, title) in enumerate(zip(weightings, titles)):
        (left, right), (corner, below) = axes[:, 2 * i : 2 * i + 2]
        plots.weighting(left, w[None], "read")
        plots.memory(right, M, title, limit=1.5)
        plots.memory(below, (w @ M)[None], limit=1.5)
        for ax in (left, right, corner, below):
            ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
        corner.axis("off")
        left.set_xlabel("w")
        below.set_xlabel("r")
        if i == 0:
            left.set(ylabel="slot", yticks=range(0, len(M), 2))
        right.set_xlabel("M")
    plt.show()
