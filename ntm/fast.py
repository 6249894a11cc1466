"""The fast path: a whole sequence, forwards and backwards, in one call of a small C kernel.

`NTM.unroll` takes it by itself for the two controllers of ntm.controllers in float32 or float64 on
a CPU, where a C compiler (cc, gcc or clang) is found. The kernel is compiled on first use, in two
seconds or so, and kept in the user's cache folder. Everywhere else `NTM.step` is repeated, with the
same result or the same error: where the machine is not quite ours (hooks, a part replaced), where a
tensor is not what the kernel takes it for, where something wants to see every operation (a
transform of torch.func, a trace, an export, a FLOP counter), and in the backward pass where the
gradient is itself to be differentiated. NTM_FAST=0 in the environment turns the fast path off.
"""

import contextlib
import ctypes
import hashlib
import itertools
import os
import platform
import shutil
import struct
import subprocess
import tempfile
from functools import cache
from operator import attrgetter
from pathlib import Path

import torch
from torch import nn

from .checks import watched
from .controllers import LSTM, FeedForward
from .heads import Heads

SOURCE, INCLUDED = (Path(__file__).with_name(name) for name in ("kernel.c", "algebra.c"))
# -ffast-math lets the compiler use its vector library for exp and log; it is kept from the linker,
# which would otherwise make the library set flush-to-zero for the whole process and without its
# licence to ignore NaN and infinity: 1/inf must be 0, and a NaN must reach the loss, where train
# stops at it. The macro is what glibc asks for before it offers that vector library
FLAGS = ["-O3", "-march=native", "-ffast-math", "-fno-finite-math-only", "-D__FAST_MATH__", "-fPIC",
         "-std=c11"]

_sizes = "T B inputs N width reads writes offsets hidden layers lstm keep".split()
_pointers = ("layer bias heads heads_bias seen size gates c top emitted M w length K w_c w_s "
             "d_top d_M d_w d_r d_h d_c d_gates d_emitted d_x").split()


class _Run(ctypes.Structure):
    """The struct Run of kernel.c."""

    _fields_ = [(name, ctypes.c_long) for name in _sizes] + [(name, ctypes.c_void_p)
                                                             for name in _pointers]


# what the kernel knows by heart, and nothing derived from them
PARTS = {LSTM, FeedForward, Heads, nn.Linear, nn.ModuleList}


def supports(machine, x, state=None):
    """Whether `machine` can run x on the fast path here: it must do what the kernel does, no more
    and no less, and every tensor must have the type, the place and the shape that the kernel takes
    for granted."""
    if not available(x) or watched() or not all(map(_ours, _parts(machine))):
        return False
    return all(plain(v, x.dtype, shape) for v, shape in _shapes(machine, x, state))


def _parts(machine):
    """The modules whose work the kernel does. (Read from where nn.Module keeps them: its own way
    takes a microsecond for each.)"""
    own = machine._modules
    controller, heads = own["controller"], own["heads"]
    layers = controller._modules.get("layers", controller)
    return [controller, heads, heads._modules.get("linear", heads), own["output"], layers,
            *layers._modules.values()]


def _ours(part):
    """Whether a module does what its class does, and is not listened to."""
    own = part.__dict__
    return type(part) in PARTS and "forward" not in own and not (
        own["_forward_hooks"] or own["_forward_pre_hooks"] or own["_backward_hooks"]
        or own["_backward_pre_hooks"])


def _weights(machine):
    """The weight and the bias of the heads, the output and each layer of the controller; None for
    one that is no parameter."""
    _, _, heads, output, _, *layers = _parts(machine)
    return [part._parameters.get(name) for part in (heads, output, *layers)
            for name in ("weight", "bias")]


