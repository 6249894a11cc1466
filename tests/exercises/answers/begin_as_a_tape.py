"""Answers to the exercises of book/begin_as_a_tape.ipynb, and what the checkers must say of
them."""

import math

import torch

from ntm.start import tape


@torch.no_grad()
def staying(machine, heads=slice(None), extra=None):
    parts = dict(zip("kβgsγea", machine.heads.linear.bias.split(machine.heads.sizes)))
    s = parts["s"].unflatten(0, (-1, machine.heads.offsets))
    s[heads, machine.heads.offsets // 2 + 1] -= 3
    s[heads, machine.heads.offsets // 2] += 3
    if extra:
        parts[extra] += 1


def half():
    return [
        (lambda N: math.log(N - 1), "Correct: "),
        (lambda N: ..., "one number"),
        (lambda: 0, "raised"),
        (lambda N: N - 1, "And β"),
        (lambda N: 4.844, "1024 slots"),
    ]


def bias():
    return [
        (lambda p, r: math.log(2 * r * p / (1 - p)), "Correct: "),
        (lambda p, r: ..., "one number"),
        (lambda: 0, "raised"),
        (lambda p, r: 3.0, "0.99 was asked"),
        (lambda p, r: math.log(2 * p / (1 - p)), "shift_range=2"),
    ]


def stay():
    def weights(machine):
        staying(machine)
        machine.output.weight.data += 1

    return [
        (staying, "Correct: "),
        (lambda m: None, "nothing has changed"),
        (lambda: 0, "raised"),
        (weights, "output.weight"),
        (lambda m: staying(m, extra="g"), "those of g"),
        (lambda m: staying(m, slice(0, 1)), "head 1 of 2"),
    ]


def start():
    return [
        (tape, "Correct: it finds"),
        (lambda m: None, "Aim at half"),
        (lambda: 0, "raised"),
        (lambda m: delattr(m, "output"), "no longer runs"),
    ]
