"""Attention Is All You Need (Vaswani et al. 2017): every step asks, and every step has written
itself.

Inside a layer the batch comes first, [B, T, d].
"""

import torch
from torch import nn

from .look import causal, look, only


def attention(Q, K, V, allowed=None):
    """Equation (1): softmax(Q Kᵀ / √d_k) V. allowed: as in look.only."""
    return look(Q, K, V, normalise=None if allowed is None else only(allowed))[0]


def positions(T, d):
    """The sines and cosines of section 3.5 [T, d]: sin(t / 10000^(2i/d)) and its cosine."""
    angle = torch.arange(T).unsqueeze(1) / 10000 ** (torch.arange(0, d, 2) / d)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :d]


class MultiHead(nn.Module):
    """Section 3.2.2: Concat(head_1, ...) W^O, where head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V).

    Called with h alone it is causal self-attention. `keys` of another room: what h asks.
    """

    def __init__(self, d, heads=1, d_keys=None):
        super().__init__()
        self.q, self.out = nn.Linear(d, d), nn.Linear(d, d)
        self.k, self.v = (nn.Linear(d_keys or d, d) for _ in range(2))
        self.heads = heads

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, heads, T, d / heads]

    def forward(self, h, keys=None, allowed=None):
        if keys is None:
            keys, allowed = h, causal(h.shape[1])
        q, k, v = (self.split(x) for x in (self.q(h), self.k(keys), self.v(keys)))
        return self.out(attention(q, k, v, allowed).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A layer: what mixes the steps, then equation (2), FFN(x) = max(0, x W1 + b1) W2 + b2; after
    each, LayerNorm(x + Sublayer(x))."""

    def __init__(self, d, mixer):
        super().__init__()
        self.mixer = mixer
        self.ffn = nn.Sequential(nn.Linear(d, 2 * d), nn.ReLU(), nn.Linear(2 * d, d))
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in range(2))

    def forward(self, h):
        h = self.norms[0](h + self.mixer(h))
        return self.norms[1](h + self.ffn(h))


class Transformer(nn.Module):
    """A causal Transformer for sequences: x [T, B, inputs] to logits [T, B, outputs].

    mixer: makes what mixes the steps in each layer, from d; MultiHead by default. places: whether
    it is told at which step it is.
    """

    def __init__(self, inputs, outputs, d=32, layers=2, mixer=MultiHead, places=False):
        super().__init__()
        self.embed, self.output = nn.Linear(inputs, d), nn.Linear(d, outputs)
        self.blocks = nn.Sequential(*(Block(d, mixer(d)) for _ in range(layers)))
        self.places = places

    def forward(self, x):
        h = self.embed(x.transpose(0, 1))
        if self.places:
            h = h + positions(*h.shape[1:]).to(h)
        return self.output(self.blocks(h)).transpose(0, 1)
