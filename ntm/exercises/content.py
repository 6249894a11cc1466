"""Checkers of the chapter on content addressing."""

import math

import torch

from ..addressing import content, similarity
from . import attempt, numbers, verdict, was

# the memory of the page that a pencil can check
M = torch.tensor([[[1.0, 0.0], [3.0, 4.0], [0.0, 2.0], [-2.0, 0.0]]])


def key_between(k):
    """A key (two numbers) equally like slots 0 and 1 and more like them than the others."""
    k = numbers(k, 2)
    if k is None:
        return verdict(False, "", "the key must be two numbers, such as (1.0, 0.0).")
    cosines = similarity(M, k.view(1, 1, 2)).flatten()
    shown = ", ".join(f"{c:.2f}" for c in cosines.tolist())
    if not cosines[:2].min() > cosines[2:].max():
        return verdict(False, "", f"the cosines are {shown}; the first two should be the largest. "
                       "(Half way between two rows is not half way between their directions.)")
    return verdict((cosines[0] - cosines[1]).abs() < 0.005,
                   "slots 0 and 1 are equally like your key. Any key along (2, 1) does it: only "
                   "the direction counts.",
                   f"the cosines are {shown}; the first two should be equal.")


def strength_for(function):
    """function(N, p): the β at which the row that equals the key gets weight p among N rows at
    right angles."""
    for N, p in [(2, 0.6), (128, 0.9), (1000, 0.99)]:
        answer = attempt(function, N, p)
        β = numbers(answer)
        if β is None:
            return verdict(False, "", f"strength_for({N}, {p}) must be a number; {was(answer)}.")
        rows = torch.eye(N).unsqueeze(0)
        got = content(rows, rows[:, :1], β.view(1, 1))[0, 0, 0].item()
        if abs(got - p) > 1e-3:
            return verdict(False, "",
                           f"for N = {N} and p = {p} your β is {β:.3g}, and with it the right "
                           f"row gets {got:.3f}.")
    return verdict(True,
                   "with that strength the right row gets the weight p, for every N and p tried.",
                   "")


def content_of_known(function):
    """function(M, k, β, known): the weighting by content over the known columns alone."""
    g = torch.Generator().manual_seed(0)
    M, k, β = (
        torch.randn(2, 6, 5, generator=g),
        torch.randn(2, 3, 5, generator=g),
        1 + 5 * torch.rand(2, 3, generator=g),
    )
    known = torch.tensor([[1.0, 1, 0, 0, 0], [0, 1, 1, 1, 1], [1, 1, 1, 1, 1]]).repeat(2, 1, 1)
    answers = [attempt(function, rows, k, β, columns)
               for rows, columns in [(M, known), (M, torch.ones_like(known)),
                                     (torch.zeros_like(M), known)]]
    got, all_known, _ = weightings = [numbers(answer, 2, 3, 6) for answer in answers]
    for answer, w in zip(answers, weightings):
        if isinstance(answer, torch.Tensor) and answer.isnan().any():
            return verdict(False, "",
                           "there is NaN in it when the memory is empty; the lengths need an ε.")
        if w is None:
            return verdict(False, "",
                           "for 2 memories of 6 slots and 3 heads the answer must be a tensor "
                           f"[2, 3, 6]; {was(answer)}.")
    if not torch.allclose(all_known, content(M, k, β), atol=1e-3):
        return verdict(False, "",
                       "with every column known it must be the weighting of equation (5); it is "
                       "not.")
    wanted = torch.stack([content(M[..., m.bool()], k[:, [h]][..., m.bool()], β[:, [h]])[:, 0]
                          for h, m in enumerate(known[0])], dim=1)
    return verdict(torch.allclose(got, wanted, atol=1e-3),
                   "what stands in the unknown columns makes no difference; the known ones are "
                   "compared as in equation (5).",
                   "it differs from equation (5) on the known columns alone. Are the lengths those "
                   "of the known columns?")


def attention(function, best_slot):
    """function(M, k): softmax of k · row / √width over the slots; best_slot: the one it prefers on
    the page's memory for (1, 0)."""
    g = torch.Generator().manual_seed(0)
    rows, keys = torch.randn(2, 6, 5, generator=g), torch.randn(2, 3, 5, generator=g)
    answer = attempt(function, rows, keys)
    got = numbers(answer, 2, 3, 6)
    if got is None:
        return verdict(False, "",
                       "for 2 memories of 6 slots and 3 heads the answer must be a tensor [2, "
                       f"3, 6]; {was(answer)}.")
    if not torch.allclose(got.sum(-1), torch.ones(2, 3), atol=1e-4):
        return verdict(False, "", "the weights over the slots must sum to 1.")
    wanted = torch.softmax(torch.einsum("bhc,bnc->bhn", keys, rows) / math.sqrt(5), dim=-1)
    if not torch.allclose(got, wanted, atol=1e-4):
        return verdict(False, "",
                       "the weights differ from a softmax of the products divided by the root of "
                       "the width.")
    return verdict(numbers(best_slot) == 1,
                   "without the lengths slot 1 wins: its row is longer, not more alike.",
                   "the function is right; now give the slot with the largest weight for the "
                   "pencil's memory and k = (1, 0).")


def shared_direction(table):
    """table {offset: strength}: the β that gives the right row 0.9 of a 128 x 20 memory, an offset
    added to every number."""
    if not isinstance(table, dict) or len(table) < 3:
        return verdict(False, "",
                       "give a dictionary {offset: strength} with at least three offsets.")
    for offset, strength in table.items():
        shift, β = numbers(offset), numbers(strength)
        if shift is None or β is None:
            return verdict(False, "",
                           f"offsets and strengths must be numbers; {offset!r}: {strength!r} is "
                           "not.")
        memories = [shift + torch.randn(1, 128, 20, generator=torch.Generator().manual_seed(seed))
                    for seed in range(100, 109)]
        got = torch.stack([content(M, M[:, :1], β.view(1, 1))[0, 0, 0]
                           for M in memories]).median().item()
        if not 0.8 < got < 0.96:
            return verdict(False, "",
                           f"at offset {shift:g} and β = {β:g} the right row gets {got:.2f} in "
                           "our memories, not about 0.9.")
    return verdict(True,
                   "the strength grows steeply with the offset: all rows come to lie at small "
                   "angles, which β must tell apart.", "")
