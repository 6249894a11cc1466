"""Content addressing: half of a row is enough to find the whole."""

import matplotlib.pyplot as plt
import torch

from .. import addressing, memory, plots


def draw(seed=0):
    """Twelve rows of twenty random signs; the key is the first half of row 7."""
    plots.style()
    M = torch.randint(0, 2, (12, 20), generator=torch.Generator().manual_seed(seed)) * 2.0 - 1
    key = M[7].clone()
    key[10:] = 0  # the second half is not known
    w = addressing.content(M[None], key.view(1, 1, 20), torch.tensor([[20.0]]))
    r = memory.read(M[None], w)[0, 0]

    fig, axes = plt.subplots(3, 2, figsize=(7, 5), height_ratios=[0.5, 4, 0.5], width_ratios=[3, 1])
    title = "the key: half of a row, the rest unknown (white)"
    plots.memory(axes[0, 0], key[None], title, limit=1.5)
    plots.memory(axes[1, 0], M, "the memory, 12 slots", limit=1.5)
    plots.memory(axes[2, 0], r[None], "what the head reads: the whole row", limit=1.5)
    for ax in axes[[0, 2], 0]:
        ax.set(yticks=[], ylabel="", xlabel="", xticks=[])
    axes[1, 0].set(yticks=range(12), xlabel="", xticks=[])
    axes[1, 1].barh(range(12), w[0, 0], color=plots.READ)
    axes[1, 1].set(title="the weighting", ylim=(11.5, -0.5), yticks=[])
    axes[1, 1].set(xlim=(0, 1.05), xticks=[0, 1])
    axes[0, 1].axis("off")
    axes[2, 1].axis("off")
    plt.show()
