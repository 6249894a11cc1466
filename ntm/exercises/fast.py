"""Checkers of the chapter on speed."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ..addressing import interpolate
from ..memory import add, erase
from . import ask, attempt, numbers, verdict


class Count(TorchDispatchMode):
    """Counts the operations that compute something while it is entered; a view computes nothing."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.calls += not operation.is_view
        return operation(*args, **(kwargs or {}))


def whole(answer):
    """Exercise 1: how much faster the update gets, 1 / (0.4 + 0.6 / 20)."""
    x = numbers(answer)
    if x is None:
        return verdict(False, "", "give one number.")
    if abs(x - 20) < 0.5:
        return verdict(False, "",
                       "20 times faster holds for the memory only; the other 40 of 100 ms stay.")
    if abs(x - 2.5) < 0.01:
        return verdict(False, "",
                       "that is the limit for a memory that costs nothing; 60 / 20 = 3 ms of it "
                       "remain.")
    return verdict(abs(x - 100 / 43) < 0.01,
                   "100 ms become 43. What was not made faster soon is most of what is left.",
                   f"an update of 100 ms would take {100 / x:.0f} ms by your answer; add up the "
                   "parts." if x > 0 else "it must be above 0.")


def d_interpolate(answer):
    """Exercise 2: a function (w_c, w_prev, g, d) that returns the gradients of w_c, w_prev and g
    for the gradient d of w_g."""
    generator = torch.Generator().manual_seed(3)
    draw = lambda *shape: torch.rand(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    w_c, w_prev, g, d = draw(2, 3, 5), draw(2, 3, 5), draw(2, 3), draw(2, 3, 5)
    given = [v.clone().requires_grad_() for v in (w_c, w_prev, g)]
    expected = torch.autograd.grad(interpolate(*given), given, d)
    found, wrong = ask(answer, w_c, w_prev, g, d, shape=None, call="the function")
    if wrong:
        return verdict(False, "", wrong)
    if not isinstance(found, (tuple, list)) or len(found) != 3:
        return verdict(False, "", "return three tensors: the gradients of w_c, w_prev and g.")
    for name, value, right in zip(("w_c", "w_prev", "g"), found, expected):
        if not isinstance(value, torch.Tensor) or value.shape != right.shape:
            shape = list(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
            return verdict(False, "",
                           f"the gradient of {name} must have the shape {list(right.shape)}; "
                           f"yours is {shape}.")
        if not torch.allclose(value.double(), right, atol=1e-6):
            return verdict(False, "", f"the gradient of {name} differs from autograd's.")
    return verdict(True, "three lines, and equal to autograd's.", "")


def fewer_passes(answer):
    """Exercise 3: a function (M, w, e, a) for one write head, equal to erase and add, in at most
    four operations."""
    generator = torch.Generator().manual_seed(4)
    M, w, e, a = (torch.rand(*shape, generator=generator)
                  for shape in [(2, 9, 4), (2, 1, 9), (2, 1, 4), (2, 1, 4)])
    with Count() as count:
        found = attempt(answer, M, w, e, a)
    if isinstance(found, Exception):
        return verdict(False, "", f"the function raised {type(found).__name__}: {found}")
    if not isinstance(found, torch.Tensor) or found.shape != M.shape:
        return verdict(False, "", f"return the new memory, of shape {list(M.shape)}.")
    if not torch.allclose(found, add(erase(M, w, e), w, a), atol=1e-6):
        return verdict(False, "", "the result differs from add(erase(M, w, e), w, a).")
    calls = count.calls - 4  # attempt hands out four copies
    return verdict(calls <= 4, f"equal, in {calls} operations.",
                   f"equal, but in {calls} operations; four will do.")


def best_chunk(answer):
    """Exercise 4: a function T -> chunk for which T / chunk + chunk is least."""
    for T in (100, 5000, 40000):
        chunk, wrong = ask(answer, T, shape=None, call=f"for T = {T} the function")
        if wrong:
            return verdict(False, "", wrong)
        if not isinstance(chunk, int) or not 1 <= chunk <= T:
            return verdict(False, "",
                           f"for T = {T} it returned {chunk!r}; it must be an int from 1 to {T}.")
        held, least = T / chunk + chunk, 2 * T**0.5
        if held > 1.02 * least + 1:
            return verdict(False, "",
                           f"for T = {T} and chunks of {chunk} steps, {held:.0f} memories are "
                           f"held; {least:.0f} are enough.")
    return verdict(True,
                   "with √T steps a chunk, 5,000 steps need the room of 141 and a second forward "
                   "pass.", "")
