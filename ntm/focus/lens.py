"""LensNet, small: which entries deserve detail, from what was said last.

Dual cross-attention: queries made of the tail look at the entries of the working context, then each
entry looks at the queries. The second look is the NTM's: softmax of a key strength times a cosine,
equations (5) and (6). It learns from the oracle's ΔNLL alone."""

import torch
from torch import nn
from torch.nn import functional

from ..addressing import similarity
from ..weights import Saved
from . import oracle, tree
from .allocator import Allocator, settle, to_blocks
from .data import F, K, quiz, seeded
from .model import check_start, descend, table_of, working_context

UNIT, PRICE = 4.0, 0.05  # nats in one unit of score; what the entries of detail cost, in units


class Lens(Saved, nn.Module):
    """query: "tokens" (of the tail) or "gists" (of the tail's blocks, as in the original). kind:
    "dual", or "cosine": content addressing alone, the cosine of an entry with the last query. d:
    width of the model's vectors; width: of the lens; heads; start: "tape", what is asked for and
    what is there meet in the same map at first (ntm.start), or "bare"; seed."""

    def __init__(self, query="tokens", kind="dual", d=64, width=32, heads=2, start="tape", seed=0):
        super().__init__()
        if query not in ("tokens", "gists") or kind not in ("dual", "cosine"):
            raise ValueError(f'query is {query!r}, kind {kind!r}; they must be "tokens" or '
                             '"gists", "dual" or "cosine"')
        check_start(start)
        self.settings = dict(query=query, kind=kind, d=d, width=width, heads=heads)
        self.query, self.kind, self.heads = query, kind, heads
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            linear = lambda a, b: nn.Linear(a, b, bias=False)  # noqa: E731
            self.norm_x, self.norm_g = nn.LayerNorm(d), nn.LayerNorm(d)
            self.x, self.g = linear(d, width), linear(d, width)
            self.slot = nn.Parameter(0.1 * torch.randn(7 * K if query == "tokens" else 7, width))
            self.β = nn.Parameter(torch.full((heads,), 8.0))
            if kind == "dual":
                self.q1, self.k1, self.v1, self.o1 = (linear(width, width) for _ in range(4))
                self.q2, self.k2, self.v2 = (linear(width, width) for _ in range(3))
                self.null = nn.Parameter(torch.zeros(1, 1, width))
                self.head = nn.Sequential(nn.Linear(2 * width + 4 + heads, width), nn.GELU(),
                                          nn.Linear(width, 1))
            else:
                self.gain = nn.Parameter(torch.full((3,), 0.5))
                self.offset = nn.Parameter(torch.zeros(3))
            if start == "tape":
                self.g.load_state_dict(self.x.state_dict())
                if kind == "dual":
                    self.k2.load_state_dict(self.q2.state_dict())

    def queries(self, lm, seen):
        """Of the tail seen so far, [B, 56] tokens: for each token the vector by which a gist is
        asked for it, or the gists; [B, q, d]."""
        return lm.bag.weight[seen] if self.query == "tokens" else lm.gists(seen)[1]

    def forward(self, x, lod, position, ok, queries):
        """x [B, n, d], lod, position, ok [B, n]: the far entries. Returns the gain of detail of
        each in units, [B, n]."""
        x, g = self.x(self.norm_x(x)), self.g(self.norm_g(queries)) + self.slot
        if self.kind == "cosine":
            return self.gain[lod] * self.β[0] * similarity(x, g[:, -1:])[:, 0] + self.offset[lod]
        split = lambda z: z.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # noqa: E731
        u = functional.scaled_dot_product_attention(split(self.q1(g)), split(self.k1(x)),
                                                    split(self.v1(x)), ok[:, None, None])
        g = g + self.o1(u.transpose(1, 2).flatten(2))
        g = torch.cat([self.null.expand(len(g), -1, -1), g], 1)
        # [B, heads, n, q]
        logits = (functional.softplus(self.β)[:, None, None]
                  * similarity(split(self.k2(g)), split(self.q2(x))))
        u = (logits.softmax(-1) @ split(self.v2(g))).transpose(1, 2).flatten(2)
        features = torch.cat([functional.one_hot(lod, 3), (position / 512)[..., None],
                              logits.amax(-1).transpose(1, 2)], -1)
        return self.head(torch.cat([x, u, features], -1))[..., 0]


