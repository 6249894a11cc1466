"""The figures: each function draws what it was given, on the right axis, in the right hue."""

import subprocess
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.colors import to_hex

from ntm import NTM, plots, tasks
from ntm.training import History


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def drawn(ax):
    return torch.as_tensor(ax.images[0].get_array().data)


def title(ax):
    return ax.get_title() or ax.get_title(loc="left")


def test_importing_ntm_does_not_import_matplotlib():
    code = "import sys, ntm; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_time_is_on_x_and_slots_are_on_y(ax):
    w = torch.rand(7, 4, requires_grad=True)
    plots.weighting(ax, w, "write", "a title")
    torch.testing.assert_close(drawn(ax), w.detach().T.double())
    assert (ax.get_xlabel(), ax.get_ylabel(), title(ax)) == ("time", "slot", "a title")
    assert ax.images[0].get_clim() == (0, 1)


def test_bits_have_channels_on_y(ax):
    x = torch.randint(0, 2, (9, 3)).float()
    plots.bits_image(ax, x)
    torch.testing.assert_close(drawn(ax), x.T.double())


@pytest.mark.parametrize("kind, hue",
                         [("read", plots.READ), ("write", plots.WRITE), ("#555555", "#555555")])
def test_bars_have_the_height_of_the_weights_and_the_hue_of_their_kind(ax, kind, hue):
    plots.bars(ax, torch.tensor([0.1, 0.2, 0.7]), kind)
    assert [round(bar.get_height(), 6) for bar in ax.patches] == [0.1, 0.2, 0.7]
    assert to_hex(ax.patches[0].get_facecolor()) == hue


def test_an_unknown_kind_is_refused(ax):
    with pytest.raises(ValueError, match="kind is 'both'; it must be one of 'read', 'write'"):
        plots.weighting(ax, torch.rand(3, 3), "both")


def test_zero_memory_is_white_and_the_limits_are_symmetric(ax):
    plots.memory(ax, torch.tensor([[0.5, -2.0], [0.0, 1.0]]), numbers=True)
    assert ax.images[0].get_clim() == (-2, 2)
    assert [text.get_text() for text in ax.texts] == ["0.5", "-2", "0", "1"]
    plots.memory(ax, torch.zeros(2, 2))
    low, high = ax.images[-1].get_clim()
    assert low == -high < 0


def test_stages_are_five_bar_charts():
    fig = plots.stages(*torch.softmax(torch.randn(5, 6), -1))
    assert [len(ax.patches) for ax in fig.axes] == [6] * 5
    plt.close(fig)


def test_curves_take_histories_and_pairs_and_put_the_paper_behind(ax):
    history = History(every=1000, bits=[100.0, 10.0])
    plots.curves(ax, {"ours": history}, {"paper": ([500, 1500], [90, 80])})
    paper, ours = ax.lines
    assert list(paper.get_xdata()) == [0.5, 1.5] and list(ours.get_xdata()) == [1, 2]
    assert list(ours.get_ydata()) == [100, 10] and ax.get_yscale() == "log"
    assert paper.get_zorder() < ours.get_zorder() and paper.get_color() == plots.PAPER


@pytest.mark.parametrize("with_batch, slots", [(True, None), (False, (2, 5))])
def test_heads_show_one_panel_for_every_head(with_batch, slots):
    machine = NTM(10, 8, N=12, width=6, hidden_size=5, read_heads=2, seed=0)
    batch = tasks.Copy().sample(2, length=3, generator=torch.Generator().manual_seed(0))
    _, trace = machine(batch.x, trace=True)
    fig = plots.heads(trace, 1, batch if with_batch else None, slots)
    assert len(fig.axes) == 2 + 3
    first, last = slots or (0, 11)
    torch.testing.assert_close(drawn(fig.axes[2]),
                               trace.w_write[:, 1, 0, first : last + 1].T.double())
    torch.testing.assert_close(drawn(fig.axes[4]),
                               trace.w_read[:, 1, 1, first : last + 1].T.double())
    assert title(fig.axes[3]) == "read head 0"
    plt.close(fig)


def test_style_keeps_text_readable():
    with plt.rc_context():
        plots.style()
        assert plt.rcParams["figure.dpi"] == 144 and plt.rcParams["figure.facecolor"] == "white"
        assert min(plt.rcParams[name]
                   for name in ["font.size", "xtick.labelsize", "ytick.labelsize",
                                "legend.fontsize"]) >= 10


def channels(colour):
    return torch.tensor([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)], dtype=torch.float64)


def contrast(a, b):
    """WCAG 2's contrast of two colours, given as channels from 0 to 1."""
    weights = torch.tensor([0.2126, 0.7152, 0.0722]).double()
    linear = [torch.where(c <= 0.03928, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ weights
              for c in (a, b)]
    return float((max(linear) + 0.05) / (min(linear) + 0.05))


def in_the_dark(colour):
    """What book.css makes of a colour on the dark page: invert(1) hue-rotate(180deg)
    brightness(.92), added by screen to #121212."""
    turn = torch.tensor([[-0.574, 1.43, 0.144], [0.426, 0.43, 0.144],
                         [0.426, 1.43, -0.856]]).double()
    return 1 - (1 - 0.92 * (turn @ (1 - colour)).clamp(0, 1)) * (1 - channels("#121212"))


COLOURS = {"read": plots.READ, "write": plots.WRITE, "grey": plots.GREY, "paper": plots.PAPER,
           **plots.MODELS, "another": plots.SERIES[-1]}


@pytest.mark.parametrize("name", COLOURS)
def test_a_colour_holds_on_white_and_in_the_dark(name):
    colour = channels(COLOURS[name])
    # the paper's curves are drawn thick; text is written in the others
    least = 3 if name == "paper" else 4.5
    assert (contrast(colour, channels("#ffffff")) >= least
            and contrast(in_the_dark(colour), channels("#121212")) >= least)


def test_a_colour_that_does_not_hold_is_noticed():
    assert contrast(channels("#b0b0b0"),
                    channels("#ffffff")) < 3 < 20 < contrast(channels("#000000"),
                                                             channels("#ffffff"))
    assert contrast(in_the_dark(channels("#b0b0b0")), channels("#121212")) < 3


def test_heads_and_models_have_colours_of_their_own():
    assert len(set(COLOURS.values())) == len(COLOURS) and plots.MODELS.keys() == plots.NAMES.keys()


def test_a_model_has_its_colour_wherever_it_stands(ax):
    for key, name in plots.NAMES.items():
        assert plots.model_colour(key) == plots.model_colour(f"{name}; seed 1") == plots.MODELS[key]
    assert plots.model_colour("a clip of 10") is None
    curve = ([100, 200], [2.0, 1.0])
    plots.curves(ax, {"LSTM alone": curve, "something else": curve, "NTM, LSTM": curve,
                      "NTM, LSTM, again": curve})
    colours = [line.get_color() for line in ax.lines]
    assert colours == [plots.MODELS["lstm"], plots.MODELS["ntm-feedforward"],
                       plots.MODELS["ntm-lstm"], plots.MODELS["ntm-lstm"]]
    assert ax.lines[2].get_linestyle() != ax.lines[3].get_linestyle()
