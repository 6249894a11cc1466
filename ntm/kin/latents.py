"""A few learned askers and a long input: Perceiver, Perceiver IO (Jaegle et al. 2021), and Slot
Attention (Locatello et al. 2020).

x [B, n, inputs] is a set; nothing here knows an order that is not written into x.
"""

import torch
from torch import nn

from .attention import MultiHead
from .look import look, over_queries


class Asking(nn.Module):
    """Perceiver IO, appendix E: X = X_q + Attn(norm(X_q), norm(X_kv)); X = X + MLP(norm(X))."""

    def __init__(self, d, d_keys, heads=1):
        super().__init__()
        self.attn = MultiHead(d, heads, d_keys)
        self.norms = nn.ModuleList(nn.LayerNorm(n) for n in (d, d_keys, d))
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, q, keys):
        q = q + self.attn(self.norms[0](q), self.norms[1](keys))
        return q + self.mlp(self.norms[2](q))


class Perceiver(nn.Module):
    """A fixed number of latents ask an input of any length, then each other; their mean answers.

    The cost of a look is latents x n, not n x n. rounds: how often they do both, with the same
    weights (section 3.1, "iterative attention"). x [B, n, inputs] to logits [B, outputs].
    """

    def __init__(self, inputs, outputs, latents=16, d=32, rounds=1):
        super().__init__()
        self.latents = nn.Parameter(0.5 * torch.randn(latents, d))
        self.embed = nn.Linear(inputs, d)
        self.ask, self.think = Asking(d, d), Asking(d, d)
        self.output, self.rounds = nn.Linear(d, outputs), rounds

    def encode(self, x):
        """What the latents [B, latents, d] know after looking at x."""
        z, keys = self.latents.expand(len(x), -1, -1), self.embed(x)
        for _ in range(self.rounds):
            z = self.ask(z, keys)
            z = self.think(z, z)
        return z

    def forward(self, x):
        return self.output(self.encode(x).mean(1))


class PerceiverIO(Perceiver):
    """The same turned round for the answers: each output query [B, m, queries] asks the latents."""

    def __init__(self, inputs, outputs, queries, latents=16, d=32, rounds=1):
        super().__init__(inputs, outputs, latents, d, rounds)
        self.question, self.answer = nn.Linear(queries, d), Asking(d, d)

    def forward(self, x, queries):
        return self.output(self.answer(self.question(queries), self.encode(x)))


class SlotAttention(nn.Module):
    """Locatello 2020, algorithm 1: slots compete for the inputs, three times over.

    (1): attn = softmax over the slots of k(x) q(slots)ᵀ / √D; (2): each slot takes the weighted
    mean of v(x), and a GRU and a residual MLP make it the next slot. They begin as draws from one
    Gaussian, so no slot has a part of its own. normalise: over_slots makes an ordinary attention of
    it, for comparison.
    """

    def __init__(self, inputs, d=32, slots=4, iterations=3, normalise=over_queries):
        super().__init__()
        self.μ = nn.Parameter(0.1 * torch.randn(d))
        self.log_σ = nn.Parameter(torch.zeros(d))
        self.k, self.v = (nn.Linear(inputs, d, bias=False) for _ in range(2))
        self.q, self.gru = nn.Linear(d, d, bias=False), nn.GRUCell(d, d)
        self.mlp = nn.Sequential(
            nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.ReLU(), nn.Linear(2 * d, d)
        )
        self.norm_x, self.norm_slots = nn.LayerNorm(inputs), nn.LayerNorm(d)
        self.slots, self.iterations, self.normalise = slots, iterations, normalise

    def forward(self, x, begin=None):
        """(slots [B, slots, d], their weights over the inputs [B, slots, n] at the last look).

        begin: standard normal numbers [B, slots, d], drawn here if not given.
        """
        x = self.norm_x(x)
        k, v = self.k(x), self.v(x)
        if begin is None:
            begin = torch.randn(len(x), self.slots, len(self.μ))
        slots = self.μ + self.log_σ.exp() * begin.to(x)
        for _ in range(self.iterations):
            updates, w = look(self.q(self.norm_slots(slots)), k, v, normalise=self.normalise)
            slots = self.gru(updates.flatten(0, 1), slots.flatten(0, 1)).view_as(slots)
            slots = slots + self.mlp(slots)
        return slots, w
