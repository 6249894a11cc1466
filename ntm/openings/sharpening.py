"""Sharpening: the same unsure shift, alone and sharpened after each step."""

import matplotlib.pyplot as plt
import torch

from .. import addressing, plots


def draw():
    """Two heads step onwards with 0.8 and stay with 0.2, on 32 slots."""
    plots.style()
    fig, axes = plt.subplots(1, 2, figsize=(7, 3), sharey=True)
    for ax, γ in zip(axes, [1.0, 3.0]):
        w, walk = torch.eye(32)[2], []
        for _ in range(29):
            walk.append(w)
            w = addressing.shift(w, torch.tensor([0, 0.2, 0.8]))
            w = addressing.sharpen(w, torch.tensor(γ))
        title = "shift alone" if γ == 1 else "shift, then sharpen (γ = 3)"
        plots.weighting(ax, torch.stack(walk), "read", title)
        ax.plot([0, 28], [2, 30], ":", color=plots.GREY, linewidth=1.2)
    axes[1].set_ylabel("")
    plt.show()
