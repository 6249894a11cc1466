"""What a user can get wrong, said clearly: ValueError with the argument's name, its value and the allowed range."""

import torch


def positive(**arguments):
    """Raise ValueError unless every argument is an integer of at least 1."""
    for name, value in arguments.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} is {value!r}; it must be an integer of at least 1")


def check_input(x, inputs, like):
    """Raise ValueError unless x is a finite [T, B, inputs] tensor, not empty, with the dtype and device of the tensor `like`."""
    if not isinstance(x, torch.Tensor):
        raise ValueError(f"x is a {type(x).__name__}; it must be a tensor [T, B, {inputs}]")
    if x.dim() != 3 or x.shape[-1] != inputs:
        raise ValueError(f"x has shape {list(x.shape)}; it must be [T, B, {inputs}]")
    if x.shape[0] == 0 or x.shape[1] == 0:
        raise ValueError(f"x has shape {list(x.shape)}; it must hold at least one step of one sequence")
    if x.dtype != like.dtype:
        raise ValueError(f"x has dtype {x.dtype}; the machine's is {like.dtype}: convert one with .to()")
    if x.device != like.device:
        raise ValueError(f"x is on {x.device}; the machine is on {like.device}: move one with .to()")
    # one reduction first, and isfinite().all() only if it fails: a NaN or an infinity anywhere makes the sum non-finite.
    # On a GPU the answer would make the host wait, so the check is left to the loss there.
    if x.device.type == "cpu" and not torch.isfinite(x.detach().sum()) and not torch.isfinite(x).all():
        raise ValueError("x holds NaN or infinite values; every value must be finite")
