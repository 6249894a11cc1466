"""Random machines, states, types, strides, devices and optimiser states: the fast path does what
the clear one does, or both raise.

    python tests/fuzz.py [--seconds 60] [--seed 0] [--asan]        (make fuzz, make fuzz-asan)

Each case is a function of its number: `python tests/fuzz.py --seed 1234 --cases 1` makes that one
again. "meta" stands for a GPU.
--asan: the kernel is compiled with AddressSanitizer; its library must be preloaded (make does it).
"""

import argparse
import copy
import os
import random
import time

import torch
from torch import nn

from ntm import NTM, GravesRMSprop, fast, tasks, training
from ntm.machine import State

DTYPES = (torch.float32, torch.float64)


def strided(value, rng):
    """The same numbers in another layout, sometimes."""
    if value.dim() < 2 or value.device.type == "meta" or rng.random() < 0.7:
        return value
    i, j = rng.sample(range(value.dim()), 2)
    turned = value.detach().transpose(i, j).contiguous().transpose(i, j)
    return turned.requires_grad_(value.requires_grad and value.is_leaf)


def machine_of(rng):
    shift = rng.choice((0, 1, 1, 1, 2))
    settings = dict(
        inputs=rng.randint(1, 4), outputs=rng.randint(1, 3),
        controller=rng.choice(("lstm", "feedforward")),
        hidden_size=rng.choice((1, 3, 8, 33)), layers=rng.choice((1, 1, 2)),
        N=rng.randint(2 * shift + 1, 2 * shift + 17),
        width=rng.choice((1, 3, 8, 17)), read_heads=rng.randint(1, 3),
        write_heads=rng.randint(1, 3), shift_range=shift,
        initial_memory=rng.choice(("distinct", "constant", "learned", "blank", "redrawn")),
        initial_weighting=rng.choice(("focused", "uniform", "learned")),
        start=rng.choice(("bare", "tape")) if shift else "bare",
    )
    return NTM(**settings, seed=rng.randrange(2**31)).to(rng.choice(DTYPES))


def spoil_machine(machine, rng):
    """Something about the machine that a user may do, and that the kernel must not trip over."""
    linear = rng.choice([part for part in machine.modules() if isinstance(part, nn.Linear)])
    name = rng.choice(("weight", "bias"))
    p = getattr(linear, name)

    def replace(value):
        setattr(linear, name, nn.Parameter(value))

    rng.choice((
        lambda: replace(strided(p.detach().clone(), random.Random(1))),
        lambda: replace(p.detach().double()),
        lambda: replace(p.detach()[: max(1, len(p) - 1)].clone()),
        lambda: replace(p.detach().to("meta")),
        lambda: setattr(p, "data", torch.cat([p.detach(), p.detach()])),
        lambda: setattr(linear, name, None),
        lambda: p.requires_grad_(False), lambda: linear.register_forward_hook(lambda *_: None),
        lambda: setattr(machine, "M_0", machine.M_0.detach()[:1].clone())
        if "M_0" in machine._buffers else None,
        lambda: setattr(machine, "w_0", machine.w_0.detach().double())
        if "w_0" in machine._buffers else None,
        lambda: machine.heads.linear.weight.data.mul_(50),
    ))()  # fmt: skip


def state_of(machine, batch, rng):
    """None, or a State of random numbers, which sometimes does not fit."""
    if rng.random() < 0.4:
        return None
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    state = machine.initial_state(batch)
    values = [v.detach() + 0.3 * torch.randn(v.shape, generator=generator).to(v)
              for v in (*state[:3], *state.controller)]
    values[1] = torch.softmax(3 * values[1], -1)
    if rng.random() < 0.3:
        i = rng.randrange(len(values))
        values[i] = rng.choice((
            lambda v: v.double(), lambda v: v[..., :1], lambda v: v[:1], lambda v: v.to("meta"),
            lambda v: v[None], lambda v: v[..., :0],
            lambda v: v.half(),
        ))(values[i])  # fmt: skip
    M, w, r, *controller = [strided(v,
                                    rng).requires_grad_(v.is_floating_point()
                                                        and rng.random() < 0.5) for v in values]
    return rng.choice((State, lambda *parts: tuple(parts), lambda *parts: list(parts)))(
        M, w, r, tuple(controller))


def unroll(machine, x, state):
    """All that a sequence gives: logits, last state, all gradients."""
    leaves = [v for v in (x, *(state[:3] if state else ()), *(state[3] if state else ()),
                          *machine.parameters()) if v.requires_grad]
    logits, last = machine.unroll(x, state)
    outputs = [logits, *last[:3], *last.controller]
    if not leaves:
        return outputs
    cost = sum((v * (i + 1)).sum() for i, v in enumerate(outputs) if v.requires_grad)
    return [*outputs, *torch.autograd.grad(cost, leaves, allow_unused=True)]


def optimise(parameters, gradients, spoil, dtype):
    """Some updates of GravesRMSprop, its state spoilt after the first."""
    parameters = [nn.Parameter(p.clone()) for p in parameters]
    optimizer = GravesRMSprop(parameters, lr=1e-2)
    for step in range(3):
        for p, d in zip(parameters, gradients):
            p.grad = d.clone()
        optimizer.step()
        if step == 0:
            spoil(optimizer, parameters[0])
    return [*parameters, *(v for kept in optimizer.state.values() for v in kept.values())]


