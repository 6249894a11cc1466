"""From the controller's output to what the heads do."""

import pytest
import spec
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from ntm.heads import Heads

sizes = st.fixed_dictionaries(dict(hidden_size=st.integers(1, 5), width=st.integers(1, 4),
                                   read_heads=st.integers(1, 3),
                                   write_heads=st.integers(1, 3),
                                   shift_range=st.integers(0, 2)))  # fmt: skip


@given(sizes, st.sampled_from([1.0, 100.0]), st.integers(0, 1000))
def test_shapes_and_ranges(size, scale, seed):
    heads = Heads(**size)
    h = scale * torch.randn(3, size["hidden_size"], generator=torch.Generator().manual_seed(seed))
    n, m, width = size["read_heads"] + size["write_heads"], size["write_heads"], size["width"]
    out = heads(h)
    assert [tuple(value.shape) for value in out] == [(3, n, width), (3, n), (3, n),
                                                     (3, n, 2 * size["shift_range"] + 1), (3, n),
                                                     (3, m, width), (3, m, width)]  # fmt: skip
    for value, low, high in [(out.k, -1, 1), (out.β, 0, 1e9), (out.g, 0, 1), (out.s, 0, 1),
                             (out.γ, 1, 1e9), (out.e, 0, 1), (out.a, -1, 1)]:
        assert torch.isfinite(value).all() and (value >= low).all() and (value <= high).all()
    assert_close(out.s.sum(-1), torch.ones(3, n))


def test_the_numbers_are_squashed_as_specified_and_in_order():
    heads = Heads(5, width=2, read_heads=1, write_heads=2, shift_range=1).double()
    h = torch.randn(1, 5, dtype=torch.float64)
    z = spec.linear(h[0].tolist(), heads.linear.weight.tolist(), heads.linear.bias.tolist())
    out = heads(h)
    assert len(z) == 3 * (2 + 1 + 1 + 3 + 1) + 2 * (2 + 2)
    assert_close(out.k.flatten().tolist(), torch.tensor(z[:6]).tanh().tolist(), rtol=1e-6,
                 atol=1e-6)
    assert_close(out.β.flatten().tolist(), [spec.softplus(v) for v in z[6:9]])
    assert_close(out.g.flatten().tolist(), [spec.sigmoid(v) for v in z[9:12]])
    assert_close(out.s[0].tolist(), [spec.softmax(z[i : i + 3]) for i in (12, 15, 18)])
    assert_close(out.γ.flatten().tolist(), [1 + spec.softplus(v) for v in z[21:24]])
    assert_close(out.e.flatten().tolist(), [spec.sigmoid(v) for v in z[24:28]])
    assert_close(out.a.flatten().tolist(), torch.tensor(z[28:]).tanh().tolist(), rtol=1e-6,
                 atol=1e-6)


def test_gradients():
    heads = Heads(3, width=2, read_heads=1, write_heads=1, shift_range=1).double()
    assert torch.autograd.gradcheck(lambda h: tuple(heads(h)),
                                    torch.randn(2, 3, dtype=torch.float64, requires_grad=True))


@pytest.mark.parametrize("z", [-1e4, 1e4])
def test_extreme_outputs_of_the_controller_stay_finite(z):
    heads = Heads(1, width=2, read_heads=1, write_heads=1, shift_range=1)
    torch.nn.init.ones_(heads.linear.weight)
    h = torch.full((1, 1), z, requires_grad=True)
    out = heads(h)
    sum(value.sum() for value in out).backward()
    assert all(torch.isfinite(value).all() for value in out) and torch.isfinite(h.grad).all()
