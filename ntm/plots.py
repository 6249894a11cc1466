"""One function per kind of figure, in the book's one style: time on x, slots on y.

Every function that takes `ax` draws on it and returns it; the others return a figure. Tensors and
arrays are both welcome.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

# One colour, one meaning, from the first page to the last. Text can be read in each (4.5 : 1, PAPER
# 3 : 1) on white and on the dark page, where the book turns light and dark round and keeps the hue
# (book/assets/book.css); tests/test_plots.py measures it.
READ, WRITE = "#2166ac", "#c2452d"
MODELS = {"ntm-feedforward": "#1b7837", "ntm-lstm": "#762a83", "lstm": "#9a6a00"}
NAMES = {"ntm-feedforward": "NTM, feedforward", "ntm-lstm": "NTM, LSTM", "lstm": "LSTM alone"}
GREY, PAPER = "#555555", "#8c8c8c"  # what is neither read nor written; the paper's curves
SERIES = [*MODELS.values(), "#01665e"]  # for curves that are no models
READ_MAP = LinearSegmentedColormap.from_list("read", ["#ffffff", "#92c5de", READ, "#134b85"])
WRITE_MAP = LinearSegmentedColormap.from_list("write", ["#ffffff", "#f4a582", WRITE, "#8f2417"])
_HUES = {"read": READ, "write": WRITE}
_MAPS = {"read": READ_MAP, "write": WRITE_MAP}


def style():
    """Set the book's look: text that a phone can show, PNGs of 144 dots an inch.

    They are on white, since Colab and GitHub show them as they are on pages of any colour.
    """
    plt.rcParams.update({
        "figure.figsize": (7, 3), "figure.dpi": 144, "savefig.dpi": 144,
        "figure.facecolor": "white", "axes.facecolor": "white", "savefig.facecolor": "white",
        "figure.constrained_layout.use": True,
        "font.size": 12, "axes.titlesize": 12, "axes.labelsize": 12,
        "xtick.labelsize": 11, "ytick.labelsize": 11, "legend.fontsize": 11,
        "axes.titlelocation": "left", "axes.spines.top": False, "axes.spines.right": False,
        "legend.frameon": False, "lines.linewidth": 1.6,
    })


def model_colour(name):
    """The colour of a model, by its key ("ntm-lstm") or by a label that begins with its name.

    "NTM, LSTM; seed 1" is such a label. None for what names no model.
    """
    key = name.lower().replace(", ", "-")
    return next((colour for model, colour in MODELS.items() if key.startswith(model)), None)


def bits_image(ax, x, title=""):
    """x [T, channels] as an image: channels (y) over time (x); white is 0, black is 1."""
    _image(ax, _array(x).T, "Greys", 0, 1, title, "channel")
    return ax


def weighting(ax, w, kind="read", title=""):
    """w [T, N] as a heat map: slots (y) over time (x); white is a weight of 0, the deepest tone 1.

    kind: "read" or "write".
    """
    _image(ax, _array(w).T, _look_up(_MAPS, kind), 0, 1, title, "slot")
    return ax


def bars(ax, w, kind="read", title=""):
    """One weighting w [N] as a bar a slot, on an axis from 0 to 1.

    kind: "read" or "write", or any colour of matplotlib.
    """
    w = _array(w)
    ax.bar(np.arange(len(w)), w, color=_HUES.get(kind, kind), width=0.8)
    ax.set(title=title, xlabel="slot", xlim=(-0.6, len(w) - 0.4))
    ax.set(ylim=(0, 1.05), yticks=[0, 0.5, 1])
    ax.xaxis.set_major_locator(_whole(10))
    return ax


def memory(ax, M, title="", limit=None, numbers=False):
    """M [N, width] as an image, slots on y; green above 0, purple below.

    limit: the value with the deepest tone, by default the largest in M; give the same to figures
    that are compared. numbers: print every value in its cell, for memories small enough to check
    with a pencil.
    """
    M = _array(M)
    limit = limit or max(float(np.abs(M).max()), 1e-6)
    _image(ax, M, "PRGn", -limit, limit, title, "slot")
    ax.set_xlabel("column")
    if numbers:
        for (i, j), value in np.ndenumerate(M):
            ink = "white" if abs(value) > 0.7 * limit else "black"
            ax.text(j, i, f"{value:.2g}", ha="center", va="center", color=ink)
    return ax


def stages(w_prev, w_c, w_g, w_s, w, kind="read"):
    """The stages of addressing, each a weighting [N], one above the other as bars on one axis.

    Returns the figure.
    """
    names = {"w_prev, where the head was": w_prev, "w_c, by content (5)": w_c,
             "w_g, interpolated (7)": w_g, "w_s, shifted (8)": w_s, "w, sharpened (9)": w}
    fig, axes = plt.subplots(len(names), 1, figsize=(7, 6.5), sharex=True)
    for ax, (name, values) in zip(axes, names.items()):
        bars(ax, values, GREY if ax is axes[0] else kind, name)
        ax.set(xlabel="slot" if ax is axes[-1] else "", yticks=[0, 1])
    return fig


def curves(ax, series, paper=None):
    """Learning curves: cost in bits per sequence (log axis) over thousands of sequences.

    series: {label: history}, a History of ntm.train, or any pair (sequences, bits). A label that
    begins with a model's name, such as "NTM, LSTM; seed 1", has that model's colour.
    paper: the same, drawn grey and behind, for the paper's own curves; its numbers too are in
    sequences, not thousands.
    """
    colours = [model_colour(label) for label in series]
    free = iter([colour for colour in SERIES if colour not in colours] * len(colours))
    for i, (label, curve) in enumerate((paper or {}).items()):
        x, y = _curve(curve)
        ax.plot(x, y, ["-", "--", ":"][i % 3], color=PAPER, linewidth=2.2, zorder=1, label=label)
    for i, (label, curve) in enumerate(series.items()):
        x, y = _curve(curve)
        earlier = colours[:i].count(colours[i]) if colours[i] else 0  # runs of the same model
        line = ["-", "--", ":"][earlier % 3]
        ax.plot(x, y, line, color=colours[i] or next(free), zorder=2, label=label)
    ax.set(yscale="log", xlabel="thousands of sequences", ylabel="bits per sequence")
    ax.legend()
    return ax


def heads(trace, b=0, batch=None, slots=None):
    """What sequence b of a ntm.Trace did over time, one panel under the other.

    With the Batch it came from: what comes in and should go out; without: what was added and read.
    Then the weighting of every write head and of every read head.
    slots: (first, last) to show these alone. Returns the figure.
    """
    first, last = slots or (0, trace.w.shape[-1] - 1)
    T = len(trace.w)
    panels = []
    if batch is not None:
        panels += [("bits", batch.x[:T, b], "input"), ("bits", batch.y[:T, b], "target output")]
    else:
        panels += [("signed", trace.a[:, b].flatten(1), "added (a)"),
                   ("signed", trace.r[:, b].flatten(1), "read (r)")]
    for kind, w in [("write", trace.w_write), ("read", trace.w_read)]:
        for head in range(w.shape[2]):
            number = f" {head}" if w.shape[2] > 1 else ""
            panels.append((kind, w[:, b, head, first : last + 1], f"{kind} head{number}"))
    heights = [0.9 if kind in ("bits", "signed") else 1.6 for kind, _, _ in panels]
    size = (7, 1.3 * sum(heights))
    fig, axes = plt.subplots(len(panels), 1, figsize=size, sharex=True, height_ratios=heights)
    for ax, (kind, values, title) in zip(axes, panels):
        if kind == "bits":
            bits_image(ax, values, title)
        elif kind == "signed":
            limit = max(float(np.abs(_array(values)).max()), 1e-6)
            _image(ax, _array(values).T, "PRGn", -limit, limit, title, "column")
        else:
            weighting(ax, values, kind, title)
            ax.images[0].set_extent((-0.5, T - 0.5, last + 0.5, first - 0.5))
        ax.set_xlabel("time" if ax is axes[-1] else "")
    return fig


def _array(x):
    """x as a numpy array: from a tensor (with a gradient, on a GPU), an array or a list."""
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x, dtype=float)


def _curve(curve):
    """x in thousands of sequences, and y, of a History or of a pair."""
    x, y = (curve.sequences, curve.bits) if hasattr(curve, "bits") else curve
    return _array(x) / 1000, _array(y)


def _look_up(table, kind):
    if kind not in table:
        raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(map(repr, table))}")
    return table[kind]


def _whole(most):
    """About `most` ticks, on round whole numbers."""
    return MaxNLocator(integer=True, nbins=most, steps=[1, 2, 5, 10])


def _image(ax, values, cmap, low, high, title, rows):
    """An image without smoothing, whole numbers on both axes, x named time."""
    ax.imshow(values, cmap=cmap, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    ax.set(title=title, xlabel="time", ylabel=rows)
    ax.xaxis.set_major_locator(_whole(10))
    ax.yaxis.set_major_locator(_whole(5))
    for spine in ax.spines.values():
        spine.set(visible=True, color=PAPER)
