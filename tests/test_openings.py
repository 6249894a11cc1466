"""The opening pictures: each draws one figure and shows it."""

import base64
import importlib
import pkgutil
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pytest

from ntm import openings
from ntm.openings import index

CHAPTERS = [module.name for module in pkgutil.iter_modules(openings.__path__)
            if module.name != "index"]


def test_there_are_openings():
    assert len(CHAPTERS) >= 10


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_an_opening_draws_one_figure_and_shows_it(chapter, monkeypatch):
    plt.close("all")
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.get_fignums()))
    assert importlib.import_module(f"ntm.openings.{chapter}").draw() is None
    assert len(shown) == 1 and len(shown[0]) == 1
    plt.figure(shown[0][0]).canvas.draw()
    plt.close("all")


def test_the_first_picture_moves_and_shows_what_the_machine_says(monkeypatch):
    plt.close("all")
    shown = []
    monkeypatch.setattr(index, "display", lambda data, raw: shown.append(data))
    index.draw()
    assert len(shown) == 1 and not plt.get_fignums()
    assert base64.b64decode(shown[0]["image/png"]).startswith(b"\x89PNG")
    svg = ElementTree.fromstring(shown[0]["image/svg+xml"])
    words = {element.text for element in svg.iter() if element.tag.endswith("text")}
    assert {"comes in", "should say", "says", "write head", "read head"} <= words
    # a frame for each step of ten vectors
    assert sum(element.get("class") == "f" for element in svg.iter()) == 22
