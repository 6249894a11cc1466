"""The whole machine. `machine(x)` may take the fast path or repeat `step`: both are held to the
loops of spec.py here."""

import copy
import doctest
import math

import pytest
import spec
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call
from torch.testing import assert_close

from ntm import NTM, tasks
from ntm import machine as machine_module
from ntm.addressing import sharpen
from ntm.machine import State
from ntm.memory import add, erase, read

small = dict(inputs=3, outputs=2, hidden_size=4, N=5, width=3)
tolerance = {torch.float64: dict(rtol=1e-7, atol=1e-9), torch.float32: dict(rtol=1e-4, atol=1e-5)}


def machine_of(controller="lstm", seed=0, dtype=torch.float64, **size):
    """A machine none of whose weights is left at zero, so that every connection shows."""
    machine = NTM(**{**small, "controller": controller, "seed": seed, **size})
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in machine.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * (0.5 if p.dim() < 2 else 0.7))
    return machine.to(dtype)


def stepwise(machine, x, state=None):
    """The logits and last state of `step` repeated."""
    state = state or machine.initial_state(x.shape[1])
    logits = []
    for x_t in x:
        y, state, _ = machine.step(x_t, state)
        logits.append(y)
    return torch.stack(logits), state


def flat(state):
    return (*state[:3], *state.controller)


configurations = [
    dict(),
    dict(controller="feedforward"),
    dict(controller="feedforward", layers=2, read_heads=2, write_heads=3, shift_range=2),
    dict(layers=2, read_heads=3, write_heads=2, shift_range=0),
    dict(N=1, width=1, hidden_size=1, shift_range=0),
    dict(controller="feedforward", N=2, shift_range=0, initial_memory="constant",
         initial_weighting="uniform"),
    dict(N=18, width=7, initial_memory="learned", initial_weighting="learned", read_heads=2),
    dict(controller="feedforward", N=33, width=9, hidden_size=11, initial_memory="learned",
         initial_weighting="learned", write_heads=2),
]
each = pytest.mark.parametrize("size", configurations,
                               ids=lambda size: "-".join(f"{k}={v}" for k, v in size.items())
                               or "lstm")
both = pytest.mark.parametrize("controller", ["lstm", "feedforward"])


# the machine is the specification

@each
def test_the_whole_machine_equals_its_loops(size):
    machine = machine_of(**size)
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    logits, state = machine.unroll(x)
    traced, trace = machine(x, trace=True)
    for b in range(2):
        y, M, w, r = zip(*spec.machine(machine, x[:, b].tolist()))
        for found, expected in [(machine(x)[:, b], y), (logits[:, b], y), (traced[:, b], y),
                                (stepwise(machine, x)[0][:, b], y),
                                (state.M[b], M[-1]), (state.w[b], w[-1]), (state.r[b], r[-1]),
                                (trace.M[:, b], M), (trace.w[:, b], w),
                                (trace.r[:, b], r)]:  # fmt: skip
            assert_close(found, torch.tensor(expected, dtype=torch.float64),
                         **tolerance[torch.float64])


@each
@pytest.mark.parametrize("dtype", tolerance)
def test_a_sequence_and_its_gradients_equal_step_repeated(size, dtype):
    machine = machine_of(dtype=dtype, **size)
    x = torch.randn(7, 3, 3, dtype=dtype, requires_grad=True)
    results = []
    for run in (machine.unroll, lambda x: stepwise(machine, x)):
        generator = torch.Generator().manual_seed(1)
        logits, state = run(x)
        outputs = (logits, *flat(state))
        loss = sum((value * torch.randn(value.shape, generator=generator,
                                        dtype=torch.float64).to(dtype)).sum() for value in outputs)
        results.append((outputs, torch.autograd.grad(loss, [x, *machine.parameters()],
                                                     materialize_grads=True)))
    (outputs, gradients), (expected_outputs, expected_gradients) = results
    assert_close(outputs, expected_outputs, **tolerance[dtype])
    for name, found, expected in zip(["x", *dict(machine.named_parameters())], gradients,
                                     expected_gradients):
        largest = max(expected.abs().max().item(), 1e-3)
        assert_close(found / largest, expected / largest, **tolerance[dtype],
                     msg=lambda m, name=name: f"gradient of {name}: {m}")


