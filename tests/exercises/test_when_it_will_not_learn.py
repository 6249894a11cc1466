"""Every checker of the chapter passes a right answer and refuses wrong ones with a sentence that
helps."""

import math

import torch

from ntm.addressing import shift
from ntm.beyond.failures import nail
from ntm.exercises import when_it_will_not_learn as check


def says(capsys, word):
    return word in capsys.readouterr().out


def test_plateau(capsys):
    def right(k, width, longest):
        return width * sum(max(L - k, 0) for L in range(1, longest + 1)) / longest

    assert check.plateau(right) and says(capsys, "Correct:")
    for wrong, hint in [(lambda *_: None, "single number"), (lambda: 0, "raised"),
                        (lambda *_: 0.0, "for k = 0"),
                        (lambda k, width, longest: width * max((longest + 1) / 2 - k, 0),
                         "for k = 10"),
                        (lambda k, width, longest: right(k, width, longest) if k != 20
                         else 0.0 + width * (10.5 - 20), "not less")]:
        assert not check.plateau(wrong) and says(capsys, hint)


def test_unit_test(capsys):
    def right(function):
        w, s = (torch.eye(5)[None, :3] * 0.9 + 0.02,
                torch.tensor([[[0.1, 0.2, 0.7]]]).expand(1, 3, 3))
        w = torch.cat([w, w.flip(-1)], 1)
        return torch.allclose(function(w, torch.cat([s, s], 1)), shift(w, torch.cat([s, s], 1)),
                              atol=1e-5)

    def sums(function):
        w = torch.eye(5)[None]
        return torch.allclose(function(w, torch.full((1, 5, 3), 1 / 3)).sum(-1), torch.ones(1, 5))

    def middle(function):
        return bool(function(torch.eye(5)[None, 2:3], torch.tensor([[[0.0, 0.0, 1.0]]])).argmax()
                    == 3)

    assert check.unit_test(right) and says(capsys, "Correct:")
    for wrong, hint in [(lambda f: None, "True or False"), (lambda: 0, "raised"),
                        (lambda f: False, "refuses the right one"),
                        (lambda f: True, "passes a mirrored one"), (sums, "passes a mirrored one"),
                        (middle, "passes one that pads")]:
        assert not check.unit_test(wrong) and says(capsys, hint)


def test_shrink(capsys):
    def right(σ, bits):
        return math.sqrt((σ**2 + 1e-4) / (σ**2 + 1e-4 * bits**2))

    assert check.shrink(right) and says(capsys, "Correct:")
    for wrong, hint in [(lambda *_: None, "single number"), (lambda: 0, "raised"),
                        (lambda σ, bits: 1 / bits, "for σ = 10"),
                        (lambda σ, bits: 1 / right(σ, bits), "new over old"),
                        (lambda σ, bits: bits * right(σ, bits), "shrinks too")]:
        assert not check.shrink(wrong) and says(capsys, hint)


def test_bug(capsys):
    def right(machine):
        nail(machine, "s", 0.0)

    def nothing(machine):
        pass

    def harmless(machine):
        with torch.no_grad():
            machine.output.bias += 0.01

    def broken(machine):
        machine.output.bias.data.fill_(math.inf)

    short = dict(seeds=(0,), sequences=1_600)
    assert check.bug(right, **short) and says(capsys, "Correct: sound")
    assert check.bug(broken, **short) and says(capsys, "it stops")
    for wrong, hint in [(nothing, "has changed"), (lambda: 0, "raised"),
                        (harmless, "learns all the same")]:
        assert not check.bug(wrong, **short) and says(capsys, hint)
