"""The two controllers of the paper: a feedforward network and an LSTM, of any depth.

A controller is a module with `output_size`, `initial(batch)` for its state at the start of a
sequence, and `forward(x, state)` for one step, which returns its output h [B, output_size] and its
new state. Any such module can drive an NTM; for these two there is a fast path.
"""

import torch
from torch import nn


class FeedForward(nn.Module):
    """`layers` layers of tanh units; it has no state of its own: all it remembers, it must read.

    The paper does not name the non-linearity.
    """

    def __init__(self, inputs, hidden_size=100, layers=1):
        super().__init__()
        self.output_size = hidden_size
        self.layers = nn.ModuleList(nn.Linear(n, hidden_size)
                                    for n in [inputs] + [hidden_size] * (layers - 1))

    def initial(self, batch):
        """The empty state."""
        return ()

    def forward(self, x, state):
        """x [B, inputs]. Returns h [B, hidden_size] and the empty state."""
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x, state


class LSTM(nn.Module):
    """`layers` LSTM layers, each fed by the one below. The state is (h, c), each [layers, B,
    hidden_size].

    Each layer is one linear map of [input, h_prev] to the gates i, f, g, o. Where a sequence starts
    is learned: the parameters h_0 and c_0.
    """

    def __init__(self, inputs, hidden_size=100, layers=1):
        super().__init__()
        self.output_size = hidden_size
        self.layers = nn.ModuleList(nn.Linear(n + hidden_size, 4 * hidden_size)
                                    for n in [inputs] + [hidden_size] * (layers - 1))
        self.h_0 = nn.Parameter(torch.zeros(layers, 1, hidden_size))
        self.c_0 = nn.Parameter(torch.zeros(layers, 1, hidden_size))

    def initial(self, batch):
        """The learned starting state for `batch` sequences."""
        return self.h_0.expand(-1, batch, -1).clone(), self.c_0.expand(-1, batch, -1).clone()

    def forward(self, x, state):
        """x [B, inputs]; state (h, c), each [layers, B, hidden_size]. Returns the top layer's h [B,
        hidden_size], and the new state."""
        h, c = [], []
        for layer, h_prev, c_prev in zip(self.layers, *state):
            i, f, g, o = layer(torch.cat([x, h_prev], dim=-1)).chunk(4, dim=-1)
            c.append(torch.sigmoid(f) * c_prev + torch.sigmoid(i) * torch.tanh(g))
            h.append(torch.sigmoid(o) * torch.tanh(c[-1]))
            x = h[-1]
        return x, (torch.stack(h), torch.stack(c))
