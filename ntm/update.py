"""A whole update of a training in one call of the kernel: forward, cost, backward, clipping, step.

`ntm.train` takes it by itself where machine, cost and optimiser are ours and nobody listens in
between; NTM_UPDATE=0 in the environment turns it off. Everything else goes torch's way, with the
same curve to rounding. Nothing is trusted: whoever draws a sequence or sets a rate may have put
others in place of the tensors the kernel was given, so all are looked at before every update.
"""

import ctypes
import math
import os
from operator import attrgetter, is_, methodcaller

import torch
from torch import nn
from torch.nn.modules import module as torch_modules
from torch.optim import optimizer as torch_optimizer

from . import fast
from .controllers import LSTM, FeedForward
from .heads import Heads
from .machine import NTM
from .optim import GravesRMSprop


class _Parameter(ctypes.Structure):
    """The struct Parameter of kernel.c."""

    _fields_ = [
        ("x", ctypes.c_void_p), ("d", ctypes.c_void_p), ("state", ctypes.c_void_p * 3),
        ("step", ctypes.c_void_p), ("size", ctypes.c_long),
    ]  # fmt: skip


class _Update(ctypes.Structure):
    """The struct Update of kernel.c."""

    _fields_ = [
        ("run", fast._Run), ("outputs", ctypes.c_long), ("adam", ctypes.c_long),
        ("parameters", ctypes.c_void_p),
        *((name, ctypes.c_void_p) for name in ("x", "y", "mask")),
        *((name, ctypes.c_long) for name in ("x_step", "y_step", "mask_step")),
        *((name, ctypes.c_double) for name in "lr first second eps clip clip_each".split()),
        ("room", ctypes.c_void_p), ("cost", ctypes.c_double), ("norm", ctypes.c_double),
    ]  # fmt: skip


# what each optimiser keeps of a parameter, in the order of kernel.c, and what must be off in it
STATE = {GravesRMSprop: ("n", "m", "Δ"), torch.optim.Adam: ("exp_avg", "exp_avg_sq", "step")}
PLAIN = {"amsgrad": False, "weight_decay": 0, "maximize": False, "capturable": False,
         "differentiable": False, "fused": False, "decoupled_weight_decay": False}  # fmt: skip
# what a subclass of NTM must leave as it is, and what no part may have of its own
METHODS = ("step", "unroll", "_unroll", "forward", "initial_state", "__call__", "_call_impl")
OWN = {*METHODS, "initial", "zero_grad"}
HOOKS = ("forward_hooks", "forward_pre_hooks", "backward_hooks", "backward_pre_hooks")

address, shape, dtype = methodcaller("data_ptr"), attrgetter("shape"), attrgetter("dtype")
contiguous, usual = methodcaller("is_contiguous"), methodcaller("isdisjoint", OWN)
listened = attrgetter("requires_grad", "_backward_hooks", "_post_accumulate_grad_hooks")
settings = attrgetter(
    "inputs", "outputs", "read_heads", "write_heads", "chunk", "_compiled_call_impl"
)
kinds = attrgetter("heads", "write_heads", "width", "offsets", "sizes")


