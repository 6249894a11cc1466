"""Interpolation: a gate lets a head take over what its key finds, or stay."""

import matplotlib.pyplot as plt
import torch

from .. import addressing, plots


def draw(seed=3, T=24, slots=12):
    """Each step's key finds some slot; the gate opens at steps 3 and 14 only."""
    plots.style()
    found = torch.randint(0, slots, (T,), generator=torch.Generator().manual_seed(seed))
    found[3], found[14] = 9, 2
    found = torch.eye(slots)[found]  # [T, slots]
    gates = torch.zeros(T)
    gates[[3, 14]] = 1
    w, held = torch.eye(slots)[0], []
    for t in range(T):
        w = addressing.interpolate(found[t], w, gates[t])
        held.append(w)

    fig, axes = plt.subplots(3, 1, figsize=(7, 5.2), sharex=True, height_ratios=[3, 1, 3])
    plots.weighting(axes[0], found, "read", "what the key of each step finds").set_xlabel("")
    axes[1].bar(range(T), gates, color=plots.GREY)
    axes[1].set(title="the gate", ylim=(0, 1.1), yticks=[0, 1])
    plots.weighting(axes[2], torch.stack(held), "read", "where the head looks")
    plt.show()
