"""The note answered: what a refocus costs while the stream grows, against reading everything."""

import matplotlib.pyplot as plt

from .. import plots
from ..focus.experiments import results


def draw():
    """CPU time of a refocus with its reading, and of reading everything, against the length."""
    plots.style()
    found = {int(n): row for n, row in results()["scaling"]["0"].items() if n.isdigit()}
    focus = [n for n in sorted(found) if "read" in found[n]]
    full = [n for n in sorted(found) if "everything" in found[n]]
    fig, ax = plt.subplots(figsize=(7, 3.8))
    ax.loglog(full, [found[n]["everything"] for n in full], "s-", color=plots.READ,
              label="everything in full detail")
    last, rest = full[-1], [n for n in focus if n > full[-1]]
    ax.loglog([last, *rest],
              [found[last]["everything"] * (n / last) ** 2 for n in [last, *rest]], ":",
              color=plots.READ, label="the same, if it goes on with the square")
    ax.loglog(focus, [found[n]["refocus"] + found[n]["read"] for n in focus], "o-",
              color=plots.WRITE, label="refocus and read")
    ax.set(xlabel="tokens of the stream", ylabel="CPU time in ms")
    ax.legend(loc="upper left")
    plt.show()
