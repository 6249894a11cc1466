"""The checkers of the chapter on speed take right answers, and refuse wrong ones with a sentence."""

import math

import pytest
import torch

from ntm.exercises import fast as check
from ntm.memory import add, erase


def d_interpolate(w_c, w_prev, g, d):
    g = g.unsqueeze(-1)
    return g * d, (1 - g) * d, ((w_c - w_prev) * d).sum(-1)


def write(M, w, e, a):
    return M + w.mT * (a - e * M)


def raises(*_):
    raise RuntimeError("a reader's mistake")


RIGHT = [
    (check.whole, 2.33), (check.whole, 1 / (0.4 + 0.6 / 20)), (check.d_interpolate, d_interpolate), (check.fewer_passes, write),
    (check.best_chunk, math.isqrt), (check.best_chunk, lambda T: round(T**0.5)),
]  # fmt: skip
WRONG = [
    (check.whole, ..., "one number"), (check.whole, None, "one number"), (check.whole, 20, "only"), (check.whole, 2.5, "limit"),
    (check.whole, 3, "33 ms"), (check.whole, -1, "above 0"),
    (check.d_interpolate, None, "raised"), (check.d_interpolate, raises, "mistake"), (check.d_interpolate, lambda *_: None, "three"),
    (check.d_interpolate, lambda *v: (1, 2, 3), "int"), (check.d_interpolate, lambda w_c, w_prev, g, d: (d, d, d), "w_c"),
    (check.d_interpolate, lambda w_c, w_prev, g, d: (*d_interpolate(w_c, w_prev, g, d)[:2], w_c * d), "gradient of g must"),
    (check.d_interpolate, lambda w_c, w_prev, g, d: (*d_interpolate(w_c, w_prev, g, d)[:2], (w_c * d).sum(-1)), "gradient of g differs"),
    (check.fewer_passes, lambda M, w, e, a: None, "shape"), (check.fewer_passes, raises, "mistake"),
    (check.fewer_passes, lambda M, w, e, a: add(erase(M, w, e), w, a), "operations"),
    (check.fewer_passes, lambda M, w, e, a: M + w.mT * a, "differs"),
    (check.best_chunk, lambda T: 200, "200"), (check.best_chunk, lambda T: T, "held"), (check.best_chunk, lambda T: None, "int"),
    (check.best_chunk, raises, "mistake"), (check.best_chunk, lambda T: 0, "int"),
]  # fmt: skip


@pytest.mark.parametrize("checker, answer", RIGHT)
def test_right(checker, answer, capsys):
    assert checker(answer) is True
    assert capsys.readouterr().out.startswith("Correct: ")


@pytest.mark.parametrize("checker, answer, word", WRONG)
def test_wrong(checker, answer, word, capsys):
    assert checker(answer) is False
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ") and word in said and said.count("\n") == 1


def test_an_operation_is_counted_and_a_view_is_not():
    with check.Count() as count:
        (torch.ones(2, 3).T + 1).sum()
    assert count.calls == 3
