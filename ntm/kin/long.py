"""Past the window: Compressive Transformer (Rae et al. 2019), Memorizing Transformer (Wu et al.
2022).

Both are mixers [B, T, d] to [B, T, d] that read a sequence in segments, and see the segment they
are in, causally. What lies further back is kept coarsely, or looked up.
"""

import torch
from torch import nn

from .attention import attention
from .look import causal, look, top


class Compressive(nn.Module):
    """Rae 2019, algorithm 1: what leaves the memory is compressed, `rate` states to one, and kept.

    kept, compressed: how many states of each (0: none, which makes it a Transformer-XL without its
    places). After a forward pass `reconstruction` has the loss of algorithm 2, the only one that
    teaches the compression: what the segment reads of the old states and of the compressed ones
    should be the same. `rebuilding` has the other one of section 3.2: to rebuild the old states.
    """

    def __init__(self, d, segment=8, kept=8, compressed=8, rate=4):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(d, d) for _ in range(4))
        self.compress = nn.Conv1d(d, d, rate, stride=rate)
        with torch.no_grad():  # begin by taking the mean
            self.compress.weight.copy_(torch.eye(d).unsqueeze(-1) / rate)
            self.compress.bias.zero_()
        self.rebuild = nn.ConvTranspose1d(d, d, rate, stride=rate)
        self.segment, self.kept, self.compressed, self.rate = segment, kept, compressed, rate

    def squeeze(self, old):
        """f_c: [B, n, d] to [B, n / rate, d]."""
        return self.compress(old.transpose(1, 2)).transpose(1, 2)

    def read(self, q, states, k, v, allowed=None):
        return attention(q, k(states), v(states), allowed)

    def forward(self, h):
        m = cm = h[:, :0].detach()
        outputs, self.reconstruction, self.rebuilding = [], h.new_zeros(()), h.new_zeros(())
        for part in h.split(self.segment, dim=1):
            before = torch.cat([cm, m], dim=1)
            allowed = torch.cat(
                [
                    torch.ones(part.shape[1], before.shape[1], dtype=torch.bool),
                    causal(part.shape[1]),
                ],
                dim=1,
            )
            outputs.append(
                self.read(self.q(part), torch.cat([before, part], 1), self.k, self.v, allowed)
            )
            m = torch.cat([m, part.detach()], dim=1)
            leave = max(m.shape[1] - self.kept, 0) if self.compressed else 0
            leave -= leave % self.rate  # a rest waits
            if leave:
                old, m = m[:, :leave], m[:, leave:]
                new = self.squeeze(old)
                self.reconstruction = self.reconstruction + self.lost(part.detach(), old, new)
                rebuilt = self.rebuild(new.transpose(1, 2)).transpose(1, 2)
                self.rebuilding = self.rebuilding + (rebuilt - old).square().mean()
                cm = torch.cat([cm, new.detach()], dim=1)[:, -self.compressed :]
            if not self.compressed:
                m = m[:, max(m.shape[1] - self.kept, 0) :]
        return self.out(torch.cat(outputs, dim=1))

    def lost(self, h, old, new):
        """Algorithm 2: the mean of (attn(h, old) − attn(h, new))², with q, k and v held fixed."""
        q, k, v = (_held(part) for part in (self.q, self.k, self.v))
        return (self.read(q(h), old, k, v) - self.read(q(h), new, k, v)).square().mean()


def _held(linear):
    """A Linear that passes gradients on and learns nothing."""
    return lambda x: nn.functional.linear(x, linear.weight.detach(), linear.bias.detach())


class Memorizing(nn.Module):
    """Wu 2022: keys and values of all earlier segments are kept, without gradient; a query reads
    the k that are nearest to it.

    Section 3.1: V_a = g ⊙ V_m + (1 − g) ⊙ V_c, where V_c is the local read, V_m that of the memory,
    and g = σ(b_g) is learned. index: None searches exactly; kin.index.Index, or what is called as
    it is, keeps the keys of one sequence and finds the nearest without looking at all of them.
    """

    def __init__(self, d, segment=8, nearest=4, index=None):
        super().__init__()
        self.index = index
        self.q, self.k, self.v, self.out = (nn.Linear(d, d) for _ in range(4))
        self.b_g = nn.Parameter(torch.zeros(1))
        self.segment, self.nearest = segment, nearest

    def forward(self, h):
        K, V, outputs = h[:, :0], h[:, :0], []
        found = self.index and [self.index(h.shape[-1]) for _ in h]  # one index a sequence
        for part in h.split(self.segment, dim=1):
            q, k, v = self.q(part), self.k(part), self.v(part)
            local, g = attention(q, k, v, causal(part.shape[1])), self.b_g.sigmoid()
            far = self.far(q, K, V, found) if K.shape[1] else local
            outputs.append(g * far + (1 - g) * local)
            K, V = torch.cat([K, k.detach()], dim=1), torch.cat([V, v.detach()], dim=1)
            for one, keys in zip(found or (), k):
                one.add(keys)
        return self.out(torch.cat(outputs, dim=1))

    def far(self, q, K, V, found):
        """The softmax of each query over the nearest keys: of all of them, or of those that each
        sequence's index has found."""
        if found is None:
            return look(q, K, V, normalise=top(self.nearest))[0]
        near = torch.stack([one.nearest(rows, self.nearest) for one, rows in zip(found, q)])
        b = torch.arange(len(q)).view(-1, 1, 1)  # near [B, T, k]
        return look(q.unsqueeze(2), K[b, near], V[b, near])[0].squeeze(2)
