"""Each model of the family on the one shared task, tasks.Recall: x [T, B, inputs] to logits [T, B,
outputs].

Those that read a sequence do so as they are. Those that read a set get the stored pairs as one, and
the questions as what asks; `loss` is given where the cost in bits is not all that teaches.
"""

from functools import partial

import torch
from torch import nn
from torch.nn.functional import logsigmoid

from .. import NTM, LSTMBaseline
from ..beyond import dnc_runs
from ..beyond.dnc import DNC
from ..tasks import bits
from .attention import MultiHead, Transformer
from .fast_weights import DeltaNet, LinearAttention
from .glance import Glance, reinforce
from .latents import Asking, PerceiverIO, SlotAttention
from .long import Compressive, Memorizing
from .look import drawn, largest, look
from .memory_networks import MemN2N, MemoryNetwork, margin
from .tasks import Recall


def apart(x):
    """(pairs [B, n, inputs], questions [B, m, inputs]) of x [T, B, inputs]; silent steps count as
    pairs."""
    asks = x[:, 0, -1] == 1
    return x[~asks].transpose(0, 1), x[asks].transpose(0, 1)


def together(answers, x):
    """Answers [B, m, outputs] in their places, zeros elsewhere [T, B, outputs]."""
    stored = len(x) - answers.shape[1]
    return torch.cat(
        [answers.new_zeros(stored, *answers.transpose(0, 1).shape[1:]), answers.transpose(0, 1)]
    )


class OfSets(nn.Module):
    """A model of pairs and questions as one of sequences.

    answer: a function of the model, pairs and questions that returns [B, m, outputs].
    """

    def __init__(self, model, answer):
        super().__init__()
        self.model, self.answer = model, answer

    def forward(self, x):
        return together(self.answer(self.model, *apart(x)), x)


class WithFacts(OfSets):
    """A memory network, which is told in training which fact answers a question."""

    def loss(self, batch):
        pairs, questions = apart(batch.x)
        support = Recall.support(batch.x)
        answers, z = self.model(pairs.unsqueeze(2), questions.unsqueeze(2), support.unsqueeze(-1))
        return bits(together(answers, batch.x), batch).mean() + len(questions) * margin(
            z[0], support
        )


class ByChance(OfSets):
    """Hard attention, taught by REINFORCE; `baseline` follows the gain."""

    baseline = 0.0

    def loss(self, batch):
        pairs, questions = apart(batch.x)
        e = self.model.scores(questions, pairs)
        z, w = look(questions, pairs, pairs, lambda q, K: e, drawn)
        logits = together(self.model.answer(torch.cat([z, questions], -1)), batch.x)
        sign = 2 * batch.y - 1
        gain = (logsigmoid(sign * logits).sum(-1) * batch.mask).sum(0)[:, None]
        m = questions.shape[1]
        each = (logsigmoid(sign * logits).sum(-1)[-m:]).T  # of every question on its own
        loss = reinforce(each.flatten(), e.flatten(0, 1), w.flatten(0, 1), self.baseline)
        self.baseline += 0.1 * (each.mean().item() - self.baseline)
        return m * loss + 0 * gain.sum()


class Reconstructing(Transformer):
    """With what the compression learns by added to the cost."""

    def loss(self, batch):
        lost = bits(self(batch.x), batch).mean()
        return lost + sum(block.mixer.reconstruction for block in self.blocks)


class Slots(nn.Module):
    """Pairs to slots, then each question asks the slots."""

    def __init__(self, inputs, outputs, d=32, slots=16):
        super().__init__()
        self.slots, self.question = SlotAttention(inputs, d, slots), nn.Linear(inputs, d)
        self.ask, self.output = Asking(d, d), nn.Linear(d, outputs)

    def forward(self, pairs, questions):
        return self.output(self.ask(self.question(questions), self.slots(pairs)[0]))


def chosen(model, pairs, questions):
    """What hard attention answers when it need not explore: by the likeliest place."""
    e = model.scores(questions, pairs)
    z, _ = look(questions, pairs, pairs, lambda q, K: e, largest)
    return model.answer(torch.cat([z, questions], -1))


def bags(model, pairs, questions):
    return model(pairs.unsqueeze(2), questions.unsqueeze(2))[0]


I, O, D = Recall.inputs, Recall.outputs, 32
MENDED = dnc_runs.MODELS["dnc-mended"][1]  # with its three repairs
MODELS = {
    "memory network": lambda: WithFacts(MemoryNetwork(I, D, O), bags),
    "MemN2N": lambda: OfSets(MemN2N(I, D, O, hops=2), bags),
    "hard attention": lambda: ByChance(Glance(I, I, O, D), chosen),
    "attention": lambda: Transformer(I, O, D, layers=1),
    "Transformer": lambda: Transformer(I, O, D, layers=2, mixer=partial(MultiHead, heads=2)),
    "Perceiver IO": lambda: OfSets(PerceiverIO(I, O, I, 16, D), lambda model, x, q: model(x, q)),
    "slots": lambda: OfSets(Slots(I, O, D, 16), lambda model, x, q: model(x, q)),
    "Compressive": lambda: Reconstructing(I, O, D, 1, Compressive),
    "Memorizing": lambda: Transformer(I, O, D, 1, Memorizing),
    "linear attention": lambda: Transformer(I, O, D, 1, LinearAttention),
    "delta rule": lambda: Transformer(I, O, D, 1, DeltaNet),
    "NTM": lambda: NTM(I, O, "feedforward", start="tape"),
    "DNC": lambda: DNC(I, O, hidden_size=64, **MENDED, start="tape"),
    "LSTM": lambda: LSTMBaseline(I, O, 64, 1),
}


def build(name, seed=0):
    """The model of that name, its first weights drawn from the seed."""
    if name not in MODELS:
        raise ValueError(f"name is {name!r}; it must be one of {', '.join(map(repr, MODELS))}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MODELS[name]()


def memory(name, n):
    """How many numbers pass from one step to the next when n pairs have been seen: what is kept of
    the sequence, weights not counted."""
    keys_and_values = 2 * n * D
    return {
        "memory network": n * I,
        "MemN2N": n * I,
        "hard attention": n * I,
        "attention": keys_and_values,
        "Transformer": 2 * keys_and_values,
        "Perceiver IO": 16 * D,
        "slots": 16 * D,
        "Compressive": 2 * D * min(n, 8) + D * min(max(n - 16, 0) // 4, 8),
        "Memorizing": keys_and_values,
        "linear attention": D * D + D,
        "delta rule": D * D,
        "NTM": 128 * 20 + 2 * 128 + 20,
        "DNC": 128 * 20 + 4 * 128 + 20 + 128 * 128 + 2 * 64,  # the links, above all
        "LSTM": 2 * 64,
    }[name]
