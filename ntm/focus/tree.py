"""The MegaContext Tree and a focus over it.

K tokens are one block (LOD0); a gist stands for a block (LOD1); a gist of F gists stands for F
blocks (LOD2). The tree of C nodes of LOD2 is a table of 73 C rows, in the order in which a walk
meets them: a node, then for each of its blocks the gist and its tokens. A focus is two boolean
arrays: `e2` [B, C], the node is shown as its gists; `e1` [B, C, F], the block is shown as its
tokens; e1 only under an e2. So every focus tiles the stream: there is no other kind."""

import torch

from .data import F, K

ROWS = 1 + F * (1 + K)  # of one node with all beneath it


def layout(C):
    """lod, start and span of the table's rows, each [73 C]; start counts tokens."""
    lod = torch.tensor([2] + ([1] + [0] * K) * F).repeat(C)
    inside = torch.tensor([0] + [t for b in range(0, F * K, K) for t in (b, *range(b, b + K))])
    start = (torch.arange(C)[:, None] * F * K + inside).flatten()
    return lod, start, torch.tensor([1, K, K * F])[lod]


def visible(e2, e1):
    """Which rows of the table a focus shows: [B, 73 C], boolean."""
    tokens = e1[..., None].expand(*e1.shape, K)
    blocks = torch.cat([(e2[..., None] & ~e1)[..., None], tokens], -1).flatten(-2)
    return torch.cat([~e2[..., None], blocks], -1).flatten(-2)


def cost(e2, e1):
    """Entries of the far part, [B]: a gist of either level is one entry, a block in full detail is
    K."""
    return e2.shape[-1] + (F - 1) * e2.sum(-1) + (K - 1) * e1.flatten(-2).sum(-1)


def index(shown):
    """The rows shown, in order of time: idx [B, n] and ok [B, n], padded on the left, so that they
    meet the tail without a gap."""
    n = int(shown.sum(-1).max())
    idx = shown.long().argsort(dim=-1, stable=True)[:, -n:]
    return idx, shown.gather(-1, idx)


def nothing(B, C):
    """The coarsest focus: every node as one gist."""
    return torch.zeros(B, C, dtype=torch.bool), torch.zeros(B, C, F, dtype=torch.bool)


def everything(B, C):
    """The finest: all tokens."""
    return torch.ones(B, C, dtype=torch.bool), torch.ones(B, C, F, dtype=torch.bool)


def show(B, C, blocks):
    """The focus that shows these blocks [B, n] as tokens, and the rest as coarse as it can be; -1
    stands for no block."""
    e1 = torch.zeros(B, C * F + 1, dtype=torch.bool)
    e1[torch.arange(B)[:, None], blocks] = True  # -1 is the last column, dropped below
    e1 = e1[:, :-1].view(B, C, F)
    return e1.any(-1), e1


def fill(order, e2, e1, W_max, level=None):
    """Walk along `order` [B, n] (numbers of blocks, -1 for none), and show each as tokens (or,
    where level [B, n] is 1, as a gist of LOD1) if that still fits into W_max entries. Returns the
    new e2, e1."""
    e2, e1, rows = e2.clone(), e1.clone(), torch.arange(len(e2))
    W_max = torch.as_tensor(W_max).expand(len(e2))
    for j in range(order.shape[1]):
        block = order[:, j]
        node, within = block.clamp(min=0) // F, block.clamp(min=0) % F
        fine = torch.ones_like(block, dtype=torch.bool) if level is None else level[:, j] == 0
        new2, new1 = ~e2[rows, node], ~e1[rows, node, within] & fine
        fits = (cost(e2, e1) + (F - 1) * new2 + (K - 1) * new1 <= W_max) & (block >= 0)
        e2[rows, node] |= fits
        e1[rows, node, within] |= fits & fine
    return e2, e1


def check(e2, e1, W_max=None):
    """Every invariant of a focus, by the rows it shows; raises ValueError naming the first that
    fails.

    Cover: every token stands under exactly one row shown. Order: time only goes forward, entries
    meet without gap or overlap.
    Alignment: an entry starts at a multiple of its span. Levels: a block in detail only under a
    node that is open. Budget: W_max."""
    if (e1.any(-1) & ~e2).any():
        raise ValueError("levels: a block is shown in detail under a node that is not open")
    shown = visible(e2, e1)
    lod, start, span = layout(e2.shape[1])
    for b in range(len(shown)):
        s, n = start[shown[b]], span[shown[b]]
        if s[0] != 0 or (s[1:] != s[:-1] + n[:-1]).any() or s[-1] + n[-1] != e2.shape[1] * F * K:
            raise ValueError("cover: some token is shown twice, or not at all")
        if (s % n != 0).any():
            raise ValueError("alignment: an entry does not start at a multiple of its span")
    total = cost(e2, e1)
    if (total != shown.sum(-1)).any():
        raise ValueError("cost: it is not the number of entries")
    if W_max is not None and (total > W_max).any():
        raise ValueError(f"budget: {int(total.max())} entries, W_max is {W_max}")
