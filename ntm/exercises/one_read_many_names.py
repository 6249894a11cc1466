"""Checkers of the chapter "One read, many names"."""

import torch

from ..kin.fast_weights import linear_attention
from ..kin.look import cosine, dot, look, scaled, top
from . import ask, numbers, verdict


def disagree(q, K):
    """Exercise 1: a query and two keys, of which the cosine prefers the first, the product the
    second."""
    q, K = numbers(q, 2), numbers(K, 2, 2)
    if q is None or K is None:
        return verdict(False, "", "q is a list of two numbers, K a list of two such lists.")
    by_angle, by_product = (
        scores(q.view(1, 1, 2), K.unsqueeze(0))[0, 0] for scores in (cosine, dot)
    )
    if by_angle[0] <= by_angle[1] + 1e-3:
        return verdict(False, "", "the cosine does not prefer the first key: turn it towards q.")
    return verdict(
        by_product[1] > by_product[0] + 1e-3,
        "the dot product hears the longer key; the cosine the one that points as q does.",
        "the dot product prefers the first key, too: make the second one longer.",
    )


def nearest(function):
    """Exercise 2: read the k best slots only."""
    generator = torch.Generator().manual_seed(2)
    draw = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    for k in (1, 2, 5):
        q, K, V = draw(2, 3, 4), draw(2, 5, 4), draw(2, 5, 6)
        want = "return what is read, a tensor of shape [B, queries, width]."
        found, wrong = ask(function, q, K, V, k, shape=(2, 3, 6), want=want)
        if wrong:
            return verdict(False, "", wrong)
        if not torch.allclose(found, look(q, K, V, scaled, top(k))[0], atol=1e-4):
            least = look(q, K, V, lambda q, K: -scaled(q, K), top(k))[0]
            why = " These are the worst slots." if torch.allclose(found, least, atol=1e-3) else ""
            return verdict(False, "", f"for k = {k} something else is read.{why}")
    return verdict(True, "with k = 1 it is hard, with k = N the softmax over all.", "")


def running(function):
    """Exercise 3: linear attention from running sums alone."""
    generator = torch.Generator().manual_seed(3)
    for T in (1, 4, 9):
        Q, K, V = (torch.randn(2, T, 3, generator=generator) for _ in range(3))
        want = "return what each step reads, a tensor of shape [B, T, width]."
        found, wrong = ask(function, Q, K, V, shape=(2, T, 3), want=want)
        if wrong:
            return verdict(False, "", wrong)
        if not torch.allclose(found, linear_attention(Q, K, V), atol=1e-4):
            first = torch.allclose(found[:, 0], V[:, 0], atol=1e-4)
            why = (
                "step 0 is right, later ones are not" if first else "step 0 must read its own value"
            )
            return verdict(False, "", f"for {T} steps: {why}.")
    return verdict(True, "nothing in it grows with the number of steps.", "")


def rate(function):
    """Exercise 4: the β after which a key of any length finds exactly what was written."""
    generator = torch.Generator().manual_seed(4)
    for length in (1.0, 0.5, 3.0):
        k = torch.randn(4, generator=generator)
        k = length * k / k.norm()
        want = "return a single number."
        β, wrong = ask(function, k, shape=(), want=want)
        if wrong:
            return verdict(False, "", wrong)
        if abs(β.item() * length**2 - 1) > 1e-3:
            return verdict(
                False,
                "",
                f"for a key of length {length:g} a share of {β.item() * length**2:.3g} "
                "of the new value is found; it must be 1.",
            )
    return verdict(True, "1 / |k|²; with keys of length 1 it is simply 1.", "")


def noisy(scores):
    """Exercise 5, open-ended: scores that find a key of which some bits are wrong."""
    generator, shares = torch.Generator().manual_seed(5), []
    for flips in (1, 2, 3):
        order = torch.rand(200, 256, generator=generator).argsort(1)[:, :16]
        K = ((order.unsqueeze(-1) >> torch.arange(8)) & 1).float()
        wrong = torch.rand(200, 1, 8, generator=generator).argsort(2)[..., :flips]
        q = K[:, :1].clone()
        q.scatter_(2, wrong, 1 - q.gather(2, wrong))
        want = "return scores, a tensor of shape [B, queries, N]."
        z, wrong = ask(scores, q, K, shape=(200, 1, 16), want=want)
        if wrong:
            return verdict(False, "", wrong)
        apart = (q - K).abs().sum(-1)
        found = apart.gather(1, z[:, 0].argmax(1, keepdim=True)).squeeze(1)
        shares.append((found <= apart.min(1).values).float().mean().item())
    said = "with 1, 2 and 3 of 8 bits wrong a nearest key is found in " + " / ".join(
        f"{share:.0%}" for share in shares
    )
    return verdict(min(shares) > 0.99, f"{said}.", f"{said}; it can be all.")
