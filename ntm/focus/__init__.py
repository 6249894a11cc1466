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


def load(seed=0):
    """The shipped language model of a seed, ready to read."""
    return LM.load(WEIGHTS / f"lm-{seed}.safetensors").float().eval()


def load_lens(name="tokens", seed=0, of=0):
    """A shipped lens of language model `of`: "tokens", "gists" or "cosine"; seed: of the lens."""
    return Lens.load(WEIGHTS / f"lens-{of}-{name}-{seed}.safetensors").float().eval()


def load_gate(each="stream"):
    """A shipped gate for language model 0 and its lens "cosine": "stream", one g for all of a
    stream's blocks, or "block"."""
    return Gate.load(WEIGHTS / f"gate-0-cosine-{each}.safetensors").float().eval()


def notes(seed=0):
    """What was written down while a language model was trained: its curve, and what its gists could
    be found by, before and after."""
    return json.loads(read_safetensors(WEIGHTS / f"lm-{seed}.safetensors")[0]["notes"])
