"""Checkers of the chapter "Hard and sparse"."""

import math

import torch

from .. import tasks
from ..beyond.hard import Hard, hardest
from ..pretrained import HERE
from . import ask, attempt, numbers, verdict


def goes(answer):
    """Exercise 1: the slot to which a hard head goes."""
    for here, most_like, g, s, N in [
            (2, 5, 0.3, [0.1, 0.2, 0.7], 8), (2, 5, 0.8, [0.1, 0.7, 0.2], 8),
            (7, 3, 0.1, [0.2, 0.3, 0.5], 8), (4, 0, 0.9, [0.6, 0.3, 0.1], 9),
            (4, 0, 0.9, [0.1, 0.3, 0.6], 9)]:
        right = ((most_like if g > 0.5 else here) + s.index(max(s)) - 1) % N
        value, wrong = ask(answer, here, most_like, g, list(s), N, want="return one slot.")
        if wrong:
            return verdict(False, "", wrong)
        if value != right:
            return verdict(False, "", f"from slot {here}, with slot {most_like} most like the key, "
                                      f"g = {g} and s = {s}, it goes to slot {right} of {N}; yours "
                                      f"to {value:g}.")
    return verdict(True, "two choices, and the ring: that is all a hard head does.", "")


def through(answer):
    """Exercise 2: one-hot forwards, p backwards."""
    for rows, seed in [((3,), 0), ((2, 5), 1), ((4, 2, 7), 2)]:
        generator = torch.Generator().manual_seed(seed)
        p = torch.rand(rows, generator=generator).softmax(-1).requires_grad_()
        value = torch.rand(rows, generator=generator)
        found = attempt(answer, p)
        if isinstance(found, Exception):
            return verdict(False, "", f"your function raised {type(found).__name__}: {found}.")
        if numbers(found, *rows) is None:
            return verdict(False, "", f"return a tensor {list(rows)} for chances {list(rows)}.")
        if not torch.allclose(found, hardest(p), atol=1e-5):
            return verdict(False, "", "forwards it must be 1 at the largest and 0 elsewhere.")
        if not found.requires_grad:
            return verdict(False, "", "no gradient comes back to p.")
        (d,) = torch.autograd.grad((found * value).sum(), p, allow_unused=True)
        if d is None or not torch.allclose(d, value, atol=1e-5):
            return verdict(False, "", "its gradient is not that of p.")
    return verdict(True, "a choice forwards, a slope backwards.", "")


def bytes_kept(answer):
    """Exercise 3: what a training keeps of the memory, dense and sparse."""
    for N, width, T, K in [(128, 20, 42, 8), (65_536, 20, 100, 8), (2**20, 32, 1_000, 4),
                           (4, 2, 1, 1)]:
        right = torch.tensor([4.0 * N * width * (T + 1), 4.0 * width * (N + T * K)])
        value, wrong = ask(answer, N, width, T, K, shape=(2,),
                           want="return two numbers, dense and sparse.")
        if wrong:
            return verdict(False, "", wrong)
        for kind, a, b in zip(("dense", "sparse"), value.tolist(), right.tolist()):
            if not math.isclose(a, b, rel_tol=1e-4):
                return verdict(False, "", f"{kind}, for N = {N}, width = {width}, T = {T}, K = {K} "
                                          f"it is {b:,.0f}; yours is {a:,.0f}.")
    return verdict(True, "T stands beside N in the one, and beside K in the other.", "")


def own(answer):
    """Exercise 4: the shipped hard machine with the reader's address. No answer is wrong that
    returns weightings."""
    heads, N = (1, 2), 5
    given = [torch.rand(*shape) for shape in ((1, N, 3), (*heads, 3), heads, heads, (*heads, 3),
                                              heads, (*heads, N))]
    _, error = ask(answer, *given, shape=(*heads, N), want="return weightings, shaped as w_prev.")
    if error:
        return verdict(False, "", error)
    machine, wrong = Hard.load(HERE / "hard" / "copy.safetensors").float(), {}
    machine.where = answer
    for length in (20, 60):
        sample = tasks.Copy().sample(4, length=length,
                                     generator=torch.Generator().manual_seed(length))
        with torch.no_grad():
            logits = attempt(machine, sample.x)
        if isinstance(logits, Exception):
            return verdict(False, "", f"with your function the machine raised "
                                      f"{type(logits).__name__}: {str(logits).splitlines()[0]}. "
                                      "Return weightings like w_prev.")
        if not logits.isfinite().all():
            return verdict(False, "", "with your function the machine's answers are not finite.")
        wrong[length] = tasks.wrong_bits(logits, sample).double().mean().item()
    return verdict(True, f"{wrong[20]:g} wrong bits of 160 at 20 vectors, {wrong[60]:g} of 480 at "
                         "60.", "")
