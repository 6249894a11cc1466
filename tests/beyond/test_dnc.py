"""The DNC's functions are its paper's sums, written here as loops; what they must keep, they keep;
the machine learns, and is what they say."""

import inspect
import itertools
import math

import pytest
import spec
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from ntm import addressing, evaluate, train
from ntm.beyond import dnc
from ntm.beyond.dnc import (
    DNC,
    allocation,
    backward,
    empty,
    forward,
    links,
    masked_content,
    precedence,
    read_weighting,
    retention,
    usage,
    write_weighting,
)
from ntm.many import Many
from ntm.tasks import Copy

# The specification: plain loops over Python floats, one sequence at a time. w_r is a list of read
# weightings, one a head.


def loop_retention(w_r, f):
    return [math.prod(1 - f[h] * w_r[h][i] for h in range(len(f))) for i in range(len(w_r[0]))]


def loop_usage(u, w, ψ):
    return [(u[i] + w[i] - u[i] * w[i]) * ψ[i] for i in range(len(u))]


def loop_allocation(u):
    """By the sorted free list, as the paper has it; its indices are sorted stably."""
    free = sorted(range(len(u)), key=lambda i: u[i])
    found, product = [0.0] * len(u), 1.0
    for i in free:
        found[i] = (1 - u[i]) * product
        product *= u[i]
    return found


def loop_write_weighting(w_a, w_c, g_a, g_w):
    return [g_w * (g_a * a + (1 - g_a) * c) for a, c in zip(w_a, w_c)]


def loop_precedence(p, w):
    return [(1 - sum(w)) * p[i] + w[i] for i in range(len(p))]


def loop_links(L, p, w):
    return [
        [0.0 if i == j else (1 - w[i] - w[j]) * L[i][j] + w[i] * p[j] for j in range(len(p))]
        for i in range(len(p))
    ]


def loop_forward(L, w):
    return [sum(L[i][j] * w[j] for j in range(len(w))) for i in range(len(w))]


def loop_backward(L, w):
    return [sum(L[j][i] * w[j] for j in range(len(w))) for i in range(len(w))]


def loop_read_weighting(w_b, w_c, w_f, π):
    return [π[0] * b + π[1] * c + π[2] * f for b, c, f in zip(w_b, w_c, w_f)]


def loop_masked_content(M, k, β, m):
    return spec.content(
        [[m[j] * row[j] for j in range(len(m))] for row in M], [a * b for a, b in zip(m, k)], β
    )


class Case:
    """Random arguments for every function, some of them at the ends of their ranges."""

    def __init__(self, seed, B=2, heads=2, N=4, width=3):
        self.generator = torch.Generator().manual_seed(seed)
        self.B, self.heads, self.N = B, heads, N
        share = lambda *shape: torch.rand(*shape, generator=self.generator, dtype=torch.float64)  # noqa: E731
        end = lambda *shape: share(*shape) if seed % 3 else share(*shape).round()  # noqa: E731
        soft = lambda *shape: torch.softmax(8 * share(*shape), -1)  # noqa: E731
        self.w_r, self.f = soft(B, heads, N) * share(B, heads, 1), end(B, heads)
        self.u, self.w, self.ψ = end(B, N), soft(B, N) * end(B, 1), end(B, N)
        self.w_a, self.w_c, self.g_a, self.g_w = soft(B, N), soft(B, N), end(B), end(B)
        self.π = soft(B, heads, 3)
        self.w_b, self.w_h, self.w_f = (soft(B, heads, N) for _ in range(3))
        self.M, self.k, self.m, self.β = (
            share(B, N, width) - 0.5,
            share(B, heads, width) - 0.5,
            end(B, heads, width),
            9 * share(B, heads),
        )
        self.p, self.L = (
            torch.zeros(B, N, dtype=torch.float64),
            torch.zeros(B, N, N, dtype=torch.float64),
        )
        for _ in range(3):  # links that some writing has left
            w = soft(B, N) * end(B, 1)
            self.p, self.L = precedence(self.p, w), links(self.L, self.p, w)


FUNCTIONS = [
    "retention",
    "usage",
    "allocation",
    "write_weighting",
    "precedence",
    "links",
    "forward",
    "backward",
    "read_weighting",
    "masked_content",
    "empty",
]

cases = st.builds(
    Case,
    seed=st.integers(0, 2**31),
    B=st.integers(1, 3),
    heads=st.integers(1, 3),
    N=st.integers(1, 6),
    width=st.integers(1, 4),
)


def same(found, expected):
    assert_close(found, torch.tensor(expected, dtype=torch.float64))


