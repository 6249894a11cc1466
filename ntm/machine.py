"""The Neural Turing Machine: a controller, its heads and a memory; one step, or a whole sequence.

The sizes by which this package names every shape, and their places in the paper:

    T            steps of a sequence; in a whole sequence, time comes first
    B            sequences side by side; inside a step, the batch comes first
    inputs, outputs           channels of what comes in, x_t, and of the answer y_t (section 4)
    hidden_size  units of a layer of the controller (tables 1 and 2, "Controller Size": 100)
    N            slots, the rows of the memory (section 3.1: N; tables 1 and 2: 128)
    width        columns of the memory (section 3.1: M, like the memory itself; the tables: 20)
    read_heads, write_heads   how many (the tables, "#Heads": 1, by which we read one of each);
                 where a shape says heads, these are all of them, the read heads first
    shift_range  the farthest that a head moves in a step; s has 2 shift_range + 1 entries
                 (section 3.3.2: "shifts between -1 and 1")
"""

import math
from functools import wraps
from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from . import fast
from .addressing import address
from .checks import check_input, check_state, integer, number, positive, seeded
from .controllers import LSTM, FeedForward
from .heads import Heads
from .memory import add, erase, read
from .start import tape
from .trace import Trace
from .weights import Saved, draw


def never_compiled(method):
    """torch.compile passes this method by: of a loop of steps it makes wrong gradients (2.13,
    Inductor), of one step right ones."""

    @wraps(method)
    def run(self, *args, **options):
        # torch before 2.6 cannot say so
        exporting = getattr(torch.compiler, "is_exporting", lambda: False)
        if torch.compiler.is_compiling() and not exporting():
            return _uncompiled(method)(self, *args, **options)
        return method(self, *args, **options)

    return run


# the methods as torch.compiler.disable returns them; made when first wanted, since it takes a
# second to import
_passed_by = {}


def _uncompiled(method):
    if method not in _passed_by:
        _passed_by[method] = torch.compiler.disable(method)
    return _passed_by[method]


class State(NamedTuple):
    """Everything that passes from one step to the next."""

    M: torch.Tensor  # memory [B, N, width]
    w: torch.Tensor  # weightings of all heads [B, read_heads + write_heads, N], read heads first
    r: torch.Tensor  # what was read [B, read_heads, width]
    controller: tuple  # the controller's own state


