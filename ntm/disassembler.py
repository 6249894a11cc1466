"""The disassembler: from a trace back to the words of ntm.programs, and measures of what the heads
did."""

from itertools import pairwise
from typing import NamedTuple

import torch

from .addressing import shift
from .trace import Trace


class Step(NamedTuple):
    """What one head did in one step, as `decode` reads it off a trace."""

    how: str  # "move", "jump", or "blurred" where no slot has more than half of the weight
    # the shift that brought most of the peak's weight: 0 is to stay, or to land where the key
    # points
    offset: int
    source: int  # the slot that weight came from: by position for a move, by content for a jump
    slot: int  # the peak of the weighting
    does: str  # "read"; or "write", "erase", "idle"
    spread: float  # over how many slots the weighting is spread, exp of its entropy


def decode(trace, b=0, faint=0.1):
    """What every head did in every step of sequence b of a Trace: {head's name: a Step for each t}.

    A step is a jump where more than half of what the shift brought to the peak came from w_c (see
    `content_share`). A write head writes where w a exceeds `faint` in some column of the peak's
    slot, else erases where w e does, else is idle.
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
                adds, erases = ((w[t, i, slot] * v[t, 0, i - trace.read_heads]).abs().max() > faint
                                for v in (trace.a, trace.e))
                does = "write" if adds else "erase" if erases else "idle"
            how = "blurred" if w[t, i, slot] <= 0.5 else "jump" if jumps else "move"
            steps.append(Step(how, offset, (slot - offset) % N, slot, does, float(spread[t, i])))
    return heads


def disassemble(trace, b=0, faint=0.1):
    """What the heads did in sequence b of a Trace, as a text in the words of programs: equal steps
    merged, repeated ones counted.

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
                lines += [f"  {_times(t, count * length)}{count} times:",
                          *(f"    {_say(run, N)}" for run in runs)]
            else:
                lines.append(f"  {_times(t, length)}{_say(runs[0], N)}")
            t += count * length
    return "\n".join(lines)


def names(trace):
    """The heads' names, in the order of the trace: read heads first; numbered where there are
    several of a kind."""
    counts = {"read head": trace.read_heads, "write head": trace.w.shape[2] - trace.read_heads}
    return [f"{kind} {i}" if count > 1 else kind for kind, count in counts.items()
            for i in range(count)]


def content_share(trace):
    """How much of the weight that the shift brought to each head's peak p = argmax w came by
    content [T, B, heads], from 0 to 1.

    w_g = g w_c + (1 - g) w_prev, and the shift is linear: share = g (w_c * s)(p) / w_s(p), with *
    as in equation (8).
    """
    at_peak = trace.w.argmax(-1, keepdim=True)
    by_content = shift(trace.g.unsqueeze(-1) * trace.w_c, trace.s).gather(-1, at_peak)
    return (by_content / trace.w_s.gather(-1, at_peak).clamp(min=1e-12)).squeeze(-1)


def scores(trace, steps=slice(None)):
    """Measures of each head's access pattern: {head's name: {measure: number}}, means over all
    steps t and sequences of a Trace.

    With p(t) = argmax_i w_t(i), the peak, and d(t) = p(t) - p(t - 1) modulo N, between -N/2 and
    N/2:
    sequential: the share of steps with d = +1, or of those with d = -1 if there are more of them;
    still: the share of steps with d = 0;
    local: the share of steps with |d| within the shift range;
    sharp: the mean of w_t(p(t)), 1 for a weighting on one slot, near 1/N for an even one;
    spread: the mean of exp(-sum_i w_t(i) ln w_t(i)), over how many slots the weighting is spread;
    content: the share of steps with `content_share` above 1/2, in which content, not position,
    decided;
    stable: the share of sequences whose p(t) is the commonest one at t: 1 where the path does not
    depend on the data (and where there is a single sequence).

    steps: which steps count, a slice or a mask [T] or [T, B], as batch.mask > 0.
    """
    N, reach = trace.w.shape[-1], trace.s.shape[-1] // 2
    peak, before = trace.w.argmax(-1), trace.w_prev.argmax(-1)
    d = (peak - before + N // 2) % N - N // 2
    measures = {
        "sequential": d, "still": d == 0, "local": d.abs() <= reach, "sharp": trace.w.amax(-1),
        "spread": _spread(trace.w),
        "content": content_share(trace) > 0.5,
        "stable": peak == peak.mode(dim=1, keepdim=True).values,
    }
    # [steps * sequences, heads]
    chosen = {name: values[steps].flatten(0, -2).float() for name, values in measures.items()}
    d = chosen["sequential"]
    chosen["sequential"] = torch.maximum((d == 1).float().mean(0),
                                         (d == -1).float().mean(0)).unsqueeze(0)
    return {head: {name: values[:, i].mean().item() for name, values in chosen.items()}
            for i, head in enumerate(names(trace))}


def _spread(w):
    """exp of the entropy of each weighting: 1 for one slot, N for an even weighting."""
    return torch.special.entr(w).sum(-1).exp()


def _only(trace, b):
    """Sequence b of a Trace, as a Trace with B = 1."""
    values = {name: value[:, b : b + 1] for name, value in vars(trace).items()
              if name not in ("M_0", "w_0", "read_heads")}
    return Trace(trace.M_0[b : b + 1], trace.w_0[b : b + 1], trace.read_heads, **values)


def _loop(steps):
    """What comes first, (how often, [run, ...]): two or three runs that come again at once, at the
    same slots, or else one run."""
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
        where = (f"blurred over about {sum(step.spread for step in run) / len(run):.0f} slots, "
                 f"{step.does}")
    else:
        going = f"move {step.offset:+d}" if step.offset else "stay"
        if step.how == "jump":
            going = f"jump by content to {_slots([step.source for step in run], N)}" + (
                f", move {step.offset:+d}" if step.offset else "")
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
