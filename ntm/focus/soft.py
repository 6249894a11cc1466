"""Soft focus: every row of the tree in the context, each behind a gate; and three ways to learn a
lens through it.

A gate within [0, 1] is added to every attention logit as its logarithm (model.LM). Gates of 0 and 1
are the hard focus. So a lens can be trained by the gradient of the answer's NLL itself, with no
counterfactual; what that costs is that all rows are read."""

import torch

from . import tree
from .data import F, K, quiz, seeded
from .lens import Lens
from .model import descend, nll_of_next

MODES = ("soft", "straight", "gumbel")


def gates(s2, s1, mode="soft", temperature=1.0, generator=None):
    """Scores of nodes s2 [B, C] and of blocks s1 [B, C, F] -> the gates p2, p1 of opening them,
    within [0, 1].

    soft: the logistic function. straight: 0 or 1, with the gradient of soft. gumbel: likewise, of
    scores with logistic noise."""
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; it must be one of {', '.join(MODES)}")
    found = []
    for s in (s2, s1):
        if mode == "gumbel":
            u = torch.rand(s.shape, generator=generator).clamp(1e-6, 1 - 1e-6)
            s = s + u.log() - (1 - u).log()
        p = torch.sigmoid(s / temperature)
        found.append(p if mode == "soft" else (p > 0.5).float() + p - p.detach())
    return found


def soft_rows(p2, p1):
    """The gate of every row of the table, [B, 73 C], from those of nodes [B, C] and of blocks
    [B, C, F]; and the entries to expect, [B]."""
    block = p2[..., None] * (1 - p1)
    tokens = (p2[..., None] * p1)[..., None].expand(*p1.shape, K)
    below = torch.cat([block[..., None], tokens], -1).flatten(-2)
    rows = torch.cat([(1 - p2)[..., None], below], -1).flatten(-2)
    return rows, rows.sum(-1)


def soft_read(lm, table, p2, p1, tail):
    """NLL of each token of `tail` but the first, [B, m - 1], with all rows in the context behind
    their gates; and the entries to expect."""
    (B, m), C = tail.shape, p2.shape[1]
    lod, start, span = tree.layout(C)
    gate, entries = soft_rows(p2, p1)
    x = torch.cat([table + lm.level(lod), lm.embed(tail) + lm.level.weight[0]], 1)
    position = torch.cat([start + span // 2, C * F * K + torch.arange(m)]).float().expand(B, -1)
    ok, gate = torch.ones_like(position, dtype=torch.bool), torch.cat([gate, torch.ones(B, m)], 1)
    return nll_of_next(lm(x, position, ok, m, gate), tail), entries


def train_soft(lm, mode="soft", steps=100, batch=8, blocks=24, price=0.02, anneal=(1.0, 1.0),
               kind="cosine", rate=3e-3, seed=0, log=None):
    """A lens from the answer's NLL through the frozen language model, plus a price per entry that
    rises to `price` over the first half of the steps. blocks: of the far part; all their rows are
    read. anneal: the first and the last temperature (their inverse is the paper's γ, equation (9),
    for two choices)."""
    generator, lens = seeded(4000 + seed), Lens("tokens", kind, d=lm.settings["d"], seed=seed)
    optimiser = torch.optim.AdamW(lens.parameters(), rate, weight_decay=0.01)
    lm.requires_grad_(False)
    lod, start, span = tree.layout(blocks // F)
    lod, position = lod.expand(batch, -1), (start + span // 2).expand(batch, -1)
    for step in range(steps):
        stream = quiz(batch, blocks=blocks, facts=blocks // 4, part="train", generator=generator)
        table, done = lm.table(stream.document), step / max(steps - 1, 1)
        ok, queries = torch.ones_like(position, dtype=torch.bool), lens.queries(lm, stream.seen)
        s = lens(table, lod, position, ok, queries).view(*stream.size, tree.ROWS)
        s2, s1 = s[..., 0], s[..., 1:].unflatten(-1, (F, K + 1))[..., 0]
        temperature = anneal[0] * (anneal[1] / anneal[0]) ** done
        p2, p1 = gates(s2, s1, mode, temperature, generator)
        nll, entries = soft_read(lm, table, p2, p1, stream.tail)
        answer = (nll * stream.wanted[:, 1:]).sum(-1)
        descend((answer + price * min(1, 2 * done) * entries).mean(), optimiser, clip=True)
        if log and (step + 1) % 20 == 0:
            log(step + 1, round(answer.mean().item(), 2), round(entries.mean().item(), 1))
    return lens.eval()
