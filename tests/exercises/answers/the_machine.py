"""Answers to the exercises of book/the_machine.ipynb, and what the checkers must say of them."""

import torch

from ntm.exercises.the_machine import _step


def second_step():
    return [
        ([1, 0], [1, -1], "Correct: "),
        (..., ..., "two numbers"),
        (None, None, "two numbers"),
        ([1.0], [1.0, -1.0], "two columns"),
        ([0.5, 0.5], [1, -1], "r_1"),
        ([0.5, 1.0], [1, -1], "M_0"),
        ([1, -1], [1, -1], "before it writes"),
        ([9, 9], [1, -1], "half of slot 1"),
        ([1, 0], [1, 1], "row 2"),
    ]


def head_parameters():
    def right(h, width, reads, writes, shifts):
        return (h + 1) * ((reads + writes) * (width + 2 * shifts + 4) + 2 * writes * width)

    return [
        (right, "Correct: "),
        (lambda *_: None, "None"),
        (lambda h, *rest: right(h, *rest) // (h + 1) * h, "biases"),
        (lambda: 0, "raised"),
        (lambda h, w, r, p, s: right(h, w, r, p, 1), "shift_range=2"),
    ]


def write_first():
    def right(machine, x, state):
        return _step(machine, x, state, write_first=True)

    def stale_r(machine, x, state):
        y, after = right(machine, x, state)
        return y, after._replace(r=state.r)

    def stale_y(machine, x, state):
        y, after = right(machine, x, state)
        return y + 1, after

    def other_M(machine, x, state):
        y, after = right(machine, x, state)
        return y, after._replace(M=state.M)

    def other_w(machine, x, state):
        y, after = right(machine, x, state)
        return y, after._replace(w=state.w.flip(1).roll(1, -1))

    return [
        (right, "Correct: "),
        (lambda *_: None, "must return"),
        (_step, "old memory"),
        (stale_r, "old r"),
        (stale_y, "must see the new r"),
        (other_M, "the memory"),
        (other_w, "weightings"),
    ]


def feeds_back():
    def right(step, machine):
        x, state = torch.ones(1, machine.inputs), machine.initial_state(1)
        return not torch.allclose(
            step(machine, x, state)[0], step(machine, x, state._replace(r=state.r + 1))[0]
        )

    return [
        (right, "Correct: "),
        (lambda *_: None, "True or False"),
        (lambda *_: True, "never sees r"),
        (lambda *_: False, "the sound step"),
        (lambda: True, "raised"),
    ]


def beginning():
    def right(machine, batch):
        state = machine.initial_state(batch)
        return state._replace(M=torch.linspace(-1, 1, 32 * 20).view(32, 20).expand(batch, -1, -1))

    def random(machine, batch):
        return machine.initial_state(batch)._replace(M=torch.randn(batch, 32, 20))

    def heavy(machine, batch):
        state = machine.initial_state(batch)
        return state._replace(w=2 * state.w)

    def small(machine, batch):
        return machine.initial_state(batch)._replace(M=torch.zeros(batch, 4, 20))

    return [
        (right, "Correct: "),
        (lambda *_: None, "a State"),
        (lambda m, b: m.initial_state(b), "still alike"),
        (random, "fixed seed"),
        (heavy, "sum to 1"),
        (small, "must be"),
        (lambda: None, "raised"),
    ]
