"""Priority sort: twenty vectors come in any order, and a trained machine says sixteen of them, the
highest first."""

import matplotlib.pyplot as plt
import torch

from .. import plots, pretrained, tasks


def draw(seed=2):
    """What the shipped machine with the LSTM controller hears, should say and says."""
    plots.style()
    batch = tasks.PrioritySort().sample(1, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        said = torch.sigmoid(pretrained.load("priority_sort", "ntm-lstm")(batch.x)[21:, 0])
    priority = batch.x[:20, 0, 8]
    asked = priority >= priority.topk(16).values[-1]
    fig, axes = plt.subplots(2, 2, figsize=(7, 4.8), width_ratios=(20, 16))
    axes[0, 0].bar(range(20), priority, color=[plots.READ if a else plots.PAPER for a in asked],
                   width=0.8)
    axes[0, 0].axhline(0, color=plots.GREY, linewidth=0.8)
    axes[0, 0].set(title="priority", xlim=(-0.5, 19.5), ylim=(-1.05, 1.05), yticks=[-1, 0, 1],
                   xticks=[0, 5, 10, 15])
    plots.bits_image(axes[1, 0], batch.x[:20, 0, :8], "vectors, as they come")
    plots.bits_image(axes[0, 1], batch.y[21:, 0], "should say: highest first")
    plots.bits_image(axes[1, 1], said, "says")
    for ax in axes[:, 1]:
        ax.set(xlabel="place in the answer" if ax is axes[1, 1] else "", ylabel="")
    plt.show()
