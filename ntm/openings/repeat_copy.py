"""Repeat copy: a machine whose count lies on the tape says four vectors six times."""

import matplotlib.pyplot as plt
import torch

from .. import plots, pretrained, tasks


def draw(seed=4, length=4, repeats=6, slots=24):
    """What seed 10 hears and says, where its write head is, and the read head that says the
    vectors."""
    plots.style()
    task, generator = tasks.RepeatCopy(count="marks"), torch.Generator().manual_seed(seed)
    batch = task.sample(1, length=length, repeats=repeats, generator=generator)
    with torch.no_grad():
        machine = pretrained.load("repeat_copy_marks", "looked_at/ntm-feedforward-seed-10")
        logits, trace = machine(batch.x, trace=True)
    fig, axes = plt.subplots(4, 1, figsize=(7, 7), sharex=True, height_ratios=[1, 0.9, 1.8, 1.8])
    plots.bits_image(axes[0], batch.x[:, 0], "what it hears")
    plots.bits_image(axes[1], torch.sigmoid(logits[:, 0]) * batch.mask,
                     "what it says, when it is asked")
    plots.weighting(axes[2], trace.w_write[:, 0, 0, :slots], "write", "write head")
    plots.weighting(axes[3], trace.w_read[:, 0, 1, :slots], "read",
                    "the read head that says the vectors")
    for ax in axes[:3]:
        ax.set_xlabel("")
    plt.show()