class NTM(Saved, nn.Module):
    """A Neural Turing Machine (Graves, Wayne and Danihelka 2014), by default at the paper's sizes.

    inputs, outputs: channels. controller: "lstm" or "feedforward", of `layers` layers of
    `hidden_size` units; or a module of your own (see ntm.controllers), which is then called with
    inputs + read_heads * width channels. N slots of `width` numbers; any number of read and write
    heads; shifts from -shift_range to +shift_range.

    >>> machine = NTM(3, 2, "feedforward", N=16, width=8, start="tape", seed=0)
    >>> x = torch.rand(5, 4, 3)  # [T, B, inputs]: 5 steps of 4 sequences
    >>> machine(x).sigmoid().shape  # the probability that each bit of each answer is a 1
    torch.Size([5, 4, 2])
    >>> _, trace = machine(x, trace=True)  # the same, and all that the heads did on the way
    >>> trace.w_write.shape  # [T, B, write_heads, N]
    torch.Size([5, 4, 1, 16])
    >>> y, state = machine.unroll(x[:3])  # the first 3 steps, and what passes on from there
    >>> y, state = machine.unroll(x[3:], state)  # the last 2
    >>> torch.allclose(y, machine(x)[3:], atol=1e-5)
    True

    To teach it: ntm.train. To keep it: `save` and `load`.

    What the paper leaves open is an argument here:
    start: how the weights begin: "bare" (as torch draws them) or "tape" (the same draw, then given
    the habits of a tape machine: see ntm.start).
    initial_memory: "distinct" (fixed random rows of scale 0.1), "blank" (0.1 everywhere: rows that
    are all the same, so that none can be learned by heart, and long enough to drown what leaks into
    them), "redrawn" (the sum of those two, drawn anew for every update of a training: see
    `redraw`), "positions" (fixed sines and cosines of the slot's place on the ring, 0.3 high, so
    that rows are the more alike the nearer they lie), "constant" (1e-6 everywhere) or "learned" (an
    [N, width] parameter); by default "blank" for a tape, else "distinct".
    initial_weighting: "focused" (every head begins on slot 0), "uniform", or "learned" (N logits a
    head, begun focused).
    initial_strength: what is added to the raw value of every β before training. At 0 an untrained β
    is near softplus(0) = 0.7, and content addressing nearly even over all slots; at 3 it is near 3.
    seed: draws the weights and the memory's rows from this seed and leaves torch's global generator
    alone.

    The backward pass needs the memory as it was after every step. For sequences so long that this
    does not fit, set `machine.chunk = 200`: then only every 200th step is kept, and what lies
    between is computed again; same result, more time.

    Raises ValueError where an argument is outside its range.
    """

    chunk = None  # steps; None keeps them all

    def __init__(self, inputs, outputs, controller="lstm", *, hidden_size=100, layers=1, N=128,
                 width=20, read_heads=1, write_heads=1,
                 shift_range=1, initial_memory=None, initial_weighting="focused",
                 initial_strength=0.0, start="bare", seed=None):
        inputs, outputs, hidden_size, layers, N, width, read_heads, write_heads = positive(
            inputs=inputs, outputs=outputs, hidden_size=hidden_size, layers=layers, N=N,
            width=width,
            read_heads=read_heads, write_heads=write_heads)
        most = (max(N, 2) - 1) // 2
        allowed = f"an integer from 0 to {most}, so that {N} slots hold every shift once"
        shift_range = integer("shift_range", shift_range, 0, allowed)
        if shift_range > most:
            raise ValueError(f"shift_range is {shift_range}; it must be {allowed}")
        if initial_memory is None:
            initial_memory = "blank" if start == "tape" else "distinct"
        memories = ("distinct", "blank", "redrawn", "positions", "constant", "learned")
        for name, value, allowed in [("initial_memory", initial_memory, memories),
                                     ("start", start, ("bare", "tape")),
                                     ("initial_weighting", initial_weighting,
                                      ("focused", "uniform", "learned"))]:
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")
        if start == "tape" and not shift_range:
            raise ValueError("shift_range is 0 and start is 'tape'; a tape walks on: at least 1")
        initial_strength = number("initial_strength", initial_strength)
        generator = seeded(seed)
        super().__init__()
        self.settings = dict(
            inputs=inputs, outputs=outputs, controller=controller, hidden_size=hidden_size,
            layers=layers, N=N, width=width, read_heads=read_heads, write_heads=write_heads,
            shift_range=shift_range, initial_memory=initial_memory,
            initial_weighting=initial_weighting, initial_strength=initial_strength,
        )  # fmt: skip
        # a file that names no start, as all from before there was a choice, began bare
        if start != "bare":
            self.settings["start"] = start
        self._build(SimpleNamespace(**self.settings), generator)
        if start == "tape":
            tape(self)

    def _build(self, sizes, generator):
        """The parts for these settings, their weights drawn from `generator`."""
        self.inputs, self.outputs = sizes.inputs, sizes.outputs
        self.read_heads, self.write_heads = sizes.read_heads, sizes.write_heads
        N, width, device = sizes.N, sizes.width, torch.empty(0).device
        channels, heads = self.inputs + self.read_heads * width, self.read_heads + self.write_heads
        kinds = {"lstm": LSTM, "feedforward": FeedForward}
        if isinstance(sizes.controller, nn.Module):
            self.controller = sizes.controller
        elif isinstance(sizes.controller, str) and sizes.controller in kinds:
            with torch.device("meta"):
                self.controller = kinds[sizes.controller](channels, sizes.hidden_size, sizes.layers)
            draw(self.controller, generator, device)
        else:
            raise ValueError(
                f"controller is {sizes.controller!r}; it must be 'lstm', 'feedforward' or a module"
            )
        h_size = self.controller.output_size
        with torch.device("meta"):
            self.heads = Heads(h_size, width, self.read_heads, self.write_heads, sizes.shift_range)
            self.output = nn.Linear(h_size + self.read_heads * width, self.outputs)
        draw(self.heads, generator, device)
        draw(self.output, generator, device)
        with torch.no_grad():  # β's bias, the second kind, after the keys
            self.heads.linear.bias.split(self.heads.sizes)[1].add_(sizes.initial_strength)
        self.r_0 = nn.Parameter(torch.zeros(self.read_heads, width))

        memory, weighting = sizes.initial_memory, sizes.initial_weighting
        if memory == "positions":
            angle = 2 * math.pi * torch.arange(N).unsqueeze(-1) / N  # [N, 1]
            column = torch.arange(width)
            M_0 = 0.3 * torch.sin(angle * (column // 2 + 1) + column % 2 * math.pi / 2)
        else:
            level = {"blank": 0.1, "redrawn": 0.1, "constant": 1e-6}.get(memory, 0.0)
            M_0 = torch.full((N, width), level)
            if memory in ("distinct", "redrawn", "learned"):
                rows = torch.randn(N, width, generator=generator, device="cpu")
                M_0 += 0.1 * rows.to(device)
        w_0 = torch.zeros(heads, N)
        if weighting != "uniform":
            w_0[:, 0] = 5.0
        for name, value, learned in [
            ("M_0", M_0, memory == "learned"), ("w_0", w_0, weighting == "learned")
        ]:  # fmt: skip
            if learned:
                setattr(self, name, nn.Parameter(value))
            else:
                self.register_buffer(name, value)

    def redraw(self, generator):
        """New rows for the initial memory where it is "redrawn"; elsewhere nothing happens. `train`
        calls this before every update, and so teaches a machine to work on whatever lies on its
        tape."""
        if self.settings["initial_memory"] == "redrawn":
            self.M_0.copy_(0.1 + 0.1 * torch.randn(self.M_0.shape, generator=generator))

    def initial_state(self, batch):
        """The State in which every sequence begins, for `batch` sequences: no sequence sees
        another's memory, or the machine's own."""
        return State(
            M=self.M_0.expand(batch, -1, -1).clone(),
            w=torch.softmax(self.w_0, dim=-1).expand(batch, -1, -1),
            r=self.r_0.expand(batch, -1, -1).clone(),
            controller=self.controller.initial(batch),
        )

    def step(self, x, state):
        """One step of the machine, as drawn in the book: read what the last step left, then write.

        x [B, inputs]. Returns the logits [B, outputs], the new State, and what the heads emitted
        (for a trace).
        """
        M, w_prev, r_prev, c_prev = state  # [B, N, width], [B, heads, N], [B, read_heads, width]
        seen = torch.cat([x, r_prev.flatten(1)], dim=-1)  # [B, inputs + read_heads * width]
        h, c = self.controller(seen, c_prev)  # h [B, hidden_size]
        # k [B, heads, width], e [B, write_heads, width]
        k, β, g, s, γ, e, a = emitted = self.heads(h)
        w = address(M, k, β, g, s, γ, w_prev)  # [B, heads, N]
        # [B, read_heads, N], ...
        w_read, w_write = w.split([self.read_heads, self.write_heads], dim=1)
        r = read(M, w_read)  # [B, read_heads, width]
        M = add(erase(M, w_write, e), w_write, a)  # [B, N, width]
        y = self.output(torch.cat([h, r.flatten(1)], dim=-1))  # [B, outputs]
        return y, State(M, w, r, c), emitted

    @never_compiled
    def unroll(self, x, state=None):
        """A whole sequence. x [T, B, inputs]; state: where to begin, by default initial_state.

        Returns the logits [T, B, outputs] and the State after the last step. On a CPU with a C
        compiler this runs the fast path, equal to `step` repeated; otherwise it repeats `step`.
        """
        check_input(x, self.inputs, self.r_0)
        if state is None:
            state = self.initial_state(x.shape[1])
        else:
            state = State(*state)
            check_state(state, x, M=self.M_0, w=self.w_0, r=self.r_0)
        if self.chunk is None or not torch.is_grad_enabled():
            return self._unroll(x, state)
        logits = []
        for part in x.split(self.chunk):
            y, state = checkpoint(self._unroll, part, state, use_reentrant=False,
                                  preserve_rng_state=False)
            logits.append(y)
        return torch.cat(logits), state

    def _unroll(self, x, state):
        if getattr(self.step, "__func__", None) is NTM.step and fast.supports(self, x, state):
            return fast.unroll(self, x, state)
        return self.repeat(x, state)

    def repeat(self, x, state):
        """The clear path: `step` for every x_t of x [T, B, inputs]. Returns the logits [T, B,
        outputs] and the last State."""
        logits = []
        for x_t in x:
            y, state, _ = self.step(x_t, state)
            logits.append(y)
        return torch.stack(logits), state

    @never_compiled
    def forward(self, x, trace=False):
        """Logits [T, B, outputs] for x [T, B, inputs]; with trace=True also a Trace of everything
        the heads did.

        Raises ValueError for a tensor of another shape, dtype or device than the machine's, for an
        empty one, and for NaN.
        """
        if not trace:
            return self.unroll(x)[0]
        check_input(x, self.inputs, self.r_0)
        state = self.initial_state(x.shape[1])
        recorded, logits = Trace.begin(state, self.read_heads), []
        for x_t in x:
            y, state, emitted = self.step(x_t, state)
            logits.append(y)
            recorded.append(state, emitted)
        return torch.stack(logits), recorded.end()