class Update:
    """update(sample) makes one update of machine and optimizer, and returns the cost in bits,
    the mean over the sequences.

    It returns None, and has changed nothing, where it must be done torch's way: where something
    is not, or is no longer, as the kernel knows it, and where cost or gradient is not finite.
    Afterwards the gradients lie in p.grad, as ever, but always in the same place.
    """

    @classmethod
    def of(cls, machine, optimizer, clip=None, clip_each=None):
        """The Update of this machine and optimiser; None where they are not exactly ours."""
        self = cls()
        self.machine, self.optimizer = machine, optimizer
        clip, clip_each = (math.inf if bound is None else bound for bound in (clip, clip_each))
        self.call, self.room = _Update(clip=clip, clip_each=clip_each), torch.empty(0)
        self.pointer = ctypes.byref(self.call)
        return self if _quiet() and self._build() else None

    def __call__(self, sample):
        """One update on a Batch."""
        if not (_quiet() and (self._same() or self._build()) and self._look_at(sample)):
            return None
        call, group = self.call, self.optimizer.param_groups[0]
        call.lr, call.eps = group["lr"], group["eps"]
        call.first, call.second = (
            group["betas"] if call.adam else (group["decay"], group["momentum"])
        )
        for p, d in zip(self.learned, self.gradients):
            if p.grad is not d:
                p.grad = d
        if not self.kernel.update(self.pointer):
            return None
        for p in self.learned:
            # a graph that needs the old values must notice
            torch.autograd.graph.increment_version(p)
        if self.fresh:
            self.optimizer.state.update(self.kept)
            self.fresh = False
        return call.cost

    def _look_at(self, sample):
        """Point to the sequences of a batch; False if they do not fit."""
        call, run = self.call, self.call.run
        x, y, mask = self.sample = (
            sample.x,
            sample.y,
            sample.mask,
        )  # held while the kernel reads them
        for v in self.sample:
            if type(v) is not torch.Tensor or v.dtype is not self.dtype or not v.is_cpu:
                return False
        T, B, channels = x.shape if x.dim() == 3 else (0, 0, 0)
        if mask.shape != (T, B) or y.shape != (T, B, call.outputs) or channels != run.inputs:
            return False
        if not T * B or x.requires_grad or y.requires_grad or mask.requires_grad:
            return False
        if (
            x.stride()[1:] != (channels, 1)
            or y.stride()[1:] != (call.outputs, 1)
            or mask.stride(1) != 1
        ):
            x, y, mask = self.sample = [v.contiguous() for v in self.sample]
        call.x, call.y, call.mask = x.data_ptr(), y.data_ptr(), mask.data_ptr()
        call.x_step, call.y_step, call.mask_step = x.stride(0), y.stride(0), mask.stride(0)
        if (run.T, run.B) != (T, B):
            run.T, run.B = T, B
            need = self.kernel.update_room(self.pointer)
            if need > len(self.room):
                self.room = torch.empty(need, dtype=self.dtype)
                call.room = self.room.data_ptr()
        return True

    def _same(self):
        """Whether all is as it was when _build looked at it."""
        (group, *others), state = self.optimizer.param_groups, self.optimizer.state
        found = _values(self.kept if self.fresh and not state else state)
        return (
            self.built and not others
            and type(self.optimizer) is self.kind and _plain(self.kind, group)
            and _identical(group["params"], self.grouped)
            and _identical(found, self.states) and list(map(address, found)) == self.state_addresses
            and not any(self.hooks) and all(map(usual, self.attributes))
            and list(map(type, self.parts)) == self.types
            and settings(self.machine) == self.settings and kinds(self.parts[3]) == self.kinds
            and _identical([value for held in self.holders for value in held.values()], self.held)
            and list(map(address, self.tensors)) == self.addresses
            and list(map(shape, self.tensors)) == self.shapes
            and list(map(dtype, self.tensors)) == self.dtypes and all(map(contiguous, self.tensors))
            and list(map(listened, self.learned)) == self.listened
        )  # fmt: skip

    def _build(self):
        """Look at everything and point to it; False where something is not ours."""
        self.built = False  # until all of it is known
        self.built = self._know_machine() and self._know_optimizer() and self._point()
        return self.built and self._same()

    def _know_machine(self):
        """Its parts, and its tensors in the order of kernel.c, with the shapes they must have."""
        machine = self.machine
        if not isinstance(machine, NTM) or any(
            getattr(type(machine), name) is not getattr(NTM, name) for name in METHODS
        ):
            return False
        controller, heads, output = machine.controller, machine.heads, machine.output
        if type(controller) not in (LSTM, FeedForward) or type(heads) is not Heads:
            return False
        lstm, layers, linears = (
            type(controller) is LSTM,
            controller.layers,
            [heads.linear, output, *controller.layers],
        )
        self.parts = [machine, controller, layers, heads, *linears]
        self.types = [
            type(machine),
            type(controller),
            nn.ModuleList,
            Heads,
            *[nn.Linear] * len(linears),
        ]
        if (
            list(map(type, self.parts)) != self.types
            or set(self.parts) != set(machine.modules())
            or not len(layers)
        ):
            return False
        places = [
            (machine, "r_0"),
            *[(controller, "h_0"), (controller, "c_0")] * lstm,
            (machine, "M_0"),
            (machine, "w_0"),
        ]
        places += [(part, name) for part in linears for name in ("weight", "bias")]
        self.tensors = [getattr(part, name) for part, name in places]
        self.holders = [
            getattr(part, kind)
            for part in self.parts
            for kind in ("_modules", "_parameters", "_buffers")
        ]
        self.held = [value for held in self.holders for value in held.values()]
        if not {*map(type, self.tensors)} <= {nn.Parameter, torch.Tensor}:
            return False
        self.learned = [v for v in self.tensors if type(v) is nn.Parameter]
        if (
            not _identical(sorted(self.learned, key=id), sorted(machine.parameters(), key=id))
            or not self.learned
        ):
            return False
        self.dtype = self.learned[0].dtype
        reads, writes, offsets, width = (
            machine.read_heads,
            machine.write_heads,
            heads.offsets,
            heads.width,
        )
        N, H, every, R = len(machine.M_0), controller.output_size, reads + writes, reads * width
        sizes = [
            every * width,
            every,
            every,
            every * offsets,
            every,
            writes * width,
            writes * width,
        ]
        gates, below = (4 if lstm else 1) * H, [machine.inputs + R] + [H] * (len(layers) - 1)
        shapes = [
            (reads, width), *[(len(layers), 1, H)] * 2 * lstm, (N, width), (every, N),
            (sum(sizes), H), (sum(sizes),), (machine.outputs, H + R), (machine.outputs,),
        ]  # fmt: skip
        for channels in below:
            shapes += (gates, channels + lstm * H), (gates,)
        self.shapes, self.dtypes = list(map(torch.Size, shapes)), [self.dtype] * len(shapes)
        self.settings = (machine.inputs, machine.outputs, reads, writes, None, None)
        self.kinds = (every, writes, width, offsets, sizes)
        self.sizes = dict(
            inputs=machine.inputs, N=N, width=width, reads=reads, writes=writes, offsets=offsets,
            hidden=H, layers=len(layers), lstm=lstm,
        )  # fmt: skip
        return offsets % 2 == 1 and offsets <= max(N, 2)

    def _know_optimizer(self):
        """What it is to train and what it keeps; what it will keep, where it has not yet begun."""
        optimizer = self.optimizer
        if type(optimizer) not in STATE or len(optimizer.param_groups) != 1:
            return False
        self.kind, self.state_names, self.grouped = (
            type(optimizer),
            STATE[type(optimizer)],
            list(optimizer.param_groups[0]["params"]),
        )
        self.kept, self.fresh = dict(optimizer.state), not optimizer.state
        if self.fresh:
            self.kept = {
                p: {n: torch.tensor(0.0) if n == "step" else torch.zeros_like(p)
                    for n in self.state_names}
                for p in self.grouped
            }  # fmt: skip
        self.states = _values(self.kept)
        return _identical(sorted(self.grouped, key=id), sorted(self.learned, key=id)) and (
            len(self.kept) == len(self.learned)
            and all(self.kept.get(p, {}).keys() == {*self.state_names} for p in self.learned)
        )

    def _point(self):
        """Give the kernel its pointers; False where a tensor is not as it must be."""
        found = list(zip(self.tensors, self.shapes))
        found += [
            (v, p.shape) for p in self.learned for name, v in self.kept[p].items() if name != "step"
        ]
        steps = [(kept["step"], torch.Size()) for kept in self.kept.values() if "step" in kept]
        for v, size in found + steps:
            plain = (
                type(v) in (torch.Tensor, nn.Parameter)
                and v.is_cpu
                and v.layout is torch.strided
                and v.is_contiguous()
            )
            if (
                not plain
                or v.shape != size
                or v.is_neg()
                or v.dtype is not (torch.float32 if size == () else self.dtype)
            ):
                return False
        ends = sorted((v.data_ptr(), v.data_ptr() + v.nbytes) for v, _ in found + steps)
        if any(end > start for (_, end), (start, _) in zip(ends, ends[1:])):  # two lie in one place
            return False
        self.kernel = fast.library(self.dtype)
        if self.kernel is None:
            return False
        self.kernel.update_room.restype = ctypes.c_long
        flat = torch.empty(sum(p.numel() for p in self.learned), dtype=self.dtype)
        self.gradients = [
            d.view(p.shape)
            for p, d in zip(self.learned, flat.split([p.numel() for p in self.learned]))
        ]
        places, gradients, adam = (
            [],
            dict(zip(self.learned, self.gradients)),
            "step" in self.state_names,
        )
        for v in self.tensors:
            place = _Parameter(x=v.data_ptr(), size=v.numel())
            if v in gradients:
                place.d = gradients[v].data_ptr()
                kept = [self.kept[v][name].data_ptr() for name in self.state_names]
                place.step = kept.pop() if adam else None
                place.state[: len(kept)] = kept
            places.append(place)
        if not self.sizes["lstm"]:
            places[1:1] = _Parameter(), _Parameter()  # it has neither h_0 nor c_0
        self.places, call = (_Parameter * len(places))(*places), self.call
        for name, size in self.sizes.items():
            setattr(call.run, name, size)
        call.run.T = call.run.B = 0  # so that the room is looked at
        if self.room.dtype is not self.dtype:
            self.room = torch.empty(0, dtype=self.dtype)
        call.outputs, call.adam, call.parameters = (
            self.machine.outputs,
            adam,
            ctypes.addressof(self.places),
        )
        optimizer = self.optimizer
        self.hooks = [getattr(part, "_" + name) for part in self.parts for name in HOOKS]
        self.hooks += [getattr(torch_modules, "_global_" + name) for name in HOOKS]
        self.hooks += [
            getattr(optimizer, f"_optimizer_step_{when}_hooks") for when in ("pre", "post")
        ]
        self.hooks += [
            getattr(torch_optimizer, f"_global_optimizer_{when}_hooks") for when in ("pre", "post")
        ]
        self.attributes = [vars(part).keys() for part in (*self.parts, optimizer)]
        self.listened = [(True, None, None)] * len(self.learned)
        self.addresses = list(map(address, self.tensors))
        self.state_addresses = list(map(address, self.states))
        return True


