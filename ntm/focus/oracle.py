"""The counterfactual ΔNLL: what detail is worth, measured by reading again with it and without it.

For a block under an open node: NLL of the answer with its gist, less the NLL with its tokens, in
nats. Expanding and collapsing are one number seen from two sides. For a closed node: the NLL now,
less that with *all* its tokens shown. The gain of the next step alone (`one_step`) is a valley: a
gist of gists replaced by gists says nothing new."""

import torch

from .data import F
from .model import read
from .tree import ROWS

CHUNK = 16_000  # entries read at once


def nll_of(lm, table, e2, e1, tail, wanted, rows=None):
    """NLL in nats, summed over the tokens of `tail` [B, m] where `wanted` [B, m] is True, for each
    focus e2 [V, C], e1 [V, C, F].

    rows [V]: which stream each focus is of (None: one each). Read in chunks of focuses that cost
    alike, without gradient."""
    rows = torch.arange(len(e2)) if rows is None else rows
    cost = e2.shape[1] + (F - 1) * e2.sum(-1) + 7 * e1.sum((-1, -2)) + tail.shape[1]
    order, found, begin = cost.argsort(), torch.zeros(len(e2)), 0
    with torch.no_grad():
        while begin < len(order):
            size = max(1, CHUNK // int(cost[order[min(begin + 8, len(order) - 1)]]))
            some = order[begin : begin + size]
            r = rows[some]
            nll, _ = read(lm, table[r], e2[some], e1[some], tail[r])
            found[some] = (nll * wanted[r, 1:]).sum(-1)
            begin += size
    return found


def gains(lm, table, e2, e1, tail, wanted, one_step=False):
    """The gain of detail of every block [B, C F], in nats; a closed node lends its gain to its
    blocks."""
    B, C = e2.shape
    rows, node = (~e2).nonzero(as_tuple=True)  # closed nodes, opened
    a2, a1 = e2[rows].clone(), e1[rows].clone()
    variant = torch.arange(len(rows))
    a2[variant, node] = True
    a1[variant, node] = not one_step
    # blocks under open nodes, turned over
    lines, within, block = e2[..., None].expand_as(e1).nonzero(as_tuple=True)
    b2, b1 = e2[lines].clone(), e1[lines].clone()
    b1[torch.arange(len(lines)), within, block] ^= True
    all2, all1 = torch.cat([e2, a2, b2]), torch.cat([e1, a1, b1])
    whose = torch.cat([torch.arange(B), rows, lines])
    nll = nll_of(lm, table, all2, all1, tail, wanted, whose)
    now, opened, turned = nll.split([B, len(rows), len(lines)])
    gain = torch.zeros(B, C, F)
    gain[rows, node] = (now[rows] - opened)[:, None]
    gain[lines, within, block] = torch.where(e1[lines, within, block], turned - now[lines],
                                             now[lines] - turned)
    return gain.flatten(1)


def detail(lm, table, tail, wanted):
    """The gain of every block, each shown alone on top of the coarsest focus: [B, C F]. What the
    next answer is worth, block by block."""
    B, C = len(table), table.shape[1] // ROWS
    rows, block = torch.arange(B).repeat_interleave(C * F), torch.arange(C * F).repeat(B)
    e1 = torch.zeros(B * C * F, C * F, dtype=torch.bool)
    e1[torch.arange(len(block)), block] = True
    e1 = e1.view(-1, C, F)
    none = torch.zeros(B, C, dtype=torch.bool)
    base = nll_of(lm, table, none, none[..., None].expand(B, C, F), tail, wanted)
    return (base[rows] - nll_of(lm, table, e1.any(-1), e1, tail, wanted, rows)).view(B, C * F)
