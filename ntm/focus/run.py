"""Policies held to the same questions, and a focus followed through a dialogue."""

import torch

from . import oracle, tree
from .allocator import Allocator, settle, sharpen, smooth, spread
from .data import SET, F, K, windows
from .lens import PRICE, UNIT, scorer
from .model import read, table_of

POLICIES = ("none", "LOD2", "LOD1", "recency", "random", "one step", "oracle", "all", "asked")


def answers(lm, stream, focus):
    """One focus a stream, e2 and e1: how much of each answer is right and its NLL a value, [B,
    questions] each; that of text."""
    e2, e1 = focus
    with torch.no_grad():
        table = table_of(lm, stream)[:, : e2.shape[1] * tree.ROWS]
        nll, logits = read(lm, table, e2, e1, stream.tail)
    where, after = stream.wanted[:, 1:], stream.tail[:, 1:]
    right = (logits[:, :-1].argmax(-1) == after)[where].view(len(e2), -1, 5).float().mean(-1)
    return right, nll[where].view(len(e2), -1, 5).mean(-1), nll[after < SET].mean()


def policy(name, lm, stream, W_max=28, lens=None, generator=None):
    """The focus e2, e1 of a policy: one of POLICIES, or "lens". "asked" is told what is asked;
    "oracle" measures it, block by block."""
    B, C = stream.size
    if name in ("one step", "oracle", "lens"):
        table = table_of(lm, stream)

        def measured(e2, e1):
            gain = oracle.gains(lm, table, e2, e1, stream.tail, stream.wanted, name == "one step")
            return gain / UNIT - PRICE

        score = scorer(lens, lm, table, stream.seen) if name == "lens" else measured
        ready = settle(Allocator(B, C, W_max), score)
        return ready.e2, ready.e1
    if name in ("recency", "random"):
        newest = torch.arange(C * F).flip(0).expand(B, -1)
        order = (newest if name == "recency"
                 else torch.rand(B, C * F, generator=generator).argsort(-1))
        return tree.fill(order, *tree.nothing(B, C), W_max)
    if name == "asked":
        return tree.show(B, C, stream.asked)
    fixed = {"none": tree.nothing(B, 0), "LOD2": tree.nothing(B, C), "all": tree.everything(B, C),
             "LOD1": (tree.everything(B, C)[0], tree.nothing(B, C)[1])}
    if name not in fixed:
        raise ValueError(f"policy is {name!r}; it must be one of {', '.join(POLICIES)} or lens")
    return fixed[name]


def follow(lm, lens, stream, *, g=1.0, γ=1.0, kernel=None, noise=0.0, passes=2, generator=None,
           keep=False, **options):
    """A focus through a stream whose tail grows: the lens sees the last seven blocks, the allocator
    acts once a block, and each question is read in the window of eight blocks that its answer
    closes.

    g: a number, or a gate: a function of (scores, previous, e2, e1) that gives g for `smooth`. γ,
    kernel: for `sharpen` and `spread`. noise: the deviation of what is added to every score.
    options: of Allocator. Returns a dict: shown [B, t, C F] after each refocus; done [B, t, nodes];
    right, nats, announced, asked for every question [questions]; with keep=True also the last
    pass's raw scores [B, t, C F] and the focus they were made under (under2, under1)."""
    (B, C), table = stream.size, table_of(lm, stream)
    allocator, previous, history = Allocator(B, C, **options), None, []
    for t in range(stream.tail.shape[1] // K - 7):
        score = scorer(lens, lm, table, stream.tail[:, t * K : (t + 7) * K])
        moved = torch.zeros_like(allocator.wait)
        error = noise * torch.randn(B, C * F, generator=generator)
        for _ in range(passes):
            e2, e1 = allocator.e2.clone(), allocator.e1.clone()
            s = score(e2, e1) + error
            before = s if previous is None else previous
            mixed = smooth(s, before, g(s, before, e2, e1) if callable(g) else g)
            pattern = mixed if kernel is None else spread(mixed + PRICE, kernel) - PRICE
            allocator.act(pattern if γ == 1 else sharpen(pattern, γ))
            moved += allocator.done
        allocator.tick()
        previous = mixed
        now = dict(shown=allocator.e1.flatten(1).clone(), opened=allocator.e2.clone(), done=moved)
        if keep:
            now |= dict(raw=s, under2=e2, under1=e1.flatten(1))
        history.append(now)
    found = {name: torch.stack([now[name] for now in history], 1) for name in history[0]}
    return found | read_questions(lm, stream, table, found["opened"], found["shown"])


def read_questions(lm, stream, table, opened, shown):
    """Every question of the tail in its window of eight blocks, under the focus of that refocus:
    right, nats, and whose it was."""
    answer = stream.wanted.unflatten(1, (-1, K))
    row, block = answer.any(-1).nonzero(as_tuple=True)
    t = block - 7
    tail, last, right, nats = windows(stream.tail, row, t), slice(7 * K - 1, 8 * K - 1), [], []
    for some in torch.arange(len(row)).split(128):
        r, s, where = row[some], t[some], answer[row[some], block[some]]
        with torch.no_grad():
            focus = opened[r, s], shown[r, s].view(len(some), -1, F)
            nll, logits = read(lm, table[r], *focus, tail[some])
        hit = (logits[:, last].argmax(-1) == tail[some, 7 * K :])[where]
        right.append(hit.view(-1, 5).float().mean(-1))
        nats.append(nll[:, last][where].view(-1, 5).mean(-1))
    which = answer.any(-1).long().cumsum(1)[row, block] - 1
    return dict(right=torch.cat(right), nats=torch.cat(nats), row=row, step=t, which=which)
