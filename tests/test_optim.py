"""Graves' RMSprop, in the kernel and without it."""

import pytest
import spec
import torch
from torch.testing import assert_close

from ntm import GravesRMSprop


@pytest.fixture(params=["0", "1"], ids=["torch", "kernel"], autouse=True)
def path(request, monkeypatch):
    monkeypatch.setenv("NTM_FAST", request.param)


def run(gradients, start=0.0, dtype=torch.float64, **options):
    """The parameter after every gradient."""
    θ = torch.nn.Parameter(torch.full_like(gradients[0], start, dtype=dtype))
    optimizer, path = GravesRMSprop([θ], **options), []
    for d in gradients:
        θ.grad = d.to(dtype)
        optimizer.step()
        path.append(θ.detach().clone())
    return torch.stack(path)


@pytest.mark.parametrize("options",
                         [dict(), dict(lr=0.01, decay=0.9, momentum=0.5, eps=1e-3),
                          dict(momentum=0.0, decay=0.1)])
@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_every_step_equals_the_scalar_loop(options, dtype, tolerance):
    gradients = torch.randn(40, 2, 3, dtype=torch.float64) * torch.tensor([1e-3, 1.0, 10.0])
    found = run(gradients, 0.5, dtype, **options).double()
    settings = {**dict(lr=1e-4, decay=0.95, momentum=0.9, eps=1e-4), **options}
    for i in range(2):
        for j in range(3):
            expected = spec.rmsprop(0.5, gradients[:, i, j].tolist(), **settings)
            assert_close(found[:, i, j].tolist(), expected, rtol=tolerance, atol=tolerance)


def test_the_first_step_by_hand():
    # n = .05, m = .05, so that the root is √(.05 − .0025 + .0001)
    assert run(torch.ones(1, 1), lr=0.1).item() == pytest.approx(-0.1 / 0.0476**0.5)


def test_near_zero_gradients_take_near_zero_steps_where_torchs_do_not():
    gradients = 1e-5 * torch.randn(200, 1, dtype=torch.float64)
    ours = run(gradients).abs().max().item()
    θ = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    theirs = torch.optim.RMSprop([θ], lr=1e-4, alpha=0.95, eps=1e-4, momentum=0.9, centered=True)
    for d in gradients:
        θ.grad = d
        theirs.step()
    assert ours < 3e-5 and θ.abs().item() > 30 * ours


@pytest.mark.parametrize("d", [0.0, 1.0, 1e3, 1e5])
def test_a_constant_gradient_has_no_variance_and_no_nan(d):
    # 99 roundings, approached from below and then from above
    gradients = d * torch.linspace(1, 2, 99).repeat(600, 1)
    gradients[:100] *= 3 * (torch.arange(99) % 2)
    assert torch.isfinite(run(gradients, dtype=torch.float32)).all()


def test_parameters_without_a_gradient_wait_and_a_closure_is_called():
    θ, idle = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer = GravesRMSprop([{"params": [θ], "lr": 0.1}, {"params": [idle]}])

    def closure():
        loss = θ.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 2 and (θ < 1).all() and (idle == 1).all()
    state = optimizer.state_dict()["state"]
    assert set(state) == {0} and set(state[0]) == {"n", "m", "Δ"}


def test_parameters_stored_crosswise_are_updated_too():
    gradients = torch.randn(5, 3, 2)
    θ = torch.nn.Parameter(torch.zeros(2, 3).T)
    assert not θ.is_contiguous()
    optimizer = GravesRMSprop([θ])
    for d in gradients:
        θ.grad = d
        optimizer.step()
    assert_close(θ.detach(), run(gradients, dtype=torch.float32)[-1], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("options, words", [
    (dict(lr=0), "lr is 0; it must be greater than 0"), (dict(lr=float("nan")), "lr is nan"),
    (dict(eps=-1), "eps is -1"),
    (dict(decay=1), r"decay is 1; it must be in \[0, 1\)"),
    (dict(momentum=-0.1), "momentum is -0.1"),
])  # fmt: skip
def test_mistakes_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        GravesRMSprop([torch.nn.Parameter(torch.ones(1))], **options)
