"""Every checker of the chapter passes a right answer and refuses wrong ones with a sentence that helps."""

import math

import torch

from ntm.exercises import begin_as_a_tape as check
from ntm.start import tape


def says(capsys, word):
    return word in capsys.readouterr().out


def test_half(capsys):
    assert check.half(lambda N: math.log(N - 1)) and says(capsys, "Correct:")
    for wrong, hint in [(lambda N: ..., "one number"), (lambda: 0, "raised"), (lambda N: N - 1, "And β"), (lambda N: 4.844, "1024 slots")]:
        assert not check.half(wrong) and says(capsys, hint)


def test_bias(capsys):
    assert check.bias(lambda p, r: math.log(2 * r * p / (1 - p))) and says(capsys, "Correct:")
    for wrong, hint in [(lambda p, r: ..., "one number"), (lambda: 0, "raised"), (lambda p, r: 3.0, "0.99 was asked"),
                        (lambda p, r: math.log(2 * p / (1 - p)), "shift_range=2")]:
        assert not check.bias(wrong) and says(capsys, hint)


@torch.no_grad()
def staying(machine, heads=slice(None), extra=None):
    parts = dict(zip("kβgsγea", machine.heads.linear.bias.split(machine.heads.sizes)))
    s = parts["s"].unflatten(0, (-1, machine.heads.offsets))
    s[heads, machine.heads.offsets // 2 + 1] -= 3
    s[heads, machine.heads.offsets // 2] += 3
    if extra:
        parts[extra] += 1


def test_stay(capsys):
    def weights(machine):
        staying(machine)
        machine.output.weight.data += 1

    assert check.stay(staying) and says(capsys, "Correct:")
    for wrong, hint in [(lambda m: None, "nothing has changed"), (lambda: 0, "raised"), (weights, "output.weight"),
                        (lambda m: staying(m, extra="g"), "those of g"), (lambda m: staying(m, slice(0, 1)), "head 1 of 2")]:
        assert not check.stay(wrong) and says(capsys, hint)


def test_start(capsys):
    assert check.start(tape) and says(capsys, "Correct: it finds")
    for wrong, hint in [(lambda m: None, "Aim at half"), (lambda: 0, "raised"), (lambda m: delattr(m, "output"), "no longer runs")]:
        assert not check.start(wrong) and says(capsys, hint)
