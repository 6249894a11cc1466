"""Saved machines: what comes back, and what is refused."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from ntm import NTM, LSTMBaseline
from ntm.weights import read_safetensors


def small(**options):
    return NTM(**{**dict(inputs=3, outputs=2, hidden_size=4, N=5, width=3, seed=1), **options})


@pytest.mark.parametrize("machine", [
    small(), small(controller="feedforward", layers=2, read_heads=2, write_heads=3, shift_range=2),
    small(initial_memory="learned", initial_weighting="learned"),
    small(initial_memory="constant", initial_weighting="uniform"),
    small().double(), LSTMBaseline(3, 2, hidden_size=4, layers=2, seed=1),
])  # fmt: skip
def test_a_saved_machine_comes_back(machine, tmp_path):
    path, x = tmp_path / "machine.safetensors", torch.randn(4, 2, 3)
    x = x.to(next(machine.parameters()).dtype)
    machine.save(path, seed=7, command="train")
    state = torch.get_rng_state()
    loaded = type(machine).load(path)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(loaded(x), machine(x)) and loaded.settings == machine.settings
    assert {name: type(p) for name, p in loaded.named_parameters()} == {
        name: type(p) for name, p in machine.named_parameters()}
    with safe_open(path, "pt") as file:
        assert json.loads(file.metadata()["notes"]) == {"seed": 7, "command": "train"}


def altered(path, tensors=lambda tensors: tensors, **metadata):
    """The file at path, with other tensors or other metadata."""
    old, values = read_safetensors(path)
    save_file(tensors(values), path,
              {name: value for name, value in {**old, **metadata}.items() if value is not None})


@pytest.mark.parametrize("spoil, words", [
    (lambda path: path.write_bytes(path.read_bytes()[:-50]), "damaged or no safetensors file"),
    (lambda path: path.write_bytes(b""), "damaged or no safetensors file"),
    (lambda path: path.write_bytes(b"PK\x03\x04 a pickle"), "damaged or no safetensors file"),
    (lambda path: save_file({"weight": torch.ones(1)}, path),
     "holds something else; it must be written by NTM.save"),
    (lambda path: LSTMBaseline(3, 2, hidden_size=4).save(path),
     "holds LSTMBaseline; it must be written by NTM.save"),
    (lambda path: altered(path, lambda t: {n: v for n, v in t.items() if n != "r_0"}),
     r"r_0 is None, it must be \[1, 3\]"),
    (lambda path: altered(path, lambda t: {**t, "r_0": torch.ones(2, 3)}),
     r"r_0 is \[2, 3\], it must be \[1, 3\]"),
    (lambda path: altered(path, lambda t: {**t, "more": torch.ones(1)}),
     r"more is \[1\], it must be None"),
    (lambda path: altered(path, settings=json.dumps({**small().settings, "N": 6})),
     r"M_0 is \[5, 3\], it must be \[6, 3\]"),
    (lambda path: altered(path, settings=json.dumps({**small().settings, "N": 0})),
     "holds settings that NTM does not take: N is 0"),
    (lambda path: altered(path, settings=json.dumps({"inputs": 3, "magic": 1})),
     "holds settings that NTM does not take"),
    (lambda path: altered(path, settings="{"), "holds settings that NTM does not take"),
    (lambda path: altered(path, settings=None), "holds settings that NTM does not take"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_sentence(spoil, words, tmp_path):
    path = tmp_path / "machine.safetensors"
    small().save(path)
    spoil(path)
    with pytest.raises(ValueError, match=words) as caught:
        NTM.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        NTM.load(tmp_path / "none")


def test_a_controller_of_ones_own_is_not_saved_whole(tmp_path):
    class Echo(nn.Linear):
        output_size = 4

        def initial(self, batch):
            return ()

    with pytest.raises(ValueError, match="controller of your own cannot be saved"):
        small(controller=Echo(6, 4)).save(tmp_path / "machine")
    assert not list(tmp_path.iterdir())
