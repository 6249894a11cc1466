"""Levels of detail: five ways to spend 28 entries on 448 tokens, and how many answers each
reads."""

import matplotlib.pyplot as plt
import torch

from .. import plots
from ..focus import load, load_lens, tree
from ..focus.data import quiz
from ..focus.pictures import strip
from ..focus.run import answers, policy

WAYS = {"recency": "the newest in detail", "random": "any in detail", "LOD2": "gists alone",
        "lens": "where a lens looks",
        "cosine": "where the paper's cosine finds the key"}


def draw(streams=64, seed=11):
    """One stream, shown in five ways, each with the answers it reads right over many streams."""
    plots.style()
    lm, lenses = load(), {"lens": load_lens(), "cosine": load_lens("cosine")}
    stream = quiz(streams, generator=torch.Generator().manual_seed(seed))
    fig, ax = plt.subplots(figsize=(7, 4))
    for y, (name, words) in enumerate(WAYS.items()):
        lens = lenses.get(name)
        focus = policy("lens" if lens else name, lm, stream, 28, lens,
                       torch.Generator().manual_seed(seed))
        right = answers(lm, stream, focus)[0].mean()
        entries = int(tree.cost(*focus)[0])
        strip(ax, focus[0][0], focus[1][0], int(stream.asked[0, 0]), y=1.25 * y)
        ax.text(0, 1.25 * y - 0.43, f"{words}: {right:.0%} of the answers, {entries} entries",
                va="bottom", fontsize=12)
    ax.set(ylim=(1.25 * len(WAYS) - 0.75, -0.85), xlabel="block of 8 tokens (the oldest left)")
    ax.spines["left"].set_visible(False)
    plt.show()