@each
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_the_result_is_the_same(size, mode):
    machine, x = machine_of(**size), torch.randn(5, 3, 3, dtype=torch.float64)
    logits, state = machine.unroll(x)
    with mode():
        logits_then, state_then = machine.unroll(x)
        assert not logits_then.requires_grad
        assert_close((logits_then, *flat(state_then)),
                     (logits.detach(), *(value.detach() for value in flat(state))))


@both
def test_a_sequence_in_two_parts_is_the_sequence(controller):
    machine, x = machine_of(controller, read_heads=2), torch.randn(8, 2, 3, dtype=torch.float64)
    first, state = machine.unroll(x[:3])
    rest, last = machine.unroll(x[3:], state)
    logits, expected = machine.unroll(x)
    assert_close(torch.cat([first, rest]), logits)
    assert_close(flat(last), flat(expected))
    assert_close(stepwise(machine, x[3:], state)[0], rest)
    start, gradients = [value.detach().requires_grad_() for value in flat(state)], []
    # a state of one's own gets its gradient
    for run in (machine.unroll, lambda x, s: stepwise(machine, x, s)):
        loss = run(x[3:], State(*start[:3], tuple(start[3:])))[0].square().sum()
        gradients.append(torch.autograd.grad(loss, start))
    assert_close(*gradients)


@pytest.mark.parametrize("size", [
    dict(), dict(controller="feedforward"),
    dict(read_heads=2, write_heads=2, N=3, initial_memory="learned", initial_weighting="learned"),
    dict(controller="feedforward", read_heads=1, write_heads=2, N=3, layers=2),
])  # fmt: skip
def test_gradients_of_a_whole_sequence(size):
    machine = machine_of(**{**dict(inputs=1, outputs=1, hidden_size=2, N=4, width=2), **size})
    names, values = zip(*machine.named_parameters())
    x = torch.randn(3, 2, 1, dtype=torch.float64, requires_grad=True)
    run = lambda x, *values: functional_call(machine, dict(zip(names, values)), (x,))  # noqa: E731
    assert torch.autograd.gradcheck(run,
                                    (x, *(value.detach().clone().requires_grad_()
                                          for value in values)))


# batches

@each
def test_a_batch_equals_one_by_one(size):
    machine, x = machine_of(**size), torch.randn(5, 4, 3, dtype=torch.float64)
    assert_close(machine(x), torch.cat([machine(x[:, b : b + 1]) for b in range(4)], dim=1))


@both
def test_sequences_of_different_lengths_equal_one_by_one(controller):
    task = tasks.Copy(width=2, lengths=(1, 4))
    machine = machine_of(controller, inputs=task.inputs, outputs=task.outputs)
    batch = task.sample(5, generator=torch.Generator().manual_seed(0))
    batch = tasks.Batch(*(value.double() for value in batch))
    L = batch.mask.sum(0).long().tolist()
    assert len(set(L)) > 1
    logits = machine(batch.x)
    tasks.bits(logits, batch).sum().backward()
    together = [p.grad.clone() for p in machine.parameters()]
    machine.zero_grad()
    for b, length in enumerate(L):
        alone = tasks.Batch(*(value[: 2 * length + 2, b : b + 1] for value in batch))
        logits_alone = machine(alone.x)
        assert_close(logits_alone[:, 0], logits[: 2 * length + 2, b])
        cost = tasks.bits(logits_alone, alone)
        assert_close(cost[0], tasks.bits(logits, batch)[b])
        cost.sum().backward()
    assert_close([p.grad for p in machine.parameters()], together)


# what passes from one step to the next

