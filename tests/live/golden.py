"""Golden vectors: what torch computes in float64, as JSON for the page's JavaScript to be held to.

Written anew by every test into a folder of its own; nothing here is committed.
"""

import json
import math
from pathlib import Path

import torch

from ntm import NTM, GravesRMSprop, addressing, memory, pretrained, tasks
from ntm.live import at_work

FILES = sorted(Path(pretrained.__file__).parent.rglob("ntm-*.safetensors"))
TASKS = {
    "copy": (tasks.Copy(), dict(length=20)),
    "repeat_copy": (tasks.RepeatCopy(), dict(length=5, repeats=3)),
    "repeat_copy_marks": (tasks.RepeatCopy(count="marks"), dict(length=5, repeats=3)),
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
            s, w_prev = (torch.softmax(scale * draw(2 * reach + 1), 0),
                         torch.softmax(scale * draw(N), 0))
            given = dict(M=M, k=k, β=β, g=g, s=s, γ=1 + γ, w_prev=w_prev, e=e, a=a)
            one = {
                name: torch.as_tensor(value, dtype=torch.float64)[None, None]
                for name, value in given.items()
            } | dict(M=M[None])
            w_c = addressing.content(one["M"], one["k"], one["β"])
            w_g = addressing.interpolate(w_c, one["w_prev"], one["g"])
            w_s = addressing.shift(w_g, one["s"])
            w = addressing.sharpen(w_s, one["γ"])
            erased = memory.erase(one["M"], w, one["e"])
            found = dict(w_c=w_c, w_g=w_g, w_s=w_s, w=w, r=memory.read(one["M"], w), erased=erased,
                         added=memory.add(erased, w, one["a"]))  # fmt: skip
            cases.append(dict(given=given,
                              found={name: value.squeeze(0) for name, value in found.items()}))
    return cases


def hard(folder):
    """A whole sequence of the hard machine, as the page has it: in half precision, in `folder`."""
    machine, path = at_work.shipped(at_work.HARD), folder / "copy" / "hard.safetensors"
    path.parent.mkdir()
    path.write_bytes(at_work.packed(machine))
    return sequence(path, machine=machine.half())


@torch.no_grad()
def sequence(path, seed=0, machine=None):
    """A whole sequence of a shipped machine: what came in, what every head did at every step, the
    logits, the last memory."""
    machine = (machine or NTM.load(path)).double()
    task, sizes = TASKS[next(part for part in reversed(path.parts) if part in TASKS)]
    x = task.sample(1, generator=torch.Generator().manual_seed(seed), **sizes).x.double()
    state, logits, steps = machine.initial_state(1), [], []
    for x_t in x:
        y, state, emitted = machine.step(x_t, state)
        logits.append(y[0])
        steps.append(dict(w=state.w[0],
                          **{name: value[0] for name, value in emitted._asdict().items()}))
    return dict(file=str(path), x=x[:, 0], logits=logits, steps=steps, M=state.M[0])


def batches(n=3, seed=0):
    """Sequences of every task, with what JavaScript's `sequence` is to make them of."""
    generator, cases = torch.Generator().manual_seed(seed), []

    def case(name, task, sample, given):
        cases.append(dict(task=name, given=given, x=sample.x[:, 0],
                          y=sample.y[:, 0], mask=sample.mask[:, 0]))

    for _ in range(n):
        task = tasks.Copy()
        sample = task.sample(1, generator=generator)
        L = int(sample.mask.sum())
        case("copy", task, sample, [sample.x[1 : L + 1, 0, :8]])
        for count in ("number", "marks"):
            task = tasks.RepeatCopy(count=count)
            sample = task.sample(1, generator=generator)
            L, repeats = (int(v) for v in task.lengths_and_repeats(sample))
            name = "repeat_copy" + "_marks" * (count == "marks")
            case(name, task, sample, [sample.x[1 : L + 1, 0, :6], repeats])
        task = tasks.AssociativeRecall()
        sample = task.sample(1, generator=generator)
        items = len(sample.x) // 4 - 2
        shown = sample.x[: 4 * items, 0, :6].view(items, 4, 6)[:, 1:]
        query = sample.x[4 * items + 1 : 4 * items + 4, 0, :6]
        case("associative_recall", task, sample,
             [shown, next(i for i in range(items) if torch.equal(shown[i], query))])
        task = tasks.NGrams(length=40)
        sample = task.sample(1, generator=generator)
        case("ngrams", task, sample, [[*sample.x[:, 0, 0].tolist(), sample.y[-1, 0, 0].item()]])
        task = tasks.PrioritySort()
        sample = task.sample(1, generator=generator)
        case("priority_sort", task, sample, [sample.x[:20, 0, :8], sample.x[:20, 0, 8]])
    return cases


MACHINES = [
    ("copy", dict(controller="feedforward", start="tape")),
    ("copy", dict(controller="lstm", start="tape", N=40, shift_range=2)),
    ("associative_recall", dict(controller="lstm", layers=2, hidden_size=24, N=17, width=7,
                                read_heads=2, write_heads=2,
                                initial_memory="learned", initial_weighting="learned")),
    ("associative_recall", dict(controller="feedforward", layers=2, hidden_size=30, read_heads=4,
                                start="tape")),
]  # fmt: skip


SHORT = {"copy": tasks.Copy(lengths=(1, 6)),
         "associative_recall": tasks.AssociativeRecall(items=(2, 3))}


def trainings(folder, updates=100, seed=0, lr=1e-4, clip=10.0):
    """The first updates of trainings, by torch's own gradients in float64: the sequences, the cost
    of each, the gradients of the first before clipping, the weights after the last. Where each
    begins is written to `folder`."""
    cases = []
    for i, (name, settings) in enumerate(MACHINES):
        task = SHORT[name]
        machine, generator = (NTM(task.inputs, task.outputs, seed=seed, **settings),
                              torch.Generator().manual_seed(seed))
        file = Path(folder) / f"start-{i}.safetensors"
        machine.save(file)
        machine.double()
        optimizer, costs, sequences, first = GravesRMSprop(machine.parameters(), lr), [], [], None
        for _ in range(updates):
            x, y, mask = (v.double() for v in task.sample(1, generator=generator))
            logits, _ = machine.repeat(x, machine.initial_state(1))
            cost = tasks.bits(logits, tasks.Batch(x, y, mask)).mean()
            optimizer.zero_grad()
            (cost * math.log(2)).backward()
            first = (first or {name: p.grad.flatten().clone()
                               for name, p in machine.named_parameters()})
            torch.nn.utils.clip_grad_norm_(machine.parameters(), clip)
            optimizer.step()
            costs.append(cost.item())
            sequences.append(dict(x=x[:, 0], y=y[:, 0], mask=mask[:, 0]))
        weights = {name: p.detach().flatten() for name, p in machine.named_parameters()}
        cases.append(dict(file=str(file), task=name, rate=lr, clip=clip, costs=costs,
                          sequences=sequences, gradients=first,
                          weights=weights))  # fmt: skip
    return cases


def write(path, value):
    """`value` as JSON; tensors as nested lists."""
    path.write_text(json.dumps(value, default=lambda v: v.tolist()), encoding="utf-8")
