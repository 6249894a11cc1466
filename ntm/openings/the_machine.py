"""The machine: one step of it, drawn."""

import matplotlib.pyplot as plt
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from .. import plots

TEXTS = [("$x_t$", 1.85, 2.05), ("$c_{t-1}$", -0.3, 4.6), ("$y_t$", 1.85, 9.5),
         ("$h_t$", 2.2, 6.5), ("$h_t$", 3.75, 4.0), ("$r_t$", 5.2, 8.35),
         ("$r_{t-1}$", 4.15, 7.1), ("$w_{t-1}$", 5.6, 4.75), ("$w_{t-1}$", 5.6, 1.3),
         ("$M_{t-1}$", 8.2, 5.05), ("$M_t$", 9.75, 1.25)]
NUMBERS = [(1, 0.7, 5.6), (2, 4.4, 4.4), (3, 6.6, 4.7), (4, 8.1, 6.4), (5, 8.1, 3), (6, 0.7, 8.5)]


def draw():
    """Controller, heads, memory, output and the wires between them; dashed: from step to step."""
    plots.style()
    fig, ax = plt.subplots(figsize=(7, 5.6))
    ax.set(xlim=(-0.6, 10.8), ylim=(0.9, 9.8), aspect="equal")
    ax.axis("off")

    def box(x, y, w, h, text, edge, size=14):
        style = "round,pad=0,rounding_size=.2"
        ax.add_patch(FancyBboxPatch((x, y), w, h, boxstyle=style, fc="white", ec=edge, lw=2.2))
        ax.text(x + w / 2, y + h / 2, text, ha="center", va="center", fontsize=size,
                color="black", linespacing=1.35)

    def wire(points, color="black", dashed=False):
        *start, (x, y) = points
        line = (0, (3, 1.5)) if dashed else "-"
        ax.plot(*zip(*points), color=color, lw=2, ls=line, solid_capstyle="butt")
        arrow = dict(arrowstyle="-|>", color=color, lw=0, mutation_scale=18, shrinkA=0, shrinkB=0)
        ax.annotate("", (x, y), start[-1], arrowprops=arrow)

    def number(n, x, y):
        ax.add_patch(Circle((x, y), 0.3, fc="black", ec="white", lw=1.5, zorder=5))
        ax.text(x, y - 0.03, n, ha="center", va="center", color="white", fontsize=12,
                weight="bold", zorder=6)

    box(0.7, 3.6, 2.3, 2, "controller", "black")
    box(0.7, 7.5, 2.3, 1, "output", "black")
    box(4.9, 5.6, 2.3, 1.6, "read head\n$k\\ β\\ g\\ s\\ γ$", plots.READ)
    box(4.9, 2.2, 2.3, 1.6, "write head\n$k\\ β\\ g\\ s\\ γ\\ \\ e\\ a$", plots.WRITE)
    for i in range(9):
        for j in range(3):
            ax.add_patch(Rectangle((9 + 0.5 * j, 2.1 + 0.6 * i), 0.5, 0.6, fc="white",
                                   ec=plots.GREY, lw=1.2))
    ax.text(9.75, 7.75, "memory $M$", ha="center", fontsize=13)
    wire([(1.85, 2.4), (1.85, 3.6)])
    wire([(1.85, 5.6), (1.85, 7.5)])
    wire([(1.85, 8.5), (1.85, 9.2)])
    wire([(3, 4.4), (4.4, 4.4), (4.4, 6.2), (4.9, 6.2)])
    wire([(4.4, 4.4), (4.4, 3), (4.9, 3)])
    wire([(6.05, 7.2), (6.05, 8), (3, 8)], plots.READ)
    wire([(3.7, 8), (3.7, 5.2), (3, 5.2)], plots.READ, dashed=True)
    wire([(9, 6.4), (7.2, 6.4)], plots.READ)
    wire([(7.2, 3), (9, 3)], plots.WRITE)
    wire([(9, 4.7), (6.6, 4.7), (6.6, 5.6)], plots.GREY)
    wire([(6.6, 4.7), (6.6, 3.8)], plots.GREY)
    wire([(0.7, 5.1), (0.25, 5.1), (0.25, 4.1), (0.7, 4.1)], "black", dashed=True)
    wire([(5.3, 5.6), (5.3, 5.1), (5.9, 5.1), (5.9, 5.6)], plots.READ, dashed=True)
    wire([(5.3, 2.2), (5.3, 1.7), (5.9, 1.7), (5.9, 2.2)], plots.WRITE, dashed=True)
    wire([(9.4, 2.1), (9.4, 1.6), (10.1, 1.6), (10.1, 2.1)], plots.GREY, dashed=True)
    for text, x, y in TEXTS:
        ax.text(x, y, text, ha="center", va="center", fontsize=15)
    ax.text(1.85, 1.15, "dashed: from step to step", ha="center", va="center", fontsize=12)
    for n, x, y in NUMBERS:
        number(n, x, y)
    plt.show()
