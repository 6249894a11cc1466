"""Heads that specialise: four read heads of one machine, one of which does all the work."""

import matplotlib.pyplot as plt
import torch

from .. import plots, pretrained
from ..beyond.heads import without_each
from ..tasks import AssociativeRecall

SLOTS = 26  # the rest of the tape is not used


def draw():
    """The shipped machine on recall of five items: where each read head looks, and what the task
    costs without it."""
    plots.style()
    machine, task = pretrained.load("associative_recall", "ntm-feedforward"), AssociativeRecall()
    x = task.sample(1, items=5, generator=torch.Generator().manual_seed(2)).x
    with torch.no_grad():
        w = machine(x, trace=True)[1].w_read[:, 0]
    fig, axes = plt.subplots(2, 2, figsize=(7, 4.6), sharex=True, sharey=True)
    for head, (ax, bits) in enumerate(zip(axes.flat, without_each(machine, task, 50))):
        plots.weighting(ax, w[:, head, :SLOTS], "read", f"head {head}: {bits:.1f} bits without it")
        if head < 2:
            ax.set_xlabel("")
        if head % 2:
            ax.set_ylabel("")
    plt.show()
