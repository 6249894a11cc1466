"""The fast path: a whole sequence, forwards and backwards, in one call of a small C kernel.

`NTM.unroll` takes it by itself for the two controllers of ntm.controllers in float32 or float64 on a CPU, where a C compiler (cc, gcc or
clang) is found. The kernel is compiled on first use, in two seconds or so, and kept in the user's cache folder. Everywhere else
`NTM.step` is repeated, with the same result; and so it is where the machine is not quite ours: with hooks, with a part replaced, or
under a transform of torch.func. NTM_FAST=0 in the environment turns the fast path off.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch
from torch import nn

from .controllers import LSTM, FeedForward
from .heads import Heads

SOURCE, INCLUDED = (Path(__file__).with_name(name) for name in ("kernel.c", "algebra.c"))
# -ffast-math lets the compiler use its vector library for exp and log; it is kept from the linker, which
# would otherwise make the library set flush-to-zero for the whole process
# and without its licence to ignore NaN and infinity: 1/inf must be 0, and a NaN must reach the loss, where train stops at it.
# The macro is what glibc asks for before it offers that vector library
FLAGS = ["-O3", "-march=native", "-ffast-math", "-fno-finite-math-only", "-D__FAST_MATH__", "-fPIC", "-std=c11"]

_sizes = "T B inputs N width reads writes offsets hidden layers lstm keep".split()
_pointers = ("layer bias heads heads_bias seen size gates c top emitted M w length K w_c w_s "
             "d_top d_M d_w d_r d_h d_c d_gates d_emitted d_x").split()


class _Run(ctypes.Structure):
    """The struct Run of kernel.c."""

    _fields_ = [(name, ctypes.c_long) for name in _sizes] + [(name, ctypes.c_void_p) for name in _pointers]


PARTS = {LSTM, FeedForward, Heads, nn.Linear, nn.ModuleList}  # what the kernel knows by heart, and nothing derived from them


def supports(machine, x):
    """Whether `machine` can run x on the fast path here: it must do what the kernel does, no more and no less."""
    return available(x) and all(
        type(part) in PARTS and "forward" not in vars(part) and getattr(part, "bias", part) is not None
        and not (part._forward_hooks or part._forward_pre_hooks or part._backward_hooks or part._backward_pre_hooks)
        for part in machine.modules() if part is not machine
    )


def available(tensor):
    """Whether the kernel can be used for tensors such as this one."""
    return (tensor.device.type == "cpu" and os.environ.get("NTM_FAST", "1") != "0" and library(tensor.dtype) is not None
            and not torch._C._are_functorch_transforms_active())


@cache
def library(dtype):
    """The compiled kernel for torch.float32 or torch.float64; None for other types, and where it cannot be compiled."""
    real = {torch.float32: "float", torch.float64: "double"}.get(dtype)
    compiler = next(filter(None, map(shutil.which, [os.environ.get("CC", "cc"), "gcc", "clang"])), None)
    if real is None or compiler is None or os.name == "nt":
        return None
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for folder in filter(Path.is_absolute, (Path(home) / "ntm", Path(tempfile.gettempdir()) / f"ntm-{os.getuid()}")):
        try:
            key = hashlib.sha256(SOURCE.read_bytes() + INCLUDED.read_bytes())
            for part in [*FLAGS, real, compiler, _output([compiler, "--version"]), _processor()]:
                key.update(part.encode())
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.stat().st_uid != os.getuid():
                continue  # what another user put there is not loaded
            path = folder / f"kernel-{real}-{key.hexdigest()[:16]}.so"
            if not path.exists():
                _compile(compiler, real, path)
            loaded = ctypes.CDLL(str(path))
            loaded.forward.argtypes = loaded.backward.argtypes = [ctypes.POINTER(_Run)]
            loaded.rmsprop.argtypes = [ctypes.c_long] + 5 * [ctypes.c_void_p] + 4 * [ctypes.c_double]
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
        subprocess.run([compiler, *FLAGS, f"-DREAL={real}", "-c", str(SOURCE), "-o", str(compiled)], **run)
        subprocess.run([compiler, "-shared", str(compiled), "-o", str(linked), "-lm"], **run)
        os.replace(linked, path)


def _output(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout


def _processor():
    """What -march=native depends on: a cache folder may be shared by machines that differ."""
    try:
        flags = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        flags = platform.processor()
    return platform.machine() + flags


def unroll(machine, x, state):
    """NTM.unroll on the fast path: logits [T, B, outputs] and the State after the last step."""
    lstm = isinstance(machine.controller, LSTM)
    h, c = state.controller if lstm else (x.new_empty(0), x.new_empty(0))
    layers = [p for layer in machine.controller.layers for p in (layer.weight, layer.bias)]
    heads, output = machine.heads.linear, machine.output
    sizes = dict(reads=machine.read_heads, writes=machine.write_heads, offsets=machine.heads.offsets, lstm=int(lstm),
                 keep=torch.is_grad_enabled())  # asked here: inside the Function it is always off
    logits, M, w, r, h, c = _Unroll.apply(sizes, x, *state[:3], h, c, heads.weight, heads.bias, output.weight, output.bias, *layers)
    return logits, type(state)(M, w, r, (h, c) if lstm else ())


def rmsprop(θ, d, state, lr, decay, momentum, eps):
    """GravesRMSprop's update of one contiguous parameter θ with gradient d, in one pass."""
    tensors = (θ, d.contiguous(), state["n"], state["m"], state["Δ"])
    library(θ.dtype).rmsprop(θ.numel(), *(v.data_ptr() for v in tensors), lr, decay, momentum, eps)


