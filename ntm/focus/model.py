"""A language model that reads entries of mixed level: gist nets, and two blocks of a transformer.

What makes recall appear within seconds at this size: half of each head compares contents and half
is turned by position (RoPE); one head's keys are smeared, k_i <- (1 - s) k_i + s k_{i-1}, so that
it looks at what came *before* an entry (the paper's interpolation and shift, on keys, in one line);
and every head begins as a tape does (ntm.start): what is searched for on seeing a symbol is what is
written on seeing it, so keys begin as queries."""

import torch
from torch import nn
from torch.nn import functional

from ..weights import Saved
from .data import VOCABULARY, F, K
from .tree import index, layout, visible


def check_start(start):
    """Raise ValueError for a start that is neither a tape's nor bare."""
    if start not in ("tape", "bare"):
        raise ValueError(f'start is {start!r}; it must be "tape" or "bare"')


def descend(value, optimiser, rates=None, clip=False):
    """One update: the gradient of `value` (clip: cut to a norm of 1), a step, one of the rates."""
    optimiser.zero_grad()
    value.backward()
    if clip:
        learns = [p for group in optimiser.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(learns, 1.0)
    optimiser.step()
    if rates:
        rates.step()


class Gist(nn.Module):
    """Eight vectors to one: [..., 8, d] -> [..., d]; their mean, and what a small network adds."""

    def __init__(self, d, hidden):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8 * d, hidden), nn.GELU(), nn.Linear(hidden, d))
        self.norm = nn.LayerNorm(d)

    def forward(self, x):
        return self.norm(x.mean(-2) + self.net(x.flatten(-2)))


class Block(nn.Module):
    """Attention with smeared keys, then an MLP, each after a layer norm and added to what came
    in."""

    def __init__(self, d, heads, start):
        super().__init__()
        self.heads, self.norm1, self.norm2 = heads, nn.LayerNorm(d), nn.LayerNorm(d)
        self.q, self.kv = nn.Linear(d, d, bias=False), nn.Linear(d, 2 * d, bias=False)
        self.out = nn.Linear(d, d, bias=False)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
        self.smear = nn.Parameter(torch.linspace(-3, 3, heads))
        if start == "tape":
            with torch.no_grad():  # 2.3: so that a symbol finds itself among a hundred others
                self.kv.weight[:d] = self.q.weight.mul_(2.3)

    def forward(self, x, turn, bias, before, last):
        """x [B, n, d]; queries only from the last `last` entries. bias [B, 1, last, n]; before(k):
        the key of the entry before."""
        B, n, d = x.shape
        y = self.norm1(x)
        split = lambda z: z.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # noqa: E731
        q, (k, v) = split(self.q(y[:, -last:])), map(split, self.kv(y).chunk(2, -1))
        q, k = turn(q, slice(n - last, n)), turn(k, slice(0, n))
        s = torch.sigmoid(self.smear).view(-1, 1, 1)
        previous, there = before(k)  # where nothing is before, a key stays as it is
        k = k + s * there * (previous - k)
        seen = functional.scaled_dot_product_attention(q, k, v, bias).transpose(1, 2)
        x = x[:, -last:] + self.out(seen.reshape(B, last, d))
        return x + self.mlp(self.norm2(x))


