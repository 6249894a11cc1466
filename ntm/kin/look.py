"""The operation that all of them share: weights = normalise(scores(q, K)); read = weights @ V.

q [B, queries, d], K [B, N, d], V [B, N, width]; scores and weights [B, queries, N]. The NTM's
equation (5) is `look(k, M, M, cosine)`, with β = 1, and its equation (2) the last line of it.
"""

import math

import torch

from ..addressing import similarity
from ..memory import read

ε = 1e-8  # where a sum over slots may be zero


def look(q, K, V, scores=None, normalise=None):
    """Read V by what K holds: (r [B, queries, width], w [B, queries, N]).

    scores: a function of q and K, by default `scaled`; normalise: of the scores, by default
    `over_slots`.
    """
    w = (normalise or over_slots)((scores or scaled)(q, K))
    return read(V, w), w


# Scores: how alike are a query and a key?


def cosine(q, K):
    """Equation (6) of the NTM, blind to length: between -1 and 1."""
    return similarity(K, q)


def dot(q, K):
    """The cosine without its norms: a long key is heard louder (Sukhbaatar 2015)."""
    return q @ K.transpose(-1, -2)


def scaled(q, K):
    """The dot product over √d, so that its spread does not grow with d (Vaswani 2017)."""
    return dot(q, K) / math.sqrt(q.shape[-1])


# Normalisers: what do the scores become?


def over_slots(z):
    """The softmax of each query over all slots: a query's weights sum to 1."""
    return torch.softmax(z, dim=-1)


def over_queries(z):
    """Queries compete for every slot, then each takes the mean of what it won (Locatello 2020)."""
    won = torch.softmax(z, dim=-2) + ε
    return won / won.sum(-1, keepdim=True)


def largest(z):
    """All weight on the best slot: no gradient comes through (Weston 2014)."""
    return torch.zeros_like(z).scatter(-1, z.argmax(-1, keepdim=True), 1.0)


def top(k):
    """A softmax over the k best slots, the others zero (Wu 2022); over all where these are less."""

    def normalise(z):
        best = z.topk(min(k, z.shape[-1]), dim=-1)
        return torch.zeros_like(z).scatter(-1, best.indices, torch.softmax(best.values, dim=-1))

    return normalise


def drawn(z):
    """All weight on one slot, drawn with the probabilities of the softmax (Xu 2015)."""
    p = torch.softmax(z, dim=-1)
    return torch.zeros_like(z).scatter(
        -1, p.flatten(0, -2).multinomial(1).view(*z.shape[:-1], 1), 1.0
    )


def unchanged(z):
    """The scores themselves: what makes attention linear."""
    return z


def only(allowed, normalise=over_slots):
    """`normalise`, but slots that are not `allowed` (False, [..., queries, N]) get no weight; a
    query that may see none gets none at all."""

    def masked(z):
        w = normalise(z.masked_fill(~allowed, -1e30))
        return w * allowed

    return masked


def causal(T, itself=True):
    """Which slots each of T steps may see, [T, T]: those before it, and itself or not."""
    return torch.ones(T, T, dtype=torch.bool).tril(0 if itself else -1)
