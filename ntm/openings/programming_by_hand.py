"""Programming by hand: the copy program at work."""

import matplotlib.pyplot as plt
import torch

from .. import plots, programs, tasks


def draw(seed=0, N=32, length=20):
    """What comes in, what should go out, and where the two heads of the copy program are."""
    plots.style()
    generator = torch.Generator().manual_seed(seed)
    batch = tasks.Copy().sample(1, length=length, generator=generator)
    _, trace = programs.run(programs.copy, batch.x[:, 0], N, width=10)
    plots.heads(trace, 0, batch)
    plt.show()
