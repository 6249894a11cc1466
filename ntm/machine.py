"""The Neural Turing Machine: a controller, its heads and a memory; one step, or a whole sequence."""

import math
from functools import wraps
from typing import NamedTuple

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from . import fast
from .addressing import address
from .checks import check_input, integer, number, positive
from .controllers import LSTM, FeedForward
from .heads import Heads
from .memory import add, erase, read
from .start import tape
from .trace import Trace
from .weights import Saved, draw


def never_compiled(method):
    """torch.compile passes this method by: of a loop of steps it makes wrong gradients (2.13, Inductor), of one step right ones."""

    @wraps(method)
    def run(self, *args, **options):
        exporting = getattr(torch.compiler, "is_exporting", lambda: False)  # torch before 2.6 cannot say so
        if torch.compiler.is_compiling() and not exporting():
            return _uncompiled(method)(self, *args, **options)
        return method(self, *args, **options)

    return run


_passed_by = {}  # the methods as torch.compiler.disable returns them; made when first wanted, since it takes a second to import


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

    inputs, outputs: channels. controller: "lstm" or "feedforward", of `layers` layers of `hidden_size` units; or a module of
    your own (see ntm.controllers), which is then called with inputs + read_heads * width channels.
    N slots of `width` numbers; any number of read and write heads; shifts from -shift_range to +shift_range.

    What the paper leaves open is an argument here:
    start: how the weights begin: "bare" (as torch draws them) or "tape" (the same draw, then given the
    habits of a tape machine: see ntm.start).
    initial_memory: "distinct" (fixed random rows of scale .1), "blank" (.1 everywhere: rows that are all
    the same, so that none can be learned by heart, and long enough to drown what leaks into them),
    "redrawn" (the sum of those two, drawn anew for every update of a training: see `redraw`),
    "positions" (fixed sines and cosines of the slot's place on the ring, .3 high, so that rows are the
    more alike the nearer they lie), "constant" (1e-6 everywhere) or "learned" (an [N, width] parameter);
    by default "blank" for a tape, else "distinct".
    initial_weighting: "focused" (every head begins on slot 0), "uniform", or "learned" (N logits a head, begun focused).
    initial_strength: what is added to the raw value of every β before training. At 0 an untrained β is near softplus(0) = .7, and content
    addressing nearly even over all slots; at 3 it is near 3.
    seed: draws the weights and the memory's rows from this seed and leaves torch's global generator alone.

    The backward pass needs the memory as it was after every step. For sequences so long that this does not fit, set
    `machine.chunk = 200`: then only every 200th step is kept, and what lies between is computed again; same result, more time.

    Raises ValueError where an argument is outside its range.
    """

    chunk = None  # steps; None keeps them all

    def __init__(self, inputs, outputs, controller="lstm", *, hidden_size=100, layers=1, N=128, width=20, read_heads=1, write_heads=1,
                 shift_range=1, initial_memory=None, initial_weighting="focused", initial_strength=0.0, start="bare", seed=None):
        inputs, outputs, hidden_size, layers, N, width, read_heads, write_heads = positive(
            inputs=inputs, outputs=outputs, hidden_size=hidden_size, layers=layers, N=N, width=width,
            read_heads=read_heads, write_heads=write_heads)
        most = (max(N, 2) - 1) // 2
        allowed = f"an integer from 0 to {most}, so that {N} slots hold every shift once"
        shift_range = integer("shift_range", shift_range, 0, allowed)
        if shift_range > most:
            raise ValueError(f"shift_range is {shift_range}; it must be {allowed}")
        if initial_memory is None:
            initial_memory = "blank" if start == "tape" else "distinct"
        memories = ("distinct", "blank", "redrawn", "positions", "constant", "learned")
        for name, value, allowed in [("initial_memory", initial_memory, memories), ("start", start, ("bare", "tape")),
                                     ("initial_weighting", initial_weighting, ("focused", "uniform", "learned"))]:
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")
        if start == "tape" and not shift_range:
            raise ValueError("shift_range is 0 and start is 'tape'; a tape walks on: at least 1")
        initial_strength = number("initial_strength", initial_strength)
        generator = None if seed is None else torch.Generator().manual_seed(integer("seed", seed, low=-(2**63)))
        super().__init__()
        self.settings = dict(inputs=inputs, outputs=outputs, controller=controller, hidden_size=hidden_size, layers=layers, N=N,
                             width=width, read_heads=read_heads, write_heads=write_heads, shift_range=shift_range,
                             initial_memory=initial_memory, initial_weighting=initial_weighting,
                             initial_strength=initial_strength)
        if start != "bare":  # a file that names no start, as all from before there was a choice, began bare
            self.settings["start"] = start
        self.inputs, self.outputs, self.read_heads, self.write_heads = inputs, outputs, read_heads, write_heads
        self._build(generator, controller, hidden_size, layers, N, width, shift_range, initial_memory, initial_weighting, initial_strength)
        if start == "tape":
            tape(self)

    def _build(self, generator, controller, hidden_size, layers, N, width, shift_range, initial_memory, initial_weighting,
               initial_strength):
        device = torch.empty(0).device
        channels, heads = self.inputs + self.read_heads * width, self.read_heads + self.write_heads
        kinds = {"lstm": LSTM, "feedforward": FeedForward}
        if isinstance(controller, nn.Module):
            self.controller = controller
        elif isinstance(controller, str) and controller in kinds:
            with torch.device("meta"):
                self.controller = kinds[controller](channels, hidden_size, layers)
            draw(self.controller, generator, device)
        else:
            raise ValueError(f"controller is {controller!r}; it must be 'lstm', 'feedforward' or a module")
        with torch.device("meta"):
            self.heads = Heads(self.controller.output_size, width, self.read_heads, self.write_heads, shift_range)
            self.output = nn.Linear(self.controller.output_size + self.read_heads * width, self.outputs)
        draw(self.heads, generator, device)
        draw(self.output, generator, device)
        with torch.no_grad():
            self.heads.linear.bias.split(self.heads.sizes)[1].add_(initial_strength)  # the second kind, after the keys
        self.r_0 = nn.Parameter(torch.zeros(self.read_heads, width))

        if initial_memory == "positions":
            angle = 2 * math.pi * torch.arange(N).unsqueeze(-1) / N  # [N, 1]
            column = torch.arange(width)
            M_0 = 0.3 * torch.sin(angle * (column // 2 + 1) + column % 2 * math.pi / 2)
        else:
            level = {"blank": 0.1, "redrawn": 0.1, "constant": 1e-6}.get(initial_memory, 0.0)
            M_0 = torch.full((N, width), level)
            if initial_memory in ("distinct", "redrawn", "learned"):
                M_0 += 0.1 * torch.randn(N, width, generator=generator, device="cpu").to(device)
        w_0 = torch.zeros(heads, N)
        if initial_weighting != "uniform":
            w_0[:, 0] = 5.0
        for name, value, learned in [("M_0", M_0, initial_memory == "learned"), ("w_0", w_0, initial_weighting == "learned")]:
            if learned:
                setattr(self, name, nn.Parameter(value))
            else:
                self.register_buffer(name, value)

    def redraw(self, generator):
        """New rows for the initial memory where it is "redrawn"; elsewhere nothing happens. `train` calls this before every update,
        and so teaches a machine to work on whatever lies on its tape."""
        if self.settings["initial_memory"] == "redrawn":
            self.M_0.copy_(0.1 + 0.1 * torch.randn(self.M_0.shape, generator=generator))

    def initial_state(self, batch):
        """The State in which every sequence begins, for `batch` sequences: no sequence sees another's memory, or the machine's own."""
        return State(
            M=self.M_0.expand(batch, -1, -1).clone(),
            w=torch.softmax(self.w_0, dim=-1).expand(batch, -1, -1),
            r=self.r_0.expand(batch, -1, -1).clone(),
            controller=self.controller.initial(batch),
        )

    def step(self, x, state):
        """One step of the machine, as drawn in the book: read what the last step left, then write.

        x [B, inputs]. Returns the logits [B, outputs], the new State, and what the heads emitted (for a trace).
        """
        M, w_prev, r_prev, c_prev = state
        h, c = self.controller(torch.cat([x, r_prev.flatten(1)], dim=-1), c_prev)
        k, β, g, s, γ, e, a = emitted = self.heads(h)
        w = address(M, k, β, g, s, γ, w_prev)
        w_read, w_write = w.split([self.read_heads, self.write_heads], dim=1)
        r = read(M, w_read)
        M = add(erase(M, w_write, e), w_write, a)
        y = self.output(torch.cat([h, r.flatten(1)], dim=-1))
        return y, State(M, w, r, c), emitted

    @never_compiled
    def unroll(self, x, state=None):
        """A whole sequence. x [T, B, inputs]; state: where to begin, by default initial_state.

        Returns the logits [T, B, outputs] and the State after the last step. On a CPU with a C compiler this runs the fast path,
        equal to `step` repeated; otherwise it repeats `step`.
        """
        check_input(x, self.inputs, self.r_0)
        state = self.initial_state(x.shape[1]) if state is None else State(*state)
        if self.chunk is None or not torch.is_grad_enabled():
            return self._unroll(x, state)
        logits = []
        for part in x.split(self.chunk):
            y, state = checkpoint(self._unroll, part, state, use_reentrant=False, preserve_rng_state=False)
            logits.append(y)
        return torch.cat(logits), state

    def _unroll(self, x, state):
        if getattr(self.step, "__func__", None) is NTM.step and fast.supports(self, x, state):
            return fast.unroll(self, x, state)
        return self.repeat(x, state)

    def repeat(self, x, state):
        """The clear path: `step` for every x_t of x [T, B, inputs]. Returns the logits [T, B, outputs] and the last State."""
        logits = []
        for x_t in x:
            y, state, _ = self.step(x_t, state)
            logits.append(y)
        return torch.stack(logits), state

    @never_compiled
    def forward(self, x, trace=False):
        """Logits [T, B, outputs] for x [T, B, inputs]; with trace=True also a Trace of everything the heads did.

        Raises ValueError for a tensor of another shape, dtype or device than the machine's, for an empty one, and for NaN.
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
