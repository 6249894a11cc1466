"""Every checker of the chapter passes a right answer and refuses wrong ones with a sentence that helps."""

import math

import torch
from torch.nn.functional import softplus

from ntm.exercises import heads as check


def says(capsys, word):
    return word in capsys.readouterr().out


def test_told_nothing(capsys):
    assert check.told_nothing([0.1, 0.267, 0.267, 0.267, 0.1]) and says(capsys, "Correct:")
    for wrong, hint in [(..., "five numbers"), (None, "five numbers"), ([1.0], "five numbers"),
                        ([0.1, 0.1, 0.6, 0.1, 0.1], "before the shift"), ([1.0] * 5, "sums to"), ([0.2] * 5, "three neighbours")]:
        assert not check.told_nothing(wrong) and says(capsys, hint)


def test_raw_for(capsys):
    def right(β, g, γ):
        return math.log(math.expm1(β)), math.log(g / (1 - g)), math.log(math.expm1(γ - 1))

    assert check.raw_for(right) and says(capsys, "Correct:")
    for wrong, hint in [(lambda *_: None, "three numbers"), (lambda β, g, γ: (β, g, γ), "raw β"), (lambda: 0, "raised"),
                        (lambda β, g, γ: (right(β, g, γ)[0], g, γ), "raw g"),
                        (lambda β, g, γ: (*right(β, g, γ)[:2], math.log(math.expm1(γ))), "raw γ")]:
        assert not check.raw_for(wrong) and says(capsys, hint)


def walker(shifts=(-9.0, -9.0, 9.0) * 2, sharp=5.0):
    def walk(heads):
        with torch.no_grad():
            heads.linear.weight.zero_()
            k, β, g, s, γ, e, a = heads.linear.bias.split(heads.sizes)
            g.fill_(-9)
            s.copy_(torch.tensor(shifts))
            γ.fill_(sharp)
    return walk


def test_walk(capsys):
    assert check.walk(walker()) and says(capsys, "Correct:")
    back = (9.0, -9.0, -9.0)
    for wrong, hint in [(lambda heads: None, "should visit"), (walker(back * 2), "the read head begins"),
                        (walker((-9.0, -9.0, 9.0) + back), "the write head"),
                        (walker((-9.0, 0.0, 4.0) * 2, sharp=-9.0), "its weight falls"), (None, "raised")]:
        assert not check.walk(wrong) and says(capsys, hint)


def test_scalar_shift(capsys):
    def right(raw, reach):
        return (1 - (reach * torch.tanh(raw) - torch.arange(-reach, reach + 1)).abs()).clamp(min=0)

    assert check.scalar_shift(right) and says(capsys, "Correct:")
    for wrong, hint in [(lambda *_: None, "return 3 numbers"), (lambda raw, reach: right(raw, reach).flip(0), "you give"),
                        (lambda: 0, "raised"), (lambda raw, reach: right(torch.atanh(raw / reach), reach), "you give"),
                        (lambda raw, reach: right(raw, reach).detach(), "no gradient")]:
        assert not check.scalar_shift(wrong) and says(capsys, hint)


def test_squash(capsys):
    for right in (lambda x: 1 + softplus(x), lambda x: 1 + 9 * torch.sigmoid(x)):
        assert check.squash(right) and says(capsys, "Correct:")
    for wrong, hint in [(softplus, "at least 1"), (lambda x: 1 + x.exp().exp(), "finite"), (lambda x: 1 + x * x, "decreases"),
                        (lambda x: None, "raised"), (lambda x: 1 + torch.sigmoid(x), "largest value"),
                        (lambda x: 1 + torch.relu(x), "gradient falls"), (lambda x: x.sum(), "shape")]:
        assert not check.squash(wrong) and says(capsys, hint)
