"""The paper's tasks: seeded generators, and what scores an answer.

A task has `inputs` and `outputs` channels and `sample(batch, generator=...)`, which returns a
Batch. Sequences of different lengths share one tensor, padded with zeros at the end; the mask says
which steps are scored.

`steady = True` in a class says that what sample draws depends on nothing but its arguments, the
task's settings and the generator: ntm.stream may then draw many sequences at once. It holds for
that class alone; one derived from it says so again, or is asked each time.
"""

from functools import wraps
from typing import NamedTuple

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from .checks import positive

f32 = torch.float32


class Batch(NamedTuple):
    """Some sequences of a task, time first."""

    x: torch.Tensor  # inputs [T, B, inputs]
    y: torch.Tensor  # targets, 0 or 1 [T, B, outputs]
    mask: torch.Tensor  # 1 where a step is scored, else 0 [T, B]


def bits(logits, batch):
    """The paper's cost: the cross-entropy of the scored steps in bits, summed over a sequence.
    Returns [B]."""
    nats = binary_cross_entropy_with_logits(logits, batch.y, reduction="none")
    return (nats * batch.mask.unsqueeze(-1)).sum(dim=(0, 2)) / 0.6931471805599453


def wrong_bits(logits, batch):
    """How many scored bits are wrong once thresholded at probability 1/2, summed over a sequence.
    Not a cost. Returns [B]."""
    if logits.shape != batch.y.shape:
        raise ValueError(f"logits has shape {list(logits.shape)}; it must be that of y, "
                         f"{list(batch.y.shape)}")
    wrong = (logits > 0) != (batch.y > 0.5)
    return (wrong * batch.mask.unsqueeze(-1)).sum(dim=(0, 2))


def _drawn(sample):
    """A method that draws a Batch, in float32 on the CPU whatever torch's defaults are, so that the
    stream does not depend on them; the Batch is then of the default dtype and on the default
    device."""

    @wraps(sample)
    def run(self, batch, **options):
        with torch.device("cpu"):
            drawn = sample(self, *positive(batch=batch), **options)
        default = torch.empty(0)
        return Batch(*(value.to(default.device, default.dtype) for value in drawn))

    return run


def _draw(low, high, batch, generator):
    """Integers from low to high, both included [batch]."""
    return torch.randint(low, high + 1, (batch,), generator=generator)


def _vectors(*shape, generator):
    """Fair random bits."""
    return torch.randint(0, 2, shape, generator=generator).to(f32)


def _pick(data, i):
    """Rows of data [n, B, width] by number, i [T, B] of them: [T, B, width]."""
    return data.gather(0, i.unsqueeze(-1).expand(-1, -1, data.shape[-1]))


def _range(name, value, fixed):
    """The (low, high) that a length is drawn from: `fixed` alone if it is given."""
    if fixed is not None:
        return positive(**{name: fixed}) * 2
    low, high = positive(**{f"{name} (lowest)": value[0], f"{name} (highest)": value[1]})
    if low > high:
        raise ValueError(f"{name} is drawn from {low} to {high}; the first must not be above the "
                         "second")
    return low, high


class Copy:
    """Copy (figures 3 to 6): see a sequence of random bit vectors, then write it out.

    10 input channels: 8 of data, one that marks the start (alone at step 0) and one that marks the
    end (alone at step L + 1); 8 outputs, scored in the L steps after that, in which the input is
    silent. 2L + 2 steps for L vectors.
    lengths: lowest and highest L, both included.
    """

    steady = True

    def __init__(self, width=8, lengths=(1, 20)):
        (self.width,) = positive(width=width)
        self.lengths = lengths
        self.inputs, self.outputs = self.width + 2, self.width
        _range("length", lengths, None)

    @_drawn
    def sample(self, batch, *, length=None, generator=None):
        """`batch` sequences as a Batch of T = 2 max(L) + 2 steps. length: the same L for all,
        instead of a draw for each."""
        L = _draw(*_range("length", self.lengths, length), batch, generator)
        longest = int(L.max())
        t = torch.arange(2 * longest + 2).unsqueeze(-1)  # [T, 1], against L [B]
        data = _vectors(longest, batch, self.width,
                        generator=generator) * (t[:longest] < L).unsqueeze(-1)
        x = torch.zeros(2 * longest + 2, batch, self.inputs, dtype=f32)
        x[1 : longest + 1, :, : self.width] = data
        x[0, :, self.width] = 1
        x[:, :, self.width + 1] = t == L + 1
        mask = ((t > L + 1) & (t <= 2 * L + 1)).to(f32)
        y = _pick(data, (t - L - 2).clamp(0, longest - 1)) * mask.unsqueeze(-1)
        return Batch(x, y, mask)


