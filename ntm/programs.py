"""Programs written by hand for the memory and its heads, and the way back: what a trace says the heads did, in the same words.

A program needs two verbs, `read` and `write`, and two ways for a head to go: `move` by some slots, or `jump` to the slot most like a
key. As in the machine, a head goes first and acts then.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import torch

from . import memory
from .addressing import address, shift
from .checks import positive
from .heads import Emission
from .machine import State
from .trace import Trace


class Instruction(NamedTuple):
    """What one head emits in one step, in the paper's symbols. None: nothing for k, e and a; what `run` was given for β and γ."""

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
    """A read head goes to the slot most like the key `jump` (without one, it starts from where it is), moves on by `move` slots, reads."""
    return Instruction("read", head, k=jump, g=0.0 if jump is None else 1.0, s=move)


def write(value, move=0, jump=None, head=0):
    """A write head goes as `read` does and puts `value` there, in place of what was; None as value moves it without writing."""
    return Instruction("write", head, k=jump, g=0.0 if jump is None else 1.0, s=move, e=None if value is None else 1.0, a=value)


def run(program, x, N, width, *, read_heads=1, write_heads=1, shift_range=1, β=50.0, γ=30.0, leak=0.0):
    """Run a program on the real memory [N, width], which begins empty, with every head on slot 0.

    program: a function of one argument, an iterator over the vectors of x [T, channels]; it yields at each step an instruction, a tuple of
    them (for several heads), or nothing: heads that are not mentioned stay, and write nothing. What `yield` returns is what the read
    heads read in that step. Or a list of such steps; then x may be None.
    β, γ: for all instructions without their own. leak: the share of every move that goes astray, evenly to the other offsets.
    Vectors shorter than `width` are filled up with zeros; after its last instruction a program's heads stay.

    Returns y [T, read_heads * width], what was read, and the Trace (with B = 1). Raises ValueError for an instruction that the machine
    cannot follow, and for a program that looks at an input before its step has come.
    """
    positive(N=N, width=width, read_heads=read_heads, write_heads=write_heads)
    if x is None and callable(program):
        raise ValueError("x is None; it must be a tensor [T, channels], as the program is a function of it")
    x = [None] * len(program) if x is None else x
    positive(steps=len(x))
    now = 0

    def inputs():
        for t, x_t in enumerate(x):
            if t > now:
                raise ValueError(f"the program looks at input {t} in step {now}; it must yield once for every input it takes")
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
        k, β_t, g, s, γ_t, e, a = emitted = _emission(step, width, read_heads, write_heads, shift_range, β, γ, leak)
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
    k, e, a = torch.zeros(heads, width), torch.zeros(write_heads, width), torch.zeros(write_heads, width)
    β, g, γ = torch.full((heads,), float(β)), torch.zeros(heads), torch.full((heads,), float(γ))
    s = _offsets(0, shift_range, leak).repeat(heads, 1)
    for order in step:
        count, first = {"read": (read_heads, 0), "write": (write_heads, read_heads)}.get(getattr(order, "kind", None), (0, 0))
        if not count:
            raise ValueError(f"a program yields {order!r}; it must yield what read(...) or write(...) returns")
        if not 0 <= order.head < count:
            raise ValueError(f"head is {order.head}; there are {count} {order.kind} heads, counted from 0")
        i = first + order.head
        k[i], g[i], s[i] = _fill(order.k, width, "jump"), order.g, _offsets(order.s, shift_range, leak)
        β[i], γ[i] = β[i] if order.β is None else order.β, γ[i] if order.γ is None else order.γ
        if order.kind == "write":
            e[order.head] = order.e if isinstance(order.e, int | float) else _fill(order.e, width, "e")
            a[order.head] = _fill(order.a, width, "value")
    return Emission(*(value.unsqueeze(0) for value in (k, β, g, s, γ, e, a)))


def _fill(value, width, name):
    """`value` with zeros after it, up to `width`."""
    value = torch.as_tensor([] if value is None else value, dtype=torch.float)
    if value.dim() != 1 or len(value) > width:
        raise ValueError(f"{name} has shape {list(value.shape)}; it must be a vector of at most {width} numbers, the width of the memory")
    return torch.cat([value, value.new_zeros(width - len(value))])


def _offsets(move, shift_range, leak):
    """The shift weighting that moves by `move` slots, all but `leak`; a weighting is taken as it is."""
    count = 2 * shift_range + 1
    if not isinstance(move, int):
        s = torch.as_tensor(move, dtype=torch.float)
        if s.shape != (count,):
            raise ValueError(f"s has shape {list(s.shape)}; it must be {[count]}, one weight for each offset of the machine")
        return s
    if abs(move) > shift_range:
        raise ValueError(f"move is {move}; it must be from {-shift_range} to {shift_range}, the machine's shift_range")
    s = torch.full((count,), leak / max(count - 1, 1))
    s[shift_range + move] += 1 - s.sum()
    return s


