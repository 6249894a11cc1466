"""Answers to the exercises of book/sharpening.ipynb, and what the checkers must say of them."""

import math

import torch

from ntm.addressing import sharpen


def raises(*_):
    raise RuntimeError("a reader's mistake")


def settings(**changed):
    return dict(β=50.0, g=1.0, s=[0, 0.2, 0.8], γ=5.0) | changed


def by_hand():
    return [
        ([0.78, 0.2, 0, 0.02], "Correct: "),
        (torch.tensor([36.0, 9, 0, 1]) / 46, "Correct: "),
        (..., "four numbers"),
        (None, "four numbers"),
        ([0.36, 0.09, 0, 0.01], "squares"),
        ([0.6, 0.3, 0, 0.1], "sum to 1.00"),
    ]


def which_exponent():
    return [
        (6.61, "Correct: "),
        (math.log2(98), "Correct: "),
        (..., "one number"),
        ("two", "one number"),
        (2.0, "0.667"),
        (5.61, "0.961"),
    ]


def undo():
    return [
        (lambda w, γ: sharpen(w, 1 / γ), "Correct: "),
        (None, "function"),
        (lambda w, γ: None, "None"),
        (raises, "mistake"),
        (lambda w, γ: w[0], "shape"),
        (lambda w, γ: w ** (1 / γ.unsqueeze(-1)), "sum to 1"),
        (lambda w, γ: sharpen(w, -γ), "off by"),
        (lambda w, γ: w, "off by"),
    ]


def find_and_step():
    return [
        (settings(), "Correct: "),
        (settings(β=40, g=1, s=torch.tensor([0.1, 0.1, 0.8]), γ=torch.tensor(4.0)), "Correct: "),
        (..., "dictionary"),
        ({"β": 1}, "dictionary"),
        (settings(β=...), "one number each"),
        (settings(s=[0.2, 0.8]), "three"),
        (settings(s=[0, 0, 1.0]), "none may exceed"),
        (settings(g=2.0), "0 to 1"),
        (settings(γ=0.5), "at least 1"),
        (settings(g=0.0), "after the match"),
        (settings(s=[0.8, 0.2, 0]), "after the match"),
        (settings(γ=1.0), "after the match"),
    ]


def smallest_exponents():
    return [
        ({0.95: 1.16, 0.9: 1.32, 0.8: 1.68}, "Correct: "),
        (None, "dictionary"),
        ({0.95: ..., 0.9: ..., 0.8: ...}, "0.95"),
        ({0.95: 1.16, 0.9: 1.2, 0.8: 1.68}, "only"),
        ({0.95: 1.16, 0.9: 1.32, 0.8: 3.0}, "smaller γ will do"),
    ]
