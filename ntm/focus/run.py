"""Policies held to the same questions, and a focus followed through a dialogue."""

import torch

from . import oracle, tree
from .allocator import Allocator, settle, sharpen, smooth, spread
from .data import SET, F, K
from .lens import PRICE, UNIT, scorer
from .model import read

POLICIES = ("none", "LOD2", "LOD1", "recency", "random", "one step", "oracle", "all", "asked")


def answers(lm, stream, focus):
    """One focus a stream, e2 and e1: how much of each answer is right and its NLL a value, [B,
    questions] each; that of text."""
    e2, e1 = focus
    with torch.no_grad():
        table = lm.table(stream.tokens[:, : stream.far])[:, : e2.shape[1] * tree.ROWS]
        nll, logits = read(lm, table, e2, e1, stream.tail)
    where = stream.answer[:, stream.far + 1 :]
    shape = (len(e2), -1, 5)
    right = logits[:, :-1].argmax(-1) == stream.tail[:, 1:]
    return (
        right[where].view(shape).float().mean(-1),
        nll[where].view(shape).mean(-1),
        nll[stream.tail[:, 1:] < SET].mean(),
    )


def policy(name, lm, stream, W_max=28, lens=None, generator=None):
    """The focus e2, e1 of a policy: one of POLICIES, or "lens". "asked" is told what is asked;
    "oracle" measures it, block by block."""
    B, C = len(stream.tokens), stream.far // (F * K)
    newest = torch.arange(C * F).flip(0).expand(B, -1)
    if name in ("one step", "oracle", "lens"):
        with torch.no_grad():
            table = lm.table(stream.tokens[:, : stream.far])
        wanted = stream.answer[:, stream.far :]
        if name == "lens":
            score = scorer(lens, lm, table, stream.tail[:, : 7 * K])
        else:

            def score(e2, e1):
                gain = oracle.gains(lm, table, e2, e1, stream.tail, wanted, name == "one step")
                return gain / UNIT - PRICE

        ready = settle(Allocator(B, C, W_max), score)
        return ready.e2, ready.e1
    found = {
        "none": lambda: tree.nothing(B, 0),
        "LOD2": lambda: tree.nothing(B, C),
        "LOD1": lambda: (tree.everything(B, C)[0], tree.nothing(B, C)[1]),
        "all": lambda: tree.everything(B, C),
        "asked": lambda: tree.show(B, C, stream.asked),
        "recency": lambda: tree.fill(newest, *tree.nothing(B, C), W_max),
        "random": lambda: tree.fill(
            torch.rand(B, C * F, generator=generator).argsort(-1), *tree.nothing(B, C), W_max
        ),
    }
    if name not in found:
        raise ValueError(f"policy is {name!r}; it must be one of {', '.join(POLICIES)} or lens")
    return found[name]()


def follow(
    lm,
    lens,
    stream,
    *,
    g=1.0,
    γ=1.0,
    kernel=None,
    noise=0.0,
    passes=2,
    generator=None,
    keep=False,
    **options,
):
    """A focus through a stream whose tail grows: the lens sees the last seven blocks, the allocator
    acts once a block, and each question is read in the window of eight blocks that its answer
    closes.

    g: a number, or a gate: a function of (scores, previous, e2, e1) that gives g for `smooth`. γ,
    kernel: for `sharpen` and `spread`. noise: the deviation of what is added to every score.
    options: of Allocator. Returns a dict: shown [B, t, C F] after each refocus; done [B, t, nodes];
    right, nats, announced, asked for every question [questions]; with keep=True also the last
    pass's raw scores [B, t, C F] and the focus they were made under (under2, under1)."""
    B, C = len(stream.tokens), stream.far // (F * K)
    steps = stream.tail.shape[1] // K - 7
    with torch.no_grad():
        table = lm.table(stream.tokens[:, : stream.far])
    allocator, previous = Allocator(B, C, **options), None
    shown, opened, done, raw, under2, under1 = [], [], [], [], [], []
    for t in range(steps):
        score, moved = (
            scorer(lens, lm, table, stream.tail[:, t * K : (t + 7) * K]),
            torch.zeros_like(allocator.wait),
        )
        error = noise * torch.randn(B, C * F, generator=generator)
        for _ in range(passes):
            s = score(allocator.e2, allocator.e1) + error
            before = s if previous is None else previous
            mixed = smooth(
                s, before, g(s, before, allocator.e2, allocator.e1) if callable(g) else g
            )
            pattern = mixed if kernel is None else spread(mixed + PRICE, kernel) - PRICE
            under = allocator.e2.clone(), allocator.e1.flatten(1).clone()
            allocator.act(pattern if γ == 1 else sharpen(pattern, γ))
            moved += allocator.done
        allocator.tick()
        previous = mixed
        raw.append(s)
        under2.append(under[0])
        under1.append(under[1])
        shown.append(allocator.e1.flatten(1).clone())
        opened.append(allocator.e2.clone())
        done.append(moved)
    found = dict(
        shown=torch.stack(shown, 1), opened=torch.stack(opened, 1), done=torch.stack(done, 1)
    )
    if keep:
        found |= dict(
            raw=torch.stack(raw, 1), under2=torch.stack(under2, 1), under1=torch.stack(under1, 1)
        )
    return found | read_questions(lm, stream, table, found["opened"], found["shown"])


def read_questions(lm, stream, table, opened, shown):
    """Every question of the tail in its window of eight blocks, under the focus of that refocus:
    right, nats, and whose it was."""
    C = opened.shape[2]
    answer = stream.answer[:, stream.far :].unflatten(1, (-1, K))
    row, block = answer.any(-1).nonzero(as_tuple=True)
    t = block - 7
    tail = torch.stack([stream.tail[r, s * K : (s + 8) * K] for r, s in zip(row, t)])
    right, nats = [], []
    for some in torch.arange(len(row)).split(128):
        with torch.no_grad():
            focus = opened[row[some], t[some]], shown[row[some], t[some]].view(-1, C, F)
            nll, logits = read(lm, table[row[some]], *focus, tail[some])
        where = answer[row[some], block[some]]
        last = slice(7 * K - 1, 8 * K - 1)
        right.append(
            (logits[:, last].argmax(-1) == tail[some, 7 * K :])[where].view(-1, 5).float().mean(-1)
        )
        nats.append(nll[:, last][where].view(-1, 5).mean(-1))
    which = answer.any(-1).long().cumsum(1)[row, block] - 1
    return dict(right=torch.cat(right), nats=torch.cat(nats), row=row, step=t, which=which)
