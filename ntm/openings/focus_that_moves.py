"""Focus that moves: one dialogue followed without a memory, and with a learned gate."""

import matplotlib.pyplot as plt
import torch

from .. import plots
from ..focus import load, load_gate, load_lens
from ..focus.data import K, dialogue
from ..focus.pictures import timeline
from ..focus.run import follow


def draw(seed=133, rounds=24):
    """Two timelines of one stream; the asked block is ringed at every question."""
    plots.style()
    lm, lens = load(), load_lens("cosine")
    stream = dialogue(1, rounds=rounds, generator=torch.Generator().manual_seed(seed))
    asked = stream.asked[0][stream.asked[0] >= 0].tolist()
    fig, axes = plt.subplots(2, 1, figsize=(7, 6.4), sharex=True)
    for ax, g, words in ((axes[0], 1.0, "no memory"), (axes[1], load_gate(), "a learned gate")):
        with torch.no_grad():
            found = follow(lm, lens, stream, g=g)
        right = found["right"].tolist()
        title = f"{words}: {sum(right) / len(right):.0%} of the answers"
        timeline(ax, found["opened"][0], found["shown"][0],
                 list(zip(found["step"].tolist(), asked)), title)
    axes[0].set(xlabel="")
    axes[1].set(xlabel=f"block of {K} tokens")
    plt.show()
