"""Checkers of the chapter "Repeat copy"."""

import inspect
import math

import torch

from ..programs import read, run, write
from ..tasks import RepeatCopy
from ..training import evaluate
from . import ask, attempt, numbers, verdict


def channel(shown_for_20, shown_for_2):
    """Exercise 1: what the number's channel shows."""
    found = [numbers(value) for value in (shown_for_20, shown_for_2)]
    if any(value is None for value in found):
        return verdict(False, "", "give two numbers.")
    first, second = (value.item() for value in found)
    if math.isclose(first, 14.5, abs_tol=0.01) or math.isclose(first, 14.5 / 8.25, abs_tol=0.01):
        return verdict(False, "",
                       "the difference from the mean is 14.5; divide it by the standard deviation, "
                       "the root of 99/12.")
    if not math.isclose(first, 14.5 / 8.25**0.5, abs_tol=0.02):
        return verdict(False, "",
                       f"{first:g} is not what 20 looks like on the range 1 to 10: (20 - 5.5) over "
                       "the standard deviation.")
    if not math.isclose(second, -0.5 / 1.25**0.5, abs_tol=0.02):
        return verdict(False, "",
                       f"5.05 is right; {second:g} is not what 2 looks like on the range 1 to 4, "
                       "whose mean is 2.5.")
    return verdict(True,
                   "5.05 and -0.45. In training the channel never shows more than 1.57: 20 is far "
                   "outside.", "")


def said(answer):
    """Exercise 2: after how many repeats each sequence says the end marker."""
    batch = RepeatCopy().sample(10, generator=torch.Generator().manual_seed(0))
    L, n = RepeatCopy().lengths_and_repeats(batch)
    logits = 8 * batch.y - 4
    logits[: int(L.min()) + 2, :, 6] = 4  # a marker where nothing is scored
    right = n.tolist()
    for b in (1, 4):  # never
        logits[L[b] + 2 :, b, 6] = -4
        right[b] = -1
    for b, where in ((2, 0), (7, 1)):  # too early
        logits[L[b] + 2 + where, b, 6] = 4
        right[b] = where / int(L[b])
    values, wrong = ask(answer, logits.clone(), batch, shape=(10,),
                        want="return one number for each of the 10 sequences.")
    if wrong:
        return verdict(False, "", wrong)
    for b, (mine, expected) in enumerate(zip(values.tolist(), right)):
        if not math.isclose(mine, expected, abs_tol=1e-3):
            if expected == -1:
                hint = "the marker is never said in its scored steps: -1."
            elif math.isclose(mine, expected * int(L[b]), abs_tol=1e-3):
                hint = (f"{mine:g} is the step; divided by its length {int(L[b])} it is "
                        f"{expected:.2f}.")
            else:
                hint = (f"it says the marker after {expected:.2f} repeats of {int(L[b])} vectors, "
                        f"you say {mine:.2f}.")
            return verdict(False, "", f"sequence {b}: {hint}")
    return verdict(True, "ten sequences: some stop in time, some early, some never.", "")


def there_and_back(program):
    """Exercise 3: a program that says the sequence forwards and backwards in turn."""
    if not inspect.isgeneratorfunction(program):
        return verdict(False, "",
                       "a program is a function of x that yields one instruction (or nothing) at "
                       "every step.")
    generator = torch.Generator().manual_seed(0)
    for length, n in [(3, 1), (4, 2), (2, 4), (1, 3), (5, 5)]:
        batch = RepeatCopy().sample(1, length=length, repeats=n, generator=generator)
        x, data = batch.x[:, 0], batch.x[1 : length + 1, 0, :6]
        expected = torch.cat([data if turn % 2 == 0 else data.flip(0) for turn in range(n)])
        found = attempt(lambda x: run(program, x, 32, 8)[0], x)
        if isinstance(found, Exception):
            return verdict(False, "", f"the program stopped with {type(found).__name__}: {found}")
        answer = found[length + 2 :, :6]
        right = (answer[: length * n] - expected).abs().amax(-1) < 0.1
        if not right.all():
            i = int((~right).int().argmax())
            way = f"way {i // length + 1} ({'backwards' if i // length % 2 else 'forwards'})"
            return verdict(False, "",
                           f"with {length} vectors, {n} times, vector {i % length + 1} of {way} is "
                           "wrong.")
    return verdict(True, "forwards and backwards, without a wrong bit, and one jump was enough.",
                   "")


def erased(answer):
    """Exercise 4: the first step of the answer at which the write head erases a slot that holds a
    vector."""
    vector = [1.0, -1.0]
    for back, e, right in [(None, None, -1), (0, None, 0), (4, None, 4), (4, 0.3, -1)]:
        steps = [[write([0.0, 1.0])], *([write(vector, move=+1)] for _ in range(3)), []]
        for t in range(8):  # the ring has six slots; three hold vectors, slots 1 to 3
            order = write(vector, move=+1) if back is not None and t >= back - 3 else read()
            if back == 0 and t == 0:
                order = write(vector)
            if e is not None and order.kind == "write":
                order = order._replace(e=e)
            steps.append([order])
        _, trace = run(steps, None, N=6 if back != 0 else 32, width=2)
        value, wrong = ask(answer, trace, 3, want="return one integer.")
        if wrong:
            return verdict(False, "", wrong)
        if value.item() != right:
            what = {-1: "never erases a vector" if e is None
                    else "comes back to the vectors, but erases no more than 0.3"}.get(
                right, f"erases a vector at step {right} of the answer")
            return verdict(False, "",
                           f"a write head that {what}: it must be {right}, not {value.item():g}.")
    return verdict(True,
                   "a head that stays away, one that erases at once, one that comes round, and one "
                   "that comes but hardly erases.", "")


def teach(answer, below=4.0):
    """Exercise 5, open-ended: a machine trained on 1 to 3 vectors, 1 to 4 times; reports how far it
    got, and how it counts to 5."""
    machine, wrong = ask(answer, shape=None)
    if wrong:
        return verdict(False, "", wrong)
    task = RepeatCopy(lengths=(1, 3), repeats=(1, 4))
    try:
        bits = evaluate(machine, task, sequences=100, seed=7).bits
        five = evaluate(machine, task, length=3, repeats=5, sequences=100, seed=7).perfect
    except Exception as error:
        return verdict(False, "",
                       "return a machine with 8 inputs and 7 outputs; trying yours raised "
                       f"{type(error).__name__}.")
    if not bits < below:
        return verdict(False, "",
                       f"it costs {bits:.1f} bits; perfect copies without counting would cost 8. "
                       f"Aim under {below:g}.")
    return verdict(True,
                   f"{bits:.2f} bits; 3 vectors, 5 times, which it never saw, without a wrong bit "
                   f"in {100 * five:.0f} of 100.", "")
