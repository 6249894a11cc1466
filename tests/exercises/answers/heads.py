"""Answers to the exercises of book/heads.ipynb, and what the checkers must say of them."""

import math

import torch
from torch.nn.functional import softplus


def walker(shifts=(-9.0, -9.0, 9.0) * 2, sharp=5.0):
    def walk(heads):
        with torch.no_grad():
            heads.linear.weight.zero_()
            k, β, g, s, γ, e, a = heads.linear.bias.split(heads.sizes)
            g.fill_(-9)
            s.copy_(torch.tensor(shifts))
            γ.fill_(sharp)

    return walk


def told_nothing():
    return [
        ([0.1, 0.267, 0.267, 0.267, 0.1], "Correct: "),
        (..., "five numbers"),
        (None, "five numbers"),
        ([1.0], "five numbers"),
        ([0.1, 0.1, 0.6, 0.1, 0.1], "before the shift"),
        ([1.0] * 5, "sums to"),
        ([0.2] * 5, "three neighbours"),
    ]


def raw_for():
    def right(β, g, γ):
        return math.log(math.expm1(β)), math.log(g / (1 - g)), math.log(math.expm1(γ - 1))

    return [
        (right, "Correct: "),
        (lambda *_: None, "three numbers"),
        (lambda β, g, γ: (β, g, γ), "raw β"),
        (lambda: 0, "raised"),
        (lambda β, g, γ: (right(β, g, γ)[0], g, γ), "raw g"),
        (lambda β, g, γ: (*right(β, g, γ)[:2], math.log(math.expm1(γ))), "raw γ"),
    ]


def walk():
    back = (9.0, -9.0, -9.0)

    return [
        (walker(), "Correct: "),
        (lambda heads: None, "should visit"),
        (walker(back * 2), "the read head begins"),
        (walker((-9.0, -9.0, 9.0) + back), "the write head"),
        (walker((-9.0, 0.0, 4.0) * 2, sharp=-9.0), "its weight falls"),
        (None, "raised"),
    ]


def scalar_shift():
    def right(raw, reach):
        return (1 - (reach * torch.tanh(raw) - torch.arange(-reach, reach + 1)).abs()).clamp(min=0)

    return [
        (right, "Correct: "),
        (lambda *_: None, "return 3 numbers"),
        (lambda raw, reach: right(raw, reach).flip(0), "you give"),
        (lambda: 0, "raised"),
        (lambda raw, reach: right(torch.atanh(raw / reach), reach), "you give"),
        (lambda raw, reach: right(raw, reach).detach(), "no gradient"),
    ]


def squash():
    return [
        (lambda x: 1 + softplus(x), "Correct: "),
        (lambda x: 1 + 9 * torch.sigmoid(x), "Correct: "),
        (softplus, "at least 1"),
        (lambda x: 1 + x.exp().exp(), "finite"),
        (lambda x: 1 + x * x, "decreases"),
        (lambda x: None, "raised"),
        (lambda x: 1 + torch.sigmoid(x), "largest value"),
        (lambda x: 1 + torch.relu(x), "gradient falls"),
        (lambda x: x.sum(), "shape"),
    ]
