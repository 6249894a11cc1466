"""Pages that hold every live figure as the book's pages do: scripts by relative path, opened from
disk.

    python tests/live/page.py FOLDER     write them there, to look at
"""

import sys
from pathlib import Path

import torch

from ntm import live
from ntm.live import at_work, learning

M = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0], [-1.0, 1.0]])
COMPASS = torch.stack([torch.cos(torch.arange(8) * torch.pi / 4),
                       torch.sin(torch.arange(8) * torch.pi / 4)], 1)
ROWS = [[1.0, 0.0, -0.5], [0.5, 1.0, 0.0], [-1.0, 0.5, 0.5], [0.0, -1.0, 1.0]]
PLAYED = ["copy/ntm-lstm", "copy/ntm-feedforward"]
# name of the page: (figure, its settings)
FIGURES = {
    "reading": ("reading",
                dict(M=ROWS, w=[0.7, 0.1, 0.1, 0.1], presets={"evenly": {"w": [0.25] * 4}})),
    "writing": ("writing", dict(M=ROWS, w=[0.1, 0.7, 0.1, 0.1], e=[1.0, 1.0, 0.0],
                                a=[0.5, -0.5, 1.0])),
    "content": ("stages",
                dict(upto="content", M=M, presets={"between two rows": {"k0": 1.0, "k1": 0.4}})),
    "interpolation": ("stages", dict(upto="interpolation", M=M)),
    "shift": ("stages", dict(upto="shift", M=torch.eye(16)[:, :2], g=0, was=12, s=[0.0, 0.3, 0.7],
                             times=3)),
    "sharpening": ("stages", dict(upto="sharpening", M=COMPASS, k0=0.0, k1=1.0, β=8.0, g=0.6, was=5,
                                  s=[0.0, 0.3, 0.7], γ=2.0)),
    "program": ("program", {}),
    "hero": ("player", dict(machines=["copy/ntm-lstm"], hero=True, text="a machine with a memory",
                            sizes={"length": 23})),
    "player": ("player", dict(machines=PLAYED, sizes={"length": 10})),
    "playground": ("playground", dict(machines=["copy/ntm-lstm", *at_work.machines()])),
    "training": ("training", learning.defaults()),
    "training_small": ("training", learning.defaults(small=True)),
}
PAGE = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<title>{name}</title><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><link rel="stylesheet" href="live/live.css">
<script>document.documentElement.classList.add("live")</script>
<style>body {{ max-width: 46rem; margin: 1rem auto; padding: 0 1rem; font: 16px system-ui; }}
@media (max-width: 600px) {{ body {{ padding: 0 1.5rem; }} }} /* as the book's pages have it */
html[data-theme=dark] {{ background: #14181e; color: #ced6dd }}</style>
{scripts}</head><body><main class="bd-content"><h1>{name}</h1>{box}</main></body></html>"""


def write(folder, figures=FIGURES):
    """Write every page and what it loads into `folder`; the stills are not drawn."""
    folder = Path(folder)
    at_work.site(folder / "live")
    for name, (figure, settings) in figures.items():
        scripts = ("".join(f'<script defer src="live/{each}.js"></script>\n'
                           for each in live.FIGURES[figure]))
        box = live.box(figure, settings)
        (folder / f"{name}.html").write_text(PAGE.format(name=name, scripts=scripts, box=box),
                                             encoding="utf-8")


if __name__ == "__main__":
    write(sys.argv[1])
