"""What a focus does over time, as numbers: histories `shown` [B, t, blocks] and `done` [B, t,
nodes] of `run.follow`.

Swap rate, residency and reversals are MegaContext's telemetry; locality and sequential are what the
reading note asks for."""

import torch


def actions(done):
    """Actions a refocus."""
    return done.ne(0).sum(-1).float().mean().item()


def swap_rate(done, blocks):
    """Actions a block and refocus; the original wants 0.25 at most."""
    return actions(done) / blocks


def _pairs(done):
    """Of each action but a node's last: (its sign, the sign of the node's next, the refocuses
    between), [pairs] each."""
    time = done.transpose(1, 2).flatten(0, 1)  # [B nodes, t]
    line, t = time.nonzero(as_tuple=True)
    same = line[1:] == line[:-1]
    sign = time[line, t]
    return sign[:-1][same], sign[1:][same], (t[1:] - t[:-1])[same]


def reversals(done, within=4):
    """Actions that undo one on the same node at most `within` refocuses ago, a refocus."""
    first, second, between = _pairs(done)
    return ((first != second) & (between <= within)).sum().item() / (done.shape[0] * done.shape[1])


def residency(done):
    """Refocuses from an action to the one that undoes it, on average; nan where none is undone."""
    first, second, between = _pairs(done)
    return between[first != second].float().mean().item()


def stability(shown):
    """How alike what is shown is to what was shown before: the mean Jaccard index of consecutive
    refocuses; both empty count as 1."""
    a, b = shown[:, 1:].bool(), shown[:, :-1].bool()
    union = (a | b).sum(-1)
    return torch.where(union == 0, 1.0, (a & b).sum(-1) / union.clamp(min=1)).mean().item()


def locality(shown):
    """1 where the blocks shown lie in one run, 0 where no two are neighbours: 1 - (runs - 1) /
    (blocks - 1), over refocuses with two or more blocks shown; nan without any."""
    shown = shown.bool()
    count = shown.sum(-1)
    runs = shown[..., 0].long() + (shown[..., 1:] & ~shown[..., :-1]).sum(-1)
    several = count >= 2
    return (1 - (runs - 1) / (count - 1).clamp(min=1))[several].mean().item()


def sequential(shown):
    """Of the blocks newly shown, the share whose left neighbour was shown before, less the share
    whose right neighbour was."""
    now, before = shown[:, 1:].bool(), shown[:, :-1].bool()
    new = now & ~before
    left, right = (new[..., 1:] & before[..., :-1]).sum(), (new[..., :-1] & before[..., 1:]).sum()
    return ((left - right) / new.sum().clamp(min=1)).item()


def change(p):
    """A differentiable twin of oscillation, for a loss: mean |p_t - p_{t-1}| of p [B, t, blocks]
    within [0, 1]."""
    return (p[:, 1:] - p[:, :-1]).abs().mean()


def fragments(p):
    """A differentiable twin of fragmentation: mean |p_b - p_{b+1}|."""
    return (p[..., 1:] - p[..., :-1]).abs().mean()
