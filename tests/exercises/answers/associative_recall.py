"""Answers to the exercises of book/associative_recall.ipynb, and what the checkers must say of
them."""

import torch

from ntm import NTM, tasks
from ntm.disassembler import content_share


def cost():
    return [
        (9, 12, "Correct: "),
        (..., ..., "two numbers"),
        (None, 12, "two numbers"),
        (1, 12, "as a whole"),
        (18, 12, "two random items"),
        (9, 18, "How many bits are left"),
    ]


def which():
    def right(heard, items, limit=3):
        least, number = (items != heard).sum(-1).min(0)
        return torch.where(least > limit, -1, number)

    return [
        (right, "Correct: "),
        (lambda *a: right(*a).tolist(), "Correct: "),
        (lambda *_: None, "one integer"),
        (lambda *_: [0], "one integer"),
        (lambda: 0, "raised"),
        (lambda *a: right(*a, limit=18), "not"),
        (lambda *a: right(*a, limit=2), "the nearest item is number"),
        (lambda *a: right(*a) + 1, "not"),
    ]


def ask_for_last():
    def right(batch, shift=0):
        x, mark = batch.x.clone(), len(batch.x) - 8
        x[mark + 1 : mark + 4] = x[mark - 3 - shift : mark - shift]
        return x

    def in_place(batch):
        batch.x[:] = right(batch)
        return batch.x

    def everywhere(batch):
        return batch.x.flip(0)

    def mark_too(batch):
        x = right(batch)
        x[len(x) - 8] = 0
        return x

    return [
        (right, "Correct: "),
        (lambda _: None, "of the shape"),
        (lambda: 0, "raised"),
        (in_place, "has changed"),
        (lambda b: b.x, "as it was"),
        (everywhere, "must stay"),
        (mark_too, "marks"),
        (lambda b: right(b, shift=4), "is not what stands"),
        (lambda b: right(b)[1:], "of the shape"),
    ]


def jumpers():
    def right(trace, step, share=0.5, weight=0.5, often=0.9):
        jumps = (content_share(trace)[step] > share) & (trace.w[step].amax(-1) > weight)
        return (jumps.float().mean(0) >= often).nonzero().flatten().tolist()

    return [
        (right, "Correct: "),
        (lambda *_: None, "a list"),
        (lambda *_: 3, "a list"),
        (lambda: 0, "raised"),
        (lambda *_: [], "you say []"),
        (lambda *a: right(*a, weight=0), "no single slot"),
        (lambda *a: right(*a, often=0.6), "seven of ten"),
        (lambda *a: right(*a, often=1), "you say []"),
        (lambda *a: right(*a, share=-1), "you say"),
    ]


def teach():
    class Perfect(torch.nn.Module):  # it looks the answer up
        def __init__(self):
            super().__init__()
            self.one = torch.nn.Parameter(torch.ones(1))

        def forward(self, x):
            y = torch.zeros(*x.shape[:2], 6)
            items = x[1 : len(x) - 4 : 2, :, :6]
            asked = (items[:-1] == x[-3, :, :6]).all(-1).float().argmax(0)
            y[-1] = items[asked + 1, torch.arange(x.shape[1])]
            return self.one * (20 * y - 10)

    batch = tasks.AssociativeRecall(vectors=1).sample(
        8, items=4, generator=torch.Generator().manual_seed(0)
    )

    assert tasks.bits(Perfect()(batch.x), batch).mean() < 1.5  # items may be equal by chance

    return [
        (Perfect, "Correct: "),
        (lambda: None, "8 inputs"),
        (lambda: 1 / 0, "raised"),
        (lambda: NTM(8, 6, "feedforward", N=8, seed=0), "Aim under"),
        (lambda: NTM(3, 6, seed=0), "8 inputs"),
    ]