class RepeatCopy:
    """Repeat copy (figures 7 to 9): see a sequence and a number n, then write the sequence n times
    and an end marker.

    8 input channels: 6 of data, one that marks the start (alone at step 0) and one with n (alone at
    step L + 1, where it is all that tells of the end of the sequence). n is normalised to mean 0
    and variance 1 over the range it is trained on, for 1 to 10 (n - 5.5) / 2.872, and with the same
    two numbers wherever else it is tested. 7 outputs: in the nL steps after that the data, then for
    one step the end marker, alone on the last; all seven are scored in all nL + 1. L(n + 1) + 3
    steps. The paper gives the 8 and the 7 and puts n on a channel of its own; that the eighth marks
    the start, as in copy, is inference.
    count: "number", as in the paper, or "marks", a variant of ours that can be counted on a tape:
    after the data come n steps with a mark each, then one step, a channel of its own, that says go;
    9 input channels, and n steps more.
    lengths, repeats: lowest and highest L and n, both included.
    """

    steady = True

    def __init__(self, width=6, lengths=(1, 10), repeats=(1, 10), count="number"):
        (self.width,) = positive(width=width)
        if count not in ("number", "marks"):
            raise ValueError(f"count is {count!r}; it must be 'number' or 'marks'")
        self.lengths, self.repeats, self.count = lengths, repeats, count
        self.inputs, self.outputs = self.width + 2 + (count == "marks"), self.width + 1
        _range("length", lengths, None)
        _range("repeats", repeats, None)

    def normalise(self, n):
        """What the count channel shows for n: over this task's range it has mean 0 and variance 1
        (and is 0 if n never varies).

        A range with an odd number of values, as 1 to 3, shows its middle as 0: nothing then marks
        the end. 1 to 10 has no such n.
        """
        low, high = self.repeats
        return (n - (low + high) / 2) / ((((high - low + 1) ** 2 - 1) / 12) ** 0.5 or 1)

    @_drawn
    def sample(self, batch, *, length=None, repeats=None, generator=None):
        """`batch` sequences as a Batch of T = max(L(n + 1)) + 3 steps, n more with marks.

        length, repeats: the same for all, instead of draws.
        """
        L = _draw(*_range("length", self.lengths, length), batch, generator)
        n = _draw(*_range("repeats", self.repeats, repeats), batch, generator)
        go = L + 1 + (n if self.count == "marks" else 0)  # the step after which the answer begins
        end = go + L * n + 1  # the step of the end marker
        longest, steps = int(L.max()), int(end.max()) + 1
        t = torch.arange(steps).unsqueeze(-1)
        data = _vectors(longest, batch, self.width,
                        generator=generator) * (t[:longest] < L).unsqueeze(-1)
        x = torch.zeros(steps, batch, self.inputs, dtype=f32)
        x[1 : longest + 1, :, : self.width] = data
        x[0, :, self.width] = 1
        if self.count == "marks":
            x[:, :, self.width + 1] = (t > L) & (t < go)
            x[:, :, self.width + 2] = t == go
        else:
            x[:, :, self.width + 1] = (t == go) * self.normalise(n)
        answering = t > go
        y = torch.zeros(steps, batch, self.outputs, dtype=f32)
        y[:, :, : self.width] = _pick(data,
                                      (t - go - 1) % L) * (answering & (t < end)).unsqueeze(-1)
        y[:, :, self.width] = t == end
        return Batch(x, y, (answering & (t <= end)).to(f32))

    def data(self, logits, batch):
        """The data channels alone, without the end marker's: what the paper's generalisation
        figures count ((nL + 1) x 6 bits).

        bits(*task.data(logits, batch)) and wrong_bits(*task.data(logits, batch)) score them.
        """
        return logits[:, :, : self.width], batch._replace(y=batch.y[:, :, : self.width])

    def lengths_and_repeats(self, batch):
        """The L and the n of each sequence of a batch, read off its mask and marks: integers [B]
        each."""
        answers = batch.mask.sum(0).long() - 1  # n L
        if self.count == "marks":
            n = batch.x[:, :, self.width + 1].sum(0).long()
            return answers // n, n
        L = batch.mask.argmax(0) - 2  # the first scored step is L + 2
        return L, answers // L


