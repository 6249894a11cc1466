"""Weights: how they begin, and safetensors files of them, with the settings that rebuild the
machine inside the file."""

import json
import math
import os
import threading
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn


def draw(module, generator, device):
    """Give a module that was built on the device "meta" its memory and its first weights: those of
    nn.Linear and nn.LSTM as torch begins them, but drawn from `generator` alone (None: torch's
    own), on the CPU; any other parameter begins at zero."""
    module.to_empty(device=device)
    for part in module.modules():
        for name, p in part.named_parameters(recurse=False):
            # what nn.init.kaiming_uniform_(weight, √5) comes to, and the bias
            if isinstance(part, nn.Linear):
                fan = math.sqrt(part.in_features)
                bound = (math.sqrt(3) * (nn.init.calculate_gain("leaky_relu", math.sqrt(5)) / fan)
                         if name == "weight" else 1 / fan)
            else:
                bound = 1 / math.sqrt(part.hidden_size) if isinstance(part, nn.LSTM) else 0
            p.data.copy_(torch.empty(p.shape, dtype=p.dtype, device="cpu").uniform_(
                -bound, bound, generator=generator) if bound else 0)


def to_json(value):
    """`value` as JSON; NumPy's and torch's numbers as the numbers they are, paths as strings."""
    return json.dumps(value, default=lambda v: v.tolist() if hasattr(v, "tolist") else os.fspath(v))


def write(path, content):
    """Write text, or call content(temporary path), atomically: under a name of its own first, so
    that neither a crash nor another process that writes to the same path leaves half a file. Raises
    OSError naming `path` where that cannot be."""
    path = Path(path).expanduser()
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        part.touch()
        mode = part.stat().st_mode
        part.write_text(content, encoding="utf-8") if isinstance(content, str) else content(part)
        part.chmod(mode)  # safetensors makes files that nobody else may read
        os.replace(part, path)
    except (OSError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        raise OSError(f"{path} cannot be written: {error}") from error


def read_safetensors(path):
    """The metadata and the tensors of a safetensors file; raises ValueError for a file that is not
    one, or is damaged."""
    try:
        with safe_open(Path(path).expanduser(), framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{path} is damaged or no safetensors file: {error}") from None


def check_fit(path, machine, tensors):
    """Raise ValueError unless `tensors` are, by name and shape, those of the machine's
    state_dict."""
    expected = {name: list(value.shape) for name, value in machine.state_dict().items()}
    found = {name: list(value.shape) for name, value in tensors.items()}
    if expected != found:
        wrong = min(name for name in expected.keys() | found.keys()
                    if expected.get(name) != found.get(name))
        raise ValueError(f"{path} does not fit the machine: {wrong} is {found.get(wrong)}, it "
                         f"must be {expected.get(wrong)}")


class Saved:
    """save and load for a module with `settings`, the keyword arguments that rebuild it."""

    def save(self, path, **notes):
        """Write the weights and settings to `path`, with `notes` (anything json can hold) beside
        them."""
        settings = {name: value for name, value in self.settings.items()
                    if not isinstance(value, torch.nn.Module)}
        if len(settings) < len(self.settings):
            raise ValueError("a machine with a controller of your own cannot be saved whole; "
                             "save its state_dict() instead")
        tensors = {name: value.contiguous() for name, value in self.state_dict().items()}
        metadata = {"kind": type(self).__name__, "settings": to_json(settings),
                    "notes": to_json(notes)}
        write(path, lambda part: save_file(tensors, part, metadata))

    @classmethod
    def load(cls, path):
        """Rebuild what save wrote. Raises ValueError for a damaged or foreign file and for weights
        that do not fit its settings."""
        metadata, tensors = read_safetensors(path)
        if metadata.get("kind") != cls.__name__:
            raise ValueError(f"{path} holds {metadata.get('kind', 'something else')}; it must be "
                             f"written by {cls.__name__}.save")
        try:
            # a seed, so that loading leaves torch's generator alone
            machine = cls(**json.loads(metadata["settings"]), seed=0)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} holds settings that {cls.__name__} does not take: "
                             f"{error}") from None
        check_fit(path, machine, tensors)
        machine.to(next(iter(tensors.values())).dtype).load_state_dict(tensors)
        return machine
