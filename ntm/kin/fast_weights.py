"""Linear attention and the delta rule: a memory that is written, as the NTM's, with its own erase
and add.

S [B, d, width] is the memory: as many slots as a key has numbers, and a key is a weighting over
them. Keys and queries [B, d], values [B, width] at one step; [B, T, ...] for whole sequences.
"""

import torch
from torch import nn
from torch.nn.functional import elu, normalize, silu

from ..memory import add, read
from .look import causal, dot, unchanged


def φ(x):
    """Equation (7) of Katharopoulos: elu(x) + 1, a feature that is never negative."""
    return elu(x) + 1


def linear_attention(Q, K, V):
    """Equation (9) of Katharopoulos for all steps at once: as (1) of Vaswani, but the score is
    φ(q)ᵀ φ(k), and nothing is exponentiated."""
    w = unchanged(dot(φ(Q), φ(K))) * causal(Q.shape[1])
    return read(V, w / w.sum(-1, keepdim=True))


def add_step(S, k, v):
    """Equation (18): S + φ(k) vᵀ, which is the NTM's equation (4) with φ(k) for a weighting."""
    return add(S, φ(k).unsqueeze(1), v.unsqueeze(1))


def delta_step(S, k, v, β, α=None):
    """The delta rule: α S − β k (kᵀ α S) + β k vᵀ. Take out what the key finds, put in the new.

    Schlag 2021 with β in (0, 1) and k of length 1. α in (0, 1), [B, 1] or [B, d], fades all of it
    (Gated DeltaNet, 2024) or each slot at its own rate (Kimi Linear, 2025). In the NTM's words:
    read, then erase and add with one weighting, of which the erase reaches only along k.
    """
    S = S if α is None else S * α.unsqueeze(-1)
    found = read(S, k.unsqueeze(1))
    return add(S, k.unsqueeze(1), β.unsqueeze(1) * (v.unsqueeze(1) - found))


class LinearAttention(nn.Module):
    """Katharopoulos 2020 as a mixer [B, T, d] to [B, T, d]; `step` is its recurrent form, equations
    (18) to (20)."""

    def __init__(self, d):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(d, d) for _ in range(4))

    def forward(self, h):
        return self.out(linear_attention(self.q(h), self.k(h), self.v(h)))

    def step(self, h, S, Z):
        """One step: h [B, d]; S [B, d, d] and Z [B, d], the sum of the keys, both zero at first."""
        q, k, v = self.q(h), self.k(h), self.v(h)
        S, Z = add_step(S, k, v), Z + φ(k)
        r = read(S, φ(q).unsqueeze(1)).squeeze(1)
        return self.out(r / (φ(q) * Z).sum(-1, keepdim=True)), S, Z


class DeltaNet(nn.Module):
    """Schlag 2021 as a mixer, with the keys of Yang 2024: a SiLU, then length 1.

    gated: with the α of Gated DeltaNet.
    """

    def __init__(self, d, gated=False):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(d, d) for _ in range(4))
        self.β, self.α = nn.Linear(d, 1), nn.Linear(d, 1) if gated else None

    def forward(self, h):
        q, k = (normalize(silu(part(h)), dim=-1) for part in (self.q, self.k))
        v, β = self.v(h), self.β(h).sigmoid()
        α = None if self.α is None else (self.α(h) + 4).sigmoid()  # begins by keeping nearly all
        S, reads = h.new_zeros(len(h), h.shape[-1], h.shape[-1]), []
        for t in range(h.shape[1]):
            S = delta_step(S, k[:, t], v[:, t], β[:, t], None if α is None else α[:, t])
            reads.append(read(S, q[:, t : t + 1]))
        return self.out(torch.cat(reads, dim=1))
