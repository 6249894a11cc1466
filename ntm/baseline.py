"""The paper's LSTM baseline: three layers, which must keep everything in their state."""

import torch
from torch import nn

from .checks import check_input, positive, seeded
from .weights import Saved, draw


class LSTMBaseline(Saved, nn.Module):
    """A deep LSTM as Graves built them: the input goes to every layer, and every layer to the
    output; learned initial states.

    This wiring is inferred: it is the one whose number of parameters equals Table 3 of the paper to
    the last digit on four tasks, Σ_l 4H(inputs_l + H + 1) + (layers H + 1) outputs + 2 layers H.
    """

    def __init__(self, inputs, outputs, hidden_size=256, layers=3, *, seed=None):
        inputs, outputs, hidden_size, layers = positive(inputs=inputs, outputs=outputs,
                                                        hidden_size=hidden_size, layers=layers)
        generator = seeded(seed)
        super().__init__()
        self.settings = dict(inputs=inputs, outputs=outputs, hidden_size=hidden_size, layers=layers)
        self.inputs, self.outputs = inputs, outputs
        device = torch.empty(0).device
        with torch.device("meta"):
            # a constant channel stands for the bias: torch's own LSTM would have two where the
            # paper counts one
            self.layers = nn.ModuleList(
                nn.LSTM(inputs + (hidden_size if layer else 0) + 1, hidden_size, bias=False)
                for layer in range(layers)
            )
            self.output = nn.Linear(layers * hidden_size, outputs)
        draw(self, generator, device)
        self.h_0 = nn.Parameter(torch.zeros(layers, 1, hidden_size))
        self.c_0 = nn.Parameter(torch.zeros(layers, 1, hidden_size))

    def forward(self, x):
        """Logits [T, B, outputs] for x [T, B, inputs]."""
        check_input(x, self.inputs, self.h_0)
        batch, tops = x.shape[1], []
        x = below = torch.cat([x, x.new_ones(*x.shape[:2], 1)], dim=-1)
        for layer, h_0, c_0 in zip(self.layers, self.h_0, self.c_0):
            h, _ = layer(below, (h_0.expand(batch, -1)[None].contiguous(),
                                 c_0.expand(batch, -1)[None].contiguous()))
            tops.append(h)
            below = torch.cat([x, h], dim=-1)
        return self.output(torch.cat(tops, dim=-1))
