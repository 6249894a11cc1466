"""Answers to the exercises of book/shift.ipynb, and what the checkers must say of them."""

import torch


def scalar(x, reach):
    return (1 - (x - torch.arange(-reach, reach + 1)).abs()).clamp(min=0)


def fft(w_g, s, sign=1):
    N, reach = w_g.shape[-1], s.shape[-1] // 2
    ring = torch.nn.functional.pad(s if sign > 0 else s.flip(-1), (0, N - s.shape[-1])).roll(
        -reach, -1
    )
    return torch.fft.irfft(torch.fft.rfft(w_g) * torch.fft.rfft(ring), n=N)


def raises(*_):
    raise RuntimeError("a reader's mistake")


def by_hand():
    return [
        ([0.5, 0.3, 0, 0.2], "Correct: "),
        (torch.tensor([0.5, 0.3, 0, 0.2]), "Correct: "),
        (..., "four numbers"),
        (None, "four numbers"),
        ("0.5", "four numbers"),
        ([0.5, 0.3, 0.2], "four numbers"),
        ([0.3, 0.5, 0, 0.2], "+1"),
        ([0.5, 0.3, 0, 0], "lost"),
        ([0.25] * 4, "sum is 1.00"),
    ]


def from_scalar():
    return [
        (scalar, "Correct: "),
        (None, "function"),
        (lambda x, reach: None, "None"),
        (raises, "mistake"),
        (lambda x, reach: "s", "tensor"),
        (lambda x, reach: torch.ones(3), "should give"),
        (lambda x, reach: scalar(x, 1), "5 numbers"),
        (lambda x, reach: scalar(x, reach).flip(-1), "should give"),
    ]


def how_sure():
    return [
        (0.995, "Correct: "),
        (0.9 ** (1 / 20), "Correct: "),
        (..., "one number"),
        (90, "one number"),
        (0.9, "too little"),
        (0.999, "smaller p"),
    ]


def shift_fft():
    return [
        (fft, "Correct: "),
        (lambda w_g, s: None, "None"),
        (raises, "mistake"),
        (lambda w_g, s: fft(w_g, s, -1), "mirrored"),
        (lambda w_g, s: w_g, "differs"),
        (lambda w_g, s: w_g[..., :-1], "shape"),
    ]


def can_it_sharpen():
    return [
        ([0.7, 0.2, 0.1, 0], [0, 0, 1], "Correct: "),
        ([0.25] * 4, [0.2, 0.3, 0.5], "Correct: "),
        (..., ..., "give a weighting"),
        ([0.5, 0.6, 0, 0], [0, 0, 1], "sum to 1"),
        ([1.5, -0.5, 0, 0], [0, 0, 1], "not be negative"),
        ([1.0, 0, 0, 0], [0.1, 0.8, 0.1], "0.800"),
    ]
