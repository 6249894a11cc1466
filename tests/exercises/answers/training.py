"""Answers to the exercises of book/training.ipynb, and what the checkers must say of them."""

import math

import torch

from ntm.tasks import Batch, Copy


class Task:
    """Copy, with a fault on demand."""

    inputs, outputs = 6, 4

    def __init__(self, fault=lambda batch: batch, seed=None):
        self.fault, self.seed = fault, seed

    def sample(self, batch, *, generator=None):
        if self.seed is not None:
            generator = torch.Generator().manual_seed(self.seed) if self.seed else None
        return self.fault(Copy(width=4, lengths=(3, 3)).sample(batch, generator=generator))


def cost():
    return [
        (8, 5.545, 2, "Correct: "),
        (..., ..., ..., "single number"),
        (None, 1, 1, "single number"),
        ([8, 8], 5.545, 2, "single number"),
        (5.545, 8, 2, "base 2"),
        (7, 5.545, 2, "sum of"),
        (8, 11.54, 2, "0.693"),
        (8, 5.545, 3, "less than 1/2"),
    ]


def clip_norm():
    def right(gradients, largest):
        norm = math.sqrt(sum(d.square().sum().item() for d in gradients))
        return [d * min(1, largest / norm) for d in gradients]

    def each(gradients, largest):
        return [d * min(1, largest / d.norm().item()) for d in gradients]

    def always(gradients, largest):
        norm = torch.cat(gradients).norm()
        return [d * largest / norm for d in gradients]

    def crooked(gradients, largest):
        return [d.flip(0) for d in right(gradients, largest)]

    return [
        (right, "Correct: "),
        (lambda *_: None, "return the list"),
        (lambda d, n: d, "norm 5"),
        (lambda: 0, "raised"),
        (each, "norm 1.41"),
        (always, "norm 0.5"),
        (crooked, "direction"),
        (lambda d, n: [v.clamp(-n, n) for v in d], "norm 1.41"),
        (lambda d, n: [v[:1] for v in right(d, n)], "shape"),
    ]


def adam():
    def run(gradients, lr, sign=-1, hats=True):
        θ = m = v = 0.0
        path = []
        for t, d in enumerate(gradients, 1):
            m, v = 0.9 * m + 0.1 * d, 0.999 * v + 0.001 * d * d
            hat = (1 - 0.9**t, 1 - 0.999**t) if hats else (1, 1)
            θ += sign * lr * (m / hat[0]) / (math.sqrt(v / hat[1]) + 1e-8)
            path.append(θ)
        return path

    return [
        (run, "Correct: "),
        (lambda *_: None, "8 numbers"),
        (lambda d, lr: [0.0] * 8, "after gradient 1"),
        (lambda d, lr: run(d, lr, 1), "Subtract"),
        (lambda d, lr: run(d, lr, hats=False), "hats"),
        (lambda d: 0, "raised"),
        (lambda d, lr: run(d, lr)[-1], "8 numbers"),
        (lambda d, lr: run(d[:4], lr) + [0.0] * 4, "after gradient 5"),
    ]


def task():
    return [
        (Task(), "Correct: 4 bits per scored step"),
        (None, "must return"),
        (Task(lambda batch: None), "must return"),
        (Task(lambda b: Batch(b.x.transpose(0, 1), b.y, b.mask)), "[T, 3, inputs]"),
        (Task(lambda b: b._replace(y=b.y.double())), "float32"),
        (Task(lambda b: b._replace(y=b.y / 2)), "0 or 1"),
        (Task(lambda b: b._replace(mask=0 * b.mask)), "no scored step"),
        (Task(seed=0), "same seed"),
        (Task(seed=1), "two seeds"),
        (Task(lambda b: b._replace(y=0 * b.y)), "nothing to learn"),
    ]
