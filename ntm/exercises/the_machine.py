"""Checkers of the chapter "The machine is one step, repeated"."""

import torch

from ..addressing import address
from ..heads import Heads
from ..machine import NTM, State
from ..memory import add, erase, read
from . import verdict


def second_step(r_2, row_2):
    """Exercise 1: what the tiny machine reads in step 2, and the row it then writes."""
    try:
        r_2, row_2 = (torch.as_tensor(r_2, dtype=torch.float32).flatten(),
                      torch.as_tensor(row_2, dtype=torch.float32).flatten())
    except (TypeError, ValueError, RuntimeError):
        return verdict(False, "", "each answer is a list of two numbers, as [0.0, 0.0].")
    if r_2.numel() != 2 or row_2.numel() != 2:
        return verdict(False, "",
                       "each answer is a list of two numbers: the memory has two columns.")
    if torch.allclose(r_2, torch.tensor([0.5, 0.5])):
        return verdict(False, "",
                       "that is r_1. The read head has moved: half on slot 1, half on slot 2 of "
                       "M_1.")
    if torch.allclose(r_2, torch.tensor([0.5, 1.0])):
        return verdict(False, "", "you read M_0. Step 2 reads M_1, in which slot 1 holds (1, -1).")
    if torch.allclose(r_2, torch.tensor([1.0, -1.0])):
        return verdict(False, "",
                       "you read M_2. A step reads before it writes: slot 2 still holds (1, 1).")
    if not torch.allclose(r_2, torch.tensor([1.0, 0.0]), atol=1e-3):
        return verdict(False, "", "r_2 is half of slot 1 plus half of slot 2 of M_1.")
    if not torch.allclose(row_2, torch.tensor([1.0, -1.0]), atol=1e-3):
        return verdict(False, "", "r_2 is right. For row 2: erase it entirely, then add a.")
    return verdict(True,
                   "the write of step 1 is seen by the read of step 2, and the write of step 2 "
                   "is not.", "")


def head_parameters(answer):
    """Exercise 2: a function that counts the parameters of Heads."""
    for sizes in [(100, 20, 1, 1, 1), (7, 3, 2, 1, 2), (5, 4, 1, 3, 0)]:
        expected = sum(p.numel() for p in Heads(*sizes).parameters())
        try:
            found = answer(*sizes)
        except Exception as error:
            return verdict(False, "", f"your function raised {type(error).__name__}: {error}.")
        if found != expected:
            names = ("hidden_size", "width", "read_heads", "write_heads", "shift_range")
            why = (" Did you count the biases?"
                   if found == expected // (sizes[0] + 1) * sizes[0] else "")
            return verdict(False, "",
                           f"for {', '.join(f'{n}={v}' for n, v in zip(names, sizes))} you say "
                           f"{found}, it is {expected}.{why}")
    return verdict(True, "it agrees with three machines of different shapes.", "")


def _step(machine, x, state, *, write_first=False, r_seen=True, r_kept=True, own_w=True):
    """The machine's step, with a fault on demand."""
    M, w_prev, r_prev, c_prev = state
    h, c = machine.controller(torch.cat([x, (r_prev if r_seen else 0 * r_prev).flatten(1)], dim=-1),
                              c_prev)
    k, β, g, s, γ, e, a = machine.heads(h)
    w = address(M, k, β, g, s, γ, w_prev)
    w_read, w_write = w.split([machine.read_heads, machine.write_heads], dim=1)
    if not own_w:
        w_read = w_write
    r = read(M, w_read)
    M = add(erase(M, w_write, e), w_write, a)
    if write_first:
        r = read(M, w_read)
    y = machine.output(torch.cat([h, r.flatten(1)], dim=-1))
    return y, State(M, w, r if r_kept else r_prev, c)


def _machine(controller="feedforward"):
    return NTM(3, 2, controller, hidden_size=8, N=8, width=4, seed=0)


@torch.no_grad()
def write_first(answer):
    """Exercise 3: a step that writes before it reads."""
    machine, x = _machine("lstm"), torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0))
    state = machine.initial_state(2)
    for x_t in x:
        expected, after = _step(machine, x_t, state, write_first=True)
        usual, _ = _step(machine, x_t, state)
        try:
            y, mine = answer(machine, x_t, state)
            same_y = torch.allclose(y, expected, atol=1e-5)
            same = [torch.allclose(getattr(mine, name), getattr(after, name), atol=1e-5)
                    for name in ("M", "w", "r")]
        except Exception as error:
            return verdict(False, "",
                           "the step must return (y, State(M, w, r, c)); trying it raised "
                           f"{type(error).__name__}.")
        if not same[0]:
            return verdict(False, "",
                           "the memory after the step is not right: the write is the same as "
                           "ever, only its place has changed.")
        if not same[1]:
            return verdict(False, "",
                           "the weightings are not right: the heads still find their place in "
                           "the old memory.")
        if torch.allclose(y, usual, atol=1e-5) or not same[2]:
            return verdict(False, "",
                           "this reads the old memory, or returns an old r: read after the line "
                           "that makes the new M.")
        if not same_y:
            return verdict(False, "", "r is right and y is not: the output must see the new r.")
        state = after
    return verdict(True, "over four steps it writes, then reads what it has just written.", "")


