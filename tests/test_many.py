"""Machines side by side are the machines alone."""

import copy

import pytest
import torch
from torch.testing import assert_close

from ntm import NTM, tasks, train
from ntm.many import Many, _clip, train_many

size = dict(inputs=4, outputs=2, hidden_size=5, N=6, width=3)
task = tasks.Copy(width=2, lengths=(1, 3))
configurations = [
    dict(), dict(controller="feedforward"),
    dict(layers=2, read_heads=2, initial_memory="learned", initial_weighting="learned"),
    dict(controller="feedforward", layers=2, write_heads=2, initial_weighting="uniform",
         initial_memory="constant"),
]  # fmt: skip
each = pytest.mark.parametrize("settings", configurations, ids=str)


def several(settings, S=3):
    machines = [NTM(**size, **settings, seed=seed).double() for seed in range(S)]
    for machine in machines:
        with torch.no_grad():
            for p in machine.parameters():
                p.add_(0.1 * torch.randn_like(p))
    return machines


@each
def test_logits_are_those_of_each_alone(settings):
    machines, x = several(settings), torch.randn(5, 2, 3, 4, dtype=torch.float64)
    logits = Many(machines)(x)
    assert logits.shape == (5, 2, 3, 2)
    for s, machine in enumerate(machines):
        assert_close(logits[:, :, s], machine(x[:, :, s]))


@each
@pytest.mark.parametrize("batch, more",
                         [(1, {}), (2, dict(clip=0.1)), (2, dict(clip=None, schedule=None))])
def test_every_curve_and_every_weight_is_that_of_training_alone(settings, batch, more):
    machines = several(settings)
    alone = copy.deepcopy(machines)
    options = dict(batch=batch, lr=1e-2, every=4, progress=False, **more)
    histories = train_many(machines, task, 12, seeds=[5, 6, 7], **options)
    for machine, one, history, seed in zip(machines, alone, histories, [5, 6, 7]):
        assert_close(history.bits, train(one, task, 12, seed=seed, **options).bits, rtol=1e-8,
                     atol=0)
        assert_close(machine.state_dict(), one.state_dict(), rtol=1e-7, atol=1e-9)
    assert histories[0].bits != histories[1].bits and len(histories[0].bits) == 3


def test_each_gradient_is_clipped_by_its_own_norm_even_where_squares_overflow():
    d = torch.tensor([[3.0, -4.0, 12.0], [0.3, 0.4, 0.0], [30.0, 40.0, 0.0]])
    size = torch.tensor([1e25, 1.0, 1.0])
    gradients = {"p": d * size[:, None]}
    assert _clip(gradients, 10.0).tolist() == pytest.approx([13e25, 0.5, 50.0])
    assert torch.allclose(gradients["p"], d * torch.tensor([10 / 13, 1.0, 0.2])[:, None])


def test_default_seeds_and_what_is_refused():
    machines = several({})
    with pytest.raises(ValueError, match="seeds has 1 entries"):
        train_many(machines, task, 2, seeds=[0], progress=False)
    with pytest.raises(ValueError, match="same settings"):
        Many([*machines, NTM(**{**size, "N": 7})])
    with pytest.raises(ValueError, match="same settings"):
        Many([])
    with pytest.raises(ValueError, match="multiples of batch"):
        train_many(machines, task, 3, batch=2, progress=False)
    with torch.no_grad():
        machines[1].output.bias.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="machine 1 "):
        train_many(machines, task, 2, every=2, progress=False)
