"""Right and wrong answers to the exercises of the chapter "One read, many names"."""

import torch

from ntm.kin.fast_weights import linear_attention, φ
from ntm.kin.look import dot, look, scaled, top


def disagree():
    return [
        ([1, 0], [[1, 0], [3, 3]], "Correct: "),
        ([1, 0], [[1, 0], [0.5, 0.5]], "longer"),
        ([1, 0], [[0, 1], [3, 3]], "turn"),
        ([1, 0, 0], [[0, 1], [3, 3]], "two numbers"),
    ]


def nearest():
    def wrong(q, K, V, k):
        return look(q, K, V, lambda q, K: -scaled(q, K), top(k))[0]

    return [
        (lambda q, K, V, k: look(q, K, V, normalise=top(k))[0], "Correct: "),
        (lambda q, K, V, k: look(q, K, V)[0], "something else"),
        (lambda q, K, V, k: look(q, K, V), "shape"),
        (wrong, "worst"),
        (lambda q, K, V: V, "raised"),
    ]


def running():
    def sums(Q, K, V, also=0.0):
        S, Z, reads = torch.zeros(len(Q), 3, V.shape[-1]), torch.zeros(len(Q), 3), []
        for t in range(Q.shape[1]):
            k, q = φ(K[:, t]), φ(Q[:, t])
            S, Z = S + k.unsqueeze(-1) * V[:, t].unsqueeze(1), Z + k
            reads.append(
                (q.unsqueeze(1) @ S).squeeze(1) / ((q * Z).sum(-1, keepdim=True) + also * t)
            )
        return torch.stack(reads, 1)

    return [
        (sums, "Correct: "),
        (linear_attention, "Correct: "),
        (lambda Q, K, V: sums(Q, K, V, 1.0), "step 0 is right"),
        (lambda Q, K, V: 2 * V, "its own value"),
        (lambda Q, K, V: None, "shape"),
    ]


def rate():
    return [
        (lambda k: 1 / (k @ k), "Correct: "),
        (lambda k: 1.0, "a share of"),
        (lambda k: k, "single number"),
    ]


def noisy():
    return [
        (lambda q, K: -(q.unsqueeze(2) - K.unsqueeze(1)).abs().sum(-1), "Correct: "),
        (dot, "it can be all"),
        (lambda q, K: q, "shape"),
    ]
