"""Checkers of the chapter on programming by hand: each runs the reader's program on random
inputs."""

import inspect

import torch

from .. import programs, tasks
from ..disassembler import decode
from . import numbers, verdict


def reverse_copy(program):
    """Exercise 1: the copy task's vectors, last one first."""
    fault = _fault(program, _copies(lambda vectors: vectors.flip(0)), 10, 8)
    return verdict(not fault, "the vectors come back in reverse order, without a wrong bit.", fault)


def every_other(program):
    """Exercise 2: the first, third, fifth ... vector of the copy task."""
    fault = _fault(program, _copies(lambda vectors: vectors[::2]), 10, 8)
    return verdict(not fault, "every other vector comes back, without a wrong bit.", fault)


def repeat_copy(program):
    """Exercise 3: repeat copy, with the end mark."""
    task, generator = tasks.RepeatCopy(), torch.Generator().manual_seed(0)
    sizes = [(2, 1), (3, 2), (1, 4), (5, 6), (10, 3)]
    cases = [_case(task.sample(1, length=length, repeats=n, generator=generator))
             for length, n in sizes]
    fault = _fault(program, cases, 8, 7)
    return verdict(not fault, "every repeat and the end mark come back, without a wrong bit.",
                   fault)


def associative_recall(program):
    """Exercise 4: the item after the one that was asked for."""
    task, generator = tasks.AssociativeRecall(), torch.Generator().manual_seed(0)
    cases = [_case(task.sample(1, items=items, generator=generator))
             for items in (2, 3, 3, 4, 6, 6)]
    fault = _fault(program, cases, 18, 6)
    return verdict(not fault, "the item after the query comes back, without a wrong bit.", fault)


def your_own(program, x, expected):
    """Exercise 5: any program that jumps, an input x [T, channels], and what should be read in the
    last steps [steps, columns]."""
    try:
        x, expected = numbers(x, *x.shape), numbers(expected, *expected.shape)
        sizes = len(x), len(expected), x.shape[1], expected.shape[1]
    except Exception:  # not tensors, or not of two dimensions
        sizes = (0,)
    if not all(sizes):
        return verdict(False, "",
                       "x must be a tensor [T, channels], expected a tensor [steps, columns], "
                       "what the last steps should read.")
    T, steps, channels, columns = sizes
    if steps > T:
        return verdict(False, "", f"expected has {steps} steps, but x has only {T}.")
    fault = _fault(program, [(x, T - steps, expected)], max(channels, columns), columns)
    if not fault:
        decoded = decode(programs.run(program, x, 32, max(channels, columns))[1])
        if not any(step.how == "jump" for head in decoded.values() for step in head):
            fault = ("what is read is what you expect, but no head ever jumps: use read(jump=...) "
                     "or write(..., jump=...).")
    return verdict(not fault,
                   "the program reads what you said it would, and it finds its way by content.",
                   fault)


def _copies(change):
    """Cases of the copy task, the target changed."""
    generator = torch.Generator().manual_seed(0)
    batches = [tasks.Copy().sample(1, length=length, generator=generator)
               for length in (2, 3, 1, 8, 20)]
    return [_case(batch, change) for batch in batches]


def _case(batch, change=lambda target: target):
    """The input, the first answering step, and what should be read from there on."""
    answer = batch.mask[:, 0] > 0
    return batch.x[:, 0], int(answer.float().argmax()), change(batch.y[answer, 0])


def _fault(program, cases, width, columns):
    """What is wrong with the program, in a sentence; "" where nothing is. A machine of 32 slots."""
    if not inspect.isgeneratorfunction(program):
        return ("a program is a function of x that yields one instruction (or nothing) at every "
                "step.")
    for x, first, expected in cases:
        try:
            y, trace = programs.run(program, x.clone(), 32, width)
        except Exception as error:  # a reader's mistake is a sentence here, not a traceback
            return f"the program stopped with {type(error).__name__}: {error}"
        if not trace.a.any():
            return "the memory is still empty at the end: nothing was written."
        for i, target in enumerate(expected):
            found = y[first + i, :columns]
            if not torch.allclose(found, target, atol=0.1):
                return (f"with {len(x)} inputs, step {first + i} (answer {i + 1} of "
                        f"{len(expected)}) reads {_show(found)}; "
                        f"it must be {_show(target)}.")
    return ""


def _show(vector):
    return "[" + ", ".join(f"{round(float(value), 2):g}" for value in vector) + "]"
