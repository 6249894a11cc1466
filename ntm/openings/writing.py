"""Writing: a memory before, after erasing and after adding."""

import matplotlib.pyplot as plt
import torch

from .. import plots


def draw(seed=0, N=8, width=10):
    """A pattern of stripes is written to slot 2 in full and to slot 5 by half."""
    plots.style()
    M = torch.randint(0, 2, (N, width), generator=torch.Generator().manual_seed(seed)) * 2.0 - 1
    new = torch.tensor([1.0, -1.0]).repeat(width)[:width]
    w = torch.zeros(N)
    w[2], w[5] = 1.0, 0.5  # to show both kinds at once; a true weighting would sum to 1
    erased = M * (1 - w[:, None])
    show(w, {"before": M, "after erasing": erased, "after adding": erased + w[:, None] * new})


def show(w, panels):
    """A weighting [N] as a strip, then memories {title: [N, width]} side by side, one scale."""
    fig, axes = plt.subplots(1, 1 + len(panels), figsize=(7.4, 2.6),
                             width_ratios=[1] + [5] * len(panels))
    plots.weighting(axes[0], w[None], "write")
    axes[0].set(xlabel="w", xticks=[], yticks=range(0, len(w), 2))
    for ax, (title, M) in zip(axes[1:], panels.items()):
        plots.memory(ax, M, title, limit=1.5)
        ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    plt.show()
