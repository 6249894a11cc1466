"""Several heads: two questions are open at once, and each head of two has a working context of its
own over the one tree."""

import copy

import torch
from torch.nn import functional

from . import oracle, tree
from .allocator import Allocator, settle, to_blocks
from .data import ASK, F, K, quiz
from .lens import PRICE, UNIT, entries
from .model import read

WAYS = ("one", "union", "overlap", "assign")


def two_questions(B, part="test", generator=None):
    """Streams whose tail ends in two questions, `ASK key ASK key`; and for each of them the tail in
    which it alone is asked and answered: stream, blocks [B, 2], tails [B, 2, 64], seen [B, 56]."""
    stream, rows = quiz(B, part=part, generator=generator), torch.arange(B)
    last = (stream.facts == stream.asked).long().argmax(1)
    facts = stream.facts.shape[1]
    step = torch.randint(1, facts, (B,), generator=generator)
    other = stream.facts[rows, (last + step) % facts]
    fact = stream.tokens[:, : stream.far].unflatten(1, (-1, K))[rows, other]
    tail, seen, at = stream.tail.clone(), stream.tail[:, : 7 * K].clone(), 7 * K - 2
    tail[:, at + 1], tail[:, 7 * K : 7 * K + 6] = fact[:, 1], fact[:, 2:]
    seen[:, at - 2], seen[:, at - 1] = ASK, fact[:, 1]
    return (
        stream,
        torch.stack([stream.asked[:, 0], other], 1),
        torch.stack([stream.tail, tail], 1),
        seen,
    )


def lessons(lm, B, part="train", generator=None):
    """What heads learn from: tails, a focus drawn at random, and the measured gain of every block
    for each question, [B, 2, C F]."""
    stream, _, tails, seen = two_questions(B, part, generator)
    C = stream.far // (F * K)
    wanted = stream.answer[:, stream.far :]
    with torch.no_grad():
        table = lm.table(stream.tokens[:, : stream.far])
    gain = torch.stack([oracle.detail(lm, table, tails[:, q], wanted) for q in (0, 1)], 1)
    order = torch.rand(B, C * F, generator=generator).argsort(-1)[:, :6]
    budget = torch.randint(C, 43, (B,), generator=generator)
    focus = tree.fill(
        order, *tree.nothing(B, C), budget, torch.randint(2, order.shape, generator=generator)
    )
    return dict(table=table, seen=seen, gain=gain, focus=focus)


def miss(said, target, share):
    """Smooth L1, weighted, per stream."""
    return (functional.smooth_l1_loss(said, target, reduction="none") * share).sum(-1)


def train_heads(lm, lens, lesson, way, steps=200, batch=32, rate=2e-3, seed=0):
    """Copies of a lens, one ("one") or two, that learn to serve two questions.

    union: the larger of what two heads say is held to the larger of the two gains. overlap: the
    same, and 0.1 times the cosine of what both would open. assign: each head is held to the gain of
    one question, whichever way round fits the two better. """
    if way not in WAYS:
        raise ValueError(f"way is {way!r}; it must be one of {', '.join(WAYS)}")
    generator, heads = (
        torch.Generator().manual_seed(seed),
        [copy.deepcopy(lens) for _ in range(1 if way == "one" else 2)],
    )
    with torch.no_grad():
        *given, idx = entries(lm, lesson["table"], *lesson["focus"])
        queries = lens.queries(lm, lesson["seen"])
        for i, head in enumerate(heads):  # two heads that are alike would stay alike
            for p in head.parameters():
                p.add_(
                    0.02
                    * torch.randn(p.shape, generator=torch.Generator().manual_seed(10 * seed + i))
                )
    e2, e1 = lesson["focus"]
    closed = ~e2[..., None].expand(*e2.shape, F)
    counts = torch.where(closed, 1 / F, 1.0).flatten(1)
    best = (
        lesson["gain"]
        .unflatten(-1, (-1, F))
        .amax(-1, keepdim=True)
        .expand(-1, -1, -1, F)
        .flatten(2)
    )
    target = torch.where(closed.flatten(1)[:, None], best, lesson["gain"]).clamp(-2, 14) / UNIT
    optimiser = torch.optim.AdamW(
        [p for head in heads for p in head.parameters()], rate, weight_decay=0.01
    )
    for _ in range(steps):
        some = torch.randint(len(target), (batch,), generator=generator)
        said = [
            to_blocks(head(*(z[some] for z in given), queries[some]), idx[some], e2[some], e1[some])
            for head in heads
        ]
        (a, b), share = target[some].unbind(1), counts[some] / counts[some].sum(-1, keepdim=True)
        if way == "assign":
            value = torch.minimum(
                miss(said[0], a, share) + miss(said[1], b, share),
                miss(said[0], b, share) + miss(said[1], a, share),
            ).mean()
        else:
            value = miss(torch.stack(said).amax(0), torch.maximum(a, b), share).mean()
        if way == "overlap":
            p, q = (torch.sigmoid(4 * s) for s in said)
            value = value + 0.1 * functional.cosine_similarity(p, q).mean()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    return [head.eval() for head in heads]


def serve(lm, heads, W_max, B=128, generator=None):
    """Two open questions served by these heads, W_max far entries each: coverage (the share of
    asked blocks that some head shows), overlap (Jaccard index of what two heads show), cost of
    attention (sum over heads of (W_max + 64)²), right (answers read by the mean of the heads'
    predictions)."""
    stream, blocks, tails, seen = two_questions(B, generator=generator)
    C, shown, logits = stream.far // (F * K), [], []
    with torch.no_grad():
        table = lm.table(stream.tokens[:, : stream.far])
        for head in heads:

            def score(e2, e1, head=head):
                *given, idx = entries(lm, table, e2, e1)
                return to_blocks(head(*given, head.queries(lm, seen)), idx, e2, e1) - PRICE

            ready = settle(Allocator(B, C, W_max), score, passes=3)
            shown.append(ready.e1.flatten(1))
            logits.append(
                torch.stack(
                    [
                        read(lm, table, ready.e2, ready.e1, tails[:, q])[1].softmax(-1)
                        for q in (0, 1)
                    ],
                    1,
                )
            )
    union = torch.stack(shown).any(0)
    said = torch.stack(logits).mean(0)[:, :, 7 * K - 1 : 7 * K + 4].argmax(-1)
    both = shown[0] & shown[-1]
    return dict(
        coverage=union.gather(1, blocks).float().mean().item(),
        right=(said == tails[:, :, 7 * K : 7 * K + 5]).float().mean().item(),
        overlap=(both.sum() / union.sum().clamp(min=1)).item(),
        cost=len(heads) * (W_max + 64) ** 2,
    )
