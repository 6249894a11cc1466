"""Copy: a trained machine says a sequence again that it has never seen."""

import matplotlib.pyplot as plt
import torch

from .. import plots, pretrained, tasks


def draw(seed=4, length=20, slots=44):
    """What the shipped machine with the LSTM controller hears and says, and where its heads are."""
    plots.style()
    generator = torch.Generator().manual_seed(seed)
    batch = tasks.Copy().sample(1, length=length, generator=generator)
    with torch.no_grad():
        logits, trace = pretrained.load("copy", "ntm-lstm")(batch.x, trace=True)
    says = torch.sigmoid(logits[:, 0]) * batch.mask
    fig, axes = plt.subplots(4, 1, figsize=(7, 7), sharex=True, height_ratios=[1, 0.9, 1.8, 1.8])
    plots.bits_image(axes[0], batch.x[:, 0], "what it hears")
    plots.bits_image(axes[1], says, "what it says, when it is asked")
    plots.weighting(axes[2], trace.w_write[:, 0, 0, :slots], "write", "write head")
    plots.weighting(axes[3], trace.w_read[:, 0, 0, :slots], "read", "read head")
    for ax in axes[:3]:
        ax.set_xlabel("")
    plt.show()
