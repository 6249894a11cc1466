"""Associative recall: a trained machine finds an item and says the one that came after it."""

import matplotlib.pyplot as plt
import torch

from .. import plots, pretrained, tasks


def draw(seed=3, items=6, slots=32):
    """What the shipped machine with the LSTM controller hears and says, and where its heads are."""
    plots.style()
    batch = tasks.AssociativeRecall().sample(1, items=items,
                                             generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        logits, trace = pretrained.load("associative_recall", "ntm-lstm")(batch.x, trace=True)
    n, query = 4 * items, batch.x[4 * items + 1 : 4 * items + 4, 0]
    asked = next(t for t in range(0, n, 4)
                 if torch.equal(batch.x[t + 1 : t + 4, 0, :6], query[:, :6]))
    fig, axes = plt.subplots(4, 1, figsize=(7, 7), sharex=True, height_ratios=[1, 0.9, 1.8, 1.8])
    plots.bits_image(axes[0], batch.x[:, 0], "what it hears")
    plots.bits_image(axes[1], torch.sigmoid(logits[:, 0]) * batch.mask,
                     "what it says, when it is asked")
    plots.weighting(axes[2], trace.w_write[:, 0, 0, :slots], "write", "write head")
    plots.weighting(axes[3], trace.w_read[:, 0, 0, :slots], "read", "read head")
    for first, colour in [(asked, plots.GREY), (n, plots.GREY), (asked + 4, plots.READ)]:
        axes[0].axvspan(first + 0.5, first + 3.5, fill=False, color=colour, linewidth=1.8)
    axes[1].axvspan(n + 4.5, n + 7.5, fill=False, color=plots.READ, linewidth=1.8)
    for ax in axes[:3]:
        ax.set_xlabel("")
    plt.show()
