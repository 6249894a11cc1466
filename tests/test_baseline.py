"""The paper's LSTM baseline."""

import pytest
import spec
import torch
from torch import nn
from torch.func import functional_call
from torch.testing import assert_close

from ntm import LSTMBaseline


@pytest.mark.parametrize("inputs, outputs, units, table_3", [
    (10, 9, 256, 1_352_969),  # copy
    (8, 7, 512, 5_312_007),  # repeat copy
    (8, 6, 256, 1_344_518),  # associative recall
    (1, 1, 128, 331_905),  # N-grams
    (10, 8, 128, 348_424),  # priority sort, where the paper prints 384,424
])  # fmt: skip
def test_the_number_of_parameters_is_that_of_table_3(inputs, outputs, units, table_3):
    assert sum(p.numel() for p in LSTMBaseline(inputs, outputs, hidden_size=units,
                                               seed=0).parameters()) == table_3


def small(layers=3):
    model = LSTMBaseline(3, 2, hidden_size=4, layers=layers, seed=0).double()
    for p in model.parameters():
        nn.init.normal_(p, std=0.5)
    return model


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_baseline_equals_its_loops(layers):
    model, x = small(layers), torch.randn(5, 2, 3, dtype=torch.float64)
    logits = model(x)
    for b in range(2):
        assert_close(logits[:, b].tolist(), spec.baseline(model, x[:, b].tolist()))
    assert_close(model(x[:, 1:]), logits[:, 1:])
    assert_close(model(x[:3]), logits[:3])  # nothing is seen before its time


def test_gradients_reach_everything():
    model = small()
    names, values = zip(*model.named_parameters())
    run = lambda x, *values: functional_call(model, dict(zip(names, values)), (x,))  # noqa: E731
    inputs = (torch.randn(2, 1, 3, dtype=torch.float64, requires_grad=True),
              *(v.detach().clone().requires_grad_() for v in values))
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)
    model(inputs[0]).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def test_same_seed_same_model_and_to_moves_everything():
    before = torch.get_rng_state()
    one, two, x = (LSTMBaseline(3, 2, hidden_size=4, seed=1),
                   LSTMBaseline(3, 2, hidden_size=4, seed=1), torch.ones(4, 2, 3))
    assert torch.equal(torch.get_rng_state(), before) and torch.equal(one(x), two(x))
    assert not torch.equal(one(x), LSTMBaseline(3, 2, hidden_size=4, seed=2)(x))
    assert_close(two.double()(x.double()).float(), one(x))
    assert two.to("meta")(x.double().to("meta")).device.type == "meta"
