"""Checkers of the chapter "The DNC"."""

import math

import torch

from ..addressing import content
from ..beyond import dnc
from . import attempt, numbers, verdict


def free_slot(answer):
    """Exercise 1: the allocation weighting of a usage, by the free list."""
    for u in ([0.9, 0.1, 0.5, 0.0], [0.5, 0.5, 1.0], [1.0, 1.0], [0.2], [0.3, 0.0, 0.0, 0.6]):
        right, product = [0.0] * len(u), 1.0
        for i in sorted(range(len(u)), key=lambda i: u[i]):
            right[i], product = (1 - u[i]) * product, product * u[i]
        found = attempt(answer, list(u))
        if isinstance(found, Exception):
            return verdict(False, "", f"your function raised {type(found).__name__}: {found}.")
        values = numbers(found, len(u))
        if values is None:
            return verdict(False, "", f"return a weight a slot, {len(u)} numbers for {u}.")
        if not torch.allclose(values, torch.tensor(right), atol=1e-4):
            shown, yours = ([round(w, 3) for w in ws] for ws in (right, values.tolist()))
            return verdict(False, "", f"for the usage {u} it is {shown}; yours is {yours}.")
    return verdict(True, "the freest slot takes nearly all, and a full memory nothing.", "")


def _kept(L, p, w):
    i, j = w.unsqueeze(-1), w.unsqueeze(-2)
    return (1 - i - j) * L + i * p.unsqueeze(-2)


def _transposed(L, p, w):
    return dnc.links(L.mT, p, w).mT


def _never_cut(L, p, w):
    L = L + w.unsqueeze(-1) * p.unsqueeze(-2)
    return L * (1 - torch.eye(L.shape[-1]))


LINKS = {  # links, forward, backward; and whether they are sound
    "the right ones": (dnc.links, dnc.forward, dnc.backward, True),
    "the two ways exchanged": (dnc.links, dnc.backward, dnc.forward, False),
    "links transposed": (_transposed, dnc.forward, dnc.backward, False),
    "links transposed and the ways exchanged, which is right again": (
        _transposed, dnc.backward, dnc.forward, True),
    "links of a slot to itself": (_kept, dnc.forward, dnc.backward, False),
    "links that are never cut": (_never_cut, dnc.forward, dnc.backward, False),
}


def both_ways(answer):
    """Exercise 2: a function that is given links and the two ways along them, and says whether
    they are sound."""
    for name, (*functions, sound) in LINKS.items():
        found = attempt(answer, *functions)
        if isinstance(found, Exception):
            return verdict(False, "", f"your test raised {type(found).__name__}: {found}.")
        if not isinstance(found, bool):
            return verdict(False, "", "return True or False, as a Python bool.")
        if found != sound:
            return verdict(False, "", f"your test {'passes' if found else 'refuses'} {name}.")
    return verdict(True, "it passes what walks right and refuses four that do not.", "")


def left(answer):
    """Exercise 3: what is left of a read weighting after some steps along links that were written
    with a gate of g_w."""
    for gate, steps in [(1.0, 5), (0.9, 1), (0.9, 8), (0.5, 2), (0.7, 0)]:
        right = gate ** (2 * steps)
        found = attempt(answer, gate, steps)
        if isinstance(found, Exception):
            return verdict(False, "", f"your function raised {type(found).__name__}: {found}.")
        value = numbers(found)
        if value is None:
            return verdict(False, "", "return a single number, the weight on the right slot.")
        if not math.isclose(value, right, abs_tol=1e-4):
            once = math.isclose(value, gate**steps, abs_tol=1e-4)
            why = " A link has two ends: w_w(i), and p(j) from the step before." if once else ""
            return verdict(False, "", f"for a gate of {gate} and {steps} steps it is {right:.3f}; "
                                      f"yours is {value:.3f}.{why}")
    return verdict(True, "with a gate of 0.9, eight steps leave 0.19; sharpened, all of it.", "")


def by_hand(answer):
    """Exercise 4: the gates with which the head copies L vectors: f [T], g_w [T], π [T, 3], with
    T = 2L + 2."""
    fewest = 0
    for L in (1, 3, 6):
        found = attempt(answer, L)
        if isinstance(found, Exception):
            return verdict(False, "", f"your function raised {type(found).__name__}: {found}.")
        T = 2 * L + 2
        try:
            f, g_w, π = found
        except (TypeError, ValueError):
            return verdict(False, "", "return three things: f, g_w and π.")
        f, g_w, π = numbers(f, T), numbers(g_w, T), numbers(π, T, 3)
        if f is None or g_w is None or π is None:
            return verdict(False, "", f"for {L} vectors f and g_w have {T} numbers each, π has {T} "
                                      "rows of 3.")
        within = min(f.min(), g_w.min(), π.min()) >= 0 and max(f.max(), g_w.max()) <= 1
        if not within or (π.sum(1) - 1).abs().max() > 1e-4:
            return verdict(False, "", "gates lie within 0 and 1, and the three modes of a step sum "
                                      "to 1.")
        data = torch.randint(0, 2, (L, 6), generator=torch.Generator().manual_seed(L)).float()
        x = torch.zeros(T, 8)
        x[0, 6], x[L + 1, 7], x[1 : L + 1, :6] = 1, 1, data
        read, fewest = _run(x, f, g_w, π, N=L + 1)
        wrong = int(((read[L + 2 :, :6] > 0.5) != (data > 0.5)).sum())
        if wrong:
            return verdict(False, "", f"of {6 * L} bits of {L} vectors {wrong} are wrong.")
    return verdict(True, f"all bits are right, in {fewest} slots for 6 vectors and the mark.", "")


def _run(x, f, g_w, π, N):
    """What is read at every step, where x_t is what is written, into free slots alone, and the
    start mark is the key."""
    M, w_read, w_write = torch.zeros(1, N, 8), torch.zeros(1, 1, N), torch.zeros(1, N)
    u, p, L = torch.zeros(1, N), torch.zeros(1, N), torch.zeros(1, N, N)
    key, read = torch.eye(8)[6].view(1, 1, 8), []
    for t in range(len(x)):
        u = dnc.usage(u, w_write, dnc.retention(w_read, f[t].view(1, 1)))
        w_write = g_w[t] * dnc.allocation(u)
        M = M * (1 - w_write.unsqueeze(-1)) + w_write.unsqueeze(-1) * x[t]
        L = dnc.links(L, p, w_write)
        p = dnc.precedence(p, w_write)
        w_c = content(M, key, torch.full((1, 1), 30.0))
        w_b, w_f = dnc.backward(L, w_read), dnc.forward(L, w_read)
        w_read = dnc.read_weighting(w_b, w_c, w_f, π[t].view(1, 1, 3))
        read.append((w_read @ M)[0, 0])
    return torch.stack(read), N