# Four of the paper's tasks as programs. Each writes what it must remember and lets the read head bring the answer: y holds it.


def copy(x):
    """The copy task of ntm.tasks.Copy, up to N - 1 vectors, in a memory as wide as x: the vectors, after the start mark that finds them."""
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
    """The repeat copy task of ntm.tasks.RepeatCopy, up to N - 2 vectors, in a memory of 8 columns: 6 of data, end mark, start mark.

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


def associative_recall(x):
    """The recall task of ntm.tasks.AssociativeRecall, up to N / 4 items, in a memory of 18 columns.

    An item takes four slots: the item before it, whole, as the name to find it by; then its three vectors.
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
    """An item as one vector of ±1, so that the cosine of two of them counts the bits in which they differ."""
    return 2 * torch.cat(item) - 1


def priority_sort(x):
    """The sort task of ntm.tasks.PrioritySort, up to N - 1 vectors, in a memory of 10 columns; y holds bits of ±.1: threshold at 0.

    Selection sort by content. A slot holds its vector in small numbers and, on two columns, a point of the unit circle whose first
    coordinate rises with the priority: so all slots are of one length, and the cosine with the key is linear in the priority. The write
    head marks what is being read, so that the next jump finds the next highest. Two priorities that differ by d are told apart where
    .45 β γ d is well above 1: run it with β = 1000 and γ = 100.
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


# The disassembler: from a trace back to the words of a program.


class Step(NamedTuple):
    """What one head did in one step, as `decode` reads it off a trace."""

    how: str  # "move", "jump", or "blurred" where no slot has more than half of the weight
    offset: int  # the shift that brought most of the peak's weight: 0 is to stay, or to land where the key points
    source: int  # the slot that weight came from: by position for a move, by content for a jump
    slot: int  # the peak of the weighting
    does: str  # "read"; or "write", "erase", "idle"
    spread: float  # over how many slots the weighting is spread, exp of its entropy


def decode(trace, b=0, faint=0.1):
    """What every head did in every step of sequence b of a Trace: {head's name: a Step for each t}.

    A step is a jump where more than half of what the shift brought to the peak came from w_c (see `content_share`). A write head
    writes where w a exceeds `faint` in some column of the peak's slot, else erases where w e does, else is idle.
    """
    trace, heads = _only(trace, b), {}
    share, spread = content_share(trace)[:, 0], _spread(trace.w)[:, 0]
    w, w_c, w_prev, s = trace.w[:, 0], trace.w_c[:, 0], trace.w_prev[:, 0], trace.s[:, 0]
    N, reach = w.shape[-1], s.shape[-1] // 2
    for i, name in enumerate(names(trace)):
        heads[name] = steps = []
        for t in range(len(w)):
            slot, jumps = int(w[t, i].argmax()), bool(share[t, i] > 0.5)
            before = (w_c if jumps else w_prev)[t, i]
            sources = (slot - torch.arange(-reach, reach + 1)) % N
            offset = int((s[t, i] * before[sources]).argmax()) - reach
            does = "read"
            if i >= trace.read_heads:
                adds, erases = ((w[t, i, slot] * v[t, 0, i - trace.read_heads]).abs().max() > faint for v in (trace.a, trace.e))
                does = "write" if adds else "erase" if erases else "idle"
            how = "blurred" if w[t, i, slot] <= 0.5 else "jump" if jumps else "move"
            steps.append(Step(how, offset, (slot - offset) % N, slot, does, float(spread[t, i])))
    return heads


def disassemble(trace, b=0, faint=0.1):
    """What the heads did in sequence b of a Trace, as a text in the words of programs: equal steps merged, repeated ones counted.

    Works for any machine with any number of heads, trained or not. faint: as for `decode`.
    """
    lines, N = [], trace.w.shape[-1]
    for name, steps in decode(trace, b, faint).items():
        lines.append(name)
        t = 0
        while t < len(steps):
            count, runs = _loop(steps[t:])
            length = sum(map(len, runs))
            if count > 1:
                lines += [f"  {_times(t, count * length)}{count} times:", *(f"    {_say(run, N)}" for run in runs)]
            else:
                lines.append(f"  {_times(t, length)}{_say(runs[0], N)}")
            t += count * length
    return "\n".join(lines)


def names(trace):
    """The heads' names, in the order of the trace: read heads first; numbered where there are several of a kind."""
    counts = {"read head": trace.read_heads, "write head": trace.w.shape[2] - trace.read_heads}
    return [f"{kind} {i}" if count > 1 else kind for kind, count in counts.items() for i in range(count)]


def content_share(trace):
    """How much of the weight that the shift brought to each head's peak p = argmax w came by content [T, B, heads], from 0 to 1.

    w_g = g w_c + (1 - g) w_prev, and the shift is linear: share = g (w_c * s)(p) / w_s(p), with * as in equation (8).
    """
    at_peak = trace.w.argmax(-1, keepdim=True)
    by_content = shift(trace.g.unsqueeze(-1) * trace.w_c, trace.s).gather(-1, at_peak)
    return (by_content / trace.w_s.gather(-1, at_peak).clamp(min=1e-12)).squeeze(-1)


def scores(trace, steps=slice(None)):
    """Measures of each head's access pattern: {head's name: {measure: number}}, means over all steps t and sequences of a Trace.

    With p(t) = argmax_i w_t(i), the peak, and d(t) = p(t) - p(t - 1) modulo N, between -N/2 and N/2:
    sequential: the share of steps with d = +1, or of those with d = -1 if there are more of them;
    still: the share of steps with d = 0;
    local: the share of steps with |d| within the shift range;
    sharp: the mean of w_t(p(t)), 1 for a weighting on one slot, near 1/N for an even one;
    spread: the mean of exp(-sum_i w_t(i) ln w_t(i)), over how many slots the weighting is spread;
    content: the share of steps with `content_share` above 1/2, in which content, not position, decided;
    stable: the share of sequences whose p(t) is the commonest one at t: 1 where the path does not depend on the data
    (and where there is a single sequence).

    steps: which steps count, a slice or a mask [T] or [T, B], as batch.mask > 0.
    """
    N, reach = trace.w.shape[-1], trace.s.shape[-1] // 2
    peak, before = trace.w.argmax(-1), trace.w_prev.argmax(-1)
    d = (peak - before + N // 2) % N - N // 2
    measures = {
        "sequential": d, "still": d == 0, "local": d.abs() <= reach, "sharp": trace.w.amax(-1), "spread": _spread(trace.w),
        "content": content_share(trace) > 0.5, "stable": peak == peak.mode(dim=1, keepdim=True).values,
    }
    chosen = {name: values[steps].flatten(0, -2).float() for name, values in measures.items()}  # [steps * sequences, heads]
    d = chosen["sequential"]
    chosen["sequential"] = torch.maximum((d == 1).float().mean(0), (d == -1).float().mean(0)).unsqueeze(0)
    return {head: {name: values[:, i].mean().item() for name, values in chosen.items()} for i, head in enumerate(names(trace))}


def _spread(w):
    """exp of the entropy of each weighting: 1 for one slot, N for an even weighting."""
    return torch.special.entr(w).sum(-1).exp()


def _only(trace, b):
    """Sequence b of a Trace, as a Trace with B = 1."""
    values = {name: value[:, b : b + 1] for name, value in vars(trace).items() if name not in ("M_0", "w_0", "read_heads")}
    return Trace(trace.M_0[b : b + 1], trace.w_0[b : b + 1], trace.read_heads, **values)


def _loop(steps):
    """What comes first, (how often, [run, ...]): two or three runs that come again at once, at the same slots, or else one run."""
    said = [(step.slot, *_word(step)) for step in steps]
    runs, found = [], (1, 1)
    for size in (1, 2, 3):
        start = sum(map(len, runs))
        if start == len(steps):
            break
        runs.append(_run(steps[start:]))
        period, count = start + len(runs[-1]), 1
        while said[count * period : (count + 1) * period] == said[:period]:
            count += 1
        if size > 1 and count > found[0]:
            found = count, size
    return found[0], runs[: found[1]]


def _run(steps):
    """The first steps that a program would say in the same words; jumps, only to slots in a row."""
    length, stride = 1, None
    while length < len(steps) and _word(steps[length]) == _word(steps[0]):
        if steps[0].how == "jump":
            d = steps[length].slot - steps[length - 1].slot
            if abs(d) > 1 or stride not in (None, d):
                break
            stride = d
        length += 1
    return steps[:length]


def _word(step):
    return step.how, step.does, None if step.how == "blurred" else step.offset


def _times(t, length):
    return f"{f't={t}' if length == 1 else f't={t} to {t + length - 1}':<14}"


def _say(run, N):
    """A run of equal steps in words."""
    step, slots = run[0], [step.slot for step in run]
    if step.how == "blurred":
        where = f"blurred over about {sum(step.spread for step in run) / len(run):.0f} slots, {step.does}"
    else:
        going = f"move {step.offset:+d}" if step.offset else "stay"
        if step.how == "jump":
            going = f"jump by content to {_slots([step.source for step in run], N)}" + (f", move {step.offset:+d}" if step.offset else "")
        where = f"{going}, {'idle at' if step.does == 'idle' else step.does} {_slots(slots, N)}"
    return where + (f"  × {len(run)}" if len(run) > 1 else "")


def _slots(slots, N):
    """slot 3; slots 1 to 9; slots 4, 0, 7, ..."""
    steps = {(j - i + N // 2) % N - N // 2 for i, j in pairwise(slots)}
    if steps <= {0}:
        return f"slot {slots[0]}"
    if len(steps) == 1 and len(slots) > 2:
        stride = abs(steps.pop())
        return f"slots {slots[0]} to {slots[-1]}" + (f" in steps of {stride}" if stride > 1 else "")
    return f"slots {', '.join(map(str, slots[:6]))}" + (", ..." if len(slots) > 6 else "")
