"""The book's first picture: a trained machine copies, step by step, and what it says."""

import base64
import io

import matplotlib.pyplot as plt
import torch
from IPython.display import display

from .. import plots, pretrained
from ..tasks import Copy

WIDTH, HEIGHT, LEFT, ACROSS = 700, 640, 20, 660


def draw(length=10, seed=6, slots=26, seconds=0.45):
    """An animation where SVG is shown, a still picture elsewhere."""
    plots.style()
    machine = pretrained.load("copy", "ntm-lstm")
    batch = Copy().sample(1, length=length, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        logits, trace = machine(batch.x, trace=True)
    says = torch.sigmoid(logits[:, 0]) * batch.mask  # while it listens, nobody asks what it says
    file = io.BytesIO()
    still(trace, batch, says, slots).savefig(file, format="png")
    plt.close()
    display({"image/svg+xml": animation(trace, batch, says, slots, seconds),
             "image/png": base64.b64encode(file.getvalue()).decode(),
             "text/plain": "a trained machine copies"}, raw=True)


def still(trace, batch, says, slots):
    """What comes in, both heads, what should be said and what is said."""
    fig, axes = plt.subplots(5, 1, figsize=(7, 7), sharex=True, height_ratios=[4, 6, 6, 4, 4])
    plots.bits_image(axes[0], batch.x[:, 0], "comes in")
    plots.weighting(axes[1], trace.w_write[:, 0, 0, :slots], "write", "write head")
    plots.weighting(axes[2], trace.w_read[:, 0, 0, :slots], "read", "read head")
    plots.bits_image(axes[3], batch.y[:, 0], "should say")
    plots.bits_image(axes[4], says, "says")
    for ax in axes[:4]:
        ax.set_xlabel("")
    return fig


def animation(trace, batch, says, slots, seconds):
    """The same as SVG, a frame a step, memory and heads as they are at that step."""
    T, limit = len(trace.M), float(trace.M[:, :, :slots].abs().max())
    strips = {"comes in": (batch.x[:, 0], 30, 80), "should say": (batch.y[:, 0], 430, 70),
              "says": (says, 540, 70)}
    parts = []
    for words, (values, top, high) in strips.items():
        parts += [text(LEFT, top - 8, words), image(values.T, "Greys", top, high)]
    frames = "".join(frame(t, trace, slots, limit, strips, seconds) for t in range(T))
    memory = f"memory: {slots} of {trace.M.shape[2]} slots"
    return f'''<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"
 width="{WIDTH}" height="{HEIGHT}" role="img"
 aria-label="A trained machine copies: its write head walks along the memory while vectors come in,
 then its read head walks the same way and the machine says them">
<style>text{{font:17px sans-serif}}.p{{image-rendering:pixelated}}
.f{{opacity:0;animation:show {seconds * T:.2f}s step-end infinite}}
@keyframes show{{0%{{opacity:1}}{100 / T:.3f}%,100%{{opacity:0}}}}.f:last-of-type{{opacity:1}}
@media (prefers-reduced-motion:reduce){{.f{{animation:none}}}}</style>
<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>
{"".join(parts)}
{text(LEFT, 146, "write head", plots.WRITE)}{text(LEFT + ACROSS, 146, memory, anchor="end")}
{text(LEFT, 392, "read head", plots.READ)}
<rect x="{LEFT}" y="195" width="{ACROSS}" height="140" fill="none" stroke="{plots.PAPER}"/>
{frames}
</svg>'''


def frame(t, trace, slots, limit, strips, seconds):
    """Step t: the future is covered; the memory, and over and under it the heads' weights."""
    column, step = ACROSS / slots, ACROSS / len(trace.M)
    x = LEFT + step * (t + 1)
    parts = [f'<rect x="{x:.1f}" y="{top - 1}" width="{max(LEFT + ACROSS + 2 - x, 0):.1f}" '
             f'height="{high + 2}" fill="white"/>' for _, top, high in strips.values()]
    parts.append(image(trace.M[t, 0, :slots].T, "PRGn", 195, 140, -limit, limit))
    for weights, color, up in ((trace.w_write, plots.WRITE, 1), (trace.w_read, plots.READ, 0)):
        for i, value in enumerate(weights[t, 0, 0, :slots].tolist()):
            if value > 0.02:
                high = 34 * value
                top = 190 - high if up else 340
                parts.append(f'<rect x="{LEFT + column * i + 2:.1f}" y="{top:.1f}" '
                             f'width="{column - 4:.1f}" height="{high:.1f}" fill="{color}"/>')
    delay = seconds * (t - len(trace.M))
    return f'<g class="f" style="animation-delay:{delay:.2f}s">{"".join(parts)}</g>'


def image(values, cmap, y, high, low=0.0, most=1.0):
    """values [rows, columns] as an image across the picture."""
    file = io.BytesIO()
    plt.imsave(file, values.numpy(), cmap=cmap, vmin=low, vmax=most, format="png")
    href = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return (f'<image href="{href}" x="{LEFT}" y="{y}" width="{ACROSS}" height="{high}" '
            f'preserveAspectRatio="none" class="p"/>')


def text(x, y, words, color="black", anchor="start"):
    return f'<text x="{x}" y="{y}" fill="{color}" text-anchor="{anchor}">{words}</text>'
