"""Every checker of the chapter passes a right answer and refuses wrong ones with a sentence that helps."""

import torch
from torch import nn

from ntm.controllers import LSTM, FeedForward
from ntm.exercises import controllers as check
from ntm.exercises.controllers import _Slow


def says(capsys, word):
    return word in capsys.readouterr().out


def test_lstm_parameters(capsys):
    def maps(inputs, H, layers):
        return sum(4 * H * (n + H + 1) for n in [inputs] + [H] * (layers - 1))

    assert check.lstm_parameters(lambda n, H, layers: maps(n, H, layers) + 2 * layers * H) and says(capsys, "Correct:")
    for wrong, hint in [(lambda *_: None, "None"), (maps, "learned start"), (lambda: 0, "raised"),
                        (lambda n, H, layers: maps(n, H, 1) + 2 * H, "layers=2")]:
        assert not check.lstm_parameters(wrong) and says(capsys, hint)


def setting(weight, bias):
    def set_layer(layer):
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.copy_(torch.tensor(bias))
    return set_layer


def test_switch(capsys):
    weight, bias = [[20.0, 0, 0], [0, -20.0, 0], [0, 0, 0], [0, 0, 0]], [-10.0, 10, 10, 10]
    assert check.switch(setting(weight, bias)) and says(capsys, "Correct:")
    for wrong, hint in [(lambda layer: None, "should be"), (setting(weight, [-10.0, 3, 10, 10]), "above 0.7"), (None, "raised"),

                        (setting([weight[0], [0, 0, 0], *weight[2:]], bias), "off the output"), (setting(weight, [10.0] * 4), "below 0.1")]:
        assert not check.switch(wrong) and says(capsys, hint)


def test_span(capsys):
    @torch.no_grad()
    def right(controller, inputs, threshold=0.001):
        last, quiet, pulse = 0, controller.initial(1), controller.initial(1)
        for t in range(30):
            h, quiet = controller(torch.zeros(1, inputs), quiet)
            other, pulse = controller(torch.full((1, inputs), float(t == 0)), pulse)
            last = t if (h - other).abs().max() > threshold else last
        return last

    assert check.span(right) and says(capsys, "Correct:")
    for wrong, hint in [(lambda *_: None, "None"), (lambda *_: 0, "keeps half"),
                        (lambda c, n: right(c, n, 0.1), "until step 9"), (lambda: 0, "raised")]:
        assert not check.span(wrong) and says(capsys, hint)


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


def test_leaky(capsys):
    assert check.leaky(Leaky) and says(capsys, "Correct:")
    for wrong, hint in [(None, "raised"), (NoSize, "output_size"), (NoTuple, "a tuple"), (NoLeak, "first step"),
                        (Forgetful, "second step"), (Hoarder, "two answers"), (nn.Linear, "raised")]:
        assert not check.leaky(wrong) and says(capsys, hint)


def test_remember_and_listen(capsys):
    torch.manual_seed(0)
    slow = LSTM(4, 7)
    with torch.no_grad():
        slow.layers[0].bias[7:14] = 7
    assert check.remember_and_listen(slow) and says(capsys, "Correct:")
    for wrong, hint in [(None, "a module"), (..., "a module"), (LSTM, "a module"), (LSTM(4, 50), "at most 500"),
                        (FeedForward(4, 8), "0 steps only"), (nn.Linear(4, 4), "raised"), (_Slow(0.5), "forget more slowly")]:
        assert not check.remember_and_listen(wrong) and says(capsys, hint)

    class Deaf(_Slow):
        def forward(self, x, state):
            h = state[0] + x.sum(-1, keepdim=True) * (state[0] == 0)
            return h + 0.0, (h + 1e-9,)

    assert not check.remember_and_listen(Deaf(1.0)) and says(capsys, "no longer listens")