@both
def test_each_head_starts_from_its_own_weighting_and_reads_before_anything_is_written(controller):
    machine = machine_of(controller, read_heads=2, write_heads=2)
    x, state = torch.randn(1, 3, dtype=torch.float64), machine.initial_state(1)
    y, after, emitted = machine.step(x, state)
    for head in range(4):
        w = state.w.clone()
        w[:, head] = w[:, head].roll(2, -1)
        y_other, other, _ = machine.step(x, state._replace(w=w))
        moved = [not torch.equal(other.w[:, n], after.w[:, n]) for n in range(4)]
        assert moved == [n == head for n in range(4)]
        # where it writes is not seen before the next step
        assert torch.equal(y_other, y) == (head >= 2)
        assert torch.equal(other.M, after.M) == (head < 2)  # where it reads changes no memory
    assert_close(after.r, read(state.M, after.w[:, :2]))
    assert_close(after.M, add(erase(state.M, after.w[:, 2:], emitted.e), after.w[:, 2:], emitted.a))


@both
def test_what_was_read_is_fed_to_the_controller_and_to_the_output(controller):
    machine = machine_of(controller, read_heads=2)
    x, state = torch.randn(1, 3, dtype=torch.float64), machine.initial_state(1)
    y, after, emitted = machine.step(x, state)
    for head in range(2):
        r = state.r.clone()
        r[:, head] += 1
        assert not torch.allclose(machine.step(x, state._replace(r=r))[2].k, emitted.k)
    with torch.no_grad():
        machine.output.weight[:, :4] = 0  # the part of h; what is left sees r of the same step
    assert_close(machine.step(x, state)[0],
                 machine.output.bias + after.r.flatten(1) @ machine.output.weight[:, 4:].T)


def test_the_heads_are_fed_the_lstms_h():
    machine, x = machine_of(layers=2), torch.randn(2, 3, dtype=torch.float64)
    _, after, emitted = machine.step(x, machine.initial_state(2))
    h, c = (part[-1] for part in after.controller)
    assert_close(emitted, machine.heads(h))
    assert not torch.allclose(emitted.k, machine.heads(c).k)


@each
def test_a_trace_is_what_the_steps_did(size):
    machine, x = machine_of(**size), torch.randn(6, 2, 3, dtype=torch.float64)
    logits, trace = machine(x, trace=True)
    assert_close(logits, machine(x))
    R, W, N, width = (machine.read_heads, machine.write_heads, machine.settings["N"],
                      machine.settings["width"])
    assert (trace.w_read.shape == (6, 2, R, N) and trace.w_write.shape == (6, 2, W, N)
            and trace.M.shape == (6, 2, N, width))
    assert trace.r.shape == (6, 2, R, width) and trace.k.shape == (6, 2, R + W, width)
    assert trace.e.shape == trace.a.shape == (6, 2, W, width)
    assert not any(value.requires_grad for value in vars(trace).values()
                   if isinstance(value, torch.Tensor))
    assert_close(torch.cat([trace.w_read, trace.w_write], 2), trace.w)
    initial = machine.initial_state(2)
    assert torch.equal(trace.M_prev[0], initial.M) and torch.equal(trace.w_prev[0], initial.w)
    assert (torch.equal(trace.M_prev[1:], trace.M[:-1])
            and torch.equal(trace.w_prev[1:], trace.w[:-1]))
    for w in (trace.w_c, trace.w_g, trace.w_s, trace.w):
        assert_close(w.sum(-1), torch.ones_like(trace.g))
    assert_close(trace.w_g, trace.g[..., None] * trace.w_c
                 + (1 - trace.g[..., None]) * trace.w_prev)
    assert_close(sharpen(trace.w_s, trace.γ), trace.w)
    for t in range(6):
        assert_close(read(trace.M_prev[t], trace.w_read[t]), trace.r[t])
        assert_close(add(erase(trace.M_prev[t], trace.w_write[t], trace.e[t]), trace.w_write[t],
                         trace.a[t]), trace.M[t])


# symmetries

@both
def test_rotating_the_initial_memory_and_weighting_changes_no_output(controller):
    machine = machine_of(controller, read_heads=2, initial_memory="learned",
                         initial_weighting="learned")
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    logits, trace = machine(x, trace=True)
    with torch.no_grad():
        machine.M_0.copy_(machine.M_0.roll(2, 0))
        machine.w_0.copy_(machine.w_0.roll(2, 1))
    rotated, other = machine(x, trace=True)
    assert_close(rotated, logits)
    assert_close(machine(x), logits)
    assert_close((other.M, other.w), (trace.M.roll(2, 2), trace.w.roll(2, 3)))