def spoil_optimizer(rng):
    name = rng.choice(("n", "m", "Δ"))
    change = rng.choice((
        lambda v: v, lambda v: v.double(), lambda v: v.float(), lambda v: v[:1],
        lambda v: v.T.contiguous().T if v.dim() == 2 else v,
        lambda v: v.to("meta"), lambda v: torch.cat([v, v]), lambda v: v.expand(2, *v.shape)[0],
    ))  # fmt: skip

    def spoil(optimizer, p):
        optimizer.state[p][name] = change(optimizer.state[p][name])
        if spoil.aliased:
            optimizer.state[p]["m"] = optimizer.state[p]["n"]

    spoil.aliased = rng.random() < 0.1
    return spoil


def train(machine, task, batch, spoil):
    """A short training in which something may change between two updates."""
    def schedule(done):
        if spoil is not None and done >= 0.5 and not schedule.done:
            schedule.done = True
            spoil(machine)
        return 1.0

    schedule.done = False
    history = training.train(machine, task, 4 * batch, batch=batch, every=batch, schedule=schedule,
                             progress=False, lr=1e-3)
    return [torch.tensor(history.bits), *machine.parameters()]


def case(number):
    """One case: a function without arguments, which gives tensors or raises, the same on both
    paths."""
    rng = random.Random(number)
    kind = rng.random()
    if kind < 0.6:
        machine, batch, T = machine_of(rng), rng.choice((1, 1, 2, 5)), rng.choice((1, 2, 7))
        generator = torch.Generator().manual_seed(number)
        x = torch.randn(T, batch, machine.inputs, generator=generator).to(machine.r_0.dtype)
        state = state_of(machine, batch, rng)
        if rng.random() < 0.35:
            spoil_machine(machine, rng)
        x = strided(x, rng).requires_grad_(rng.random() < 0.5)
        machine.chunk = rng.choice((None, None, None, 2))
        return lambda: unroll(copy.deepcopy(machine) if not machine._forward_hooks else machine, x,
                              state)
    if kind < 0.8:
        dtype = rng.choice(DTYPES)
        generator = torch.Generator().manual_seed(number)
        shapes = [(rng.randint(1, 4), rng.randint(1, 5)), (rng.randint(1, 70),)]
        parameters, gradients = ([torch.randn(shape, generator=generator, dtype=dtype)
                                  for shape in shapes] for _ in range(2))
        gradients, spoil = [strided(d, rng) for d in gradients], spoil_optimizer(rng)
        return lambda: optimise(parameters, gradients, spoil, dtype)
    task = tasks.Copy(width=rng.randint(1, 3), lengths=(1, 4))
    machine = NTM(task.inputs, task.outputs, rng.choice(("lstm", "feedforward")),
                  hidden_size=rng.choice((3, 9)), N=rng.randint(3, 12),
                  width=rng.choice((2, 5)), read_heads=rng.randint(1, 2),
                  write_heads=rng.randint(1, 2), seed=number).to(rng.choice(DTYPES))
    seed, batch = rng.randrange(2**31), rng.choice((1, 2, 5))
    spoils = rng.random() < 0.5
    return lambda: train(copy.deepcopy(machine), task, batch,
                         (lambda m: spoil_machine(m, random.Random(seed))) if spoils else None)


def outcome(function, path):
    os.environ["NTM_FAST"] = path
    try:
        return function()
    except (RuntimeError, ValueError, TypeError, AttributeError, NotImplementedError, IndexError,
            FloatingPointError, KeyError) as error:
        return error


def check(number):
    """Run case `number` both ways; raises AssertionError where they differ. Returns whether the
    clear path raised."""
    function = case(number)
    found, right = outcome(function, "1"), outcome(function, "0")
    os.environ["NTM_FAST"] = "1"
    if isinstance(right, Exception) or isinstance(found, Exception):
        assert type(found) is type(right), f"case {number}: {found!r}, on the clear path {right!r}"
        return True
    assert len(found) == len(right)
    for i, (a, b) in enumerate(zip(found, right)):
        if a is None or b is None or a.device.type == "meta":
            assert (a is None) == (b is None), f"case {number}, value {i}: {a} and {b}"
            continue
        both = f"case {number}, value {i}: {a.dtype} {a.shape} and {b.dtype} {b.shape}"
        assert a.shape == b.shape and a.dtype == b.dtype, both
        scale, loose = (b.abs().max().item() if b.numel() else 0,
                        2e-3 if b.dtype == torch.float32 else 1e-7)
        assert torch.allclose(a, b, rtol=0, atol=loose * max(scale, 1e-2),
                              equal_nan=True), f"case {number}, value {i}: {a} and {b}"
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cases", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=0, help="the first case")
    parser.add_argument("--asan", action="store_true")
    chosen = parser.parse_args()
    if chosen.asan:
        fast.FLAGS += ["-fsanitize=address", "-fno-omit-frame-pointer", "-g"]
        fast.library.cache_clear()
    assert all(map(fast.library, DTYPES)), (
        "there is no C compiler here, or no AddressSanitizer: nothing to compare"
    )
    torch.set_num_threads(1)
    started, number, raised = time.monotonic(), chosen.seed, 0
    while time.monotonic() - started < chosen.seconds and number < chosen.seed + chosen.cases:
        raised += check(number)
        number += 1
    taken = number - chosen.seed
    print(f"{taken} cases from {chosen.seed} on: {taken - raised} equal, {raised} raise the same "
          "on both paths")


if __name__ == "__main__":
    main()