def entries(lm, table, e2, e1):
    """What a lens is given of the far part: x [B, n, d] without the level's embedding, lod,
    position, ok; and idx."""
    _, position, ok, idx = working_context(lm, table, e2, e1)
    lod = tree.layout(e2.shape[1])[0][idx]
    return table.gather(1, idx[..., None].expand(-1, -1, table.shape[-1])), lod, position, ok, idx


def scorer(lens, lm, table, seen, price=PRICE):
    """A function (e2, e1) -> signed scores on the axis of blocks, for these streams and the tail
    seen [B, 56]."""
    def score(e2, e1):
        with torch.no_grad():
            *given, idx = entries(lm, table, e2, e1)
            return to_blocks(lens(*given, lens.queries(lm, seen)), idx, e2, e1) - price
    return score


def contexts(lm, B, generator, lens=None, announced=0.75, W_max=28):
    """Labelled contexts: streams of the training text, each under a focus, with the gain of every
    block for an announced question, or, one in four, for nothing: only text comes next.

    The focus is drawn at random (a few blocks, anywhere) or, given a lens, is where its own
    allocator has got to after one or two passes. Nothing here knows which block is asked. Returns a
    dict of tensors."""
    stream = quiz(B, announced=announced, part="train", generator=generator)
    C, table = stream.size[1], table_of(lm, stream)
    order = torch.rand(B, C * F, generator=generator).argsort(-1)[:, :6]
    level = torch.randint(2, order.shape, generator=generator)
    budget = torch.randint(C, W_max + 15, (B,), generator=generator)
    e2, e1 = tree.fill(order, *tree.nothing(B, C), budget, level)
    if lens is not None:
        # where detail is cheap it wanders more, and sees more
        score = scorer(lens, lm, table, stream.seen, price=0.1)
        once, twice = (settle(Allocator(B, C, W_max, N_diff=4), score, passes) for passes in (1, 2))
        die = torch.rand(B, generator=generator)
        for who, ready in ((die < 0.4, once), ((0.4 <= die) & (die < 0.8), twice)):
            e2[who], e1[who] = ready.e2[who], ready.e1[who]
    gain = oracle.gains(lm, table, e2, e1, stream.tail, stream.wanted & stream.announced)
    return dict(tokens=stream.tokens, e2=e2, e1=e1, gain=gain, asked=stream.asked[:, 0],
                announced=stream.announced[:, 0])


def loss(scores, gain, e2):
    """Smooth L1 on the gain (clipped to -2 ... 14 nats) of every node that can be acted on, and 0.5
    times a softplus ranking of pairs in one context that are more than one nat apart. scores, gain
    [B, C F] in units and in nats."""
    B, C = e2.shape
    target = gain.clamp(-2, 14) / UNIT
    # a closed node counts once
    own = torch.where(e2[..., None], torch.ones(F), torch.eye(F)[0]).flatten(1)
    value = (functional.smooth_l1_loss(scores, target, reduction="none") * own).sum() / own.sum()
    apart = ((target[:, :, None] - target[:, None, :] > 1 / UNIT)
             & (own[:, :, None] * own[:, None, :] > 0))
    ranking = functional.softplus(-(scores[:, :, None] - scores[:, None, :]))
    return value + 0.5 * (ranking * apart).sum() / apart.sum().clamp(min=1)


def train_lens(lm, sets, query="tokens", kind="dual", seed=0, steps=600, batch=64, rate=3e-3,
               start="tape"):
    """A lens, from labelled contexts (a list of what `contexts` returns)."""
    generator = seeded(seed)
    lens = Lens(query, kind, d=lm.settings["d"], start=start, seed=seed)
    names = ("tokens", "e2", "e1", "gain")
    tokens, e2, e1, gain = (torch.cat([s[name] for s in sets]) for name in names)
    far = e2.shape[1] * F * K
    with torch.no_grad():
        *given, idx = entries(lm, lm.table(tokens[:, :far]), e2, e1)
        queries = lens.queries(lm, tokens[:, far : far + 7 * K])
    optimiser = torch.optim.AdamW(lens.parameters(), weight_decay=0.01)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    for _ in range(steps):
        some = torch.randint(len(tokens), (batch,), generator=generator)
        said = lens(*(z[some] for z in given), queries[some])
        said = to_blocks(said, idx[some], e2[some], e1[some])
        descend(loss(said, gain[some], e2[some]), optimiser, rates, clip=True)
    return lens.eval()