class _Unroll(torch.autograd.Function):
    """The kernel between torch's tensors: allocates, calls, and does the products over all steps at once."""

    @staticmethod
    @torch.autocast("cpu", enabled=False)
    def forward(ctx, sizes, x, M, w, r, h, c, heads_weight, heads_bias, output_weight, output_bias, *layers):
        (T, B, inputs), (_, N, width), reads, lstm = x.shape, M.shape, sizes["reads"], sizes["lstm"]
        weights, biases = [v.contiguous() for v in layers[::2]], [v.contiguous() for v in layers[1::2]]
        gates, heads = biases[0].shape[0], reads + sizes["writes"]
        hidden = gates // 4 if lstm else gates
        below = [inputs + reads * width] + [hidden] * (len(weights) - 1)
        emissions = heads * (width + 3 + sizes["offsets"]) + 2 * sizes["writes"] * width
        for v, shape in [(heads_weight, (emissions, hidden)), *((v, (gates, n + lstm * hidden)) for v, n in zip(weights, below))]:
            if v.shape != shape or v.dtype != x.dtype:  # the kernel would read whatever lies beyond
                raise ValueError(f"a weight is {v.dtype} {list(v.shape)}; beside the others it must be {x.dtype}, {list(shape)}")
        keep = sizes["keep"] and any(ctx.needs_input_grad)
        kept = T if keep else 1
        new = x.new_empty
        seen = [new(T + 1, B, v.shape[1]) for v in weights]
        seen[0][:T, :, :inputs] = x
        seen[0][0, :, inputs : inputs + reads * width] = r.flatten(1)
        buffers = dict(
            heads=heads_weight.contiguous(), heads_bias=heads_bias.contiguous(),
            gates=new(len(weights), T, B, gates), top=new(T, B, hidden + reads * width),
            c=new(len(weights), T + 1 if lstm else 0, B, hidden), emitted=new(T, B, emissions),
            M=new(kept + keep, B, width, N), w=new(kept + keep, B, heads, N),
            length=new(kept, B, N), K=new(kept, B, heads, N), w_c=new(kept, B, heads, N), w_s=new(kept, B, heads, N),
        )
        buffers["M"][0] = M.transpose(1, 2)
        buffers["w"][0] = w
        if lstm:
            buffers["c"][:, 0] = c
            for layer, h_0 in zip(seen, h):
                layer[0, :, -hidden:] = h_0
        sizes = dict(sizes, T=T, B=B, inputs=inputs, N=N, width=width, hidden=hidden, layers=len(weights), keep=keep)
        run, _arrays = _point(sizes, buffers, layer=weights, bias=biases, seen=seen)
        library(x.dtype).forward(run)
        logits = torch.nn.functional.linear(buffers["top"], output_weight, output_bias)
        if keep:
            ctx.sizes, ctx.names = sizes, list(buffers)
            ctx.save_for_backward(output_weight, *buffers.values(), *weights, *biases, *seen)
        r = buffers["top"][-1, :, hidden:].unflatten(1, (reads, width)).clone()
        M, w = buffers["M"][-1].transpose(1, 2).clone(), buffers["w"][-1].clone()
        h, c = (torch.stack([layer[T, :, -hidden:] for layer in seen]), buffers["c"][:, -1].clone()) if lstm else (new(0), new(0))
        return logits, M, w, r, h, c

    @staticmethod
    @torch.autograd.function.once_differentiable
    @torch.autocast("cpu", enabled=False)
    def backward(ctx, d_logits, d_M, d_w, d_r, d_h, d_c):
        output_weight, *saved = ctx.saved_tensors
        buffers, rest, L = dict(zip(ctx.names, saved)), saved[len(ctx.names) :], ctx.sizes["layers"]
        weights, biases, seen = rest[:L], rest[L : 2 * L], rest[2 * L :]
        d_top = d_logits @ output_weight
        work = dict(
            d_top=d_top, d_M=_copy(d_M.transpose(1, 2)), d_w=_copy(d_w), d_r=_copy(d_r), d_h=_copy(d_h), d_c=_copy(d_c),
            d_gates=torch.empty_like(buffers["gates"]), d_emitted=torch.empty_like(buffers["emitted"]),
            d_x=d_top.new_empty(*d_top.shape[:2], ctx.sizes["inputs"]),
        )
        run, _arrays = _point(ctx.sizes, buffers | work, layer=weights, bias=biases, seen=seen)
        library(d_top.dtype).backward(run)
        h = buffers["top"][..., : run.hidden]
        gradients = [work["d_x"], work["d_M"].transpose(1, 2), work["d_w"], work["d_r"].view_as(d_r), work["d_h"], work["d_c"],
                     *_linear(work["d_emitted"], h), *_linear(d_logits, buffers["top"])]
        for d_z, seen_l in zip(work["d_gates"], seen):
            gradients += _linear(d_z, seen_l[: run.T])
        return None, *gradients


def _point(sizes, tensors, **lists):
    """The struct Run that points to these tensors; and its arrays of pointers, which must live as long as it does."""
    arrays = {name: (ctypes.c_void_p * len(values))(*(v.data_ptr() for v in values)) for name, values in lists.items()}
    arrays["size"] = (ctypes.c_long * len(lists["seen"]))(*(v.shape[-1] for v in lists["seen"]))
    pointers = {name: v.data_ptr() for name, v in tensors.items()} | {name: ctypes.addressof(a) for name, a in arrays.items()}
    return _Run(**sizes, **pointers), arrays


def _copy(tensor):
    """A contiguous copy: the kernel turns the gradients of the last state into those of the first in place."""
    return tensor.clone(memory_format=torch.contiguous_format)


def _linear(d, seen):
    """The gradients of a linear layer's weight and bias, over all steps at once."""
    d = d.flatten(0, 1)
    return d.T @ seen.flatten(0, 1), d.sum(0)
