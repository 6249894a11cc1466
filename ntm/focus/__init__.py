"""A memory with levels of detail, small and real: MegaContext's tree, lens and allocator, with the
NTM's addressing on top.

data, tree, model; oracle, lens, allocator; run and measures; gate, soft, heads, refine; train makes
the weights again, experiments the numbers."""

import json
from pathlib import Path

from ..weights import read_safetensors
from .gate import Gate
from .lens import Lens
from .model import LM

WEIGHTS = Path(__file__).parent / "weights"


def load(seed=0, folder=WEIGHTS):
    """The language model of a seed, ready to read: the shipped one, or one of ntm.focus.train."""
    return LM.load(Path(folder) / f"lm-{seed}.safetensors").float().eval()


def load_lens(name="tokens", seed=0, of=0, folder=WEIGHTS):
    """A lens of language model `of`: "tokens", "gists" or "cosine"; seed: of the lens."""
    return Lens.load(Path(folder) / f"lens-{of}-{name}-{seed}.safetensors").float().eval()


def load_gate(each="stream", of=0):
    """A shipped gate for language model `of` and its lens "cosine": "stream", one g for all of a
    stream's blocks, or "block"."""
    return Gate.load(WEIGHTS / f"gate-{of}-cosine-{each}.safetensors").float().eval()


def notes(seed=0, folder=WEIGHTS):
    """What was written down while a language model was trained: its curve, and what its gists could
    be found by, before and after."""
    return json.loads(read_safetensors(Path(folder) / f"lm-{seed}.safetensors")[0]["notes"])