@given(cases)
def test_where_to_write_is_what_the_paper_says(c):
    for b, found in enumerate(retention(c.w_r, c.f)):
        same(found, loop_retention(c.w_r[b].tolist(), c.f[b].tolist()))
    for b, found in enumerate(usage(c.u, c.w, c.ψ)):
        same(found, loop_usage(c.u[b].tolist(), c.w[b].tolist(), c.ψ[b].tolist()))
    for b, found in enumerate(allocation(c.u)):
        same(found, loop_allocation((dnc.ε + (1 - dnc.ε) * c.u[b]).tolist()))
    for b, found in enumerate(write_weighting(c.w_a, c.w_c, c.g_a, c.g_w)):
        same(
            found,
            loop_write_weighting(
                c.w_a[b].tolist(), c.w_c[b].tolist(), c.g_a[b].item(), c.g_w[b].item()
            ),
        )


@given(cases)
def test_links_and_both_ways_along_them_are_what_the_paper_says(c):
    for b in range(c.B):
        L, p, w = c.L[b].tolist(), c.p[b].tolist(), c.w[b].tolist()
        same(precedence(c.p, c.w)[b], loop_precedence(p, w))
        same(links(c.L, c.p, c.w)[b], loop_links(L, p, w))
        for h in range(c.heads):
            w_r = c.w_r[b, h].tolist()
            same(forward(c.L, c.w_r)[b, h], loop_forward(L, w_r))
            same(backward(c.L, c.w_r)[b, h], loop_backward(L, w_r))
            three = [v[b, h].tolist() for v in (c.w_b, c.w_h, c.w_f)]
            same(
                read_weighting(c.w_b, c.w_h, c.w_f, c.π)[b, h],
                loop_read_weighting(*three, c.π[b, h].tolist()),
            )


@given(cases)
def test_what_was_mended_is_what_the_second_paper_says(c):
    for b, h in itertools.product(range(c.B), range(c.heads)):
        same(
            masked_content(c.M, c.k, c.β, c.m)[b, h],
            loop_masked_content(*(v.tolist() for v in (c.M[b], c.k[b, h], c.β[b, h], c.m[b, h]))),
        )
    for b, found in enumerate(empty(c.M, c.ψ)):
        same(found, [[ψ * x for x in row] for ψ, row in zip(c.ψ[b].tolist(), c.M[b].tolist())])
    assert_close(
        masked_content(c.M, c.k, c.β, torch.ones_like(c.m)), addressing.content(c.M, c.k, c.β)
    )


@given(cases)
def test_what_must_be_kept_is_kept(c):
    u = usage(c.u, c.w, retention(c.w_r, c.f))
    assert (u >= 0).all() and (u <= 1 + 1e-9).all()
    w_a = allocation(u)
    assert (w_a >= 0).all()
    assert_close(
        w_a.sum(-1), 1 - (dnc.ε + (1 - dnc.ε) * u).prod(-1)
    )  # at most 1; nothing where all is used
    assert (write_weighting(w_a, c.w_c, c.g_a, c.g_w).sum(-1) <= 1 + 1e-9).all()
    p, L = precedence(c.p, c.w), links(c.L, c.p, c.w)
    assert (p >= 0).all() and (p.sum(-1) <= 1 + 1e-9).all()
    assert (L >= -1e-12).all() and (L.diagonal(dim1=1, dim2=2) == 0).all()
    assert (L.sum(1) <= 1 + 1e-9).all() and (L.sum(2) <= 1 + 1e-9).all()
    for way in (forward, backward):
        assert (way(L, c.w_r).sum(-1) <= 1 + 1e-9).all()
    assert_close(read_weighting(c.w_b, c.w_h, c.w_f, c.π).sum(-1), torch.ones_like(c.f))


def test_an_empty_memory_is_filled_each_slot_once_and_a_slot_let_go_is_next():
    u, filled = torch.zeros(1, 5, dtype=torch.float64), []
    for _ in range(5):
        w = allocation(u)
        filled.append(w.argmax().item())
        assert w.max() > 1 - 1e-4
        u = usage(u, w, torch.ones_like(u))
    assert filled[0] == 0 and sorted(filled) == [
        0,
        1,
        2,
        3,
        4,
    ]  # the first of equals; later ones differ by what ε leaves
    assert allocation(torch.ones_like(u)).sum() < 1e-4  # nothing is free, nothing is allocated
    read = torch.eye(5, dtype=torch.float64)[None, 3:4]
    u = usage(u, torch.zeros_like(u), retention(read, torch.ones(1, 1, dtype=torch.float64)))
    assert allocation(u).argmax() == 3 and allocation(u).max() > 1 - 1e-4


def test_usage_that_rises_slowly_is_allocated_in_its_order():
    u = torch.tensor([[0.5, 0.1, 0.9, 0.1]], dtype=torch.float64)
    assert_close(
        allocation(u)[0],
        torch.tensor([0.5 * 0.01, 0.9, 0.1 * 0.5 * 0.01, 0.9 * 0.1], dtype=torch.float64),
        atol=1e-5,
        rtol=0,
    )