def _shapes(machine, x, state):
    """Every tensor that a pointer is taken of, with the shape it must have; (None, None) where
    there is no such shape."""
    controller, heads, (T, B,
                        _) = machine._modules["controller"], machine._modules["heads"], x.shape
    lstm, hidden, read = (type(controller) is LSTM, controller.output_size,
                          machine.read_heads * heads.width)
    gates, n = hidden * (4 if lstm else 1), machine.inputs + read
    shapes, weights = [(sum(heads.sizes), hidden),
                       (machine.outputs, hidden + read)], _weights(machine)
    while len(weights) > 2 * len(shapes):
        shapes.append((gates, n + hidden * lstm))
        n = hidden
    yield x, (T, B, machine.inputs)
    for i, shape in enumerate(shapes):
        yield weights[2 * i], shape
        yield weights[2 * i + 1], shape[:1]
    if state is None:
        return
    N = state.M.shape[-2] if isinstance(state.M, torch.Tensor) and state.M.dim() == 3 else 0
    if (N < max(heads.offsets // 2, 1) or not isinstance(state.controller, (tuple, list))
        or len(state.controller) != 2 * lstm):
        yield None, None  # (a shift may reach round the ring once, not twice)
    yield state.M, (B, N, heads.width)
    yield state.w, (B, heads.heads, N)
    yield state.r, (B, machine.read_heads, heads.width)
    for v in state.controller:
        yield v, (len(shapes) - 2, B, hidden)


def available(tensor):
    """Whether the kernel can be used for tensors such as this one."""
    return (tensor.device.type == "cpu" and os.environ.get("NTM_FAST", "1") != "0"
            and library(tensor.dtype) is not None)


def plain(tensor, dtype, shape):
    """Whether this is a tensor in memory of that type and shape, and nothing that only looks like
    one."""
    try:
        return (type(tensor) in _TENSORS and tensor.dtype == dtype and tensor.shape == shape
                and tensor.is_cpu
                and tensor.layout == torch.strided and not tensor.is_neg())
    except RuntimeError:
        return False


_TENSORS = (nn.Parameter, torch.Tensor)
_layout, _shape, _dtype, _is_cpu = map(attrgetter, ("layout", "shape", "dtype", "is_cpu"))


@cache
def library(dtype):
    """The compiled kernel for torch.float32 or torch.float64; None for other types, and where it
    cannot be compiled."""
    real = {torch.float32: "float", torch.float64: "double"}.get(dtype)
    compiler = next(filter(None, map(shutil.which, [os.environ.get("CC", "cc"), "gcc", "clang"])),
                    None)
    if real is None or compiler is None or os.name == "nt":
        return None
    for folder in _folders():
        try:
            key = hashlib.sha256(SOURCE.read_bytes() + INCLUDED.read_bytes())
            key.update("\0".join([*FLAGS, real, compiler]).encode(errors="surrogateescape"))
            key.update(_output([compiler, "--version"]) + _processor())
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.stat().st_uid != os.getuid():
                continue  # what another user put there is not loaded
            path = folder / f"kernel-{real}-{key.hexdigest()[:16]}.so"
            if not path.exists():
                _compile(compiler, real, path)
            loaded = ctypes.CDLL(str(path))
            loaded.forward.argtypes = loaded.backward.argtypes = [ctypes.POINTER(_Run)]
            loaded.rmsprop.argtypes = [ctypes.c_long] + 5 * [ctypes.c_void_p] + 4 * [
                ctypes.c_double]
            loaded.rmsprop.restype = None
            return loaded
        except (OSError, subprocess.SubprocessError):
            continue
    return None


def _compile(compiler, real, path):
    """Compile the kernel to `path`, atomically: several processes may do so at once."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        compiled, linked = Path(folder) / "kernel.o", Path(folder) / "kernel.so"
        run = {"check": True, "capture_output": True, "timeout": 120}
        subprocess.run([compiler, *FLAGS, f"-DREAL={real}", "-c", str(SOURCE), "-o", str(compiled)],
                       **run)
        subprocess.run([compiler, "-shared", str(compiled), "-o", str(linked), "-lm"], **run)
        os.replace(linked, path)


def _folders():
    """Where the kernel may be kept: the user's cache folder, else one among the temporary files."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    if home.is_absolute():
        yield home / "ntm"
    with contextlib.suppress(OSError):  # there may be no place for temporary files
        yield Path(tempfile.gettempdir()) / f"ntm-{os.getuid()}"


def _output(command):
    """What a command prints, as bytes: a translated compiler need not write UTF-8."""
    return subprocess.run(command, capture_output=True, timeout=20).stdout


def _processor():
    """What -march=native depends on, as bytes: a cache folder may be shared by machines that
    differ."""
    try:
        lines = Path("/proc/cpuinfo").read_bytes().splitlines()
        flags = next(line for line in lines if line.startswith((b"flags", b"Features")))
    except (OSError, StopIteration):
        flags = platform.processor().encode()
    return platform.machine().encode() + flags


def unroll(machine, x, state):
    """NTM.unroll on the fast path: logits [T, B, outputs] and the State after the last step."""
    heads = machine._modules["heads"]
    lstm = type(machine._modules["controller"]) is LSTM
    h, c = state.controller if lstm else (x.new_empty(0), x.new_empty(0))
    sizes = dict(reads=machine.read_heads, writes=machine.write_heads, offsets=heads.offsets,
                 lstm=int(lstm),
                 keep=torch.is_grad_enabled())  # asked here: inside the Function it is always off
    logits, M, w, r, h, c = _Unroll.apply(machine, sizes, x, *state[:3], h, c, *_weights(machine))
    return logits, type(state)(M, w, r, (h, c) if lstm else ())


def rmsprop(parameters, states, lr, decay, momentum, eps):
    """GravesRMSprop's update of these parameters by their gradients, one pass for each, if every
    tensor of each is plain, contiguous and in a place of its own. Returns whether it was done."""
    gradients = [p.grad for p in parameters]
    if {*map(_layout, gradients)} != {torch.strided} or any(map(torch.Tensor.is_neg, gradients)):
        return False
    gradients = list(map(torch.Tensor.contiguous, gradients))
    columns = [parameters, gradients,
               *([state[name] for state in states] for name in ("n", "m", "Δ"))]
    everything = list(itertools.chain(*columns))
    if not ({*map(type, everything)} <= {*_TENSORS} and all(map(_is_cpu, everything))
            and all(map(torch.Tensor.is_contiguous, everything))):
        return False
    for kind in (_shape, _dtype):
        first, *others = (list(map(kind, column)) for column in columns)
        if any(other != first for other in others):
            return False
    rows = list(zip(map(torch.Tensor.numel, parameters),
                    *(map(torch.Tensor.data_ptr, column) for column in columns)))
    if any(len({*places}) < 5 for _, *places in rows):  # two share their memory
        return False
    if not all(map(available, {p.dtype: p for p in parameters}.values())) or watched():
        return False
    for p, row in zip(parameters, rows):
        library(p.dtype).rmsprop(*row, lr, decay, momentum, eps)
    for p in parameters:
        # a graph that still needs the old values must notice
        torch.autograd.graph.increment_version(p)
    return True


class _Unroll(torch.autograd.Function):
    """The kernel between torch's tensors: allocates, calls, and does the products over all steps at
    once."""

    @staticmethod
    @torch.autocast("cpu", enabled=False)
    def forward(ctx, machine, sizes, *tensors):
        x, M, w, r, h, c, heads_weight, heads_bias, output_weight, output_bias, *layers = map(
            torch.Tensor.contiguous, tensors)
        (T, B, inputs), (_, N, width), reads, lstm = x.shape, M.shape, sizes["reads"], sizes["lstm"]
        weights, biases = layers[::2], layers[1::2]
        gates, heads, L = len(biases[0]), reads + sizes["writes"], len(weights)
        hidden = gates // 4 if lstm else gates
        keep = sizes["keep"] and any(ctx.needs_input_grad)
        kept = T if keep else 1
        new = x.new_empty
        seen = [new(T + 1, B, v.shape[1]) for v in weights]
        seen[0][:T, :, :inputs] = x
        seen[0][0, :, inputs : inputs + reads * width] = r.flatten(1)
        buffers = dict(
            gates=new(L, T, B, gates), top=new(T, B, hidden + reads * width),
            c=new(L, T + 1 if lstm else 0, B, hidden), emitted=new(T, B, len(heads_bias)),
            M=new(kept + keep, B, width, N), w=new(kept + keep, B, heads, N),
            length=new(kept, B, N), K=new(kept, B, heads, N), w_c=new(kept, B, heads, N),
            w_s=new(kept, B, heads, N),
        )
        buffers["M"][0] = M.transpose(1, 2)
        buffers["w"][0] = w
        if lstm:
            buffers["c"][:, 0] = c
            for layer, h_0 in zip(seen, h):
                layer[0, :, -hidden:] = h_0
        sizes = dict(sizes, T=T, B=B, inputs=inputs, N=N, width=width, hidden=hidden, layers=L,
                     keep=keep)
        run, _arrays = _point(sizes, buffers | dict(heads=heads_weight, heads_bias=heads_bias),
                              layer=weights, bias=biases, seen=seen)
        library(x.dtype).forward(run)
        logits = new(T, B, len(output_bias))  # not a view: the caller may change it in place
        torch.addmm(output_bias, buffers["top"].flatten(0, 1), output_weight.T,
                    out=logits.view(T * B, -1))
        if keep:
            ctx.machine, ctx.sizes, ctx.names = machine, sizes, list(buffers)
            ctx.save_for_backward(*tensors[1:3], *tensors[5:], *buffers.values(), *seen)
            ctx.shapes = list(map(_shape, (*buffers.values(), *seen)))
            # the caller may change these three in place, as on the clear path: only second
            # derivatives need them again
            ctx.others = [(v, v._version) for v in (tensors[0], *tensors[3:5])]
        r = buffers["top"][-1, :, hidden:].unflatten(1, (reads, width)).clone()
        M, w = buffers["M"][-1].transpose(1, 2).clone(), buffers["w"][-1].clone()
        h, c = (torch.stack([layer[T, :, -hidden:] for layer in seen]),
                buffers["c"][:, -1].clone()) if lstm else (new(0), new(0))
        return logits, M, w, r, h, c

    @staticmethod
    @torch.autocast("cpu", enabled=False)
    def backward(ctx, *d):
        sizes, (M, w, c, *rest) = ctx.sizes, ctx.saved_tensors
        weights, rest = rest[: 4 + 2 * sizes["layers"]], rest[4 + 2 * sizes["layers"] :]
        # the gradient of a gradient, or many gradients at once
        if torch.is_grad_enabled() or watched() or not all(map(_real, d)):
            return None, None, *_clear(ctx, M, w, c, *weights, d=d)
        d_logits, d_M, d_w, d_r, d_h, d_c = d
        heads_weight, output_weight, *layers = map(torch.Tensor.contiguous, weights[::2])
        # (a hook on saved tensors may give back another layout)
        rest = list(map(torch.Tensor.contiguous, rest))
        if list(map(_shape, rest)) != ctx.shapes:
            raise RuntimeError("a hook on saved tensors gave back one of another shape")
        buffers, seen = dict(zip(ctx.names, rest)), rest[len(ctx.names) :]
        d_top = d_logits @ output_weight
        work = dict(
            d_top=d_top, d_M=_copy(d_M.transpose(1, 2)), d_w=_copy(d_w), d_r=_copy(d_r),
            d_h=_copy(d_h), d_c=_copy(d_c),
            d_gates=torch.empty_like(buffers["gates"]),
            d_emitted=torch.empty_like(buffers["emitted"]),
            d_x=d_top.new_empty(sizes["T"], sizes["B"], sizes["inputs"]),
        )
        run, _arrays = _point(sizes, buffers | work | dict(heads=heads_weight), layer=layers,
                              seen=seen)
        library(d_top.dtype).backward(run)
        h = buffers["top"][..., : run.hidden]
        gradients = [work["d_x"], work["d_M"].transpose(1, 2), work["d_w"],
                     work["d_r"].view_as(d_r), work["d_h"], work["d_c"],
                     *_linear(work["d_emitted"], h), *_linear(d_logits, buffers["top"])]
        for d_z, seen_l in zip(work["d_gates"], seen):
            gradients += _linear(d_z, seen_l[: run.T])
        return None, None, *gradients


def _point(sizes, tensors, **lists):
    """The struct Run that points to these tensors; and its arrays of pointers, which must live as
    long as it does."""
    arrays = {name: (ctypes.c_void_p * len(values))(*(v.data_ptr() for v in values))
              for name, values in lists.items()}
    arrays["size"] = (ctypes.c_long * len(lists["seen"]))(*(v.shape[-1] for v in lists["seen"]))
    pointers = {name: v.data_ptr() for name, v in tensors.items()} | {name: ctypes.addressof(a)
                                                                      for name, a in arrays.items()}
    values = [sizes[name] for name in _sizes] + [pointers.get(name, 0) for name in _pointers]
    # 10 µs sooner than by _Run(...)
    return _Run.from_buffer_copy(struct.pack(f"{len(_sizes)}l{len(_pointers)}P", *values)), arrays


class _Steps(nn.Module):
    """A machine's repeated step as a module, for torch.func.functional_call."""

    def __init__(self, machine):
        super().__init__()
        self.machine = machine

    def forward(self, x, state):
        logits, (M, w, r, controller) = self.machine.repeat(x, state)
        return (logits, M, w, r, *controller)


def _clear(ctx, M, w, c, *weights, d):
    """The backward pass on the clear path, from what went into the forward one: torch can
    differentiate it again."""
    again = torch.is_grad_enabled()
    if any(v._version != version for v, version in ctx.others):
        raise RuntimeError("x or the state was modified by an inplace operation after the "
                           "forward pass, and its second derivatives "
                           "are asked for; with NTM_FAST=0 in the environment they can be had "
                           "all the same")
    (x, _), (r, _), (h, _) = ctx.others
    with torch.enable_grad():
        # so that nothing is followed from one of them into another
        tensors = [v.view_as(v) for v in (x, M, w, r, h, c, *weights)]
        x, M, w, r, h, c, *weights = tensors
        names = ["heads.linear", "output",
                 *(f"controller.layers.{i}" for i in range(ctx.sizes["layers"]))]
        named = dict(zip([f"machine.{name}.{kind}" for name in names
                          for kind in ("weight", "bias")], weights))
        state = M, w, r, (h, c) if ctx.sizes["lstm"] else ()
        outputs = torch.func.functional_call(_Steps(ctx.machine), named, (x, state),
                                             tie_weights=False)
        wanted = [v for v, needed in zip(tensors, ctx.needs_input_grad[2:]) if needed]
        outputs, d = zip(*((y, d_y) for y, d_y in zip(outputs, d) if y.requires_grad))
        found = iter(torch.autograd.grad(outputs, wanted, d, create_graph=again, allow_unused=True))
    return [next(found) if needed else None for needed in ctx.needs_input_grad[2:]]


def _real(d):
    """Whether a gradient is a tensor in memory."""
    try:
        return type(d) is torch.Tensor and bool(d.data_ptr() or not d.numel())
    except RuntimeError:  # it is many gradients, batched by vmap
        return False


def _copy(tensor):
    """A contiguous copy: the kernel turns the gradients of the last state into those of the first
    in place."""
    return tensor.clone(memory_format=torch.contiguous_format)


def _linear(d, seen):
    """The gradients of a linear layer's weight and bias, over all steps at once."""
    d = d.flatten(0, 1)
    return d.T @ seen.flatten(0, 1), d.sum(0)
