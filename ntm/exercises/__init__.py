"""Checkers of the book's exercises, one module a chapter: `from ntm.exercises import reading`.

A checker takes the reader's answer, prints one sentence, and returns whether the answer is right.
It never raises.
"""

import torch


def verdict(ok, right, wrong):
    """Print "Correct: `right`" or "Not yet: `wrong`"; returns whether it was ok."""
    print(f"Correct: {right}" if ok else f"Not yet: {wrong}")
    return bool(ok)


def numbers(answer, *shape):
    """A reader's answer (list, array or tensor) as a float tensor of this shape; None where it is
    anything else, or not finite."""
    try:
        values = torch.as_tensor(answer).detach().float()
    except Exception:  # `...`, None, a ragged list: not an answer yet
        return None
    return values if values.shape == shape and values.isfinite().all() else None


def attempt(function, *arguments):
    """What a reader's function returns for copies of these arguments, or, where it raises, the
    exception itself."""
    try:
        return function(*(value.clone() if isinstance(value, torch.Tensor) else value
                          for value in arguments))
    except Exception as error:  # whatever the reader wrote, the checker answers with a sentence
        return error


def ask(function, *arguments, shape=(), want="return one number.", call="your function"):
    """(what a reader's function returns for copies of these arguments, as `numbers` of this shape,
    None); or (None, a sentence): that it raised, or what is wanted. shape None: whatever it is."""
    found = attempt(function, *arguments)
    if isinstance(found, Exception):
        return None, f"{call} raised {type(found).__name__}: {found}."
    values = found if shape is None else numbers(found, *shape)
    return (None, want) if values is None and shape is not None else (values, None)


def was(answer):
    """A wrong kind of answer in words."""
    if isinstance(answer, Exception):
        return f"yours stops with {type(answer).__name__}: {answer}"
    if isinstance(answer, torch.Tensor):
        return f"yours is {list(answer.shape)}"
    return f"yours is {answer!r}"
