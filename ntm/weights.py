"""Weights in safetensors, with the settings that rebuild the machine inside the file."""

import json

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file


def read_safetensors(path):
    """The metadata and the tensors of a safetensors file; raises ValueError for a file that is not one, or is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{path} is damaged or no safetensors file: {error}") from None


def check_fit(path, machine, tensors):
    """Raise ValueError unless `tensors` are, by name and shape, those of the machine's state_dict."""
    expected = {name: list(value.shape) for name, value in machine.state_dict().items()}
    found = {name: list(value.shape) for name, value in tensors.items()}
    if expected != found:
        wrong = min(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise ValueError(f"{path} does not fit the machine: {wrong} is {found.get(wrong)}, it must be {expected.get(wrong)}")


class Saved:
    """save and load for a module with `settings`, the keyword arguments that rebuild it."""

    def save(self, path, **notes):
        """Write the weights and settings to `path`, with `notes` (anything json can hold) beside them."""
        settings = {name: value for name, value in self.settings.items() if not isinstance(value, torch.nn.Module)}
        if len(settings) < len(self.settings):
            raise ValueError("a machine with a controller of your own cannot be saved whole; save its state_dict() instead")
        tensors = {name: value.contiguous() for name, value in self.state_dict().items()}
        save_file(tensors, path, {"kind": type(self).__name__, "settings": json.dumps(settings), "notes": json.dumps(notes)})

    @classmethod
    def load(cls, path):
        """Rebuild what save wrote. Raises ValueError for a damaged or foreign file and for weights that do not fit its settings."""
        metadata, tensors = read_safetensors(path)
        if metadata.get("kind") != cls.__name__:
            raise ValueError(f"{path} holds {metadata.get('kind', 'something else')}; it must be written by {cls.__name__}.save")
        try:
            machine = cls(**json.loads(metadata["settings"]), seed=0)  # a seed, so that loading leaves torch's generator alone
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} holds settings that {cls.__name__} does not take: {error}") from None
        check_fit(path, machine, tensors)
        machine.to(next(iter(tensors.values())).dtype).load_state_dict(tensors)
        return machine
