"""Show, Attend and Tell (Xu et al. 2015): look at all places a little, or at one that is drawn."""

import torch
from torch import nn

from .look import drawn, largest, look, over_slots


class Glance(nn.Module):
    """One look at a picture a [B, L, places' channels] with a question h [B, channels].

    (4): e_i = f_att(a_i, h), a small network; (5): α = softmax(e). Soft, (13): z = Σ α_i a_i. Hard,
    (8) and (9): s is one place, drawn with the probabilities α, z = Σ s_i a_i; at the end it is the
    likeliest. Then logits of z and h, [B, outputs].
    """

    def __init__(self, channels, question, outputs, d=32, hard=False):
        super().__init__()
        self.a, self.h = nn.Linear(channels, d), nn.Linear(question, d, bias=False)
        self.e = nn.Linear(d, 1, bias=False)
        self.answer = nn.Sequential(
            nn.Linear(channels + question, d), nn.ReLU(), nn.Linear(d, outputs)
        )
        self.hard = hard

    def scores(self, h, a):
        return self.e(torch.tanh(self.h(h).unsqueeze(2) + self.a(a).unsqueeze(1))).squeeze(-1)

    def forward(self, a, h):
        """(logits, e [B, L], weights [B, L])."""
        e = self.scores(h.unsqueeze(1), a)
        rule = over_slots if not self.hard else drawn if self.training else largest
        z, w = look(h.unsqueeze(1), a, a, lambda q, K: e, rule)
        return self.answer(torch.cat([z.squeeze(1), h], dim=-1)), e.squeeze(1), w.squeeze(1)


def reinforce(gain, e, w, baseline, λ_r=1.0, λ_e=0.01):
    """A loss whose gradient is the learning rule of section 4.1: of log p(y | s, a), plus λ_r
    (log p(y | s, a) − b) times that of log p(s | a), plus λ_e times that of the entropy of s.

    gain: log p(y | s, a) [B]; e: scores [..., N] and w: what was drawn [..., N], where ... begins
    with B; baseline: b, a number, in the paper a running mean of the gain.
    """
    log_p = torch.log_softmax(e, dim=-1)
    of_s = (w * log_p).flatten(1).sum(1)
    entropy = -(log_p.exp() * log_p).flatten(1).sum(1)
    return -(gain + λ_r * (gain.detach() - baseline) * of_s + λ_e * entropy).mean()
