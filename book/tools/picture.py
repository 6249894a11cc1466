"""Draw the picture at the head of README.md, book/assets/copying.png: what the book's trained
machine says on 20 vectors, and how.

    python book/tools/picture.py [FILE]
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import torch

from ntm import plots, pretrained, tasks


def draw():
    """What it is given, what it says once it is asked, and where its heads are: time runs from left
    to right."""
    batch = tasks.Copy().sample(1, length=20, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits, trace = pretrained.load("copy", "ntm-feedforward")(batch.x, trace=True)
    says = torch.sigmoid(logits[:, 0]) * batch.mask  # before it is asked, nothing counts
    used = (trace.w_write[:, 0, 0] + trace.w_read[:, 0, 0]).max(0).values > 0.1
    last = int(used.nonzero().max()) + 1
    plots.style()
    fig, axes = plt.subplots(4, 1, figsize=(7, 4), sharex=True, height_ratios=[0.8, 0.8, 1, 1])
    plots.bits_image(axes[0], batch.x[:, 0],
                     "it is given: 20 vectors, with a mark before and one after")
    plots.bits_image(axes[1], says, "it says, when asked")
    plots.weighting(axes[2], trace.w_write[:, 0, 0, : last + 1], "write", "where it writes")
    plots.weighting(axes[3], trace.w_read[:, 0, 0, : last + 1], "read", "where it reads")
    for ax in axes[:2]:
        ax.set(yticks=[], ylabel="bits")
    for ax in axes:
        ax.set_xlabel("time" if ax is axes[-1] else "")
    return fig


def main():
    target = Path(sys.argv[1] if len(sys.argv) > 1
                  else Path(__file__).parents[1] / "assets/copying.png")
    draw().savefig(target, metadata={"Software": None})


if __name__ == "__main__":
    main()
