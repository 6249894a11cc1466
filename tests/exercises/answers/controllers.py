"""Answers to the exercises of book/controllers.ipynb, and what the checkers must say of them."""

import torch
from torch import nn

from ntm.controllers import LSTM, FeedForward
from ntm.exercises.controllers import _Slow


def setting(weight, bias):
    def set_layer(layer):
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.copy_(torch.tensor(bias))

    return set_layer


class Leaky(nn.Module):
    def __init__(self, inputs, hidden_size):
        super().__init__()
        self.output_size, self.linear = hidden_size, nn.Linear(inputs, hidden_size)

    def initial(self, batch):
        return (torch.zeros(batch, self.output_size),)

    def forward(self, x, state):
        h = 0.9 * state[0] + 0.1 * torch.tanh(self.linear(x))
        return h, (h,)


class NoSize(Leaky):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.output_size = 1

    def initial(self, batch):
        return (torch.zeros(batch, 8),)


class NoTuple(Leaky):
    def initial(self, batch):
        return torch.zeros(batch, self.output_size)


class NoLeak(Leaky):
    def forward(self, x, state):
        h = torch.tanh(self.linear(x))
        return h, (h,)


class Forgetful(Leaky):
    def forward(self, x, state):
        return super().forward(x, state)[0], state


class Hoarder(Leaky):
    calls = 0

    def forward(self, x, state):
        h, state = super().forward(x, state)
        self.calls += 1
        return h + 1e-3 * max(0, self.calls - 2), state


def lstm_parameters():
    def maps(inputs, H, layers):
        return sum(4 * H * (n + H + 1) for n in [inputs] + [H] * (layers - 1))

    return [
        (lambda n, H, layers: maps(n, H, layers) + 2 * layers * H, "Correct: "),
        (lambda *_: None, "None"),
        (maps, "learned start"),
        (lambda: 0, "raised"),
        (lambda n, H, layers: maps(n, H, 1) + 2 * H, "layers=2"),
    ]


def switch():
    weight, bias = [[20.0, 0, 0], [0, -20.0, 0], [0, 0, 0], [0, 0, 0]], [-10.0, 10, 10, 10]

    return [
        (setting(weight, bias), "Correct: "),
        (lambda layer: None, "should be"),
        (setting(weight, [-10.0, 3, 10, 10]), "above 0.7"),
        (None, "raised"),
        (setting([weight[0], [0, 0, 0], *weight[2:]], bias), "off the output"),
        (setting(weight, [10.0] * 4), "below 0.1"),
    ]


def span():
    @torch.no_grad()
    def right(controller, inputs, threshold=0.001):
        last, quiet, pulse = 0, controller.initial(1), controller.initial(1)
        for t in range(30):
            h, quiet = controller(torch.zeros(1, inputs), quiet)
            other, pulse = controller(torch.full((1, inputs), float(t == 0)), pulse)
            last = t if (h - other).abs().max() > threshold else last
        return last

    return [
        (right, "Correct: "),
        (lambda *_: None, "None"),
        (lambda *_: 0, "keeps half"),
        (lambda c, n: right(c, n, 0.1), "until step 9"),
        (lambda: 0, "raised"),
    ]


def leaky():
    return [
        (Leaky, "Correct: "),
        (None, "raised"),
        (NoSize, "output_size"),
        (NoTuple, "a tuple"),
        (NoLeak, "first step"),
        (Forgetful, "second step"),
        (Hoarder, "two answers"),
        (nn.Linear, "raised"),
    ]


def remember_and_listen():
    torch.manual_seed(0)

    slow = LSTM(4, 7)

    with torch.no_grad():
        slow.layers[0].bias[7:14] = 7

    class Deaf(_Slow):
        def forward(self, x, state):
            h = state[0] + x.sum(-1, keepdim=True) * (state[0] == 0)
            return h + 0.0, (h + 1e-9,)

    return [
        (slow, "Correct: "),
        (None, "a module"),
        (..., "a module"),
        (LSTM, "a module"),
        (LSTM(4, 50), "at most 500"),
        (FeedForward(4, 8), "0 steps only"),
        (nn.Linear(4, 4), "raised"),
        (_Slow(0.5), "forget more slowly"),
        (Deaf(1.0), "no longer listens"),
    ]