class AssociativeRecall:
    """Associative recall (figures 10 to 12): see some items, then one of them again: write out the
    item that came after it.

    An item is three vectors of 6 bits. 8 input channels: 6 of data, one that marks an item and one
    that marks the query. Each of the n items takes four steps, its mark alone and then its vectors;
    then come the query's mark, the query's vectors, the mark again, and three silent steps, in
    which the 6 outputs are scored. 4n + 8 steps. The last item is never the query: none comes after
    it.
    items: lowest and highest n, both included; at least 2. vectors: of an item.
    """

    steady = True

    def __init__(self, width=6, vectors=3, items=(2, 6)):
        self.width, self.vectors = positive(width=width, vectors=vectors)
        self.items = items
        self.inputs, self.outputs = self.width + 2, self.width
        self._range(None)

    def _range(self, items):
        low, high = _range("items", self.items, items)
        if low < 2:
            raise ValueError(f"items is {low if items is None else items}; it must be at least "
                             "2, one to ask for and one after it")
        return low, high

    @_drawn
    def sample(self, batch, *, items=None, generator=None):
        """`batch` sequences as a Batch of T = 4 max(n) + 8 steps. items: the same n for all,
        instead of a draw for each."""
        n = _draw(*self._range(items), batch, generator)
        most, each, b = int(n.max()), self.vectors + 1, torch.arange(batch)
        # 0 to n - 2: never the last
        query = torch.randint(2**62, (batch,), generator=generator) % (n - 1)
        data = _vectors(most, self.vectors, batch, self.width, generator=generator)
        there = (torch.arange(most).unsqueeze(-1) < n).to(f32)
        x = torch.zeros(each * (most + 2), batch, self.inputs, dtype=f32)
        y = torch.zeros(each * (most + 2), batch, self.outputs, dtype=f32)
        mask = torch.zeros(each * (most + 2), batch, dtype=f32)
        shown = x[: each * most].view(most, each, batch, self.inputs)
        shown[:, 0, :, self.width] = there
        shown[:, 1:, :, : self.width] = data * there[:, None, :, None]
        mark = each * n  # the step of the query's first mark
        x[mark, b, self.width + 1] = 1
        x[mark + each, b, self.width + 1] = 1
        # the query's steps [vectors, B]; the answer's are `each` later
        t = mark + 1 + torch.arange(self.vectors).unsqueeze(-1)
        x[t, b, : self.width] = data[query, :, b].transpose(0, 1)
        y[t + each, b] = data[query + 1, :, b].transpose(0, 1)
        mask[t + each, b] = 1
        return Batch(x, y, mask)


