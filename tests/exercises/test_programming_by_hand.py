"""The checkers of the chapter on programming by hand take right programs, and refuse wrong ones with a sentence."""

import pytest
import torch

from ntm import programs
from ntm.exercises import programming_by_hand as check
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


def every_other(x):
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
        yield step._replace(s=-1) if step is not None and step.kind == "read" and step.k is None else step


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
RIGHT = [
    (check.reverse_copy, (reverse,)),
    (check.every_other, (every_other,)),
    (check.repeat_copy, (programs.repeat_copy,)),
    (check.associative_recall, (programs.associative_recall,)),
    (check.your_own, (ring, x, both)),
]
NOT_PROGRAMS = [(checker, (answer,), "a function of x that yields")
                for checker in (check.reverse_copy, check.every_other, check.repeat_copy, check.associative_recall)
                for answer in (None, ..., lambda x: None)]
WRONG = NOT_PROGRAMS + [
    (check.reverse_copy, (lazy,), "memory is still empty"),
    (check.reverse_copy, (programs.copy,), "answer 1 of 2"),
    (check.reverse_copy, (reverse_one_off,), "answer 1 of 2"),
    (check.reverse_copy, (peeks,), "looks at input 1 in step 0"),
    (check.reverse_copy, (crashes,), "ZeroDivisionError"),
    (check.every_other, (programs.copy,), "answer 2 of 2"),
    (check.every_other, (lazy,), "memory is still empty"),
    (check.repeat_copy, (forgets_the_end_mark,), "answer 3 of 3"),
    (check.repeat_copy, (lazy,), "memory is still empty"),
    (check.associative_recall, (item_itself,), "answer 1 of 3"),
    (check.associative_recall, (lazy,), "memory is still empty"),
    (check.your_own, (..., x, both), "a function of x that yields"),
    (check.your_own, (ring, None, both), "x must be a tensor"),
    (check.your_own, (ring, x, ...), "x must be a tensor"),
    (check.your_own, (ring, x, torch.zeros(0, 2)), "x must be a tensor"),
    (check.your_own, (ring, x, torch.zeros(5, 2)), "only 4"),
    (check.your_own, (ring, x, torch.eye(2)), "answer 1 of 2"),
    (check.your_own, (walk, x, torch.eye(2)), "no head ever jumps"),
]


@pytest.mark.parametrize("checker, answer", RIGHT)
def test_right_answers_pass(checker, answer, capsys):
    assert checker(*answer) is True
    assert capsys.readouterr().out.startswith("Correct: ")


@pytest.mark.parametrize("checker, answer, reason", WRONG)
def test_wrong_answers_are_refused_with_a_reason(checker, answer, reason, capsys):
    assert checker(*answer) is False
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ") and reason in said and said.count("\n") == 1
