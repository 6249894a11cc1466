"""Answers to the exercises of book/programming_by_hand.ipynb, and what the checkers must say of
them."""

import torch

from ntm import programs
from ntm.programs import read, write


def reverse(x):
    next(x)
    yield
    for x_t in x:
        yield write(x_t, move=+1)
        if x_t[-1]:
            break
    yield read(jump=x_t, move=-1)
    for _ in x:
        yield read(move=-1)


def reverse_one_off(x):
    """Jumps to the end mark and reads that first."""
    next(x)
    yield
    for x_t in x:
        yield write(x_t, move=+1)
        if x_t[-1]:
            break
    yield read(jump=x_t)
    for _ in x:
        yield read(move=-1)


def right_every_other(x):
    start = next(x)
    yield write(start)
    for i, x_t in enumerate(x):
        if x_t[-1]:
            break
        yield None if i % 2 else write(x_t, move=+1)
    yield read(jump=start)
    for _ in x:
        yield read(move=+1)


def forgets_the_end_mark(x):
    for step in programs.repeat_copy(x):
        yield write(None, move=+1) if step.kind == "write" and list(step.a)[6:] == [1.0] else step


def item_itself(x):
    """Recalls the item that was asked for, not the one after it."""
    for step in programs.associative_recall(x):
        yield (
            step._replace(s=-1)
            if step is not None and step.kind == "read" and step.k is None
            else step
        )


def ring(x):
    for _ in range(2):
        yield write(next(x), move=+1)
    for _ in x:
        yield read(jump=[0.0, 1.0])


def walk(x):
    for _ in range(2):
        yield write(next(x), move=+1)
    yield read(move=+1)
    yield read(move=+1)


def peeks(x):
    yield write(list(x)[-1])


def crashes(x):
    yield write(1 / 0)


def lazy(x):
    for _ in x:
        yield


x = torch.cat([torch.eye(2), torch.zeros(2, 2)])


both = torch.tensor([[0.0, 1.0], [0.0, 1.0]])


def _programs(right, *wrong):
    """What every checker of a program must say, and what this one must of these wrong ones."""
    return [
        (right, "Correct: "),
        (None, "a function of x that yields"),
        (..., "a function of x that yields"),
        (lambda x: None, "a function of x that yields"),
        (lazy, "memory is still empty"),
        *wrong,
    ]


def reverse_copy():
    return _programs(
        reverse,
        (programs.copy, "answer 1 of 2"),
        (reverse_one_off, "answer 1 of 2"),
        (peeks, "looks at input 1 in step 0"),
        (crashes, "ZeroDivisionError"),
    )


def every_other():
    return _programs(right_every_other, (programs.copy, "answer 2 of 2"))


def repeat_copy():
    return _programs(programs.repeat_copy, (forgets_the_end_mark, "answer 3 of 3"))


def associative_recall():
    return _programs(programs.associative_recall, (item_itself, "answer 1 of 3"))


def your_own():
    return [
        (ring, x, both, "Correct: "),
        (..., x, both, "a function of x that yields"),
        (ring, None, both, "x must be a tensor"),
        (ring, x, ..., "x must be a tensor"),
        (ring, x, torch.zeros(0, 2), "x must be a tensor"),
        (ring, x, torch.zeros(5, 2), "only 4"),
        (ring, x, torch.eye(2), "answer 1 of 2"),
        (walk, x, torch.eye(2), "no head ever jumps"),
    ]
