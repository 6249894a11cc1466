"""Programs written by hand for the memory and its heads. The way back, from a trace to such words:
ntm.disassembler.

A program needs two verbs, `read` and `write`, and two ways for a head to go: `move` by some slots,
or `jump` to the slot most like a key. As in the machine, a head goes first and acts then.
"""

from typing import Any, NamedTuple

import torch

from . import memory
from .addressing import address
from .checks import positive
from .heads import Emission
from .machine import State
from .trace import Trace


class Instruction(NamedTuple):
    """What one head emits in one step, in the paper's symbols. None: nothing for k, e and a; what
    `run` was given for β and γ."""

    kind: str  # "read" or "write"
    head: int  # which of the heads of its kind
    k: Any = None  # key, up to `width` numbers
    β: float | None = None
    g: float = 0.0
    s: Any = 0  # one offset, or a weighting of all offsets
    γ: float | None = None
    e: Any = None  # write heads only: a number for all columns, or up to `width` of them
    a: Any = None  # write heads only: up to `width` numbers


def read(move=0, jump=None, head=0):
    """A read head goes to the slot most like the key `jump` (without one, it starts from where it
    is), moves on by `move` slots, reads."""
    return Instruction("read", head, k=jump, g=0.0 if jump is None else 1.0, s=move)


def write(value, move=0, jump=None, head=0):
    """A write head goes as `read` does and puts `value` there, in place of what was; None as value
    moves it without writing."""
    return Instruction("write", head, k=jump, g=0.0 if jump is None else 1.0, s=move,
                       e=None if value is None else 1.0, a=value)


def run(program, x, N, width, *, read_heads=1, write_heads=1, shift_range=1, β=50.0, γ=30.0,
        leak=0.0):
    """Run a program on the real memory [N, width], which begins empty, with every head on slot 0.

    program: a function of one argument, an iterator over the vectors of x [T, channels]; it yields
    at each step an instruction, a tuple of them (for several heads), or nothing: heads that are not
    mentioned stay, and write nothing. What `yield` returns is what the read heads read in that
    step. Or a list of such steps; then x may be None.
    β, γ: for all instructions without their own. leak: the share of every move that goes astray,
    evenly to the other offsets. Vectors shorter than `width` are filled up with zeros; after its
    last instruction a program's heads stay.

    Returns y [T, read_heads * width], what was read, and the Trace (with B = 1). Raises ValueError
    for an instruction that the machine cannot follow, and for a program that looks at an input
    before its step has come.
    """
    positive(N=N, width=width, read_heads=read_heads, write_heads=write_heads)
    if x is None and callable(program):
        raise ValueError("x is None; it must be a tensor [T, channels], as the program is a "
                         "function of it")
    x = [None] * len(program) if x is None else x
    positive(steps=len(x))
    now = 0

    def inputs():
        for t, x_t in enumerate(x):
            if t > now:
                raise ValueError(f"the program looks at input {t} in step {now}; it must yield "
                                 "once for every input it takes")
            yield x_t

    steps = program(inputs()) if callable(program) else iter(program)
    w_0 = torch.eye(N)[0].expand(1, read_heads + write_heads, N)
    state = State(torch.zeros(1, N, width), w_0, torch.zeros(1, read_heads, width), ())
    trace, r = Trace.begin(state, read_heads), None
    for now in range(len(x)):  # noqa: B007, `inputs` looks at it
        try:
            step = steps.send(r) if hasattr(steps, "send") else next(steps)
        except StopIteration:
            step, steps = None, iter(())
        step = () if step is None else step if type(step) in (tuple, list) else (step,)
        k, β_t, g, s, γ_t, e, a = emitted = _emission(step, width, read_heads, write_heads,
                                                      shift_range, β, γ, leak)
        M = state.M
        w = address(M, k, β_t, g, s, γ_t, state.w)
        w_read, w_write = w.split([read_heads, write_heads], dim=1)
        r = memory.read(M, w_read)
        state = State(memory.add(memory.erase(M, w_write, e), w_write, a), w, r, ())
        trace.append(state, emitted)
        r = r[0].flatten()
    trace.end()
    return trace.r[:, 0].flatten(1), trace


def _emission(step, width, read_heads, write_heads, shift_range, β, γ, leak):
    """The instructions of one step as an Emission of all heads, B = 1."""
    heads = read_heads + write_heads
    k, e, a = (torch.zeros(heads, width), torch.zeros(write_heads, width),
               torch.zeros(write_heads, width))
    β, g, γ = torch.full((heads,), float(β)), torch.zeros(heads), torch.full((heads,), float(γ))
    s = _offsets(0, shift_range, leak).repeat(heads, 1)
    for order in step:
        kinds = {"read": (read_heads, 0), "write": (write_heads, read_heads)}
        count, first = kinds.get(getattr(order, "kind", None), (0, 0))
        if not count:
            raise ValueError(f"a program yields {order!r}; it must yield what read(...) or "
                             "write(...) returns")
        if not 0 <= order.head < count:
            raise ValueError(f"head is {order.head}; there are {count} {order.kind} heads, counted "
                             "from 0")
        i = first + order.head
        k[i], g[i] = _fill(order.k, width, "jump"), order.g
        s[i] = _offsets(order.s, shift_range, leak)
        β[i], γ[i] = β[i] if order.β is None else order.β, γ[i] if order.γ is None else order.γ
        if order.kind == "write":
            number = isinstance(order.e, int | float)
            e[order.head] = order.e if number else _fill(order.e, width, "e")
            a[order.head] = _fill(order.a, width, "value")
    return Emission(*(value.unsqueeze(0) for value in (k, β, g, s, γ, e, a)))


