"""Checkers of the chapter "Diagnosing a run"."""

import math

import torch

from .. import ledger
from ..tasks import Batch, Copy
from . import ask, numbers, verdict


def points(guessing, lifted):
    """Exercise 1: what guessing costs at repeat copy, and how far one sure mistake lifts a
    point."""
    guessing, lifted = numbers(guessing), numbers(lifted)
    if guessing is None or lifted is None:
        return verdict(False, "", "both answers are single numbers.")
    if not math.isclose(guessing, 12, abs_tol=0.01):
        return verdict(False, "",
                       "3 to 5 vectors are 4 on average, of 3 bits each; a guessed bit costs one "
                       "bit.")
    if not math.isclose(lifted, 0.1, abs_tol=0.005):
        return verdict(False, "",
                       "guessing is right. A truth that was given 1/32 costs 5 bits; the point "
                       "is a mean over 50.")
    return verdict(True, "12 bits, and a tenth of a bit for one mistake in fifty sequences.", "")


def suspects(answer):
    """Exercise 2: a function that tells which sequences of Copy hold a vector of zeros."""
    for width, lengths in [(2, (4, 4)), (3, (1, 6))]:
        batch = Copy(width, lengths).sample(40, generator=torch.Generator().manual_seed(0))
        expected = [any(not batch.x[t, b, :width].any()
                        for t in range(1, int(batch.mask[:, b].sum()) + 1)) for b in range(40)]
        values, wrong = ask(answer, Batch(*(value.clone() for value in batch)), shape=(40,),
                            want="return one boolean for each sequence of the batch: shape [B].")
        if wrong:
            return verdict(False, "", wrong)
        wrong = [b for b in range(40) if bool(values[b]) != expected[b]]
        if wrong:
            much = "all" if values.all() else "none" if not values.any() else "some"
            lengths = ("of one length"
                       if lengths[0] == lengths[1] else "of different lengths: padding is not data")
            return verdict(False, "",
                           f"{len(wrong)} of 40 sequences {lengths} are judged wrongly; you "
                           f"suspect {much}.")
    return verdict(True, "the suspects are found, at one length and at many.", "")


def touched_and_learned(answer):
    """Exercise 3: a function from a curve, with a point every 100 sequences, to (touched,
    learned)."""
    curves = {"a curve that comes down and stays": [5.0] * 10 + [0.01] * 20,
              "a curve that touches once and jumps at the end": [5.0] * 10 + [0.01] * 19 + [3.0],
              "a curve that never comes down": [5.0] * 30,
              "a curve with one jump long before the end": [5.0] * 5 + [0.01] * 5 + [9.0]
              + [0.01] * 19}
    for what, bits in curves.items():
        run = dict(bits=bits, every=100)
        expected = math.isfinite(ledger.first_touched(run, 0.1)), ledger.at_the_end(run) < 0.1
        values, wrong = ask(answer, list(bits), shape=(2,),
                            want="return two booleans: touched, learned.")
        if wrong:
            return verdict(False, "", wrong)
        if (bool(values[0]), bool(values[1])) != expected:
            yours = f"you say {bool(values[0])}, {bool(values[1])}"
            return verdict(False, "",
                           f"{what} has touched: {expected[0]}, learned: {expected[1]}; {yours}.")
    return verdict(True, "a point below is not a machine that has learned.", "")


def stepping(answer):
    """Exercise 4: a function from the weightings [T, N] of one head to the share of steps onto the
    next slot."""
    eye = torch.eye(6)
    cases = [([0, 1, 2, 3], 1.0, "walks on at every step"),
             ([0, 0, 1, 1, 2], 0.5, "walks at every second step"),
             ([3, 2, 1, 0], 0.0, "walks backwards"),
             ([4, 5, 0, 1], 1.0, "walks over the end of the ring"),
             ([0, 2, 4], 0.0, "leaps by two")]
    for peaks, share, what in cases:
        w = 0.8 * eye[peaks] + 0.2 / 6
        value, wrong = ask(answer, w, want="return a single number, the share.")
        if wrong:
            return verdict(False, "", wrong)
        if not math.isclose(value, share, abs_tol=1e-4):
            return verdict(False, "",
                           f"for a head that {what} the share is {share:g}; yours is {value:.3g}.")
    return verdict(True, "the habit of a tape, measured, on a ring too.", "")
