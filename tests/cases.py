"""Random inputs for the functions of equations (2) to (9), of every small size, with the awkward
values among them."""

from types import SimpleNamespace

import torch
from hypothesis import strategies as st


def pick(generator, *values):
    return values[int(torch.randint(len(values), (), generator=generator))]


def case(seed, B, heads, N, width, reach, dtype=torch.float64):
    """M, k, β, g, s, γ, w, e, a for B sequences and `heads` heads."""
    generator = torch.Generator().manual_seed(seed)
    normal = lambda *shape: torch.randn(*shape, generator=generator, dtype=dtype)  # noqa: E731
    uniform = lambda *shape: torch.rand(*shape, generator=generator, dtype=dtype)  # noqa: E731
    c = SimpleNamespace(B=B, heads=heads, N=N, width=width)
    c.M = normal(B, N, width)
    c.M[:, pick(generator, 0, N - 1)] *= pick(generator, 0.0, 1.0)  # sometimes a zero row
    c.k = normal(B, heads, width) * pick(generator, 0.0, 1.0, 1.0)
    c.β = uniform(B, heads) * pick(generator, 0.0, 1.0, 50.0)
    c.g = pick(generator, uniform(B, heads), torch.zeros(B, heads, dtype=dtype),
               torch.ones(B, heads, dtype=dtype))
    # soft, or one-hot
    c.s = torch.softmax(normal(B, heads, 2 * reach + 1) * pick(generator, 1.0, 1000.0), dim=-1)
    c.γ = 1 + uniform(B, heads) * pick(generator, 0.0, 1.0, 99.0)
    # uniform, soft, or one-hot
    c.w = torch.softmax(normal(B, heads, N) * pick(generator, 0.0, 1.0, 1000.0), dim=-1)
    c.e = pick(generator, uniform(B, heads, width), torch.zeros(B, heads, width, dtype=dtype),
               torch.ones(B, heads, width, dtype=dtype))
    c.a = normal(B, heads, width)
    return c


cases = st.builds(
    case,
    seed=st.integers(0, 2**31),
    B=st.integers(1, 3),
    heads=st.integers(1, 3),
    N=st.integers(1, 6),
    width=st.integers(1, 4),
    reach=st.integers(0, 2),
)


def smooth(B=2, heads=2, N=4, width=3, reach=1):
    """A case without corners, every tensor ready for gradcheck."""
    c = case(0, B, heads, N, width, reach)
    c.M, c.k, c.a = (torch.randn_like(value) for value in (c.M, c.k, c.a))
    c.β, c.g, c.γ, c.e = (torch.rand_like(c.β) + 0.5, torch.rand_like(c.g),
                          1 + torch.rand_like(c.γ), torch.rand_like(c.e))
    c.w, c.s = torch.softmax(torch.randn_like(c.w), -1), torch.softmax(torch.randn_like(c.s), -1)
    for value in vars(c).values():
        if isinstance(value, torch.Tensor):
            value.requires_grad_()
    return c
