"""The focus allocator: from scores to actions, within a budget; and the NTM's addressing, on scores
instead of weightings.

Scores live on the axis of blocks, [B, C F]: what detail of a block is worth, less the price of its
entries; a closed node lends its score to its blocks, and an open node has the best of theirs. Above
τ_expand a gist may be opened, below -τ_collapse what is open may be closed."""

import torch
from torch.nn import functional

from ..addressing import interpolate
from . import tree
from .data import F, K


def best_below(values):
    """The best of a node's blocks, for each of them: [..., C F] -> [..., C F]."""
    return values.unflatten(-1, (-1, F)).amax(-1).repeat_interleave(F, -1)


def smooth(scores, previous, g):
    """Equation (7): g scores + (1 - g) previous. g: a number, [B], or one a block, [B, C F]."""
    g = torch.as_tensor(g, dtype=scores.dtype)
    if g.dim() < 2:
        return interpolate(scores, previous, g.expand(len(scores)))
    return interpolate(scores[..., None], previous[..., None], g)[..., 0]


def spread(scores, kernel):
    """Equation (8) without the circle: scores(b) <- Σ_j scores(b - j) kernel(j), j = -1, 0, 1;
    edges repeat. kernel: three numbers, any."""
    # what comes from the block after, from the block itself, from the block before
    left, own, right = kernel
    before = torch.cat([scores[:, :1], scores[:, :-1]], 1)
    after = torch.cat([scores[:, 1:], scores[:, -1:]], 1)
    return left * after + own * scores + right * before


def sharpen(scores, γ):
    """Equation (9) for signed scores: sign(s) |s|^γ."""
    return scores.sign() * scores.abs() ** γ


class Allocator:
    """The working context of B streams: e2 [B, C], e1 [B, C, F], and what was done of late.

    W_max: entries of the far part; N_diff: actions a call at most; cooldown: refocuses for which a
    node that has been acted on is left alone. `done` is what the last call of act did: [B, C + C
    F], +1 expanded, -1 collapsed."""

    def __init__(self, B, C, W_max=28, τ_expand=0.1, τ_collapse=0.1, N_diff=2, cooldown=2,
                 focus=None):
        if W_max < C:
            raise ValueError(f"W_max is {W_max}; it must be at least {C}, the gists of the "
                             "coarsest focus")
        self.W_max, self.τ_expand, self.τ_collapse = W_max, τ_expand, τ_collapse
        self.N_diff, self.cooldown = N_diff, cooldown
        self.e2, self.e1 = focus or tree.nothing(B, C)
        self.wait = torch.zeros(B, C + C * F, dtype=torch.long)
        # where a node begins: the newest first, the oldest last; of nodes that begin together the
        # coarser first
        self.start = torch.cat([torch.arange(C) * F * K + 1, torch.arange(C * F) * K])

    def act(self, scores):
        """Up to N_diff actions on these scores [B, C F], the greatest need first. Raises ValueError
        where one is not finite."""
        B, C = self.e2.shape
        if scores.shape != (B, C * F) or not scores.isfinite().all():
            raise ValueError(f"scores must be finite and of shape {[B, C * F]}, one a block; they "
                             f"are {list(scores.shape)}")
        s = torch.cat([scores.view(B, C, F).amax(-1), scores], 1)
        self.done, rows = torch.zeros_like(self.wait), torch.arange(B)
        # what a node opened now reveals has no score of its own before the next call
        scored = self.e2[..., None].expand(B, C, F).clone()
        for _ in range(self.N_diff):
            free = self.wait == 0
            closed = torch.cat([~self.e2, (self.e2[..., None] & ~self.e1 & scored).flatten(1)], 1)
            opened = torch.cat([self.e2 & ~self.e1.any(-1), self.e1.flatten(1)], 1)
            up, best = self._greatest(s, closed & free & (s > self.τ_expand), self.start)
            down, worst = self._greatest(-s, opened & free, -self.start)
            worst = -worst
            fits = tree.cost(self.e2, self.e1) + torch.where(up < C, F - 1, K - 1) <= self.W_max
            wants = best > -torch.inf
            # a swap needs a margin, or two scores that differ by noise would change places for ever
            swap = wants & ~fits & (worst < best - (self.τ_expand + self.τ_collapse))
            expand = wants & fits
            collapse = ~expand & (worst < torch.inf) & ((worst < -self.τ_collapse) | swap)
            if not (expand | collapse).any():
                break
            for acts, node, value in ((expand, up, True), (collapse, down, False)):
                r, n = rows[acts], node[acts]
                coarse = n < C
                self.e2[r[coarse], n[coarse]] = value
                self.e1.flatten(1)[r[~coarse], n[~coarse] - C] = value
                self.wait[r, n] = self.cooldown + 1
                self.done[r, n] = 1 if value else -1
        return self

    @staticmethod
    def _greatest(s, allowed, rank):
        """The allowed node with the greatest s (of equals, the one with the greatest rank), and
        that s, or -inf where none is allowed."""
        s = s.masked_fill(~allowed, -torch.inf)
        best = s.amax(-1)
        return torch.where(s == best[:, None], rank - rank.min(), -1).argmax(-1), best

    def tick(self):
        """A refocus is over: one step of every cooldown."""
        self.wait = (self.wait - 1).clamp(min=0)
        return self


def settle(allocator, score, passes=2):
    """Let `score(e2, e1)` and the allocator take turns: LOD2 to LOD1 to LOD0 takes two. Returns the
    allocator."""
    for _ in range(passes):
        allocator.act(score(allocator.e2, allocator.e1))
    return allocator.tick()


def to_blocks(values, idx, e2, e1):
    """Numbers of entries [B, n], at rows idx of the table, on the axis of blocks [B, C F]: of a
    block shown as tokens their mean; a closed node's for all its blocks."""
    B, C = e2.shape
    full = torch.zeros(B, C * tree.ROWS, dtype=values.dtype).scatter(1, idx, values)
    full = full.view(B, C, tree.ROWS)
    below = full[..., 1:].unflatten(-1, (F, K + 1))
    gists = torch.where(e2[..., None], below[..., 0], full[..., :1])
    return torch.where(e1, below[..., 1:].mean(-1), gists).flatten(1)


def fit_kernel(scores, gain):
    """The kernel of `spread` by least squares: what of the block after, of the block itself and of
    the block before predicts a gain.

    scores, gain [B, C F]. Returns three numbers, in the order of `spread`, and a constant."""
    s = functional.pad(scores[:, None], (1, 1), mode="replicate")[:, 0]
    x = torch.stack([s[:, 2:], s[:, 1:-1], s[:, :-2], torch.ones_like(scores)], -1).flatten(0, 1)
    return torch.linalg.lstsq(x, gain.flatten()[:, None]).solution[:, 0]
