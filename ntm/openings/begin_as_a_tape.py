"""Begin as a tape: two machines that have learned nothing, and what their heads do."""

import matplotlib.pyplot as plt
import torch

from .. import plots
from ..machine import NTM


def draw(seed=0, N=32, vectors=12):
    """A machine with a bare start and one with a tape's read the same vectors, then once more."""
    plots.style()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 2, (vectors, 1, 8), generator=generator).float().repeat(2, 1, 1)
    fig, axes = plt.subplots(2, 2, figsize=(7, 5), sharex=True, sharey=True)
    for column, start in zip(axes.T, ("bare", "tape")):
        machine = NTM(8, 8, "feedforward", N=N, start=start, seed=seed)
        with torch.no_grad():
            _, trace = machine(x, trace=True)
        for ax, w, kind in zip(column, (trace.w_write, trace.w_read), ("write", "read")):
            plots.weighting(ax, w[:, 0, 0], kind, f"{start} start, {kind} head")
            ax.images[0].set_clim(0, 0.5)  # or one would see next to nothing
            ax.axvline(vectors - 0.5, color=plots.PAPER, linestyle=":")
            ax.set(xlabel="time" if kind == "read" else "", ylabel="slot" * (start == "bare"))
    plt.show()
