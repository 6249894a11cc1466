"""Golden vectors: what torch computes in float64, as JSON for the page's JavaScript to be held to.

Written anew by every test into a folder of its own; nothing here is committed.
"""

import json
from pathlib import Path

import torch

from ntm import NTM, addressing, memory, pretrained, tasks

FILES = sorted(Path(pretrained.__file__).parent.rglob("ntm-*.safetensors"))
TASKS = {
    "copy": (tasks.Copy(), dict(length=20)),
    "repeat_copy": (tasks.RepeatCopy(), dict(length=5, repeats=3)),
    "associative_recall": (tasks.AssociativeRecall(), dict(items=6)),
    "ngrams": (tasks.NGrams(length=60), {}),
    "priority_sort": (tasks.PrioritySort(), {}),
}


def equations(seed=0):
    """Random cases of (2) to (9) for one head each, several sizes and reaches."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    cases = []
    for N, width, reach in [(4, 2, 1), (8, 5, 0), (16, 3, 3), (128, 20, 1), (5, 20, 2)]:
        for scale in (0.1, 1.0, 10.0):
            M, k, e, a = draw(N, width), draw(width), torch.sigmoid(draw(width)), draw(width)
            M[0] = 0  # a row without a direction
            β, γ = (scale * draw(2).abs()).tolist()
            g = torch.sigmoid(scale * draw(1)).item()
            s, w_prev = torch.softmax(scale * draw(2 * reach + 1), 0), torch.softmax(scale * draw(N), 0)
            given = dict(M=M, k=k, β=β, g=g, s=s, γ=1 + γ, w_prev=w_prev, e=e, a=a)
            one = {
                name: torch.as_tensor(value, dtype=torch.float64)[None, None] for name, value in given.items()
            } | dict(M=M[None])
            w_c = addressing.content(one["M"], one["k"], one["β"])
            w_g = addressing.interpolate(w_c, one["w_prev"], one["g"])
            w_s = addressing.shift(w_g, one["s"])
            w = addressing.sharpen(w_s, one["γ"])
            erased = memory.erase(one["M"], w, one["e"])
            found = dict(w_c=w_c, w_g=w_g, w_s=w_s, w=w, r=memory.read(one["M"], w), erased=erased,
                         added=memory.add(erased, w, one["a"]))  # fmt: skip
            cases.append(dict(given=given, found={name: value.squeeze(0) for name, value in found.items()}))
    return cases


@torch.no_grad()
def sequence(path, seed=0):
    """A whole sequence of a shipped machine: what came in, what every head did at every step, the logits, the last memory."""
    machine = NTM.load(path).double()
    task, sizes = TASKS[path.relative_to(Path(pretrained.__file__).parent).parts[0]]
    x = task.sample(1, generator=torch.Generator().manual_seed(seed), **sizes).x.double()
    state, logits, steps = machine.initial_state(1), [], []
    for x_t in x:
        y, state, emitted = machine.step(x_t, state)
        logits.append(y[0])
        steps.append(dict(w=state.w[0], **{name: value[0] for name, value in emitted._asdict().items()}))
    return dict(file=str(path), x=x[:, 0], logits=logits, steps=steps, M=state.M[0])


def write(path, value):
    """`value` as JSON; tensors as nested lists."""
    path.write_text(json.dumps(value, default=lambda v: v.tolist()), encoding="utf-8")
