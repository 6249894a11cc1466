"""Controllers: how long a pulse is felt by three kinds of machine."""

import matplotlib.pyplot as plt
import torch

from .. import plots
from ..controllers import LSTM, FeedForward
from ..machine import NTM


def draw(seed=0, steps=20):
    """A feedforward network, an LSTM and a feedforward network with a memory; none is trained."""
    plots.style()
    torch.manual_seed(seed)
    machine = NTM(4, 4, "feedforward", hidden_size=32, N=16, width=8, seed=seed)
    felt = {"feedforward alone": pulse_response(alone(FeedForward(4, 32)), steps),
            "LSTM alone": pulse_response(alone(LSTM(4, 32)), steps),
            "feedforward with memory": pulse_response(machine, steps)}
    fig, ax = plt.subplots(figsize=(7, 3.6))
    for (name, d), color, mark in zip(felt.items(), plots.SERIES, "osD"):
        ax.plot(d.clamp(min=1e-9), mark + "-", color=color, label=name, markersize=5)
    ax.axhline(1e-9, color=plots.PAPER, zorder=0)
    ax.set(yscale="log", ylim=(3e-10, 30))
    ax.set(xlabel="steps after the pulse", ylabel="change of the output")
    ax.set_yticks([1e-9, 1e-6, 1e-3, 1], ["exactly 0", "$10^{-6}$", "$10^{-3}$", "1"])
    ax.set_xticks(range(0, steps, 5))
    ax.legend(loc="upper right", bbox_to_anchor=(1, 0.42))
    plt.show()


def pulse_response(forward, steps):
    """How far a pulse at step 0 moves the output, at every step.

    forward maps x [T, 1, 4] to [T, 1, n].
    """
    quiet, pulse = torch.zeros(steps, 1, 4), torch.zeros(steps, 1, 4)
    pulse[0] = 1
    with torch.no_grad():
        return (forward(pulse) - forward(quiet)).abs().amax(dim=(1, 2))


def alone(controller):
    """A controller by itself as a function of a whole sequence: x [T, B, inputs] to h [T, B, n]."""
    def forward(x):
        state, out = controller.initial(x.shape[1]), []
        for x_t in x:
            h, state = controller(x_t, state)
            out.append(h)
        return torch.stack(out)
    return forward
