"""The live figure of programming by hand: a program, its steps, and where it fails."""

import matplotlib.pyplot as plt
import torch

from .. import plots, programs
from ..tasks import Copy
from . import Live


def program(N=16, vectors=8, β=50.0, γ=30.0, leak=0.0, seed=0):
    """Copying `vectors` vectors in N slots; the still shows the program of the chapter at the same
    settings."""
    batch = Copy().sample(1, length=vectors, generator=torch.Generator().manual_seed(seed))
    plots.heads(programs.run(programs.copy, batch.x[:, 0], N, width=10, β=β, γ=γ, leak=leak)[1],
                batch=batch)
    plt.show()
    return Live("program", dict(N=N, vectors=vectors, β=β, γ=γ, leak=leak, seed=seed))
