"""Dynamic N-grams: two hundred bits, what could be known of each beforehand, and what a trained
machine says."""

import matplotlib.pyplot as plt
import torch

from .. import plots, pretrained, tasks


def draw(seed=9):
    """The bits of one sequence, the best P(1), the shipped machine's with an LSTM controller, and
    the difference."""
    plots.style()
    batch = tasks.NGrams().sample(1, generator=torch.Generator().manual_seed(seed))
    best = tasks.bayes(batch)[0][:, 0, 0]
    with torch.no_grad():
        said = torch.sigmoid(pretrained.load("ngrams", "ntm-lstm")(batch.x))[:, 0, 0]
    fig, axes = plt.subplots(4, 1, figsize=(7, 5), sharex=True, height_ratios=[0.6, 0.8, 0.8, 1.2])
    rows = {"the bit that comes": batch.y[:, 0, 0], "the best possible P(1)": best,
            "the machine's P(1)": said}
    for ax, (title, values) in zip(axes, rows.items()):
        ax.imshow(values[None], cmap="Greys", vmin=0, vmax=1, aspect="auto",
                  interpolation="nearest")
        ax.set(title=title, yticks=[])
        for spine in ax.spines.values():
            spine.set(visible=True, color=plots.PAPER)
    axes[3].bar(range(len(said)), said - best, width=1, color=plots.MODELS["ntm-lstm"])
    axes[3].set(title="the machine's minus the best", ylim=(-1, 1), xlabel="time",
                xlim=(-0.5, len(said) - 0.5))
    plt.show()
