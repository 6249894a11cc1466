"""Shift: a head that is sure of its steps, and one that is nearly sure."""

import matplotlib.pyplot as plt
import torch

from .. import addressing, plots


def draw():
    """Twenty steps onwards round a ring of 16 slots, then ten back."""
    plots.style()
    fig, axes = plt.subplots(1, 2, figsize=(7, 3), sharey=True)
    panels = [([0.0, 0.0, 1.0], "sure: s(+1) = 1"), ([0.0, 0.1, 0.9], "nearly sure: s(+1) = 0.9")]
    for ax, (s, title) in zip(axes, panels):
        w, walk = torch.eye(16)[3], []
        for t in range(30):
            walk.append(w)
            w = addressing.shift(w, torch.tensor(s if t < 20 else s[::-1]))
        plots.weighting(ax, torch.stack(walk), "read", title)
    axes[1].set_ylabel("")
    plt.show()