def test_a_sequence_is_walked_on_by_the_forward_links_and_back_by_the_backward_links():
    order, eye = [3, 0, 5, 1], torch.eye(6, dtype=torch.float64)
    p, L = torch.zeros(1, 6, dtype=torch.float64), torch.zeros(1, 6, 6, dtype=torch.float64)
    for slot in order:
        L = links(L, p, eye[None, slot])
        p = precedence(p, eye[None, slot])
    assert p[0].tolist() == eye[1].tolist()
    assert L[0, 0, 3] == L[0, 5, 0] == L[0, 1, 5] == 1 and L.sum() == 3  # L(i, j): i after j
    for way, walk in [(forward, order), (backward, order[::-1])]:
        w = eye[None, walk[0]].unsqueeze(1)
        for slot in walk[1:]:
            w = way(L, w)
            assert w[0, 0].tolist() == eye[slot].tolist()
        assert way(L, w).sum() == 0  # beyond the end there is nothing
    L = links(
        L, p, eye[None, 0]
    )  # slot 0 is written anew: it comes after slot 1 now, and nothing comes after it
    assert L[0, 0, 1] == 1 and L[0, :, 0].sum() == 0 and L[0, 0, 3] == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name):
    c = Case(1)
    arguments = dict(
        retention=(c.w_r, c.f),
        usage=(c.u, c.w, c.ψ),
        allocation=(c.u,),
        write_weighting=(c.w_a, c.w_c, c.g_a, c.g_w),
        precedence=(c.p, c.w),
        links=(c.L, c.p, c.w),
        forward=(c.L, c.w_r),
        backward=(c.L, c.w_r),
        read_weighting=(c.w_b, c.w_h, c.w_f, c.π),
        masked_content=(c.M, c.k, c.β, c.m),
        empty=(c.M, c.ψ),
    )[name]
    assert torch.autograd.gradcheck(
        getattr(dnc, name), [v.detach().requires_grad_() for v in arguments]
    )


def test_gradients_are_finite_where_nothing_is_used_and_where_all_is():
    for u in (torch.zeros(1, 4), torch.ones(1, 4), torch.tensor([[0.0, 1.0, 1.0, 0.0]])):
        u.requires_grad_()
        allocation(u).square().sum().backward()
        assert u.grad.isfinite().all()


# The machine

SIZE = dict(inputs=4, outputs=3, hidden_size=6, N=5, width=4, read_heads=2)
each = pytest.mark.parametrize(
    "settings",
    [
        dict(zip(("masked", "emptied", "sharpened"), on))
        for on in itertools.product((False, True), repeat=3)
    ],
    ids=str,
)


def loop_step(machine, emitted, M, w_r, w, u, p, L):
    """One step of the heads, by the loops; everything of one sequence as lists."""
    k, β, m, f, π, γ, (g_a, g_w), (e,), (a,) = emitted
    on, N = machine.settings, len(M)

    def search(h):
        masked = on["masked"]
        return loop_masked_content(M, k[h], β[h], m[h]) if masked else spec.content(M, k[h], β[h])

    def sharp(v, power):
        return spec.sharpen([max(x, 1e-12) for x in v], power) if on["sharpened"] else v

    ψ = loop_retention(w_r, f)
    u = loop_usage(u, w, ψ)
    w = loop_write_weighting(
        loop_allocation([dnc.ε + (1 - dnc.ε) * x for x in u]), search(len(f)), g_a, g_w
    )
    if on["emptied"]:
        M = [[ψ[i] * x for x in M[i]] for i in range(N)]
    M = spec.add(spec.erase(M, w, e), w, a)
    L = loop_links(L, p, w)
    p = loop_precedence(p, w)
    w_r = [
        loop_read_weighting(
            sharp(loop_backward(L, w_r[h]), γ[h][0]),
            search(h),
            sharp(loop_forward(L, w_r[h]), γ[h][1]),
            π[h],
        )
        for h in range(len(f))
    ]
    return M, w_r, w, [spec.read(M, v) for v in w_r], u, p, L


@each
def test_every_step_of_the_machine_is_the_loops(settings):
    machine, x = (
        DNC(**SIZE, **settings, seed=1).double(),
        torch.randn(6, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)),
    )
    with torch.no_grad():
        machine.heads.linear.weight.mul_(4)
        state = machine.initial_state(2)
        for x_t in x:
            before = state
            _, state, emitted = machine.step(x_t, state)
            for b in range(2):
                was = [
                    v[b].tolist()
                    for v in (before.M, before.w_read, before.w_write, before.u, before.p, before.L)
                ]
                expected = loop_step(machine, [v[b].tolist() for v in emitted], *was)
                for found, value in zip(state[:-1], expected):
                    same(found[b], value)


