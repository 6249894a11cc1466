"""Answers to the exercises of book/fast.ipynb, and what the checkers must say of them."""

import math

from ntm.memory import add, erase


def right_d_interpolate(w_c, w_prev, g, d):
    g = g.unsqueeze(-1)
    return g * d, (1 - g) * d, ((w_c - w_prev) * d).sum(-1)


def write(M, w, e, a):
    return M + w.mT * (a - e * M)


def raises(*_):
    raise RuntimeError("a reader's mistake")


def whole():
    return [
        (2.33, "Correct: "),
        (1 / (0.4 + 0.6 / 20), "Correct: "),
        (..., "one number"),
        (None, "one number"),
        (20, "only"),
        (2.5, "limit"),
        (3, "33 ms"),
        (-1, "above 0"),
    ]


def d_interpolate():
    return [
        (right_d_interpolate, "Correct: "),
        (None, "raised"),
        (raises, "mistake"),
        (lambda *_: None, "three"),
        (lambda *v: (1, 2, 3), "int"),
        (lambda w_c, w_prev, g, d: (d, d, d), "w_c"),
        (
            lambda w_c, w_prev, g, d: (*right_d_interpolate(w_c, w_prev, g, d)[:2], w_c * d),
            "gradient of g must",
        ),
        (
            lambda w_c, w_prev, g, d: (
                *right_d_interpolate(w_c, w_prev, g, d)[:2],
                (w_c * d).sum(-1),
            ),
            "gradient of g differs",
        ),
    ]


def fewer_passes():
    return [
        (write, "Correct: "),
        (lambda M, w, e, a: None, "shape"),
        (raises, "mistake"),
        (lambda M, w, e, a: add(erase(M, w, e), w, a), "operations"),
        (lambda M, w, e, a: M + w.mT * a, "differs"),
    ]


def best_chunk():
    return [
        (math.isqrt, "Correct: "),
        (lambda T: round(T**0.5), "Correct: "),
        (lambda T: 200, "200"),
        (lambda T: T, "held"),
        (lambda T: None, "int"),
        (raises, "mistake"),
        (lambda T: 0, "int"),
    ]