class LM(Saved, nn.Module):
    """The language model with its two gist nets.

    d: width; heads; hidden: of the gist nets; base: of RoPE; start: "tape" (above) or "bare", as
    torch draws the weights; seed: of the first weights (the global generator is left alone)."""

    def __init__(self, d=64, heads=2, blocks=2, hidden=96, base=1000.0, start="tape", seed=0):
        super().__init__()
        check_start(start)
        self.settings = dict(d=d, heads=heads, blocks=blocks, hidden=hidden, base=base)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.embed, self.level = nn.Embedding(VOCABULARY, d), nn.Embedding(3, d)
            self.gist1, self.gist2 = Gist(d, hidden), Gist(d, hidden)
            self.blocks = nn.ModuleList(Block(d, heads, start) for _ in range(blocks))
            self.norm = nn.LayerNorm(d)
            self.head, self.bag = nn.Linear(d, VOCABULARY), nn.Linear(d, VOCABULARY)
        half = d // heads // 2  # dimensions of a head that turn
        self.register_buffer("ω", base ** -(torch.arange(0, half, 2) / half), persistent=False)

    def gists(self, tokens):
        """tokens [B, n], n a multiple of K: the embeddings [B, n, d], and the gists of LOD1
        [B, n / K, d]."""
        x = self.embed(tokens)
        return x, self.gist1(x.unflatten(1, (-1, K)))

    def table(self, tokens):
        """All rows of the tree over `tokens` [B, 64 C]: [B, 73 C, d]. Made once: a later token
        changes no row."""
        x, one = self.gists(tokens)
        B, C = len(tokens), one.shape[1] // F
        one = one.view(B, C, F, 1, -1)
        two = self.gist2(one.squeeze(3)).unsqueeze(2)
        blocks = torch.cat([one, x.view(B, C, F, K, -1)], 3).flatten(2, 3)
        return torch.cat([two, blocks], 2).flatten(1, 2)

    def forward(self, x, position, ok, last, gate=None):
        """Logits [B, last, 110] at the last `last` of the entries x [B, n, d] at these positions
        [B, n]; ok [B, n]: no padding."""
        return self.head(self.states(x, position, ok, last, gate))

    def states(self, x, position, ok, last, gate=None):
        """What the logits are read off, [B, last, d].

        gate [B, n], within [0, 1]: how much of an entry is there, its logarithm added to every
        attention logit (soft focus)."""
        n = x.shape[1]
        angle = position[:, None, :, None] * self.ω
        cos, sin = angle.cos(), angle.sin()

        def turn(z, rows):
            a, b, still = z.split([len(self.ω), len(self.ω), z.shape[-1] - 2 * len(self.ω)], -1)
            c, s = cos[:, :, rows], sin[:, :, rows]
            return torch.cat([a * c - b * s, a * s + b * c, still], -1)

        later = torch.ones(n, n, dtype=torch.bool).triu(1)
        hidden = ~ok[:, None, None, :] | later
        bias = torch.zeros(hidden.shape).masked_fill(hidden, -1e9)
        if gate is None:
            there = functional.pad(ok[:, :-1], (1, 0))[:, None, :, None].float()
            before = lambda k: (functional.pad(k[:, :, :-1], (0, 0, 1, 0)), there)  # noqa: E731
        else:
            # the entry before is the last that is shown: in expectation, each j with gate_j
            # Π (1 - gate) of those in between
            present = (gate * ok).clamp(1e-6, 1 - 1e-6)
            closed = (1 - present).log().cumsum(-1)
            chain = present.log()[:, None, :] + (closed - (1 - present).log())[:, :, None]
            chain = chain - closed[:, None, :]
            chain = chain.masked_fill(torch.ones_like(later).triu(), -torch.inf).exp()[:, None]
            there = chain.sum(-1, keepdim=True)
            before = lambda k: (chain @ k / there.clamp(min=1e-6), there)  # noqa: E731
            bias = bias + present.log()[:, None, None, :]
        for i, block in enumerate(self.blocks):
            rows = last if i == len(self.blocks) - 1 else n
            x = block(x, turn, bias[:, :, -rows:], before, rows)
        return self.norm(x)


def table_of(lm, stream):
    """The rows of the tree over a stream's far part, [B, 73 C], without gradient."""
    with torch.no_grad():
        return lm.table(stream.document)


def working_context(lm, table, e2, e1):
    """The far entries of a focus: x [B, n, d], position [B, n] (the centre of the span), ok [B, n],
    idx [B, n] (rows of the table)."""
    lod, start, span = layout(e2.shape[1])
    idx, ok = index(visible(e2, e1))
    x = table.gather(1, idx[..., None].expand(-1, -1, table.shape[-1])) + lm.level(lod[idx])
    return x * ok[..., None], (start + span // 2)[idx], ok, idx


def read(lm, table, e2, e1, tail):
    """NLL in nats of each token of `tail` [B, m] but the first, in the context of this focus and of
    the tail before it: [B, m - 1]; and the logits [B, m, 110]."""
    logits = lm.head(see(lm, table, e2, e1, tail))
    return nll_of_next(logits, tail), logits


def nll_of_next(logits, tokens):
    """NLL in nats of each token [B, m] but the first, from the logits before it: [B, m - 1]."""
    logits = logits[:, :-1].transpose(1, 2)
    return functional.cross_entropy(logits, tokens[:, 1:], reduction="none")


def see(lm, table, e2, e1, tail):
    """The model's last states at the tokens of `tail`, [B, m, d], in the context of this focus."""
    x, position, ok, _ = working_context(lm, table, e2, e1)
    x = torch.cat([x, lm.embed(tail) + lm.level.weight[0]], 1)
    after = e2.shape[1] * F * K + torch.arange(tail.shape[1])
    position = torch.cat([position, after.expand_as(tail)], 1)
    ok = torch.cat([ok, torch.ones_like(tail, dtype=torch.bool)], 1)
    return lm.states(x, position.float(), ok, tail.shape[1])
