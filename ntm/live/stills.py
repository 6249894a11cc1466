"""The still pictures of the live figures, drawn by ntm.plots from the same settings."""

import matplotlib.pyplot as plt
import torch

from .. import plots, programs, tasks
from ..addressing import content, interpolate, sharpen, shift, similarity
from ..memory import add, erase, read
from ..pretrained import load
from ..runs import TASKS


def draw(name, settings):
    """Draw the still of a live figure."""
    {"reading": reading, "writing": writing, "stages": stages, "program": program}.get(name, run)(**settings)


def reading(M, w, **_):
    M, w = torch.tensor([M]), torch.tensor([[w]])
    fig, axes = plt.subplots(1, 3, figsize=(7, 2.6))
    plots.memory(axes[0], M[0], "M, the memory", numbers=True)
    plots.bars(axes[1], w[0, 0], "read", "w, the shares")
    plots.memory(axes[2], read(M, w)[0], "r, what is read", limit=float(M.abs().max()), numbers=True)
    axes[2].set(yticks=[], ylabel="")


def writing(M, w, e, a, **_):
    M, w = torch.tensor([M]), torch.tensor([[w]])
    erased = erase(M, w, torch.tensor([[e]]))
    added = add(erased, w, torch.tensor([[a]]))
    fig, axes = plt.subplots(1, 4, figsize=(7, 2.8), sharey=False)
    plots.bars(axes[0], w[0, 0], "write", "w")
    for ax, now, title in zip(axes[1:], (M, erased, added), ("before", "erased", "added")):
        plots.memory(ax, now[0], title, limit=1.5)
        ax.set(ylabel="")


def stages(M, upto, k0=1.0, k1=0.0, β=3.5, g=0.5, was=2, s=(0.0, 1.0, 0.0), γ=1.0, times=1, **_):
    M, w_prev = torch.tensor([M]), torch.eye(len(M))[was].view(1, 1, -1)
    k, (β, g, γ) = torch.tensor([[[k0, k1]]]), (torch.tensor([[value]]) for value in (float(β), float(g), float(γ)))
    w = w_prev
    for _ in range(times):
        w_prev, w_c = w, content(M, k, β)
        w_g = interpolate(w_c, w_prev, g)
        w_s = shift(w_g, torch.tensor([[s]]))
        w = sharpen(w_s, γ)
    found = {"K": similarity(M, k), "w_prev": w_prev, "w_c": w_c, "w_g": w_g, "w_s": w_s, "w": w}
    shown = {"content": ["K", "w_c"], "interpolation": ["w_prev", "w_c", "w_g"], "shift": ["w_g", "w_s"],
             "sharpening": ["w_prev", "w_c", "w_g", "w_s", "w"]}[upto]  # fmt: skip
    fig, axes = plt.subplots(1, len(shown), figsize=(7, 2.4))
    for ax, kind in zip(axes, shown):
        plots.bars(ax, found[kind][0, 0], plots.GREY if kind in ("K", "w_prev") else "read", kind)
        if kind == "K":
            ax.set(ylim=(-1.1, 1.1), yticks=[-1, 0, 1])


def program(N=16, vectors=8, β=50.0, γ=30.0, leak=0.0, seed=0, **_):
    batch = tasks.Copy().sample(1, length=vectors, generator=torch.Generator().manual_seed(seed))
    plots.heads(programs.run(programs.copy, batch.x[:, 0], N, width=10, β=β, γ=γ, leak=leak)[1], batch=batch)


def run(machines=("copy/ntm-lstm",), sizes=None, seed=0, **_):
    task, model = machines[0].split("/")
    batch = TASKS[task]().sample(1, generator=torch.Generator().manual_seed(seed), **(sizes or {}))
    with torch.no_grad():
        _, trace = load(task, model)(batch.x, trace=True)
    used = trace.w[:, 0].amax((0, 1)) > 0.3  # the slots that some head came to
    reached = used.nonzero().flatten().tolist() or [0, len(used) - 1]
    plots.heads(trace, batch=batch, slots=(min(reached), max(reached)))
