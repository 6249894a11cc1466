"""Heads: the raw numbers that a head receives, and what it makes of them."""

import matplotlib.pyplot as plt
import torch

from .. import plots
from ..heads import Heads

ALLOWED = dict(k=(-1, 1), β=(0, 3.9), g=(0, 1), s=(0, 1), γ=(1, 3.9), e=(0, 1), a=(-1, 1))


def draw(seed=8, width=6):
    """One untrained write head: above the raw numbers, below the seven signals in their ranges."""
    plots.style()
    torch.manual_seed(seed)
    heads = Heads(hidden_size=100, width=width, read_heads=0, write_heads=1, shift_range=1)
    h = 3 * torch.randn(1, 100)
    with torch.no_grad():
        raw, squashed = heads.linear(h)[0], torch.cat([v.flatten() for v in heads(h)])

    fig, axes = plt.subplots(2, 1, figsize=(7, 4.6), sharex=True)
    axes[0].bar(range(len(raw)), raw, color=plots.GREY)
    start = 0
    for name, size in zip("kβgsγea", heads.sizes):
        x = list(range(start, start + size))
        ends = [start - 0.5, start + size - 0.5]
        axes[1].fill_between(ends, *ALLOWED[name], color="#e8e8e8", lw=0)
        axes[1].bar(x, squashed[x], color=plots.SERIES[0] if name in "kβgsγ" else plots.WRITE)
        for ax in axes:
            ax.axvline(start - 0.5, color=plots.PAPER, lw=0.8)
        axes[0].text(start + size / 2 - 0.5, 4.1, name, ha="center", fontsize=15, style="italic")
        start += size
    for ax, title in zip(axes, ["raw: any number", "squashed: in its range"]):
        ax.axhline(0, color="black", lw=0.8)
        ax.set(ylim=(-3.9, 3.9), xticks=[], ylabel=title, xlim=(-0.5, start - 0.5))
    plt.show()
