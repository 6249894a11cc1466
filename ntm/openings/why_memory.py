"""Why a memory: what an LSTM gives back of sequences of three lengths, and what a table does."""

import matplotlib.pyplot as plt
import torch

from .. import plots
from ..baseline import LSTMBaseline
from ..tasks import Copy
from ..training import train


def draw(size=64, sequences=20_000):
    """An LSTM trained on 1 to 4 vectors, asked for 4, 6 and 8."""
    plots.style()
    show(lstm(size, 4, 0, sequences), [4, 6, 8], seed=5)


def lstm(size, longest, seed, sequences=20_000):
    """An LSTM of `size` units, trained to repeat 1 to `longest` vectors of 4 bits."""
    task = Copy(width=4, lengths=(1, longest))
    machine = LSTMBaseline(task.inputs, task.outputs, hidden_size=size, layers=1, seed=seed)
    adam = torch.optim.Adam(machine.parameters(), lr=0.03)
    train(machine, task, sequences, seed=seed, batch=50, optimizer=adam,
          schedule=lambda done: 1 - done, progress=False)
    return machine


def table(x):
    """What a table of vectors answers to the input x [T, channels] of one sequence."""
    slots, position, answering, answers = {}, 0, False, []
    for step in x:
        answer = torch.zeros(4)
        if answering:  # take out, go on to the next slot
            answer, position = slots[position], position + 1
        elif step[5] == 1:  # the end marker: back to the first slot
            answering, position = True, 0
        elif step[4] == 0:  # put in, go on
            slots[position], position = step[:4], position + 1
        answers.append(answer)
    return torch.stack(answers)


def show(machine, lengths, seed=1):
    """For each length one sequence: what should come out, what the machine and a table say."""
    ratios = [length + 1 for length in lengths]
    fig, axes = plt.subplots(3, len(lengths), figsize=(7, 3.8), width_ratios=ratios, squeeze=False)
    for column, length in zip(axes.T, lengths):
        # there is no room for more above two or three columns
        title = f"{length} vectors" if length > 3 else f"{length}"
        images = repeated(machine, length, seed)
        for ax, image, name in zip(column, images, ("should be", "LSTM", "table")):
            plots.bits_image(ax, image, title if name == "should be" else "")
            ax.set(ylabel=name if length == lengths[0] else "", yticks=[], xlabel="")
            ax.set_xticks(range(0, length, 2) if name == "table" else [])
    fig.supxlabel("time", fontsize=12)
    plt.show()


def repeated(machine, length, seed=1):
    """One sequence of so many vectors, and what machine and table give back: images [length, 4]."""
    batch = Copy(width=4).sample(1, length=length, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        answer = machine(batch.x).sigmoid()  # numbers between 0 and 1
    answers = batch.y[:, 0], answer[:, 0], table(batch.x[:, 0])
    return [image[length + 2 :] for image in answers]
