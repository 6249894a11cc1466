"""ntm: a Neural Turing Machine (Graves, Wayne and Danihelka 2014) in PyTorch, the package of the
book of the same name."""

from . import tasks
from .baseline import LSTMBaseline
from .machine import NTM
from .optim import GravesRMSprop
from .trace import Trace
from .training import evaluate, train

__version__ = "0.1.0"
__all__ = ["NTM", "GravesRMSprop", "LSTMBaseline", "Trace", "evaluate", "tasks", "train"]