@pytest.mark.parametrize("initial_memory, initial_weighting, alike", [
    ("constant", "uniform", True), ("distinct", "uniform", False), ("constant", "focused", False),
    ("distinct", "focused", False)
])  # fmt: skip
@both
def test_a_constant_memory_and_a_uniform_weighting_never_part(controller, initial_memory,
                                                              initial_weighting, alike):
    machine = machine_of(controller, initial_memory=initial_memory,
                         initial_weighting=initial_weighting)
    state = machine.unroll(torch.randn(30, 2, 3, dtype=torch.float64))[1]
    spread = (state.M - state.M[:, :1]).abs().max().item()
    assert (spread < 1e-12) == alike and (state.M.std(0).max() > 1e-3)
    assert (state.w.std(-1).max().item() < 1e-12) == alike


@settings(max_examples=8)
@given(st.integers(1, 9), st.sampled_from(["lstm", "feedforward"]), st.integers(0, 99))
def test_weightings_stay_weightings_over_a_long_sequence(N, controller, seed):
    machine = machine_of(controller, seed=seed, dtype=torch.float32, N=N,
                         shift_range=min(1, (N - 1) // 2))
    with torch.no_grad():
        machine.heads.linear.weight.mul_(20)  # γ and β far out
    x = torch.randn(60, 1, 3, generator=torch.Generator().manual_seed(seed))
    logits, state = machine.unroll(x)
    assert torch.isfinite(logits).all() and (state.w.sum(-1) - 1).abs().max() < 1e-5
    logits.square().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in machine.parameters())


@both
@pytest.mark.parametrize("dtype", tolerance)
@pytest.mark.parametrize("z", [45.0, 100.0, 1e4])
def test_saturated_units_stay_finite(controller, dtype, z):
    machine = NTM(2, 2, controller, hidden_size=20, N=40, width=8, seed=0).to(dtype)
    with torch.no_grad():
        for p in machine.parameters():
            if p.dim() == 1:  # every bias: 45 is where exp(2z) leaves float32
                p.copy_(torch.randn_like(p).sign() * z)
    x = torch.randn(3, 2, 2, dtype=dtype)
    logits = machine(x)
    assert_close(logits, stepwise(machine, x)[0], **tolerance[dtype])
    logits.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in machine.parameters())


@both
@pytest.mark.parametrize("dtype", tolerance)
def test_a_nan_in_any_weight_reaches_the_logits(controller, dtype):
    machine = machine_of(controller, dtype=dtype, initial_memory="learned",
                         initial_weighting="learned", hidden_size=20, N=20)
    x = torch.randn(3, 2, 3, dtype=dtype)
    for name, _ in machine.named_parameters():
        broken = copy.deepcopy(machine)
        with torch.no_grad():
            broken.get_parameter(name).view(-1)[0] = float("nan")
        assert not torch.isfinite(broken(x)).all(), name


def test_500_steps_at_the_papers_sizes():
    machine = NTM(10, 8, "feedforward", seed=0)
    with torch.no_grad():
        logits, state = machine.unroll(torch.randn(500, 1, 10))
    assert (torch.isfinite(logits).all() and torch.isfinite(state.M).all()
            and (state.w.sum(-1) - 1).abs().max() < 1e-5)


# the same again, elsewhere, in other clothes

@both
def test_same_seed_same_machine_same_result(controller):
    before = torch.get_rng_state()
    one, two, other = (NTM(**small, controller=controller, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    x = torch.randn(5, 2, 3)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(),
                                                 two.state_dict().values(), strict=True))
    assert torch.equal(one(x), two(x)) and torch.equal(one(x), one(x))
    assert not torch.equal(one(x), other(x))
    gradients = [torch.autograd.grad(machine(x).square().sum(), list(machine.parameters()))
                 for machine in (one, two)]
    assert all(torch.equal(a, b) for a, b in zip(*gradients))
    unseeded = NTM(**small, controller=controller)
    assert not torch.equal(unseeded(x), NTM(**small, controller=controller)(x))
    assert torch.equal(unseeded(x), unseeded(x))  # nothing is drawn again at a reset


