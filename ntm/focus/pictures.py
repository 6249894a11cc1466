"""A focus as a picture: time to the right, the deeper the blue the more detail."""

import numpy as np
from matplotlib.patches import Rectangle

from .. import plots
from .data import F

DETAIL = {2: 0.12, 1: 0.4, 0: 0.9}  # how deep a blue, by level


def levels(e2, e1):
    """How each block is shown, [..., C F]: 0 as tokens, 1 as its gist, 2 under its node's. e2 [...,
    C], e1 [..., C (,) F]."""
    e2, e1 = np.asarray(e2), np.asarray(e1)
    e1 = e1.reshape(*e2.shape[:-1], -1)
    return np.where(e1, 0, np.where(np.repeat(e2, F, -1), 1, 2))


def strip(ax, e2, e1, asked=None, y=0.0, height=0.7):
    """One focus as a row: e2 [C], e1 [C, F]; the block that is asked about with a ring."""
    shown, block = levels(e2, e1), 0
    while block < len(shown):
        level = int(shown[block])
        span = F if level == 2 else 1
        ax.add_patch(Rectangle((block, y - height / 2), span, height,
                               facecolor=plots.READ_MAP(DETAIL[level]), edgecolor="white", lw=0.6))
        block += span
    if asked is not None:
        corner, size = (asked - 0.15, y - height / 2 - 0.06), (1.3, height + 0.12)
        ax.add_patch(Rectangle(corner, *size, facecolor="none", edgecolor="black", lw=1.8,
                               zorder=3))
    ax.set(xlim=(-0.5, len(shown) + 0.5), yticks=[])
    return ax


def timeline(ax, opened, shown, asked=(), title=""):
    """A focus over time: opened [t, C], shown [t, C F]; refocus after refocus downwards. asked:
    (refocus, block) pairs, ringed."""
    ax.imshow(np.vectorize(DETAIL.get)(levels(opened, shown)), cmap=plots.READ_MAP, vmin=0, vmax=1,
              aspect="auto", interpolation="nearest")
    if len(asked):
        t, block = zip(*asked)
        ax.scatter(block, t, s=46, facecolors="none", edgecolors="black", lw=1.3)
    ax.set(title=title, xlabel="block of the far part", ylabel="refocus")
    return ax
