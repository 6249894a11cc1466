"""Checkers of the chapter on the shift, equation (8)."""

import torch

from ..addressing import shift
from . import verdict


def numbers(answer):
    """The answer as a float tensor, or None where it is not made of finite numbers."""
    try:
        x = torch.as_tensor(answer, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError):
        return None
    return x.detach() if x.isfinite().all() else None


def call(answer, *arguments):
    """What the reader's function returns, as a float tensor; or None and the reason why not."""
    if not callable(answer):
        return None, "this needs a function."
    try:
        x = answer(*arguments)
    except Exception as error:  # a reader's mistake is a sentence here, not a traceback
        return None, f"the function raised {type(error).__name__}: {error}"
    if x is None:
        return None, "the function still returns None."
    x = numbers(x)
    return (x, "") if x is not None else (None,
                                          "the function must return a tensor of finite numbers.")


def by_hand(answer):
    """Exercise 1: w_g = [0.5, 0.5, 0, 0] and s = [0.4, 0.6, 0]."""
    w_s = numbers(answer)
    if w_s is None or w_s.shape != (4,):
        return verdict(False, "", "give a list of four numbers.")
    if torch.allclose(w_s, torch.tensor([0.3, 0.5, 0, 0.2]), atol=1e-3):
        return verdict(False, "",
                       "this moves the weight by +1. The 0.4 belongs to the offset −1, from slot "
                       "i to slot i − 1.")
    if abs(w_s.sum().item() - 0.8) < 1e-3:
        return verdict(False, "", "0.2 of the weight is lost. One back from slot 0 is slot 3.")
    return verdict(torch.allclose(w_s, torch.tensor([0.5, 0.3, 0, 0.2]), atol=1e-3),
                   "slot 0 keeps 0.3 and gets 0.2 from slot 1, and 0.2 goes round the ring to "
                   "slot 3.",
                   f"the sum is {w_s.sum():.2f}; for each slot, add what it keeps (0.6) and what "
                   "its right-hand neighbour sends (0.4).")


def from_scalar(answer):
    """Exercise 2: a function (x, reach) that spreads the interval from x to x + 1 over the
    offsets."""
    for x, reach, expected in [(0.3, 1, [0, 0.7, 0.3]), (-0.25, 1, [0.25, 0.75, 0]),
                               (1.0, 1, [0, 0, 1]), (-1.6, 2, [0.6, 0.4, 0, 0, 0])]:
        s, reason = call(answer, x, reach)
        if s is None:
            return verdict(False, "", reason)
        if s.shape != (2 * reach + 1,):
            return verdict(False, "",
                           f"for reach {reach} there must be {2 * reach + 1} numbers; yours has "
                           f"the shape {list(s.shape)}.")
        if not torch.allclose(s, torch.tensor(expected, dtype=torch.float32), atol=1e-5):
            given = [round(v, 3) for v in s.tolist()]
            return verdict(False, "",
                           f"for x = {x} and reach {reach} it gives {given}; it should give "
                           f"{expected}.")
    return verdict(True,
                   "one number says where, and the two offsets that its interval covers share "
                   "the weight.", "")


def how_sure(answer):
    """Exercise 3: the smallest p with p ** 20 of at least 0.9, to three decimals."""
    p = numbers(answer)
    if p is None or p.numel() != 1 or not 0 <= p.item() <= 1:
        return verdict(False, "", "give one number between 0 and 1.")
    p = p.item()
    if abs(p - 0.9 ** (1 / 20)) <= 6e-4:
        return verdict(True,
                       f"with p = {p:.3f} the last slot holds {p**20:.2f} after 20 steps. A step "
                       "must be very sure.", "")
    wrong = "too little" if p**20 < 0.9 else "more than asked: a smaller p will do"
    return verdict(False, "",
                   f"with p = {p:.3f} the right slot holds {p**20:.3f} after 20 steps, {wrong}.")


def shift_fft(answer):
    """Exercise 4: a function (w_g, s) equal to equation (8), for batches, odd N and any range."""
    generator = torch.Generator().manual_seed(1)
    for batch, N, reach in [((), 8, 1), ((3, 2), 9, 1), ((2,), 16, 2)]:
        w_g = torch.softmax(2 * torch.randn(*batch, N, generator=generator), dim=-1)
        s = torch.softmax(2 * torch.randn(*batch, 2 * reach + 1, generator=generator), dim=-1)
        w_s, reason = call(answer, w_g, s)
        if w_s is None:
            return verdict(False, "", reason)
        if w_s.shape != w_g.shape:
            return verdict(False, "",
                           f"for w_g of shape {list(w_g.shape)} the result has "
                           f"{list(w_s.shape)}; it must be the same.")
        if torch.allclose(w_s, shift(w_g, s.flip(-1)), atol=1e-5):
            return verdict(False, "",
                           "this is mirrored: s(+1) moves the weighting back. Look at where s(1) "
                           "lies on the ring.")
        if not torch.allclose(w_s, shift(w_g, s), atol=1e-5):
            return verdict(False, "",
                           f"for N = {N} and shifts to ±{reach} it differs from equation (8). Is "
                           "s(0) at index 0 of the ring?")
    return verdict(True, "the same as equation (8), up to rounding.", "")


def can_it_sharpen(w_g, s):
    """Exercise 5: a pair whose largest weight after the shift is as large as before."""
    w_g, s = numbers(w_g), numbers(s)
    if (w_g is None or s is None or w_g.dim() != 1 or s.dim() != 1 or s.numel() % 2 == 0
        or w_g.numel() < s.numel()):
        return verdict(False, "",
                       "give a weighting w_g of N numbers and an s of 3, 5, ... numbers, no more "
                       "than N.")
    for name, x in [("w_g", w_g), ("s", s)]:
        if x.min() < 0 or abs(x.sum().item() - 1) > 1e-4:
            return verdict(False, "",
                           f"{name} must not be negative and must sum to 1; sum {x.sum():.3f}, "
                           f"smallest {x.min():.3f}.")
    ratio = (shift(w_g, s).max() / w_g.max()).item()
    return verdict(ratio > 1 - 1e-4,
                   "the ratio is 1, and no pair exceeds it: an average is never larger than the "
                   "largest of its numbers.",
                   f"the ratio of your pair is {ratio:.3f}; a larger one exists.")
