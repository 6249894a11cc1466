"""The DNC: a sequence that is written into the slots which happen to be free, and read in the order
of writing."""

import matplotlib.pyplot as plt
import torch

from .. import plots
from ..beyond.dnc_runs import load, occupied
from ..tasks import Copy

TAKEN = [1, 2, 5, 6, 9, 12]  # slots that hold something already


def run(machine, state, x):
    """The State after every step of x [T, B, inputs], from `state` on."""
    found = []
    with torch.no_grad():
        for x_t in x:
            _, state, _ = machine.step(x_t, state)
            found.append(state)
    return found


def mark(ax, taken):
    """Grey out the slots of a heat map that are taken."""
    for slot in taken:
        ax.axhspan(slot - 0.5, slot + 0.5, color=plots.GREY, alpha=0.18, linewidth=0)


def draw():
    """The shipped DNC on copy: usage, write head and read head, with six of sixteen slots taken
    before it begins."""
    plots.style()
    machine = load("copy", "dnc-mended")
    batch = Copy(width=6).sample(1, length=5, generator=torch.Generator().manual_seed(3))
    states = run(machine, occupied(machine, 1, TAKEN), batch.x)
    fig, axes = plt.subplots(3, 1, figsize=(7, 7), sharex=True)
    for ax, kind, values, title in [
        (axes[0], "write", [s.w_write[0] for s in states], "write head"),
        (axes[1], "read", [s.w_read[0, 0] for s in states], "read head"),
    ]:
        plots.weighting(ax, torch.stack(values), kind, title)
        mark(ax, TAKEN)
        ax.set_xlabel("")
    axes[2].imshow(
        torch.stack([s.u[0] for s in states]).T.numpy(),
        cmap="Greys",
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
    )
    axes[2].set(title="usage: white is free", xlabel="time", ylabel="slot")
    plt.show()
