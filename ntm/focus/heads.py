"""Several heads: two questions are open at once, and each head of two has a working context of its
own over the one tree."""

import copy

import torch
from torch.nn import functional

from . import oracle, tree
from .allocator import Allocator, best_below, settle, to_blocks
from .data import ASK, F, K, quiz, seeded
from .lens import UNIT, entries, scorer
from .model import descend, read, table_of

WAYS = ("one", "union", "overlap", "assign")


def two_questions(B, part="test", generator=None):
    """Streams whose tail ends in two questions, `ASK key ASK key`; and for each of them the tail in
    which it alone is asked and answered: stream, blocks [B, 2], tails [B, 2, 64], seen [B, 56]."""
    stream, rows = quiz(B, part=part, generator=generator), torch.arange(B)
    last = (stream.facts == stream.asked).long().argmax(1)
    facts = stream.facts.shape[1]
    step = torch.randint(1, facts, (B,), generator=generator)
    other = stream.facts[rows, (last + step) % facts]
    fact = stream.document.unflatten(1, (-1, K))[rows, other]
    tail, seen, at = stream.tail.clone(), stream.seen.clone(), 7 * K - 2
    tail[:, at + 1], tail[:, 7 * K : 7 * K + 6] = fact[:, 1], fact[:, 2:]
    seen[:, at - 2], seen[:, at - 1] = ASK, fact[:, 1]
    blocks, tails = torch.stack([stream.asked[:, 0], other], 1), torch.stack([stream.tail, tail], 1)
    return stream, blocks, tails, seen


def lessons(lm, B, part="train", generator=None):
    """What heads learn from: tails, a focus drawn at random, and the measured gain of every block
    for each question, [B, 2, C F]."""
    stream, _, tails, seen = two_questions(B, part, generator)
    C, table = stream.size[1], table_of(lm, stream)
    gain = [oracle.detail(lm, table, tails[:, q], stream.wanted) for q in (0, 1)]
    order = torch.rand(B, C * F, generator=generator).argsort(-1)[:, :6]
    budget = torch.randint(C, 43, (B,), generator=generator)
    level = torch.randint(2, order.shape, generator=generator)
    focus = tree.fill(order, *tree.nothing(B, C), budget, level)
    return dict(table=table, seen=seen, gain=torch.stack(gain, 1), focus=focus)


def miss(said, target, share):
    """Smooth L1, weighted, per stream."""
    return (functional.smooth_l1_loss(said, target, reduction="none") * share).sum(-1)


def train_heads(lm, lens, lesson, way, steps=200, batch=32, rate=2e-3, seed=0):
    """Copies of a lens, one ("one") or two, that learn to serve two questions.

    union: the larger of what two heads say is held to the larger of the two gains. overlap: the
    same, and 0.1 times the cosine of what both would open. assign: each head is held to the gain of
    one question, whichever way round fits the two better."""
    if way not in WAYS:
        raise ValueError(f"way is {way!r}; it must be one of {', '.join(WAYS)}")
    generator, heads = seeded(seed), [copy.deepcopy(lens) for _ in range(1 if way == "one" else 2)]
    e2, e1 = lesson["focus"]
    with torch.no_grad():
        *given, idx = entries(lm, lesson["table"], e2, e1)
        queries = lens.queries(lm, lesson["seen"])
        for i, head in enumerate(heads):  # two heads that are alike would stay alike
            for p in head.parameters():
                p.add_(0.02 * torch.randn(p.shape, generator=seeded(10 * seed + i)))
    closed = (~e2).repeat_interleave(F, -1)
    counts = torch.where(closed, 1 / F, 1.0)
    gain = torch.where(closed[:, None], best_below(lesson["gain"]), lesson["gain"])
    target = gain.clamp(-2, 14) / UNIT
    learns = [p for head in heads for p in head.parameters()]
    optimiser = torch.optim.AdamW(learns, rate, weight_decay=0.01)
    for _ in range(steps):
        some = torch.randint(len(target), (batch,), generator=generator)
        said = [head(*(z[some] for z in given), queries[some]) for head in heads]
        said = [to_blocks(one, idx[some], e2[some], e1[some]) for one in said]
        (a, b), share = target[some].unbind(1), counts[some] / counts[some].sum(-1, keepdim=True)
        if way == "assign":
            value = torch.minimum(miss(said[0], a, share) + miss(said[1], b, share),
                                  miss(said[0], b, share) + miss(said[1], a, share)).mean()
        else:
            value = miss(torch.stack(said).amax(0), torch.maximum(a, b), share).mean()
        if way == "overlap":
            p, q = (torch.sigmoid(4 * s) for s in said)
            value = value + 0.1 * functional.cosine_similarity(p, q).mean()
        descend(value, optimiser)
    return [head.eval() for head in heads]


def serve(lm, heads, W_max, B=128, generator=None):
    """Two open questions served by these heads, W_max far entries each: coverage (the share of
    asked blocks that some head shows), overlap (Jaccard index of what two heads show), cost of
    attention (sum over heads of (W_max + 64)²), right (answers read by the mean of the heads'
    predictions)."""
    stream, blocks, tails, seen = two_questions(B, generator=generator)
    table, shown, said = table_of(lm, stream), [], []
    with torch.no_grad():
        for head in heads:
            score = scorer(head, lm, table, seen)
            ready = settle(Allocator(*stream.size, W_max), score, passes=3)
            shown.append(ready.e1.flatten(1))
            reads = [read(lm, table, ready.e2, ready.e1, tails[:, q])[1] for q in (0, 1)]
            said.append(torch.stack([logits.softmax(-1) for logits in reads], 1))
    union, both = torch.stack(shown).any(0), shown[0] & shown[-1]
    values = torch.stack(said).mean(0)[:, :, 7 * K - 1 : 7 * K + 4].argmax(-1)
    return dict(
        coverage=union.gather(1, blocks).float().mean().item(),
        right=(values == tails[:, :, 7 * K : 7 * K + 5]).float().mean().item(),
        overlap=(both.sum() / union.sum().clamp(min=1)).item(),
        cost=len(heads) * (W_max + 64) ** 2,
    )