@each
def test_gradients_of_the_whole_machine(settings):
    machine = DNC(
        **SIZE | dict(inputs=2, outputs=1, hidden_size=3, N=3, width=2, read_heads=1),
        **settings,
        seed=0,
    ).double()
    x = torch.randn(
        3, 1, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True
    )
    assert torch.autograd.gradcheck(machine, x)


def test_what_an_emission_may_be():
    machine = DNC(**SIZE, seed=0)
    _, trace = machine(10 * torch.randn(7, 3, 4), trace=True)
    assert_close(trace.π.sum(-1), torch.ones(7, 3, 2))
    assert (trace.β > 1).all() and (trace.γ > 1).all()
    for gate in (trace.f, trace.g, trace.e, trace.m):
        assert (gate > 0).all() and (gate < 1).all()
    assert trace.L.shape == (7, 3, 5, 5) and trace.w_write.shape == (7, 3, 5)


def test_the_repairs_change_nothing_but_what_they_say():
    x, plain = torch.randn(6, 2, 4), DNC(**SIZE, seed=3)
    for name in ("masked", "emptied", "sharpened"):
        mended = DNC(**SIZE, **{name: True}, seed=3)
        assert all(
            torch.equal(a, b)
            for a, b in zip(plain.state_dict().values(), mended.state_dict().values())
        )
        assert not torch.allclose(plain(x), mended(x), atol=1e-7)
    assert torch.equal(plain(x), DNC(**SIZE, seed=3)(x)) and not torch.equal(
        plain(x), DNC(**SIZE, seed=4)(x)
    )


def test_a_sequence_goes_on_where_it_stopped_and_knows_nothing_of_its_neighbours():
    machine, x = DNC(**SIZE, seed=0), torch.randn(6, 3, 4)
    whole = machine(x)
    y, state = machine.unroll(x[:4])
    assert_close(torch.cat([y, machine.unroll(x[4:], state)[0]]), whole)
    assert_close(machine(x[:, 1:2]), whole[:, 1:2])
    assert_close(machine(x, trace=True)[0], whole)


def test_saved_and_loaded_and_side_by_side(tmp_path):
    machines, x = (
        [DNC(**SIZE, masked=True, seed=seed) for seed in (0, 1, 2)],
        torch.randn(5, 2, 3, 4),
    )
    machines[1].save(tmp_path / "dnc.safetensors")
    assert torch.equal(DNC.load(tmp_path / "dnc.safetensors")(x[:, :, 1]), machines[1](x[:, :, 1]))
    together = Many(machines)(x)
    for s, machine in enumerate(machines):
        assert_close(together[:, :, s], machine(x[:, :, s]), atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match="one class"):
        Many([machines[0], DNC(**SIZE, seed=0)])


def test_a_tape_walks_on_and_is_bare_elsewhere():
    x = torch.randn(4, 5, 4, generator=torch.Generator().manual_seed(0)).sign()
    _, trace = DNC(**SIZE, start="tape", seed=0)(x, trace=True)
    at = trace.w_write.argmax(-1)  # [T, B]
    assert (trace.w_write.amax(-1) > 0.5).all()
    assert all(len(set(slots.tolist())) == 4 for slots in at.T)  # every step another slot
    assert trace.f.max() < 0.2
    _, bare = DNC(**SIZE, seed=0)(x, trace=True)
    assert bare.w_write.amax(-1).mean() < trace.w_write.amax(-1).mean()


def test_what_it_refuses():
    for wrong, says in [
        (dict(N=0), "N is 0"),
        (dict(read_heads=1.5), "read_heads is 1.5"),
        (dict(start="warm"), "start is 'warm'"),
        (dict(seed="x"), "seed is 'x'"),
    ]:
        with pytest.raises(ValueError, match=says):
            DNC(**SIZE | wrong)
    with pytest.raises(ValueError, match="x has shape"):
        DNC(**SIZE)(torch.zeros(3, 2, 5))


def test_it_learns_by_the_same_train_as_the_ntm():
    task = Copy(width=2, lengths=(1, 2))
    machine = DNC(task.inputs, task.outputs, hidden_size=24, N=6, width=8, start="tape", seed=0)
    history = train(machine, task, 1600, batch=16, lr=3e-3, every=160, progress=False)
    assert history.bits[-1] < 0.5 * history.bits[0]
    assert evaluate(machine, task, sequences=50).bits < 0.6 * history.bits[0]


def test_every_function_names_its_equation():
    for name in FUNCTIONS:
        said = inspect.getdoc(getattr(dnc, name))
        assert said.startswith("DNC, ") and "=" in said.split("\n")[0]
