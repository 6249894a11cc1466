"""The live figure of a training: machines that learn in the page."""

import matplotlib.pyplot as plt
import torch

from .. import plots
from ..pretrained import load, runs
from ..runs import TASKS, settings_of
from . import Live

# sort takes longer than anyone waits
LEARNED = ("copy", "repeat_copy", "associative_recall", "ngrams")


def training(task="copy", controller="feedforward", small=False, **settings):
    """A machine to be trained by the reader, in a worker of the page, by ntm/kernel.c compiled to
    WebAssembly.

    small: with the few choices of a chapter's figure. settings: start ("tape" or "bare"), seed,
    lanes ("1" to "3" seeds side by side). The still shows the curves that the shipped seeds drew,
    and what the machine of the median seed does.
    """
    model = f"ntm-{controller}"
    batch = TASKS[task]().sample(1, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        _, trace = load(task, model)(batch.x, trace=True)
    fig, (ax, *heads) = plt.subplots(1, 3, figsize=(7, 2.6), width_ratios=[1.4, 1, 1])
    for run in runs(task, model):
        bits = torch.tensor(run["bits"])
        ax.plot(torch.arange(1, len(bits) + 1) * run["every"] / 1000, bits,
                color=plots.MODELS[model], lw=0.7)
    ax.set(yscale="log", xlabel="thousands of sequences", title="bits per sequence")
    for panel, kind, w in zip(heads, ("write", "read"), (trace.w_write, trace.w_read)):
        plots.weighting(panel, w[:, 0, 0, : len(batch.x)], kind, f"{kind} head")
    plt.show()
    return Live("training", defaults(task=task, controller=controller, small=small) | settings)


def defaults(**settings):
    """The figure's settings, with the recipes of the book's runs:
    recipes[start][task][controller]."""
    recipes = {start: {task: {} for task in LEARNED} for start in ("tape", "bare")}
    for start, of_task in recipes.items():
        for task, of_controller in of_task.items():
            for controller in ("feedforward", "lstm"):
                found, _ = settings_of(task, f"ntm-{controller}", start)
                of_controller[controller] = {name: value for name, value in found.items()
                                             if name != "start"}
    return dict(recipes=recipes) | settings
