"""Answers to the exercises of book/ngrams.ipynb, and what the checkers must say of them."""

import math

import torch


def forgetting(x, keep=0.8):
    """Counts in which every earlier outcome of a context weighs `keep` times as much with each new
    one."""
    x = x[..., 0].long()
    T, B = x.shape
    N, b, p = torch.zeros(B, 32, 2), torch.arange(B), torch.full((T, B, 1), 0.5)
    code = sum(x[4 - i : T - i] << i for i in range(5))
    for t, c in enumerate(code, 4):
        N_0, N_1 = N[b, c].unbind(-1)
        p[t, :, 0] = (N_1 + 0.5) / (N_1 + N_0 + 1)
        if t + 1 < T:
            N[b, c] *= keep
            N[b, c, x[t + 1]] += 1
    return p


def pencil():
    return [
        (3 / 8, 4, "Correct: "),
        (..., ..., "two numbers"),
        (None, 4, "two numbers"),
        (1 / 3, 4, "plain share"),
        (0.4, 4, "half of each"),
        (0.625, 4, "How many ones"),
        (0.375, 3, "each made before"),
    ]


def probability():
    def closed(N_1, N_0):
        return (
            math.exp(math.lgamma(N_1 + 0.5) + math.lgamma(N_0 + 0.5) - math.lgamma(N_1 + N_0 + 1))
            / math.pi
        )

    return [
        (closed, "Correct: "),
        (lambda *_: None, "one number"),
        (lambda: 0, "raised"),
        (lambda N_1, N_0: 0.5 ** (N_1 + N_0), "a coin's"),
        (lambda N_1, N_0: 1 / (N_1 + N_0 + 1), "for 2 ones and 1 zeros"),
        (lambda *_: 1.0, "for 1 ones"),
    ]


def prior():
    return [
        (lambda N_1, N_0, a: (N_1 + a) / (N_1 + N_0 + 2 * a), "Correct: "),
        (lambda *_: None, "one probability"),
        (lambda: 0, "raised"),
        (lambda N_1, N_0, a: (N_1 + 0.5) / (N_1 + N_0 + 1), "a = 1,"),
        (lambda N_1, N_0, a: (N_1 + a) / (N_1 + N_0 + a), "it is 0.500"),
    ]


def places():
    def right(slot, code, least=0):
        found = {}
        for c in code[code >= least].unique().tolist():
            here = slot[code == c]
            found[c] = (int(here.mode().values), float((here == here.mode().values).float().mean()))
        return found

    return [
        (right, "Correct: "),
        (lambda *_: None, "a dict"),
        (lambda *_: {0: 3}, "a dict"),
        (lambda: 0, "raised"),
        (lambda *a: right(*a, least=-1), "no full"),
        (lambda *a: right(*a, least=1), "the contexts that occur"),
        (
            lambda slot, code: {c: (s + 1, share) for c, (s, share) in right(slot, code).items()},
            "the commonest slot",
        ),
        (
            lambda slot, code: {c: (s, 1.0) for c, (s, share) in right(slot, code).items()},
            "of its steps",
        ),
    ]


def forget():
    def oracle(x):  # it looks at the next bit
        return torch.cat([x[1:], x[:1]]) * 0.8 + 0.1

    return [
        (forgetting, "Correct: "),
        (lambda _: None, "of the shape"),
        (lambda: 0, "raised"),
        (lambda x: x, "be neither"),
        (oracle, "come later"),
        (lambda x: forgetting(x, keep=1), "equation (10)"),
        (lambda x: torch.full_like(x, 0.5), "Aim at"),
    ]
