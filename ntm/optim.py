"""The paper's optimiser: the RMSprop of Graves 2013 (arXiv:1308.0850, equations 38 to 45)."""

import torch
from torch.optim import Optimizer

from . import fast
from .checks import number


class GravesRMSprop(Optimizer):
    """Centred RMSprop with momentum, ε inside the root.

        n ← 0.95 n + 0.05 d²,   m ← 0.95 m + 0.05 d,   Δ ← 0.9 Δ − lr d / √(n − m² + ε),   θ ← θ + Δ

    for a parameter θ with gradient d. torch.optim.RMSprop(centered=True) puts its ε outside the
    root, which is not the same near convergence: where the gradients vanish, its steps do not.
    """

    def __init__(self, params, lr=1e-4, decay=0.95, momentum=0.9, eps=1e-4):
        lr, eps = (number(name, value, "greater than 0", above=0)
                   for name, value in [("lr", lr), ("eps", eps)])
        for name, value in [("decay", decay), ("momentum", momentum)]:
            if not 0 <= value < 1:
                raise ValueError(f"{name} is {value}; it must be in [0, 1)")
        super().__init__(params, dict(lr=lr, decay=float(decay), momentum=float(momentum), eps=eps))

    @torch.no_grad()
    def step(self, closure=None):
        """One update of every parameter that has a gradient. Returns the loss of `closure`, if one
        is given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            θ = [p for p in group["params"] if p.grad is not None]
            if not θ:
                continue
            states = [self.state[p] for p in θ]
            for p, state in zip(θ, states):
                if not state:
                    state |= {name: torch.zeros_like(p) for name in ("n", "m", "Δ")}
            settings = (float(group[name]) for name in ("lr", "decay", "momentum", "eps"))
            if fast.rmsprop(θ, states, *settings):
                continue
            d = [p.grad for p in θ]
            n, m, Δ = ([state[name] for state in states] for name in ("n", "m", "Δ"))
            ρ = group["decay"]
            torch._foreach_mul_(n, ρ)
            torch._foreach_addcmul_(n, d, d, 1 - ρ)
            torch._foreach_lerp_(m, d, 1 - ρ)
            root = torch._foreach_addcmul(n, m, m, -1)
            # a variance, but for large d its rounding error exceeds ε
            torch._foreach_clamp_min_(root, 0)
            torch._foreach_add_(root, group["eps"])
            torch._foreach_sqrt_(root)
            torch._foreach_mul_(Δ, group["momentum"])
            torch._foreach_addcdiv_(Δ, d, root, -group["lr"])
            torch._foreach_add_(θ, Δ)
        return loss
