"""Answers to the exercises of book/repeat_copy.ipynb, and what the checkers must say of them."""

import torch

from ntm import NTM, tasks
from ntm.programs import read, write


def way(x, turns=True, forget=False):
    mark, length, n = [0.0] * 7 + [1.0], 0, 0
    next(x)
    yield write(mark)
    for x_t in x:
        if x_t[7]:
            n = round(float(x_t[7]) * 2.8723 + 5.5)
            break
        yield write(x_t[:6], move=+1)
        length += 1
    yield
    yield read(jump=mark, move=0 if forget else +1)
    for turn in range(n):
        for _ in range(length - 1):
            yield read(move=+1 if turn % 2 == 0 or not turns else -1)
        yield read()


def channel():
    return [
        (14.5 / 8.25**0.5, -0.5 / 1.25**0.5, "Correct: "),
        (5.05, -0.45, "Correct: "),
        (..., ..., "two numbers"),
        (14.5, -0.45, "standard deviation"),
        (14.5 / 8.25, -0.45, "standard deviation"),
        (20, -0.45, "20 looks like"),
        (5.05, 0.45, "2 looks like"),
        (5.05, None, "two numbers"),
    ]


def said():
    def right(logits, batch, everywhere=False, steps=False, never=-1.0):
        L, _ = tasks.RepeatCopy().lengths_and_repeats(batch)
        found = []
        for b in range(logits.shape[1]):
            marker = logits[:, b, 6] > 0 if everywhere else logits[batch.mask[:, b] > 0, b, 6] > 0
            found.append(
                float(marker.int().argmax() / (1 if steps else L[b])) if marker.any() else never
            )
        return found

    return [
        (right, "Correct: "),
        (lambda *_: None, "one number"),
        (lambda *_: [1.0], "one number"),
        (lambda: 0, "raised"),
        (lambda *a: right(*a, everywhere=True), "you say"),
        (lambda *a: right(*a, steps=True), "is the step"),
        (lambda *a: right(*a, never=0.0), "never said"),
    ]


def there_and_back():
    def greedy(x):
        yield write(list(x)[0])

    def no_turns(x):
        yield from way(x, turns=False)

    def one_off(x):
        yield from way(x, forget=True)

    return [
        (way, "Correct: "),
        (None, "a program is"),
        (lambda x: None, "a program is"),
        (no_turns, "backwards"),
        (one_off, "forwards"),
        (greedy, "stopped"),
    ]


def erased():
    def right(trace, length, begin=2, least=0.5):
        peak, strength = trace.w_write[:, 0, 0].argmax(-1), trace.e[:, 0, 0].amax(-1)
        hit = torch.isin(peak[length + begin :], peak[1 : length + 1]) & (
            strength[length + begin :] > least
        )
        return int(hit.int().argmax()) if hit.any() else -1

    def early(trace, length):
        step = right(trace, length)
        return step - 1 if step > 0 else step

    return [
        (right, "Correct: "),
        (lambda *_: None, "one integer"),
        (lambda: 0, "raised"),
        (lambda *_: -1, "at step 0"),
        (lambda *_: 0, "never erases"),
        (lambda *a: right(*a, least=0.1), "no more than"),
        (early, "at step 4"),
    ]


def teach():
    class Perfect(torch.nn.Module):  # it does what it is told, with a memory of its own
        def __init__(self):
            super().__init__()
            self.one = torch.nn.Parameter(torch.ones(1))

        def forward(self, x):
            y = torch.full((*x.shape[:2], 7), -10.0)
            for b in range(x.shape[1]):
                end = int(x[:, b, 7].abs().argmax())
                n = round(float(x[end, b, 7]) * 1.25**0.5 + 2.5)
                data = 20 * x[1:end, b, :6].repeat(n, 1) - 10
                y[end + 1 : end + 1 + len(data), b, :6] = data
                y[end + 1 + len(data), b, 6] = 10
            return self.one * y

    return [
        (Perfect, "Correct: in 100 of 100"),
        (lambda: None, "8 inputs"),
        (lambda: 1 / 0, "raised"),
        (lambda: NTM(8, 7, "feedforward", N=8, seed=0), "Aim under"),
        (lambda: NTM(3, 7, seed=0), "8 inputs"),
    ]