class NGrams:
    """Dynamic N-grams (figures 13 to 15): see a sequence of bits, one a step, and predict the next.

    Each sequence has a table of its own: for each of the 32 contexts of 5 bits, the probability
    that a 1 follows, drawn from Beta(1/2, 1/2). The first 5 bits are fair. 1 input, the bit; 1
    output, the next one. 200 bits are 199 steps. Scored are the 195 predictions that have a full
    context: no one can predict the others, each costs 1 bit, and a cost over all 200 bits, as the
    paper's figure seems to show, is ours + 5. (The best possible is 128.21 on average, 133.21 with
    them; one sequence varies by 35, so a mean of 1000 by 1.1: the paper's line at 131.61 fits 199
    or 200 bits, and is 3 deviations from 195.)
    """

    steady = True
    inputs = outputs = 1

    def __init__(self, length=200, context=5):
        length, context = positive(length=length, context=context)
        if length <= context:
            raise ValueError(f"length is {length}; it must be above context, {context}")
        self.length, self.context, self.scored = length, context, length - context

    def tables(self, batch, *, generator=None):
        """`batch` tables from Beta(1/2, 1/2) [B, 2^context]. A context is a binary number, its
        latest bit the ones."""
        uniform = torch.rand(batch, 2**self.context, generator=generator, dtype=f32)
        return (uniform * (torch.pi / 2)).sin() ** 2  # the arcsine law is Beta(1/2, 1/2)

    @_drawn
    def sample(self, batch, *, table=None, generator=None):
        """`batch` sequences as a Batch of T = length - 1 steps. table: [B, 2^context] or
        [2^context] probabilities, instead of draws."""
        shape = (batch, 2**self.context)
        if table is None:
            table = self.tables(batch, generator=generator)
        elif table.shape not in (shape, shape[1:]) or not ((table >= 0) & (table <= 1)).all():
            raise ValueError(f"table has shape {list(table.shape)}; it must be {list(shape)} or "
                             f"{list(shape[1:])}, of values in [0, 1]")
        uniform = torch.rand(batch, self.length, generator=generator, dtype=f32)
        drawn = []
        # every bit waits for the one before: plain floats are fastest
        for p, u in zip(table.expand(shape).tolist(), uniform.tolist()):
            seen, c = [], 0
            for i, value in enumerate(u):
                bit = value < (p[c] if i >= self.context else 0.5)
                seen.append(bit)
                c = (2 * c + bit) % shape[1]
            drawn.append(seen)
        b = torch.tensor(drawn, dtype=f32).T.unsqueeze(-1)
        mask = torch.ones(self.length - 1, batch, dtype=f32)
        mask[: self.context - 1] = 0
        return Batch(b[:-1], b[1:], mask)


def bayes(batch, context=5):
    """Equation (10): P(1) = (N_1 + 1/2) / (N_1 + N_0 + 1), the best that can be done on N-grams
    without the table.

    N_1 and N_0 count what has followed the present context so far. Returns the probabilities of a 1
    [T, B, 1] and their cost in bits [B]."""
    x, y = batch.x.squeeze(-1).long(), batch.y.squeeze(-1).long()
    T, B = x.shape
    # the context at each step that has one
    code = sum(x[context - 1 - k : T - k] << k for k in range(context))
    # after each context: how many zeros, how many ones
    N = torch.zeros(B, 2**context, 2, device=x.device)
    b = torch.arange(B, device=x.device)
    p = torch.full_like(batch.x, 0.5)
    for t, c in enumerate(code, context - 1):
        N_0, N_1 = N[b, c].unbind(-1)
        p[t, :, 0] = (N_1 + 0.5) / (N_1 + N_0 + 1)
        N[b, c, y[t]] += 1
    return p, bits(p.logit(), batch)


class PrioritySort:
    """Priority sort (figures 16 to 18): see vectors with priorities in any order, write out those
    of highest priority in descending order.

    20 vectors of 8 bits, of which the 16 highest are asked for. 10 input channels: 8 of data, one
    with the priority, uniform in [-1, 1], at the same step, and one that marks the end, alone at
    the step after them. 8 outputs, scored in the 16 silent steps after that. 37 steps. vectors: how
    many are shown. highest: how many are asked for.
    """

    steady = True

    def __init__(self, width=8, vectors=20, highest=16):
        width, vectors, highest = positive(width=width, vectors=vectors, highest=highest)
        if highest > vectors:
            raise ValueError(f"highest is {highest}; it must be at most vectors, {vectors}")
        self.width, self.vectors, self.highest = width, vectors, highest
        self.inputs, self.outputs = self.width + 2, self.width

    @_drawn
    def sample(self, batch, *, generator=None):
        """`batch` sequences as a Batch of T = vectors + 1 + highest steps."""
        data = _vectors(self.vectors, batch, self.width, generator=generator)
        priority = torch.rand(self.vectors, batch, generator=generator, dtype=f32) * 2 - 1
        steps = self.vectors + 1 + self.highest
        x = torch.zeros(steps, batch, self.inputs, dtype=f32)
        x[: self.vectors, :, : self.width] = data
        x[: self.vectors, :, self.width] = priority
        x[self.vectors, :, self.width + 1] = 1
        y = torch.zeros(steps, batch, self.width, dtype=f32)
        # topk sorts, highest first
        y[self.vectors + 1 :] = _pick(data, priority.topk(self.highest, dim=0).indices)
        mask = torch.zeros(steps, batch, dtype=f32)
        mask[self.vectors + 1 :] = 1
        return Batch(x, y, mask)
