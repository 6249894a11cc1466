"""The paper's tasks: seeded generators, and what scores an answer.

A task has `inputs` and `outputs` channels and `sample(batch, generator=...)`, which returns a Batch. Sequences of different
lengths share one tensor, padded with zeros at the end; the mask says which steps are scored.
"""

from typing import NamedTuple

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from .checks import positive


class Batch(NamedTuple):
    """Some sequences of a task, time first."""

    x: torch.Tensor  # inputs [T, B, inputs]
    y: torch.Tensor  # targets, 0 or 1 [T, B, outputs]
    mask: torch.Tensor  # 1 where a step is scored, else 0 [T, B]


def bits(logits, batch):
    """The paper's cost: the cross-entropy of the scored steps in bits, summed over a sequence. Returns [B]."""
    nats = binary_cross_entropy_with_logits(logits, batch.y, reduction="none")
    return (nats * batch.mask.unsqueeze(-1)).sum(dim=(0, 2)) / 0.6931471805599453


def wrong_bits(logits, batch):
    """How many scored bits are wrong once thresholded at probability 1/2, summed over a sequence. Not a cost. Returns [B]."""
    wrong = (logits > 0) != (batch.y > 0.5)
    return (wrong * batch.mask.unsqueeze(-1)).sum(dim=(0, 2))


def _draw(low, high, batch, generator):
    """Integers from low to high, both included [batch]."""
    return torch.randint(low, high + 1, (batch,), generator=generator)


def _range(name, value, fixed):
    """The (low, high) that a length is drawn from: `fixed` alone if it is given."""
    if fixed is not None:
        positive(**{name: fixed})
        return fixed, fixed
    low, high = value
    positive(**{f"{name} (lowest)": low, f"{name} (highest)": high})
    if low > high:
        raise ValueError(f"{name} is drawn from {low} to {high}; the first must not be above the second")
    return low, high


class Copy:
    """Copy (figures 3 to 6): see a sequence of random bit vectors, then write it out.

    10 input channels: 8 of data, one that marks the start (alone at step 0) and one that marks the end (alone at step L + 1);
    8 outputs, scored in the L steps after that, in which the input is silent. 2L + 2 steps for L vectors.
    lengths: lowest and highest L, both included.
    """

    def __init__(self, width=8, lengths=(1, 20)):
        positive(width=width)
        self.width, self.lengths = width, lengths
        self.inputs, self.outputs = width + 2, width
        _range("length", lengths, None)

    def sample(self, batch, *, length=None, generator=None):
        """`batch` sequences as a Batch of T = 2 max(L) + 2 steps. length: the same L for all, instead of a draw for each."""
        positive(batch=batch)
        L = _draw(*_range("length", self.lengths, length), batch, generator)
        longest = int(L.max())
        t = torch.arange(2 * longest + 2).unsqueeze(-1)  # [T, 1], against L [B]
        data = torch.randint(0, 2, (longest, batch, self.width), generator=generator).float()
        data = data * (t[:longest] < L).unsqueeze(-1)
        x = torch.zeros(2 * longest + 2, batch, self.inputs)
        x[1 : longest + 1, :, : self.width] = data
        x[0, :, self.width] = 1
        x[:, :, self.width + 1] = t == L + 1
        mask = ((t > L + 1) & (t <= 2 * L + 1)).float()
        y = torch.zeros(2 * longest + 2, batch, self.width)
        source = (t - L - 2).clamp(0, longest - 1).unsqueeze(-1).expand(-1, -1, self.width)
        y = data.gather(0, source) * mask.unsqueeze(-1)
        return Batch(x, y, mask)