@torch.no_grad()
def feeds_back(answer):
    """Exercise 4: a test that tells whether the last read reaches the controller."""
    cases = [("the sound step", {}, True),
             ("a step whose controller never sees r", dict(r_seen=False), False),
             ("a sound step that writes before it reads", dict(write_first=True), True),
             ("a blind step that writes first", dict(r_seen=False, write_first=True), False),
             ("a blind step whose read head uses the write head's weighting",
              dict(r_seen=False, own_w=False), False)]
    for name, fault, expected in cases:
        def step(machine, x, state, fault=fault):
            return _step(machine, x, state, **fault)

        try:
            found = answer(step, _machine())
        except Exception as error:
            return verdict(False, "",
                           f"on {name} your test raised {type(error).__name__}: {error}.")
        if found is not True and found is not False:
            return verdict(False, "",
                           f"your test must return True or False; on {name} it returned {found!r}.")
        if found != expected:
            return verdict(False, "", f"on {name} your test says {found}.")
    return verdict(True, "your test passes two sound steps and catches three broken ones.", "")


@torch.no_grad()
def beginning(answer):
    """Exercise 5, open-ended: a State that tells the slots apart; reports how well."""
    machine = NTM(10, 8, "feedforward", N=32, initial_memory="constant",
                  initial_weighting="uniform", seed=0)
    try:
        state, again, two = answer(machine, 1), answer(machine, 1), answer(machine, 2)
        if not isinstance(state, State):
            return verdict(False, "", "return a State, as machine.initial_state does.")
        if (state.M.shape != (1, 32, 20) or state.w.shape != (1, 2, 32)
            or two.M.shape != (2, 32, 20)):
            shapes = f"{list(state.M.shape)} and {list(state.w.shape)}"
            return verdict(False, "",
                           f"M must be [batch, 32, 20] and w [batch, 2, 32]; yours are {shapes}.")
        if not torch.allclose(state.w.sum(-1), torch.ones(1, 2), atol=1e-4) or state.w.min() < 0:
            return verdict(False, "",
                           "every weighting must be at least 0 and sum to 1 over the slots.")
        if not (torch.equal(state.M, again.M) and torch.equal(two.M[0], two.M[1])
                and torch.equal(two.M[:1], state.M)):
            return verdict(False, "",
                           "it differs from call to call or between sequences; use a generator "
                           "with a fixed seed.")
        for x in torch.randint(0, 2, (50, 1, 10),
                               generator=torch.Generator().manual_seed(0)).float():
            _, state, _ = machine.step(x, state)
    except Exception as error:
        return verdict(False, "", f"trying your beginning raised {type(error).__name__}: {error}.")
    apart = (state.M.max(1).values - state.M.min(1).values).max().item()
    w = state.w[0, 0]
    spread = torch.exp(-(w * w.clamp(min=1e-12).log()).sum()).item()
    if not apart > 1e-3:
        return verdict(False, "",
                       f"after 50 steps the slots differ by {apart:.4f}: they are still alike. "
                       "Change M or w.")
    return verdict(True,
                   f"after 50 steps the slots differ by up to {apart:.2f}; the read head is "
                   f"spread over {spread:.1f} of 32.", "")
