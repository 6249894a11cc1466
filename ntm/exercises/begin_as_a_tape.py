"""Checkers of the chapter "Begin as a tape"."""

import math

import torch

from ..machine import NTM
from . import ask, verdict


def half(answer):
    """Exercise 1: the key strength at which the one right slot of N gets half of the weight."""
    for N in (128, 1024, 3):
        value, wrong = ask(answer, N)
        if wrong:
            return verdict(False, "", wrong)
        right = math.log(N - 1)
        if math.isclose(value.item(), N - 1, rel_tol=1e-3):
            return verdict(False, "", f"{N - 1} is what e to the β must be. And β?")
        if not math.isclose(value.item(), right, abs_tol=0.01):
            return verdict(False, "",
                           f"for {N} slots you say {value.item():.2f}; then the slot gets"
                           f" {1 / (1 + (N - 1) * math.exp(-value.item())):.2f} of the weight.")
    return verdict(True,
                   "4.84 for 128 slots, 6.93 for 1,024: β grows with the logarithm of the slots.",
                   "")


def bias(answer):
    """Exercise 2: what must be added to one raw shift so that it gets the share p."""
    for p, shift_range in [(0.99, 1), (0.5, 1), (0.9, 2)]:
        value, wrong = ask(answer, p, shift_range)
        if wrong:
            return verdict(False, "", wrong)
        raw = torch.zeros(2 * shift_range + 1)
        raw[-1] = value
        share = torch.softmax(raw, 0)[-1].item()
        if not math.isclose(share, p, abs_tol=1e-3):
            return verdict(False, "",
                           f"with shift_range={shift_range} your bias gives {share:.3f}; {p} was "
                           "asked for.")
    return verdict(True,
                   "5.29 for 99 of 100 steps. The start takes 3: nine of ten, and easier to "
                   "unlearn.", "")


def _parts(machine):
    return dict(zip("kβgsγea", machine.heads.linear.bias.split(machine.heads.sizes)))


@torch.no_grad()
def stay(answer):
    """Exercise 3: a tape machine, in place, whose heads stay where the start lets them walk."""
    for size in (dict(), dict(read_heads=2, write_heads=3, shift_range=2)):
        machine, tape = (NTM(10, 8, "feedforward", N=32, start="tape", seed=0, **size)
                         for _ in range(2))
        found, wrong = ask(answer, machine, shape=None)
        if wrong:
            return verdict(False, "", wrong)
        mine, theirs, middle = _parts(machine), _parts(tape), tape.heads.offsets // 2
        if all(torch.equal(mine[name], theirs[name]) for name in mine):
            return verdict(False, "",
                           "nothing has changed: change machine.heads.linear.bias in place.")
        for name, value in tape.state_dict().items():
            if name != "heads.linear.bias" and not torch.equal(value, machine.state_dict()[name]):
                return verdict(False, "",
                               f"only the biases of the shifts may change; {name} has, too.")
        for name in "kβgγea":
            if not torch.equal(mine[name], theirs[name]):
                return verdict(False, "",
                               f"only the biases of the shifts may change; those of {name} have, "
                               "too.")
        s = torch.softmax(mine["s"].unflatten(0, (-1, tape.heads.offsets)), -1)
        for head, share in enumerate(s):
            if share.argmax() != middle or not 0.75 < share[middle] < 0.97:
                return verdict(False, "",
                               f"head {head} of {len(s)} gives the middle offset "
                               f"{share[middle]:.2f};"
                               " the start gives what it favours about 0.9.")
    return verdict(True,
                   "every head stays nine times in ten, whatever the number of heads and shifts.",
                   "")


@torch.no_grad()
def found(machine, vectors=20, seed=11):
    """How often the key, on seeing a vector again, lies nearest to what was added on seeing it."""
    generator, hits = torch.Generator().manual_seed(seed), 0
    x = torch.randint(0, 2, (vectors, 1, machine.inputs), generator=generator).float()
    for i in range(vectors):
        _, trace = machine(torch.cat([x, x[i : i + 1]]), trace=True)
        similar = torch.cosine_similarity(trace.a[:vectors, 0, 0], trace.k[-1, 0, :1], dim=-1)
        hits += int(similar.argmax()) == i
    return hits / vectors


@torch.no_grad()
def start(answer):
    """Exercise 4, open: a start of one's own for a bare machine; reports what the machine then
    does."""
    machine = NTM(10, 8, "feedforward", start="bare", seed=5)
    raised, wrong = ask(answer, machine, shape=None)
    if wrong:
        return verdict(False, "", wrong)
    try:
        share = found(machine)
        x = torch.zeros(20, 1, 10)
        _, trace = machine(x, trace=True)
    except Exception as error:
        return verdict(False, "", f"the machine no longer runs: {type(error).__name__}.")
    walked, there = int(trace.w_write[-1, 0, 0].argmax()), float(trace.w_write[-1, 0, 0].max())
    said = (f"it finds {100 * share:.0f} % of what was written; after 20 steps {there:.2f} of its "
            f"write head is on slot {walked}")
    return verdict(share >= 0.5 and there >= 0.5, f"{said}.",
                   f"{said}. Aim at half of the vectors, and at half of the head in one slot.")
