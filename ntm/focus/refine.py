"""Writing: a gist refined by what was read in its span; the paper's erase and add, equations (3)
and (4), on a row of the tree.

A question is answered with the fact in full detail. From the states by which the model answered a
writer makes an erase and an add vector for the gist of the fact's block. Later the same is asked
again, and nothing is opened."""

import copy

import torch
from torch import nn
from torch.nn import functional

from ..memory import add, erase
from . import tree
from .data import ANSWER, ASK, F, K, quiz, seeded, text
from .model import descend, read, see

TEXT = 14  # tokens of text before the question that comes later


class Writer(nn.Module):
    """From the states that said the first n values of an answer [B, n, d] an erase vector within
    [0, 1] and an add vector, [B, d] each."""

    def __init__(self, n, d=64, seed=0):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.erase, self.add = nn.Linear(n * d, d), nn.Linear(n * d, d)

    def forward(self, states):
        return torch.sigmoid(self.erase(states.flatten(1))), self.add(states.flatten(1))


def row_of(block):
    """The row of the table at which the gist (LOD1) of a block stands."""
    return block // F * tree.ROWS + 1 + block % F * (K + 1)


def write(table, block, e, a):
    """The table [B, R, d] with the gist of one block of each stream, block [B], written to: g (1 -
    e) + a."""
    w = functional.one_hot(row_of(block), table.shape[1]).to(table.dtype)[:, None]
    return add(erase(table, w, e[:, None]), w, a[:, None])


def refine(lm, writer, table, stream, n):
    """The table after every question of the tail has been answered in detail and its fact's gist
    written to."""
    states = see(lm, table, *tree.show(*stream.size, stream.asked), stream.tail)
    # where the values are said, not where they stand
    places = stream.wanted.nonzero()[:, 1].view(len(table), -1, ANSWER)[..., :n] - 1
    for q in range(stream.asked.shape[1]):
        said = states.gather(1, places[:, q, :, None].expand(-1, -1, states.shape[-1]))
        table = write(table, stream.asked[:, q], *writer(said))
    return table


def later(stream, block, generator, part="test"):
    """A tail that comes later: TEXT tokens of text, ASK and the key of the fact in `block` [B], its
    values: [B, TEXT + 2 + 5]."""
    rows, source = torch.arange(len(block)), text(part)
    fact = stream.document.unflatten(1, (-1, K))[rows, block]
    begin = torch.randint(len(source) - TEXT, (len(block), 1), generator=generator)
    asking = torch.full_like(begin, ASK)
    return torch.cat([source[begin + torch.arange(TEXT)], asking, fact[:, 1 : 2 + ANSWER]], 1)


def ask(lm, table, tail, n):
    """How the first n values are answered with every gist of LOD1 shown and nothing else: NLL and
    right, [B, n] each."""
    B, C = len(table), table.shape[1] // tree.ROWS
    e2, e1 = tree.everything(B, C)[0], tree.nothing(B, C)[1]
    nll, logits = read(lm, table, e2, e1, tail)
    said = slice(TEXT + 1, TEXT + 1 + n)
    return nll[:, said], (logits[:, said].argmax(-1) == tail[:, TEXT + 2 : TEXT + 2 + n]).float()


def train_refine(lm, n=1, blocks=8, steps=300, batch=32, joint=True, writing=True, rate=3e-3,
                 seed=0, log=None):
    """A writer for facts of which the first n values are asked, in a far part of so many blocks,
    and (joint) the reading half of a copy of the language model with it: its blocks and its head;
    embeddings and gist nets stay. Without writing: the copy's gist nets learn instead, and gists
    are read as they are made. Returns the copy and the writer."""
    generator, lm = seeded(5000 + seed), copy.deepcopy(lm).requires_grad_(False)
    writer, trained = Writer(n, lm.settings["d"], seed), [] if writing else [lm.gist1]
    for part in trained + ([lm.blocks, lm.norm, lm.head] if joint else []):
        part.requires_grad_(True)
    learns = [p for p in [*writer.parameters(), *lm.parameters()] if p.requires_grad]
    optimiser = torch.optim.AdamW(learns, weight_decay=0.01)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    for step in range(steps):
        stream = quiz(batch, blocks=blocks, questions=4, facts=min(12, blocks // 2 + 1),
                      part="train", generator=generator)
        table = lm.table(stream.document)
        if writing:
            table = refine(lm, writer, table, stream, n)
        which = torch.randint(4, (batch,), generator=generator)
        tail = later(stream, stream.asked[torch.arange(batch), which], generator, "train")
        nll, right = ask(lm, table, tail, n)
        descend(nll.mean(), optimiser, rates, clip=True)
        if log and (step + 1) % 20 == 0:
            log(step + 1, round(nll.mean().item(), 3), round(right.mean().item(), 3))
    return lm.eval(), writer.eval()
