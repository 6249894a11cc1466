"""Live figures: the machine itself in the page, in plain JavaScript, with a still picture for
readers who have none.

One call a figure (by_hand, program, at_work): it draws the still, an ordinary picture for GitHub,
paper and a reader without JavaScript, and returns the live figure, which takes the still's place
where scripts run. In Jupyter and Colab the scripts travel inside the output; the book's pages load
them from the site's own files (book/tools/house.py), and what is committed of an output is its box
alone (book/tools/figures.py).
"""

import html
import json
import re
from pathlib import Path

import torch

HERE = Path(__file__).parent
MACHINE = ["equations", "machine", "tasks", "drawing"]
# The scripts of each figure, in the order in which they are loaded.
FIGURES = {
    "reading": ["equations", "drawing", "memory"],
    "writing": ["equations", "drawing", "memory"],
    "stages": ["equations", "drawing", "stages"],
    "program": [*MACHINE, "program"],
    "player": [*MACHINE, "player"],
    "playground": [*MACHINE, "player", "playground"],
    "training": ["equations", "machine", "tasks", "kernel", "training", "drawing", "train"],
}
INLINED = re.compile(r"<!-- inlined -->.*<!-- /inlined -->", re.S)


class Live:
    """What a figure's call returns: its box, and all it needs, as HTML. more: further scripts, as
    texts."""

    def __init__(self, name, settings, more=()):
        self.name, self.box, self.more = name, box(name, settings), more

    def _repr_html_(self):
        code = ['document.documentElement.classList.add("live");', *map(script, FIGURES[self.name]),
                *self.more]
        inlined = (f"<style>{script('live.css')}</style>"
                   + "".join(f"<script>{each}</script>" for each in code))
        return f"{self.box}<!-- inlined -->{inlined}<!-- /inlined -->"


def box(name, settings):
    """The element that the scripts of the figure `name` fill; settings: its default state, by the
    names that they give it."""
    told = html.escape(json.dumps(plain(settings), ensure_ascii=False))
    # how much room is kept for it: live.css
    room = (settings.get("upto") or next((kind for kind in ("hero", "small") if settings.get(kind)),
                                         name))
    data = f'data-live="{name}" data-room="{room}" data-settings="{told}"'
    return f'<div class="ntm-live" {data}></div>'


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
