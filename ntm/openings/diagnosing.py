"""Diagnosing a run: one training that goes well and one that waits, on five instruments."""

import math

import matplotlib.pyplot as plt
import torch

from .. import plots
from ..disassembler import scores
from ..machine import NTM
from ..optim import GravesRMSprop
from ..tasks import Copy, bits
from ..training import train

INSTRUMENTS = {"bits": "bits per\nsequence", "gradient": "gradient\nnorm", "gate": "gate g",
               "sharpness": "sharpness", "stepping": "stepping"}


def draw(sequences=3200):
    """Copy at the paper's size, from a tape's start and from a bare one."""
    plots.style()
    task, diaries = Copy(), {}
    for start in ("tape", "bare"):
        machine = NTM(task.inputs, task.outputs, "feedforward", start=start, seed=0)
        diaries[start] = watch(machine, task, sequences)
    show(diaries)


def watch(machine, task, sequences, every=200, lr=1e-4):
    """Train a while, look, train on: {instrument: one reading every so many sequences}."""
    optimizer = GravesRMSprop(machine.parameters(), lr)
    diary = {name: [] for name in INSTRUMENTS}
    probe = task.sample(16, length=20, generator=torch.Generator().manual_seed(99))
    for chunk in range(sequences // every):
        history = train(machine, task, every, seed=chunk, optimizer=optimizer,
                        schedule=None, every=every, progress=False)
        for name, value in {"bits": history.bits[0], **look(machine, probe)}.items():
            diary[name].append(value)
    return diary


def look(machine, probe):
    """The gradient's norm on fixed sequences, and what the read head does while it answers."""
    machine.zero_grad()
    (bits(machine(probe.x), probe).mean() * math.log(2)).backward()
    norms = [p.grad.norm() for p in machine.parameters() if p.grad is not None]
    with torch.no_grad():
        _, trace = machine(probe.x, trace=True)
    answering = probe.mask > 0
    head = scores(trace, answering)["read head"]
    gate = trace.g[:, :, 0][answering].mean().item()
    return dict(gradient=torch.stack(norms).norm().item(), gate=gate,
                sharpness=head["sharp"], stepping=head["sequential"])


def show(diaries, instruments=tuple(INSTRUMENTS), every=200):
    """One panel an instrument, one line a diary: {label: diary}, first the healthy one."""
    size = (7, 1.35 * len(instruments) + 0.8)
    fig, axes = plt.subplots(len(instruments), 1, figsize=size, sharex=True)
    looks = [(plots.MODELS["ntm-feedforward"], "-"), (plots.GREY, "-"), (plots.GREY, "--")]
    for ax, name in zip(axes, instruments):
        for (label, diary), (color, line) in zip(diaries.items(), looks):
            x = [every * (i + 1) for i in range(len(diary[name]))]
            ax.plot(x, diary[name], line, color=color, label=label)
        ax.set(ylabel=INSTRUMENTS[name])
        if name in ("bits", "gradient"):
            ax.set(yscale="log")
        else:
            ax.set(ylim=(-0.05, 1.05))
    axes[-1].set(xlabel="sequences")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
    plt.show()
