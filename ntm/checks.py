"""What a user can get wrong, said clearly: ValueError with the argument's name, its value and the
allowed range."""

import math
import operator

import torch
from torch.autograd import forward_ad
from torch.nn.modules.module import _has_any_global_hook
from torch.overrides import _get_current_function_mode_stack
from torch.utils._device import DeviceContext


def integer(name, value, low=1, allowed=None):
    """`value` as an int, from anything that is one (NumPy's integers, too); raises ValueError,
    saying what is `allowed`, unless it is at least `low`."""
    try:
        found = operator.index(value)
    except TypeError:
        found = None
    if found is None or isinstance(value, bool) or found < low:
        raise ValueError(f"{name} is {value!r}; it must be "
                         f"{allowed or f'an integer of at least {low}'}")
    return found


def positive(**arguments):
    """The arguments as a list of ints; raises ValueError unless every one is an integer of at least
    1."""
    return [integer(name, value) for name, value in arguments.items()]


def number(name, value, allowed="a finite number", above=-math.inf):
    """`value` as a float, from anything that is one number; raises ValueError, saying what is
    `allowed`, unless it is finite and above `above`."""
    try:
        found = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError, RuntimeError):
        found = math.nan
    if not above < found < math.inf:
        raise ValueError(f"{name} is {value!r}; it must be {allowed}")
    return found


def seeded(seed):
    """A generator on the CPU that draws from `seed`; None, which is torch's global one, for None.
    Raises ValueError for what is no integer."""
    if seed is None:
        return None
    return torch.Generator().manual_seed(integer("seed", seed, low=-(2**63)))


def watched():
    """Whether something is on that wants to see every operation, or cannot read values: a transform
    of torch.func, forward-mode derivatives, a trace, an export, a compilation, a mode, a hook on
    all modules. (These questions torch answers only in private.)"""
    return bool(
        torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()
        or torch.jit.is_tracing()
        or torch._C._len_torch_dispatch_stack() or forward_ad._current_level >= 0
        or _has_any_global_hook()
        or torch._C._len_torch_function_stack()
        and any(not isinstance(m, DeviceContext) for m in _get_current_function_mode_stack())
    )


def check_input(x, inputs, like):
    """Raise ValueError unless x is a finite [T, B, inputs] tensor, not empty, with the dtype and
    device of the tensor `like`."""
    if not isinstance(x, torch.Tensor):
        raise ValueError(f"x is a {type(x).__name__}; it must be a tensor [T, B, {inputs}]")
    if x.dim() != 3 or x.shape[-1] != inputs:
        raise ValueError(f"x has shape {list(x.shape)}; it must be [T, B, {inputs}]")
    if x.shape[0] == 0 or x.shape[1] == 0:
        raise ValueError(f"x has shape {list(x.shape)}; it must hold at least one step of one "
                         "sequence")
    if x.dtype != like.dtype:
        raise ValueError(f"x has dtype {x.dtype}; the machine's is {like.dtype}: convert one "
                         "with .to()")
    if x.device != like.device:
        raise ValueError(f"x is on {x.device}; the machine is on {like.device}: move one with "
                         ".to()")
    # Under a transform or a trace x has no values to ask for; on a GPU the answer would make the
    # host wait: left to the loss there.
    if x.device.type != "cpu" or watched():
        return
    # one reduction first, and isfinite().all() only if it fails: a NaN or an infinity anywhere
    # makes the sum non-finite
    if not torch.isfinite(x.detach().sum()) and not torch.isfinite(x).all():
        raise ValueError("x holds NaN or infinite values; every value must be finite")


def check_state(state, x, **begins):
    """Raise ValueError unless the state's M, w and r have the shapes of `begins`, for the B
    sequences of x [T, B, inputs]."""
    for name, begin in begins.items():
        # (the beginning of many machines, stacked, has three dimensions)
        found, wanted = list(getattr(state, name).shape), [x.shape[1], *begin.shape[-2:]]
        if found != wanted:
            raise ValueError(f"state.{name} has shape {found}; for x of shape {list(x.shape)} it "
                             f"must be {wanted}")
