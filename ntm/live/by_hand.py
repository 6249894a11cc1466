"""Live figures of the equations: a small memory, one head, every number in the reader's hand."""

import matplotlib.pyplot as plt
import torch

from .. import plots
from ..addressing import content, interpolate, sharpen, shift, similarity
from ..memory import add, erase, read
from . import Live, plain

SHOWN = {  # the stages that a chapter knows
    "content": ["K", "w_c"], "interpolation": ["w_prev", "w_c", "w_g"], "shift": ["w_g", "w_s"],
    "sharpening": ["w_prev", "w_c", "w_g", "w_s", "w"],
}  # fmt: skip


def reading(M, w, presets=None):
    """Equation (2): M, rows of numbers, read with the shares w, which are dragged. presets:
    {button: values}."""
    settings = plain(dict(M=M, w=w, presets=presets or {}))
    M, w = torch.tensor([settings["M"]]), torch.tensor([[settings["w"]]])
    fig, axes = plt.subplots(1, 3, figsize=(7, 2.6))
    plots.memory(axes[0], M[0], "M, the memory", numbers=True)
    plots.bars(axes[1], w[0, 0], "read", "w, the shares")
    plots.memory(axes[2], read(M, w)[0], "r, what is read", limit=float(M.abs().max()),
                 numbers=True)
    axes[2].set(yticks=[], ylabel="")
    plt.show()
    return Live("reading", settings)


def writing(M, w, e, a, presets=None):
    """Equations (3) and (4): M written to with the shares w, the erase vector e and the add vector
    a."""
    settings = plain(dict(M=M, w=w, e=e, a=a, presets=presets or {}))
    M, w, e, a = (torch.tensor(value) for value in (settings["M"], settings["w"], settings["e"],
                                                    settings["a"]))
    erased = erase(M[None], w.view(1, 1, -1), e.view(1, 1, -1))
    added = add(erased, w.view(1, 1, -1), a.view(1, 1, -1))
    fig, axes = plt.subplots(1, 4, figsize=(7, 2.8))
    plots.bars(axes[0], w, "write", "w")
    for ax, now, title in zip(axes[1:], (M, erased[0], added[0]), ("before", "erased", "added")):
        plots.memory(ax, now, title, limit=float(M.abs().max()), numbers=True)
        ax.set(ylabel="")
    plt.show()
    return Live("writing", settings)


def stages(upto, M, k0=1.0, k1=0.0, β=3.5, g=0.5, was=2, s=(0.0, 1.0, 0.0), γ=1.0, times=1,
           presets=None):
    """Equations (5) to (9), those up to the chapter `upto`: M, rows of two numbers; the key (k0,
    k1), its strength β, the gate g, the slot where the head was, the shift s, the sharpening γ;
    times: how often the step is made."""
    if upto not in SHOWN:
        raise ValueError(f"upto is {upto!r}; it must be one of {', '.join(map(repr, SHOWN))}")
    settings = plain(dict(upto=upto, M=M, k0=k0, k1=k1, β=β, g=g, was=was, s=s, γ=γ, times=times,
                          presets=presets or {}))
    M = torch.tensor([settings["M"]])
    k, (β, g, γ) = torch.tensor([[[k0, k1]]]), (torch.tensor([[float(value)]])
                                                for value in (β, g, γ))
    w = torch.eye(M.shape[1])[was].view(1, 1, -1)
    for _ in range(times):
        w_prev, w_c = w, content(M, k, β)
        w_g = interpolate(w_c, w_prev, g)
        w_s = shift(w_g, torch.tensor([[settings["s"]]]))
        w = sharpen(w_s, γ)
    found = {"K": similarity(M, k), "w_prev": w_prev, "w_c": w_c, "w_g": w_g, "w_s": w_s, "w": w}
    fig, axes = plt.subplots(1, len(SHOWN[upto]), figsize=(7, 2.4), sharey=upto != "content")
    for ax, stage in zip(axes, SHOWN[upto]):
        plots.bars(ax, found[stage][0, 0], plots.GREY if stage in ("K", "w_prev") else "read",
                   stage)
        if stage == "K":
            ax.set(ylim=(-1.1, 1.1), yticks=[-1, 0, 1])
    plt.show()
    return Live("stages", settings)
