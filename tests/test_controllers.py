"""The feedforward and the LSTM controller."""

import math

import pytest
import spec
import torch
from torch import nn
from torch.testing import assert_close

from ntm.controllers import LSTM, FeedForward


def randomised(module):
    """In double precision, no parameter left at its zeros."""
    module.double()
    for p in module.parameters():
        nn.init.normal_(p, std=0.5)
    return module


@pytest.mark.parametrize("layers", [1, 3])
def test_feedforward_equals_its_sums(layers):
    controller = randomised(FeedForward(3, hidden_size=4, layers=layers))
    x = torch.randn(2, 3, dtype=torch.float64)
    h, state = controller(x, controller.initial(2))
    assert h.shape == (2, controller.output_size) and state == ()
    for b in range(2):
        below = x[b].tolist()
        for layer in controller.layers:
            below = [math.tanh(z) for z in spec.linear(below, layer.weight.tolist(),
                                                       layer.bias.tolist())]
        assert_close(h[b].tolist(), below)


@pytest.mark.parametrize("layers", [1, 3])
def test_lstm_equals_torchs_own(layers):
    controller = randomised(LSTM(3, hidden_size=4, layers=layers))
    theirs = nn.LSTM(3, 4, num_layers=layers).double()
    with torch.no_grad():
        for n, layer in enumerate(controller.layers):
            inputs = layer.in_features - 4
            getattr(theirs, f"weight_ih_l{n}").copy_(layer.weight[:, :inputs])
            getattr(theirs, f"weight_hh_l{n}").copy_(layer.weight[:, inputs:])
            getattr(theirs, f"bias_ih_l{n}").copy_(layer.bias)
            getattr(theirs, f"bias_hh_l{n}").zero_()
    x, state, tops = torch.randn(5, 2, 3, dtype=torch.float64), controller.initial(2), []
    assert [tuple(part.shape) for part in state] == [(layers, 2, 4)] * 2
    expected, (h, c) = theirs(x, tuple(part.contiguous() for part in state))
    for x_t in x:
        top, state = controller(x_t, state)
        tops.append(top)
    assert_close(torch.stack(tops), expected)
    assert_close(state, (h, c))


def test_lstm_equals_its_sums():
    controller = randomised(LSTM(3, hidden_size=4))
    x = torch.randn(1, 3, dtype=torch.float64)
    h, (_, c) = controller(x, controller.initial(1))
    layer = controller.layers[0]
    gates = spec.linear(x[0].tolist() + controller.h_0[0, 0].tolist(), layer.weight.tolist(),
                        layer.bias.tolist())
    expected = spec.lstm(gates, controller.c_0[0, 0].tolist())
    assert_close((h[0].tolist(), c[0, 0].tolist()), expected)


def test_where_the_lstm_starts_is_learned():
    controller = LSTM(3, hidden_size=4, layers=2)
    controller(torch.randn(2, 3), controller.initial(2))[0].sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0
               for p in (controller.h_0, controller.c_0))


@pytest.mark.parametrize("kind", [FeedForward, LSTM])
def test_gradients(kind):
    controller = randomised(kind(3, hidden_size=2, layers=2))
    state = tuple(torch.randn(2, 2, 2, dtype=torch.float64, requires_grad=True)
                  for _ in controller.initial(2))

    def run(x, *state):
        h, state = controller(x, state)
        return h, *state

    assert torch.autograd.gradcheck(run,
                                    (torch.randn(2, 3, dtype=torch.float64, requires_grad=True),
                                     *state))
