"""Draw the picture at the head of README.md, book/assets/copying.png: the book's trained machine copies 20 vectors.

    python book/tools/picture.py [FILE]
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import torch

from ntm import plots, pretrained, tasks


def main():
    target = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1] / "assets/copying.png")
    batch = tasks.Copy().sample(1, length=20, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        _, trace = pretrained.load("copy", "ntm-lstm")(batch.x, trace=True)
    plots.style()
    fig = plots.heads(trace, batch=batch, slots=(0, 47))
    fig.savefig(target, metadata={"Software": None})


if __name__ == "__main__":
    main()