def _fill(value, width, name):
    """`value` with zeros after it, up to `width`."""
    value = torch.as_tensor([] if value is None else value, dtype=torch.float)
    if value.dim() != 1 or len(value) > width:
        raise ValueError(f"{name} has shape {list(value.shape)}; it must be a vector of at most "
                         f"{width} numbers, the width of the memory")
    return torch.cat([value, value.new_zeros(width - len(value))])


def _offsets(move, shift_range, leak):
    """The shift weighting that moves by `move` slots, all but `leak`; a weighting is taken as it
    is."""
    count = 2 * shift_range + 1
    if not isinstance(move, int):
        s = torch.as_tensor(move, dtype=torch.float)
        if s.shape != (count,):
            raise ValueError(f"s has shape {list(s.shape)}; it must be {[count]}, one weight for "
                             "each offset of the machine")
        return s
    if abs(move) > shift_range:
        raise ValueError(f"move is {move}; it must be from {-shift_range} to {shift_range}, the "
                         "machine's shift_range")
    s = torch.full((count,), leak / max(count - 1, 1))
    s[shift_range + move] += 1 - s.sum()
    return s


# Four of the paper's tasks as programs, and a variant. Each writes what it must remember and lets
# the read heads bring the answer: y holds it.


def copy(x):
    """The copy task of ntm.tasks.Copy, up to N - 1 vectors, in a memory as wide as x: the vectors,
    after the start mark that finds them."""
    start = next(x)
    yield write(start)
    for x_t in x:
        if x_t[-1]:  # the end mark
            break
        yield write(x_t, move=+1)
    yield read(jump=start)
    for _ in x:
        yield read(move=+1)


def repeat_copy(x):
    """The repeat copy task of ntm.tasks.RepeatCopy, up to N - 2 vectors, in a memory of 8 columns:
    6 of data, end mark, start mark.

    It counts the vectors and the repeats itself: what an NTM's controller must learn to do.
    """
    start, end, length, n = [0.0] * 7 + [1.0], [0.0] * 6 + [1.0], 0, 0
    next(x)
    yield write(start)
    for x_t in x:
        if x_t[7]:  # the number of repeats, (n - 5.5) / 2.872
            n = round(float(x_t[7]) * 2.8723 + 5.5)
            break
        yield write(x_t[:6], move=+1)
        length += 1
    yield write(end, move=+1)
    for _ in range(n):
        yield read(jump=start, move=+1)
        for _ in range(length - 1):
            yield read(move=+1)
    yield read(move=+1)  # from the last vector on to the end mark


def repeat_copy_marks(x):
    """The repeat copy task with its count as marks, up to N - 1 vectors and marks, in a memory of 9
    columns and with three read heads.

    It counts nothing itself: what it does next depends on the input and on what the heads have just
    read, as in a machine whose controller has no state. Head 0 says the vectors, head 1 is one slot
    ahead of it and sees the first mark where they end, and head 2 stands on a mark and takes one
    step a round, until it meets the go mark. Columns: 6 of data, go mark (the end marker, when it
    is said), start mark (on the first vector), mark.
    """
    start, end, move, waits = [0.0] * 7 + [1.0], [0.0] * 6 + [1.0], 0, False
    next(x)
    yield
    for x_t in x:
        row = torch.cat([x_t[:6], x_t[8:], x_t.new_tensor([1 - move]), x_t[7:8]])
        yield write(row, move=move), read(move=0 if waits else move, head=2)
        if x_t[8]:
            break
        move, waits = 1, bool(x_t[7])
    over, last = True, False
    for _ in x:
        if over and last:
            yield read(jump=end)
            continue
        if over:
            seen = yield read(jump=start), read(jump=start, move=+1, head=1), read(move=+1, head=2)
        else:
            seen = yield read(move=+1), read(move=+1, head=1)
        over, last = bool(seen[9 + 8] > 0.5), bool(seen[18 + 6] > 0.5)


def associative_recall(x):
    """The recall task of ntm.tasks.AssociativeRecall, up to N / 4 items, in a memory of 18 columns.

    An item takes four slots: the item before it, whole, as the name to find it by; then its three
    vectors.
    """
    item = []
    for x_t in x:
        if x_t[7]:  # the query begins
            break
        if x_t[6]:  # an item begins
            yield write(_name(item) if item else None, move=+1)
            item = []
        else:
            yield write(x_t[:6], move=+1)
            item.append(x_t[:6])
    yield
    query = []
    for x_t in x:
        if x_t[7]:  # the query is complete
            break
        yield
        query.append(x_t[:6])
    yield read(jump=_name(query))
    for _ in x:
        yield read(move=+1)


def _name(item):
    """An item as one vector of ±1, so that the cosine of two of them counts the bits in which they
    differ."""
    return 2 * torch.cat(item) - 1


def priority_sort(x):
    """The sort task of ntm.tasks.PrioritySort, up to N - 1 vectors, in a memory of 10 columns; y
    holds bits of ±0.1: threshold at 0.

    Selection sort by content. A slot holds its vector in small numbers and, on two columns, a point
    of the unit circle whose first coordinate rises with the priority: so all slots are of one
    length, and the cosine with the key is linear in the priority. The write head marks what is
    being read, so that the next jump finds the next highest. Two priorities that differ by d are
    told apart where 0.45 β γ d is well above 1: run it with β = 1000 and γ = 100.
    """
    key = [0.0] * 8 + [1.0]
    for x_t in x:
        if x_t[9]:  # the end mark
            break
        height = 0.5 + 0.45 * x_t[8]  # above 0, what an empty slot has
        yield write([*(0.2 * x_t[:8] - 0.1), height, (1 - height**2) ** 0.5], move=+1)
    yield
    for _ in x:
        yield read(jump=key), write([0.0] * 8 + [-0.3], jump=key)
