"""Checkers of the chapter "Each with its idea"."""

import math

import torch

from ..kin.small import train_hops
from . import ask, verdict


def saved(function):
    """Exercise 1: scores of a self-attention over n inputs against those of a Perceiver's look."""
    for n, latents in [(4096, 16), (100, 10), (16, 16)]:
        value, wrong = ask(function, n, latents)
        if wrong:
            return verdict(False, "", wrong)
        value = value.item()
        right = n * n / (latents * n + latents * latents)
        if not math.isclose(value, right, rel_tol=1e-3):
            near = (
                " The latents ask each other, too."
                if math.isclose(value, n / latents, rel_tol=1e-3)
                else ""
            )
            return verdict(
                False, "", f"{n} inputs, {latents} latents: {right:.4g}; yours {value:.4g}.{near}"
            )
    return verdict(
        True, "255 times fewer for 4,096 inputs, half as many for as many as latents.", ""
    )


def furthest(function):
    """Exercise 2: how many steps lie in the memories of a Compressive Transformer."""
    for kept, compressed, rate in [(8, 8, 4), (16, 0, 4), (0, 10, 3)]:
        value, wrong = ask(function, kept, compressed, rate)
        if wrong:
            return verdict(False, "", wrong)
        value = value.item()
        right = kept + compressed * rate
        if value != right:
            near = (
                " A compressed state stands for `rate` steps." if value == kept + compressed else ""
            )
            return verdict(
                False, "", f"{kept}, {compressed}, {rate}: {right}; yours {value:g}.{near}"
            )
    return verdict(True, "forty steps for sixteen states, the older ones four in one.", "")


def expected(function):
    """Exercise 3: the gradient of the expected reward by the scores, which REINFORCE estimates."""
    generator = torch.Generator().manual_seed(3)
    for N in (2, 4):
        e = torch.randn(N, generator=generator).requires_grad_()
        reward = torch.randn(N, generator=generator)
        p = torch.softmax(e, 0)
        (right,) = torch.autograd.grad((p * reward).sum(), e)
        want = "return a number for every place."
        value, wrong = ask(function, p.detach(), reward, shape=(N,), want=want)
        if wrong:
            return verdict(False, "", wrong)
        if not torch.allclose(value, right, atol=1e-4):
            bare = torch.allclose(value, p.detach() * reward, atol=1e-4)
            why = " The mean reward is missing." if bare else ""
            return verdict(False, "", f"for {N} places it is something else.{why}")
    return verdict(
        True, "a place gains what it brings above the mean, as often as it is tried.", ""
    )


def recipe(settings):
    """Exercise 4, open-ended: teach two hops with as few updates as you can."""
    allowed = {"hops", "linear_start", "tying", "updates"}
    if not isinstance(settings, dict) or not settings or set(settings) - allowed:
        return verdict(False, "", f"give a dict of some of {', '.join(sorted(allowed))}.")
    recipe = dict(hops=2, seed=7) | settings
    found, wrong = ask(lambda: train_hops(**recipe)[1]["right"], shape=None, call="training")
    if wrong:
        return verdict(False, "", wrong)
    said = f"{found:.0%} of the questions after {settings.get('updates', 600)} updates"
    return verdict(found >= 0.95, f"{said}; can it be less?", f"{said}; 95% are wanted.")
