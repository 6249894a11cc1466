"""Live figures of trained machines, and their weights as the page has them."""

import base64
import json
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from safetensors.torch import save

from .. import plots
from ..beyond import hard
from ..pretrained import HERE as PRETRAINED
from ..pretrained import load
from ..runs import TASKS
from . import HERE, Live

# Bytes of float16 above which a machine travels in int8, with one scale a row: of those shipped,
# sort's feedforward one, which has 470,664 numbers. On 60 sequences it costs 34.98 bits for 34.85
# then; with 4 bits a number 45, with 3 (which would be near 150 kB) 101. Sort's LSTM machine, which
# sorts finer, would pay 6.6 bits for 3.3: it is small enough as it is.
LARGE = 150_000

# The machine of ntm.beyond.hard whose heads go home, on slots enough for 120 vectors.
HARD = "copy/hard"


def hero(text, machine="copy/ntm-lstm"):
    """A machine that copies what is typed; the page's opening picture is its still."""
    return Live("player", dict(machines=[machine], hero=True, text=text), [weights(machine)])


def player(*machines, seed=0, **sizes):
    """Shipped machines ("copy/ntm-lstm", ...) of one task, at work on sequences of these sizes
    (length=10, ...)."""
    still(machines[0], seed, sizes)
    return Live("player", dict(machines=machines, seed=seed, sizes=sizes),
                [weights(name) for name in machines])


def playground(*names):
    """Shipped machines to be given patterns of the reader's own, and to be interfered with."""
    still(names[0], 0, {"length": 12})
    return Live("playground", dict(machines=names), [weights(name) for name in names])


def still(name, seed, sizes):
    """What the heads of a shipped machine do in one sequence."""
    task, generator = TASKS[name.split("/")[0]](), torch.Generator().manual_seed(seed)
    batch = task.sample(1, generator=generator, **sizes)
    with torch.no_grad():
        _, trace = shipped(name)(batch.x, trace=True)
    # the slots that some head came to
    used = (trace.w[:, 0].amax((0, 1)) > 0.3).nonzero().flatten().tolist()
    plots.heads(trace, batch=batch, slots=(min(used), max(used)) if len(used) > 1 else None)
    plt.show()


def machines():
    """All shipped machines that a page can run: "copy/ntm-feedforward", ..."""
    return sorted([HARD, *(f"{path.parent.name}/{path.stem}"
                           for path in PRETRAINED.glob("*/ntm-*.safetensors"))])


def shipped(name):
    """The machine that a page calls so."""
    if name != HARD:
        return load(*name.split("/"))
    machine = hard.Hard.load(PRETRAINED / "hard/home.safetensors").float()
    return hard.harden(machine, hard.home, slots=hard.slots_for(120))


def packed(machine):
    """A machine as the bytes of a safetensors file in float16; its large matrices in int8, with one
    scale a row, where it is LARGE."""
    tensors = {name: value.half() for name, value in machine.state_dict().items()}
    if sum(value.nbytes for value in tensors.values()) > LARGE:
        for name, value in machine.state_dict().items():
            if name.endswith(".weight"):
                scale = value.abs().amax(1) / 127
                tensors[name] = (value / scale[:, None]).round().to(torch.int8)
                tensors[f"{name}.scale"] = scale
    where = {"where": "home"} if isinstance(machine, hard.Hard) else {}
    return save({name: value.contiguous() for name, value in tensors.items()},
                {"kind": "NTM", "settings": json.dumps(machine.settings | where)})  # fmt: skip


def weights(name):
    """The script that gives NTM.machine the weights of a shipped machine."""
    data = base64.b64encode(packed(shipped(name))).decode()
    return ("globalThis.NTM = globalThis.NTM || {}; NTM.weights = NTM.weights || {}; "
            f'NTM.weights["{name}"] = "{data}";')


def site(folder):
    """Write into `folder` what the book's pages load: scripts, style, and the weights of every
    machine."""
    folder = Path(folder)
    (folder / "weights").mkdir(parents=True, exist_ok=True)
    for file in [*HERE.glob("*.js"), *HERE.glob("*.css")]:
        (folder / file.name).write_bytes(file.read_bytes())
    for name in machines():
        (folder / "weights"
         / f"{name.replace('/', '-')}.js").write_text(weights(name), encoding="utf-8")
