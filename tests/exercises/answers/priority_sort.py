"""Answers to the exercises of book/priority_sort.ipynb, and what the checkers must say of them."""

import torch

from ntm import NTM
from ntm.programs import read, write


def lowest(x, sign=-1, mark=-0.3):
    key = [0.0] * 8 + [1.0]
    for x_t in x:
        if x_t[9]:
            break
        height = 0.5 + sign * 0.45 * x_t[8]
        yield write([*(0.2 * x_t[:8] - 0.1), height, (1 - height**2) ** 0.5], move=+1)
    yield
    for _ in x:
        yield read(jump=key), write(mark and [0.0] * 8 + [mark], jump=key)


def shared():
    return [
        (20 * 19 / 2 / 128, 8, "Correct: "),
        (..., ..., "two numbers"),
        (1.48, None, "two numbers"),
        (400 / 128, 8, "twice"),
        (380 / 128, 8, "twice"),
        (20 / 128, 8, "How many pairs"),
        (1.484, 4, "both are asked"),
        (1.484, 16, "differ"),
    ]


def gaps():
    def right(batch, asked=16, self=float("inf"), among=20):
        p = batch.x[:20, :, 8].sort(dim=0, descending=True).values[:among]
        apart = (p.unsqueeze(0) - p.unsqueeze(1)).abs() + torch.eye(among).unsqueeze(-1) * self
        return apart.nan_to_num(posinf=9.0).amin(0)[:asked] if self else apart.amin(0)[:asked]

    def by_sorting(batch):
        p = batch.x[:20, :, 8].sort(dim=0, descending=True).values
        down = p[:-1] - p[1:]
        return torch.cat([down[:1], torch.minimum(down[:15], down[1:16])])

    def below(batch):
        p = batch.x[:20, :, 8].sort(dim=0, descending=True).values
        return p[:16] - p[1:17]

    def above(batch):
        return torch.cat([torch.zeros(1, 6), below(batch)[:15]])

    def in_place(batch):
        batch.x[:] = 0
        return batch.x

    return [
        (lambda batch: right(batch, self=9.0), "Correct: "),
        (by_sorting, "Correct: "),
        (lambda _: None, "of the shape"),
        (lambda: 0, "raised"),
        (in_place, "has changed"),
        (below, "one side"),
        (above, "one side"),
        (lambda b: right(b, self=0), "leave it out"),
        (lambda b: right(b, self=9.0, among=16), "not asked for"),
        (lambda b: right(b, self=9.0) + 1, "rank 0 of sequence 0"),
        (lambda b: right(b, asked=20, self=9.0), "of the shape"),
    ]


def lowest_first():
    def highest(x):
        yield from lowest(x, sign=+1)

    def never_marked(x):
        yield from lowest(x, mark=None)

    def silent(x):
        yield

    def backwards(x):
        seen = []
        for x_t in x:
            if x_t[9]:
                break
            seen.append(x_t)
            yield
        yield
        for x_t in sorted(seen, key=lambda x_t: x_t[8])[15::-1]:
            yield write(0.2 * x_t[:8] - 0.1), read()

    def greedy(x):
        yield write(list(x)[0])

    return [
        (lowest, "Correct: "),
        (None, "a program is"),
        (lambda x: None, "a program is"),
        (highest, "highest first"),
        (never_marked, "was that marked"),
        (silent, "is wrong"),
        (backwards, "is wrong"),
        (greedy, "stopped"),
    ]


def inversions():
    def right(said, ties=False, both=False):
        first, second = said.unsqueeze(1), said.unsqueeze(0)
        wrong = first >= second if ties else first > second
        later = torch.ones(16, 16) if both else torch.ones(16, 16).triu(1)
        return (wrong & later.bool().unsqueeze(-1)).sum((0, 1))

    return [
        (right, "Correct: "),
        (lambda said: right(said).tolist(), "Correct: "),
        (lambda _: None, "one integer"),
        (lambda: 0, "raised"),
        (lambda said: right(said, both=True), "perfect order"),
        (lambda said: right(said, ties=True), "said twice"),
        (lambda said: right(said)[:3], "one integer"),
        (lambda said: (said[1:] < said[:-1]).sum(0), "in reverse"),
    ]


def teach():
    class Perfect(torch.nn.Module):  # it sorts
        def __init__(self):
            super().__init__()
            self.one = torch.nn.Parameter(torch.ones(1))

        def forward(self, x):
            order = x[:4, :, 8].topk(3, dim=0).indices
            y = torch.zeros(*x.shape[:2], 8)
            y[5:] = x[:4, :, :8].gather(0, order.unsqueeze(-1).expand(-1, -1, 8))
            return self.one * (20 * y - 10)

    return [
        (Perfect, "Correct: "),
        (lambda: None, "10 inputs"),
        (lambda: 1 / 0, "raised"),
        (lambda: NTM(10, 8, "feedforward", N=8, seed=0), "Aim under"),
        (lambda: NTM(3, 8, seed=0), "10 inputs"),
    ]
