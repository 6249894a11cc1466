"""What ntm.live hands to the page: boxes, weights, colours, and the still beside every live figure.
(In a browser: test_figures.py.)"""

import json
import re

import matplotlib.pyplot as plt
import pytest
import torch
from figures import normalise
from nbformat.v4 import new_code_cell, new_notebook, new_output
from safetensors.torch import load as loads

from ntm import live, plots
from ntm.live import at_work, by_hand, program
from ntm.pretrained import load
from ntm.tasks import Copy


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


M = [[1.0, 0.0], [3.0, 4.0], [0.0, 2.0], [-2.0, 0.0]]
CALLS = {
    "reading": lambda: by_hand.reading(M=M, w=[0.5, 0, 0.25, 0.25]),
    "writing": lambda: by_hand.writing(M=M, w=[0.5, 0, 0.25, 0.25], e=[1.0, 0.0], a=[1.0, 0.5]),
    "stages": lambda: by_hand.stages("sharpening", M=torch.tensor(M)),
    "program": lambda: program.program(vectors=3),
    "player": lambda: at_work.player("copy/ntm-feedforward", length=3),
    "playground": lambda: at_work.playground("copy/ntm-feedforward"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_draws_the_still_and_returns_the_live_figure_with_all_it_needs(name):
    figure = CALLS[name]()
    assert plt.get_fignums(), "no still was drawn"
    text = figure._repr_html_()
    assert f'data-live="{name}"' in text and "NTM.start" in text
    assert (text.count("<script>") == 1 + len(live.FIGURES[name])
            + ("NTM.weights[" in text and name in ("player", "playground")))


def test_a_chapter_that_there_is_not_is_refused():
    allowed = "'content', 'interpolation', 'shift', 'sharpening'"
    with pytest.raises(ValueError, match=f"upto is 'shifting'; it must be one of {allowed}"):
        by_hand.stages("shifting", M=M)


def test_settings_reach_the_page_as_they_are():
    text = live.box("stages", {"upto": "shift", "s": torch.tensor([0.1, 0.2, 0.7]),
                               "words": 'a "quoted" <word>'})
    told = re.search('data-settings="([^"]*)"', text)[1]
    for code, sign in {"&quot;": '"', "&lt;": "<", "&gt;": ">", "&amp;": "&"}.items():
        told = told.replace(code, sign)
    assert json.loads(told) == {"upto": "shift", "s": [0.1, 0.2, 0.7], "words": 'a "quoted" <word>'}


def test_of_a_committed_output_the_box_alone_is_kept():
    text = CALLS["reading"]()._repr_html_()
    shown = new_output("execute_result", {"text/html": text, "text/plain": "x"}, execution_count=1)
    cell = new_code_cell("show()", outputs=[shown], execution_count=1)
    html = normalise(new_notebook(cells=[cell])).cells[0].outputs[0].data["text/html"]
    assert "script" not in html and html.startswith('<div class="ntm-live"') and len(html) < 1000


@pytest.mark.parametrize("name", at_work.machines())
def test_a_packed_machine_is_small_and_answers_as_the_shipped_one(name):
    machine = at_work.shipped(name)
    data = at_work.packed(machine)
    assert len(data) < 4 * sum(v.numel() for v in machine.state_dict().values()) * 0.55 + 5000
    tensors = loads(data)
    for key, value in machine.state_dict().items():
        near = (tensors[key].float() * (tensors[f"{key}.scale"][:, None]
                                        if f"{key}.scale" in tensors else 1))
        assert torch.allclose(near, value, atol=float(value.abs().max()) / 250), key


def test_a_machine_in_float16_copies_as_before():
    machine, batch = (load("copy", "ntm-feedforward"),
                      Copy().sample(8, length=50, generator=torch.Generator().manual_seed(0)))
    machine.load_state_dict({key: value.float()
                             for key, value in loads(at_work.packed(machine)).items()})
    with torch.no_grad():
        says = machine(batch.x) > 0
    assert int(((says != (batch.y > 0.5)) & (batch.mask[..., None] > 0)).sum()) == 0


def test_the_page_s_colours_are_those_of_ntm_plots():
    script = live.script("drawing")
    named = dict(re.findall(r'(read|write|grey|paper|feedforward|lstm): "(#\w{6})"', script))
    models = {model.removeprefix("ntm-"): plots.MODELS[model]
              for model in ("ntm-feedforward", "ntm-lstm")}
    assert (named == {"read": plots.READ, "write": plots.WRITE, "grey": plots.GREY,
                      "paper": plots.PAPER} | models)
    maps = dict(re.findall(r"(read|write|bits|signed): (\[[^\]]*\])", script))
    drawn = {"read": plots.READ_MAP, "write": plots.WRITE_MAP, "signed": plt.get_cmap("PRGn"),
             "bits": plt.get_cmap("Greys")}
    for name, found in drawn.items():
        stops = json.loads(maps[name])
        for i, stop in enumerate(stops):
            wanted = torch.tensor(found(i / (len(stops) - 1))[:3]) * 255
            assert torch.allclose(torch.tensor([int(stop[j : j + 2], 16)
                                                for j in (1, 3, 5)]).float(), wanted.float(),
                                  atol=2), (name, stop)


def test_every_script_that_a_figure_names_is_there_and_every_room_is_kept():
    style = live.script("live.css")
    for name, scripts in live.FIGURES.items():
        assert all((live.HERE / f"{script}.js").is_file() for script in scripts), name
    for room in ["reading", "writing", *by_hand.SHOWN, "program", "hero", "player", "playground",
                 "training", "small"]:
        assert f'data-room="{room}"' in style, room
