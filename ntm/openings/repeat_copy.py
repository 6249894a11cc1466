"""Repeat copy: a machine whose count lies on the tape says four vectors six times."""

import matplotlib.pyplot as plt
import torch

from .. import plots, pretrained, tasks


def draw(seed=4, length=4, repeats=6, slots=24):
    """What the shipped machine hears and says, where its write head is, and its sharpest read head."""
    plots.style()
    task, generator = tasks.RepeatCopy(count="marks"), torch.Generator().manual_seed(seed)
    batch = task.sample(1, length=length, repeats=repeats, generator=generator)
    with torch.no_grad():
        logits, trace = pretrained.load("repeat_copy_marks", "ntm-feedforward")(batch.x, trace=True)
    asked = batch.mask[:, 0] > 0
    sharpest = int(trace.w_read[asked, 0].amax(-1).mean(0).argmax())
    fig, axes = plt.subplots(4, 1, figsize=(7, 7), sharex=True, height_ratios=[1, 0.9, 1.8, 1.8])
    plots.bits_image(axes[0], batch.x[:, 0], "what it hears")
    plots.bits_image(axes[1], torch.sigmoid(logits[:, 0]) * batch.mask, "what it says, when it is asked")
    plots.weighting(axes[2], trace.w_write[:, 0, 0, :slots], "write", "write head")
    plots.weighting(axes[3], trace.w_read[:, 0, sharpest, :slots], "read", f"read head {sharpest}")
    for ax in axes[:3]:
        ax.set_xlabel("")
    plt.show()