@each
def test_to_moves_everything(size):
    machine = NTM(**{**small, "seed": 0, **size})
    x = torch.randn(5, 2, 3)
    single = machine(x)
    double = machine.to(torch.float64)(x.double())
    assert {value.dtype
            for value in machine.state_dict().values()} == {torch.float64} == {double.dtype}
    assert all(value.dtype == torch.float64 for value in flat(machine.initial_state(2)))
    assert_close(double.float(), single, rtol=1e-4, atol=1e-5)
    for device in ["meta"] + ["cuda"] * torch.cuda.is_available():
        moved = copy.deepcopy(machine).to(device)
        logits, state = moved.unroll(x.double().to(device))
        values = [*moved.state_dict().values(), logits, *flat(state), *flat(moved.initial_state(2))]
        assert {value.device.type for value in values} == {device}
        if device != "meta":
            assert_close(logits.cpu(), double, rtol=1e-6, atol=1e-8)


@both
def test_the_result_follows_the_weights_and_ignores_how_x_is_stored(controller):
    machine, x = machine_of(controller), torch.randn(5, 2, 3, dtype=torch.float64)
    expected = machine(x)
    transposed = x.transpose(0, 1).contiguous().transpose(0, 1)
    assert not transposed.is_contiguous()
    assert_close(machine(transposed), expected)
    assert_close(machine(x[:, :1].expand(5, 3, 3)), expected[:, :1].expand(5, 3, 2))
    twin = copy.deepcopy(machine)
    for name, p in machine.named_parameters():  # every parameter counts, at once, in place
        with torch.no_grad():
            p.add_(0.1)
        changed = machine(x)
        assert not torch.equal(changed, expected), name
        assert_close(changed, stepwise(machine, x)[0])
        expected = changed
    assert not torch.allclose(twin(x), expected)
    twin.load_state_dict(machine.state_dict())
    assert_close(twin(x), expected)


class GRU(nn.Module):
    """A controller of one's own."""

    output_size = 4

    def __init__(self, inputs):
        super().__init__()
        self.cell = nn.GRUCell(inputs, 4)

    def initial(self, batch):
        return (torch.zeros(batch, 4, dtype=self.cell.weight_hh.dtype),)

    def forward(self, x, state):
        h = self.cell(x, *state)
        return h, (h,)


def test_any_module_can_be_the_controller():
    machine = NTM(3, 2, GRU(3 + 2 * 3), N=5, width=3, read_heads=2, seed=0)
    x = torch.randn(5, 2, 3)
    assert_close(machine(x), stepwise(machine, x)[0])
    machine(x).sum().backward()
    assert machine.controller.cell.weight_ih.grad.abs().sum() > 0


# counting

@pytest.mark.parametrize("controller, units, expected", [
    # by hand, for 10 inputs, 8 outputs, one head of each kind, three shifts, 128 x 20: the
    # controller, 66 numbers for the read head and write head's addressing and 40 for e and a, the
    # output, r_0
    ("feedforward", 100, (30 + 1) * 100 + 101 * (2 * (20 + 1 + 1 + 3 + 1) + 40) + 121 * 8 + 20),
    ("lstm", 100, (30 + 100 + 1) * 400 + 2 * 100 + 101 * (2 * (20 + 1 + 1 + 3 + 1) + 40) + 121 * 8
     + 20),
])  # fmt: skip
def test_the_number_of_parameters_does_not_depend_on_that_of_slots(controller, units, expected):
    def count(**options):
        machine = NTM(10, 8, controller, hidden_size=units, **options)
        return sum(p.numel() for p in machine.parameters())

    assert count() == count(N=16) == count(N=1000) == expected
    assert count(initial_memory="learned") == expected + 128 * 20
    assert count(initial_weighting="learned") == expected + 2 * 128


