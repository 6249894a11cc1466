"""From the controller's output to what the heads do: k, β, g, s, γ for each head, e and a for each
write head."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import softplus


class Emission(NamedTuple):
    """What all heads emit at one step; heads are ordered read heads first, then write heads."""

    k: torch.Tensor  # keys [B, heads, width], in (-1, 1)
    β: torch.Tensor  # key strengths [B, heads], positive
    g: torch.Tensor  # interpolation gates [B, heads], in (0, 1)
    s: torch.Tensor  # shift weightings [B, heads, 2 shift_range + 1], summing to 1
    γ: torch.Tensor  # sharpening exponents [B, heads], at least 1
    e: torch.Tensor  # erase vectors [B, write_heads, width], in (0, 1)
    a: torch.Tensor  # add vectors [B, write_heads, width], in (-1, 1)


class Heads(nn.Module):
    """One linear layer for all heads, its outputs grouped by kind (all keys, all β, ...), then
    squashed to their ranges.

    The paper gives the ranges only. Ours: k and a by tanh, β by softplus, g and e by the logistic
    sigmoid, s by softmax, γ by 1 + softplus.
    """

    def __init__(self, hidden_size, width, read_heads, write_heads, shift_range):
        super().__init__()
        heads = read_heads + write_heads
        self.heads, self.write_heads, self.width, self.offsets = (heads, write_heads, width,
            2 * shift_range + 1)
        self.sizes = [heads * width, heads, heads, heads * self.offsets, heads, write_heads * width,
                      write_heads * width]
        self.linear = nn.Linear(hidden_size, sum(self.sizes))

    def forward(self, h):
        """h: controller output [B, hidden_size]. Returns an Emission."""
        k, β, g, s, γ, e, a = self.linear(h).split(self.sizes, dim=-1)
        return Emission(
            k=torch.tanh(k).unflatten(-1, (self.heads, self.width)),
            β=softplus(β),
            g=torch.sigmoid(g),
            s=torch.softmax(s.unflatten(-1, (self.heads, self.offsets)), dim=-1),
            γ=1 + softplus(γ),
            e=torch.sigmoid(e).unflatten(-1, (self.write_heads, self.width)),
            a=torch.tanh(a).unflatten(-1, (self.write_heads, self.width)),
        )
