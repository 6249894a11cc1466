"""A record of everything the heads did over a sequence."""

from dataclasses import dataclass, fields

import torch

from .addressing import content, interpolate, shift


@dataclass
class Trace:
    """What a machine did, step by step; every tensor is [T, B, ...], detached.

    M is the memory *after* each step (M_0 before the first); the weightings, gates and keys are
    those the step used. Heads are ordered read heads first in k, β, g, s and γ; e and a belong to
    the write heads.
    """

    M_0: torch.Tensor  # [B, N, width]
    w_0: torch.Tensor  # [B, heads, N]
    read_heads: int
    M: torch.Tensor | list  # [T, B, N, width]
    w: torch.Tensor | list  # [T, B, heads, N]
    r: torch.Tensor | list  # [T, B, read_heads, width]
    k: torch.Tensor | list  # [T, B, heads, width]
    β: torch.Tensor | list  # [T, B, heads]
    g: torch.Tensor | list  # [T, B, heads]
    s: torch.Tensor | list  # [T, B, heads, 2 shift_range + 1]
    γ: torch.Tensor | list  # [T, B, heads]
    e: torch.Tensor | list  # [T, B, write_heads, width]
    a: torch.Tensor | list  # [T, B, write_heads, width]

    @classmethod
    def begin(cls, state, read_heads):
        """An empty record of a sequence that begins in `state`."""
        return cls(state.M.detach(), state.w.detach(), read_heads, *([] for _ in fields(cls)[3:]))

    def append(self, state, emitted):
        """Add one step: the state after it, and what the heads emitted in it."""
        for name, value in [("M", state.M), ("w", state.w), ("r", state.r),
                            *emitted._asdict().items()]:
            getattr(self, name).append(value.detach())

    def end(self):
        """Stack the steps into tensors; returns self."""
        for field in fields(self)[3:]:
            setattr(self, field.name, torch.stack(getattr(self, field.name)))
        return self

    @property
    def w_read(self):
        """The read weightings [T, B, read_heads, N]."""
        return self.w[:, :, : self.read_heads]

    @property
    def w_write(self):
        """The write weightings [T, B, write_heads, N]."""
        return self.w[:, :, self.read_heads :]

    @property
    def w_prev(self):
        """The weightings each step started from [T, B, heads, N]."""
        return torch.cat([self.w_0[None], self.w[:-1]])

    @property
    def M_prev(self):
        """The memory each step read from and addressed [T, B, N, width]."""
        return torch.cat([self.M_0[None], self.M[:-1]])

    @property
    def w_c(self):
        """Equation (5) at every step: the content weightings [T, B, heads, N]."""
        return content(self.M_prev, self.k, self.β)

    @property
    def w_g(self):
        """Equation (7) at every step: the gated weightings [T, B, heads, N]."""
        return interpolate(self.w_c, self.w_prev, self.g)

    @property
    def w_s(self):
        """Equation (8) at every step: the shifted weightings [T, B, heads, N]."""
        return shift(self.w_g, self.s)
