"""The opening pictures: each draws one figure and shows it."""

import importlib
import pkgutil

import matplotlib.pyplot as plt
import pytest

from ntm import openings

CHAPTERS = [module.name for module in pkgutil.iter_modules(openings.__path__)]


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
