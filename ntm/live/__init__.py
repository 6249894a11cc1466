"""Live figures: the machine itself in the page, in plain JavaScript, with a still picture for readers who have none.

`show` is the one call. Its still is an ordinary picture, for GitHub, paper and a reader without JavaScript; where scripts run, the live
figure takes its place. In Jupyter and Colab the scripts travel inside the output; the book's pages load them from the site's own files
(book/tools/house.py), and what is committed of an output is the box alone (book/tools/figures.py).
"""

import base64
import html
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from safetensors.torch import save

from ..pretrained import HERE as PRETRAINED
from ..pretrained import load
from . import stills

HERE = Path(__file__).parent
MACHINE = ["equations", "machine", "tasks", "drawing"]
# The scripts of each figure, in the order in which they are loaded, and the room it takes (at 720 px and on a phone), so that nothing
# jumps when it begins.
FIGURES = {
    "reading": (["equations", "drawing", "memory"], 400, 600),
    "writing": (["equations", "drawing", "memory"], 650, 1200),
    "stages": (["equations", "drawing", "stages"], 520, 1000),
    "program": ([*MACHINE, "program"], 760, 900),
    "player": ([*MACHINE, "player"], 700, 760),
    "playground": ([*MACHINE, "player", "playground"], 1000, 1200),
    "training": (["equations", "machine", "tasks", "kernel", "training", "drawing", "train"], 700, 900),
}
LARGE = 150_000  # bytes of float16 above which a machine travels in int8, with one scale a row
INLINED = re.compile(r"<!-- inlined -->.*<!-- /inlined -->", re.S)


class Live:
    """What `show` returns: the figure's box, and all it needs, as HTML."""

    def __init__(self, box, inlined):
        self.box, self.inlined = box, inlined

    def _repr_html_(self):
        return f"{self.box}<!-- inlined -->{self.inlined}<!-- /inlined -->"


def show(name, machines=(), **settings):
    """Draw the still of the live figure `name` and return the live one.

    settings: its default state, by the names of its script; tensors are welcome. machines: shipped machines that it can run, as
    "copy/ntm-lstm"; a notebook has no other.
    """
    told = box(name, machines, **settings)
    stills.draw(name, plain(settings | {"machines": machines} if machines else settings))
    plt.show()
    code = ['document.documentElement.classList.add("live");', *map(script, FIGURES[name][0]), *map(weights, machines)]
    return Live(told, f"<style>{script('live.css')}</style>" + "".join(f"<script>{each}</script>" for each in code))


def box(name, machines=(), **settings):
    """The element that the scripts of the live figure `name` fill."""
    if name not in FIGURES:
        raise ValueError(f"name is {name!r}; it must be one of {', '.join(FIGURES)}")
    told = html.escape(json.dumps(plain(settings | {"machines": machines} if machines else settings), ensure_ascii=False))
    _, tall, phone = FIGURES[name]
    return f'<div class="ntm-live" data-live="{name}" data-settings="{told}" style="--tall:{tall}px;--tall-phone:{phone}px"></div>'


def plain(value):
    """Tensors as lists, their numbers with the digits that float32 has."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, torch.Tensor):
        return plain(value.tolist())
    return round(value, 6) if isinstance(value, float) else value


def script(name):
    """The text of a file of this folder; ".js" where no other ending is given."""
    return (HERE / (name if "." in name else f"{name}.js")).read_text(encoding="utf-8")


def machines():
    """All shipped machines that a page can run: "copy/ntm-feedforward", ..."""
    return sorted(f"{path.parent.name}/{path.stem}" for path in PRETRAINED.glob("*/ntm-*.safetensors"))


def packed(machine):
    """A machine as the bytes of a safetensors file in float16; its large matrices in int8, with one scale a row, where it is LARGE."""
    tensors = {name: value.half() for name, value in machine.state_dict().items()}
    if sum(value.nbytes for value in tensors.values()) > LARGE:
        for name, value in machine.state_dict().items():
            if name.endswith(".weight"):
                scale = value.abs().amax(1) / 127
                tensors[name], tensors[f"{name}.scale"] = (value / scale[:, None]).round().to(torch.int8), scale
    settings = {name: value for name, value in machine.settings.items() if name != "generator"}
    return save({name: value.contiguous() for name, value in tensors.items()}, {"kind": "NTM", "settings": json.dumps(settings)})


def weights(name):
    """The script that gives NTM.machine the weights of a shipped machine."""
    data = base64.b64encode(packed(load(*name.split("/")))).decode()
    return f'globalThis.NTM = globalThis.NTM || {{}}; NTM.weights = NTM.weights || {{}}; NTM.weights["{name}"] = "{data}";'


def site(folder):
    """Write into `folder` what the book's pages load: scripts, style, and the weights of every machine."""
    folder = Path(folder)
    (folder / "weights").mkdir(parents=True, exist_ok=True)
    for file in [*HERE.glob("*.js"), *HERE.glob("*.css")]:
        (folder / file.name).write_bytes(file.read_bytes())
    for name in machines():
        (folder / "weights" / f"{name.replace('/', '-')}.js").write_text(weights(name), encoding="utf-8")
