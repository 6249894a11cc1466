"""Memory Networks (Weston, Chopra, Bordes 2014) and End-To-End Memory Networks (Sukhbaatar 2015).

A sentence is a bag of J words, one-hot [..., J, words]; facts [B, n, J, words] are what is stored,
questions [B, m, J, words] ask. A vector of bits is a "sentence" with J = 1.
"""

import torch
from torch import nn
from torch.nn.functional import one_hot

from .look import dot, largest, look, only, over_slots


def margin(scores, right, γ=0.1):
    """One sum of equations (6) to (8) of Weston: every wrong one pays for what it comes closer to
    the right one than γ.

    scores [..., n], right [...] (its number). Returns the mean over all but the last dimension.
    """
    true = scores.gather(-1, right.unsqueeze(-1))
    wrong = 1 - one_hot(right, scores.shape[-1])
    return ((γ - true + scores).clamp(min=0) * wrong).sum(-1).mean()


class MemoryNetwork(nn.Module):
    """Weston 2014: look for one fact after another, all weight on the best, then answer.

    (2), (3): o_h = argmax_i s_O([x, m_o1, ...], m_i). (4): the answer, argmax_w s_R([x, m_o1, ...],
    w). (5): s(x, y) = Φ(x)ᵀ Uᵀ U Φ(y); the question, each fact found and the candidate have
    features of their own, so that U is a matrix for each. No gradient passes the argmax: training
    is told the supporting facts.
    """

    def __init__(self, words, d, answers, hops=1):
        super().__init__()
        self.asks = nn.ModuleList(nn.Linear(words, d, bias=False) for _ in range(hops + 1))
        self.found = nn.ModuleList(nn.Linear(words, d, bias=False) for _ in range(2 * hops))
        self.fact = nn.Linear(words, d, bias=False)
        self.response = nn.Linear(d, answers, bias=False)
        self.hops = hops

    def forward(self, facts, questions, support=None, allowed=None):
        """(scores of the answers [B, m, answers], scores of the facts, one [B, m, n] a hop).

        support: [B, m, hops], the facts that it should find; given in training, they are what the
        next hop and the answer go by. allowed: as in look.only.
        """
        facts, x, z = facts.sum(-2), questions.sum(-2), []
        query, answer = self.asks[0](x), self.asks[-1](x)
        keys = self.fact(facts)
        rule = largest if allowed is None else only(allowed, largest)
        for h in range(self.hops):
            m, w = look(query, keys, facts, dot, rule)
            z.append(dot(query, keys))
            if support is not None:
                m = facts.gather(1, support[..., h, None].expand(-1, -1, facts.shape[-1]))
            query = query + self.found[h](m)
            answer = answer + self.found[self.hops + h](m)
        return self.response(answer), z


def position_encoding(J, d):
    """l [J, d] of Sukhbaatar, section 4.1: l_kj = (1 − j/J) − (k/d) (1 − 2j/J), from 1."""
    j, k = torch.arange(1, J + 1).unsqueeze(1), torch.arange(1, d + 1)
    return (1 - j / J) - (k / d) * (1 - 2 * j / J)


class MemN2N(nn.Module):
    """Sukhbaatar 2015: the same with a softmax, so that answers alone can teach it.

    (1): p = softmax(uᵀ m_i); (2): o = Σ p_i c_i; (4): u' = u + o for the next hop; (3): the answer
    W (u + o). m_i = Σ_j l_j · A x_ij, with l the position encoding, or 1 (a bag of words).
    tying: "adjacent": the C of a hop is the A of the next, B is the first A, and W the last C where
    answers are words; "layer-wise": one A and one C for all hops, and u' = H u + o.
    """

    def __init__(
        self, words, d, answers=None, hops=1, tying="adjacent", positions=False, spread=0.1
    ):
        super().__init__()
        if tying not in ("adjacent", "layer-wise"):
            raise ValueError(f"tying is {tying!r}; it must be 'adjacent' or 'layer-wise'")
        count = hops + 1 if tying == "adjacent" else 3  # A1, A2 = C1, ...; or A, C, B
        self.E = nn.Parameter(spread * torch.randn(count, words, d))
        self.H = nn.Linear(d, d, bias=False) if tying == "layer-wise" else None
        tied = tying == "adjacent" and answers is None
        self.W = None if tied else nn.Linear(d, answers or words, bias=False)
        self.hops, self.positions = hops, positions

    def embed(self, sentences, E):
        each = sentences @ E
        if self.positions:
            each = each * position_encoding(*each.shape[-2:]).to(each)
        return each.sum(-2)

    def forward(self, facts, questions, allowed=None, normalise=over_slots):
        """(scores of the answers [B, m, answers], weights of each hop [B, m, n]).

        normalise: look.unchanged is the "linear start" of section 4.2, which escapes bad minima.
        """
        A, C, B = (
            (range(self.hops), range(1, self.hops + 1), 0)
            if self.H is None
            else ([0] * self.hops, [1] * self.hops, 2)
        )
        u, weights = self.embed(questions, self.E[B]), []
        rule = normalise if allowed is None else only(allowed, normalise)
        for a, c in zip(A, C):
            o, p = look(u, self.embed(facts, self.E[a]), self.embed(facts, self.E[c]), dot, rule)
            u = (u if self.H is None else self.H(u)) + o
            weights.append(p)
        return u @ self.E[-1].T if self.W is None else self.W(u), weights
