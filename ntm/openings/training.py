"""Training: which step of the input the cost of each answer blames, before and after."""

import matplotlib.pyplot as plt
import torch

from .. import plots
from ..machine import NTM
from ..tasks import Copy, bits
from ..training import train


def draw(sequences=2400):
    """The gradients of a small machine at copy, untrained and trained."""
    plots.style()
    task, machine = Copy(width=4, lengths=(1, 6)), small(0)
    sample = task.sample(64, length=6, generator=torch.Generator().manual_seed(1))
    before = flow(machine, sample)
    train(machine, task, sequences, batch=4, lr=2e-3, progress=False)
    fig, axes = plt.subplots(1, 2, figsize=(7, 2.8), sharey=True)
    images = [before, flow(machine, sample)]
    for ax, image, title in zip(axes, images, ["untrained", f"after {sequences} sequences"]):
        picture = ax.imshow(image, cmap="Greys", vmin=0, vmax=1, aspect="auto")
        ax.set(title=title, xlabel="input step", xticks=range(0, 14, 2))
        ax.set(yticks=range(6), yticklabels=range(1, 7))
        ax.axvline(7.5, color=plots.GREY, lw=1, ls=":")
    axes[0].set_ylabel("answer")
    fig.colorbar(picture, ax=axes, label="gradient, relative", ticks=[0, 1])
    plt.show()


def small(seed, **changes):
    """A bare machine for copy with 4 bits, small enough to train in seconds."""
    sizes = dict(hidden_size=32, N=16, width=8, seed=seed)
    return NTM(6, 4, "feedforward", **{**sizes, **changes})


def flow(machine, sample):
    """How strongly the cost of each answer (row) depends on each input step (column).

    Every row's largest is 1.
    """
    x = sample.x.clone().requires_grad_()
    logits, rows = machine(x), []
    for t in sample.mask[:, 0].nonzero().flatten():
        only = torch.zeros_like(sample.mask)
        only[t] = 1
        cost = bits(logits, sample._replace(mask=only)).sum()
        (d,) = torch.autograd.grad(cost, x, retain_graph=True)
        rows.append((d.norm(dim=-1) / d.norm(dim=-1).amax(0)).mean(1))
    return torch.stack(rows)