def test_the_initial_state_is_as_asked():
    state = NTM(**small, seed=0).initial_state(3)
    assert state.M.shape == (3, 5, 3) and state.w.shape == (3, 2, 5) and state.r.shape == (3, 1, 3)
    assert (torch.equal(state.M[0], state.M[2]) and 0.02 < state.M[0].std() < 0.3
            and (state.w[..., 0] > 0.9).all())
    state = NTM(**small, initial_memory="constant", initial_weighting="uniform").initial_state(1)
    assert (state.M == 1e-6).all()
    assert_close(state.w, torch.full((1, 2, 5), 0.2))
    learned = NTM(**small, initial_memory="learned", initial_weighting="learned", seed=0)
    learned(torch.randn(4, 2, 3)).sum().backward()
    for name in ("M_0", "w_0", "r_0"):
        assert learned.get_parameter(name).grad.abs().sum() > 0, name
    assert {name for name, _ in NTM(**small).named_buffers()} == {"M_0", "w_0"}


def test_positions_are_sines_and_cosines_that_tell_how_far_two_slots_are_apart():
    M = NTM(2, 2, N=12, width=4, initial_memory="positions").M_0.double()
    for i in range(12):
        for j, (frequency, wave) in enumerate([(1, math.sin), (1, math.cos), (2, math.sin),
                                               (2, math.cos)]):
            assert M[i, j].item() == pytest.approx(0.3 * wave(2 * math.pi * frequency * i / 12),
                                                   abs=1e-6)
    K = M @ M.T / (M.norm(dim=1, keepdim=True) * M.norm(dim=1))  # the cosine of every two rows
    for distance in range(12):
        along = K.diagonal(distance)
        # only the distance counts
        assert_close(along, along[:1].expand_as(along), rtol=1e-5, atol=1e-6)
    assert (K[0, 0] > K[0, 1] > K[0, 2] > K[0, 3]) and NTM(
        2, 2, N=5, width=3, initial_memory="positions"
    ).M_0.shape == (5, 3)


@both
def test_initial_strength_moves_every_β_and_nothing_else(controller):
    sizes = dict(small, controller=controller, read_heads=2, write_heads=2, seed=0)
    weak, strong = NTM(**sizes), NTM(**sizes, initial_strength=3.0)
    h = torch.randn(4, small["hidden_size"], generator=torch.Generator().manual_seed(0))
    for name, before, after in zip(("k", "β", "g", "s", "γ", "e", "a"), weak.heads(h),
                                   strong.heads(h)):
        if name == "β":  # softplus(x + 3)
            assert_close(after.expm1().log(), before.expm1().log() + 3)
        else:
            assert torch.equal(before, after), name
    for name, value in weak.state_dict().items():
        assert torch.equal(value, strong.state_dict()[name]) == (name != "heads.linear.bias"), name
    assert NTM(**strong.settings, seed=1).settings == strong.settings
    with pytest.raises(ValueError, match="initial_strength is nan; it must be a finite number"):
        NTM(**sizes, initial_strength=float("nan"))


def test_the_ten_lines_of_use_in_its_docstring_run():
    torch.manual_seed(0)
    found = doctest.testmod(machine_module)
    assert found.attempted == 8 and not found.failed


def test_a_state_of_another_shape_is_named_with_that_of_x():
    machine, x = machine_of(), torch.zeros(4, 2, 3, dtype=torch.float64)
    for other, words in [
        (machine.initial_state(3),
         r"state.M has shape \[3, 5, 3\]; for x of shape \[4, 2, 3\] it must be \[2, 5, 3\]"),
        (machine_of(write_heads=2).initial_state(2),
         r"state.w has shape \[2, 3, 5\].* it must be \[2, 2, 5\]"),
        (machine.initial_state(2)._replace(r=torch.zeros(2, 3)),
         r"state.r has shape \[2, 3\].* it must be \[2, 1, 3\]"),
    ]:
        with pytest.raises(ValueError, match=words):
            machine.unroll(x, other)


def test_logits_of_another_shape_are_named_with_that_of_y():
    batch = tasks.Copy(width=3).sample(2, length=2)
    with pytest.raises(ValueError,
                       match=r"logits has shape \[6, 2, 1\]; it must be that of y, \[6, 2, 3\]"):
        tasks.wrong_bits(batch.y[..., :1], batch)
    with pytest.raises(ValueError, match=r"3\].*1\]"):  # torch's own words
        tasks.bits(batch.y[..., :1], batch)