def _values(state):
    """All that an optimiser's state holds."""
    return [value for kept in state.values() for value in kept.values()]


def _identical(some, others):
    """Whether two lists hold the very same objects."""
    return len(some) == len(others) and all(map(is_, some, others))


def _plain(kind, group):
    """Whether its settings are plain numbers, and those that the kernel does not know are off."""
    if kind is GravesRMSprop:
        rates = group["lr"], group["decay"], group["momentum"], group["eps"]
    else:
        rates = group["lr"], *group["betas"], group["eps"]
        if any(group.get(name, value) not in (value, None) for name, value in PLAIN.items()):
            return False
    return {*map(type, rates)} <= {int, float}


def _quiet():
    """Whether nothing that torch can be told makes an update mean something else here."""
    return (
        os.environ.get("NTM_UPDATE", "1") != "0" and os.environ.get("NTM_FAST", "1") != "0"
        and torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        and not torch.is_anomaly_enabled() and not _autocast()
        and not torch._C._are_functorch_transforms_active()
        and not torch._C._len_torch_function_stack() and not torch._C._len_torch_dispatch_stack()
    )  # fmt: skip


def _autocast():
    """Whether operations on a CPU may change to another dtype."""
    try:
        return torch.is_autocast_enabled("cpu")
    except TypeError:  # torch before 2.4
        return torch.is_autocast_cpu_enabled()
