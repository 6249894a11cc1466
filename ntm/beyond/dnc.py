"""The Differentiable Neural Computer (Graves, Wayne and others 2016): the NTM's memory, with a head
that knows which slots are free and in which order
they were written.

Symbols and shapes are those of ntm.machine; there is one write head. What is new to a step: u, p
[B, N], L [B, N, N]; f [B, read_heads]; g_a, g_w [B];
π [B, read_heads, 3]. The paper's Methods do not number their equations: each function names its
own. What the paper calls a_t, f_t and b_t, three
weightings, is w_a, w_f and w_b here, beside the w_c that it shares with the NTM; its write vector v
is our a.
"""

from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import softplus

from ..addressing import content, interpolate, sharpen
from ..checks import check_input, positive, seeded
from ..controllers import LSTM
from ..memory import add, erase, read
from ..weights import Saved, draw

ε = 1e-6  # the least usage: a product of zeros would have no gradient


# Where to write: slots that are free


def retention(w_read, f):
    """DNC, retention: ψ(i) = Π_h [1 − f(h) w_r(h, i)], what each slot keeps when read heads let go.

    w_read [B, read_heads, N], the weightings of the step before; f [B, read_heads], the free
    gates, within [0, 1]. Returns ψ [B, N].
    """
    return (1 - f.unsqueeze(-1) * w_read).prod(1)


def usage(u, w_write, ψ):
    """DNC, usage: u(i) = [u(i) + w_w(i) − u(i) w_w(i)] ψ(i), used if it was, or has been
    written, and was not let go.

    u, w_write [B, N], both of the step before; ψ [B, N]. Returns u [B, N], within [0, 1].
    """
    return (u + w_write - u * w_write) * ψ


def allocation(u):
    """DNC, allocation: w_a(i) = [1 − u(i)] Π_j u(j), over all slots j that are freer than i: to
    the freest slot first.

    u [B, N], within [0, 1]. Returns w_a [B, N], summing to 1 − Π u: to nothing where all is
    used. Of slots used equally the first counts as the freest. The
    paper sorts: its free list φ is the slots by rising u, and the product runs over those that
    stand before i.
    """
    u = ε + (1 - ε) * u
    i, j = u.detach().unsqueeze(-1), u.detach().unsqueeze(-2)
    before = torch.ones_like(i * j, dtype=torch.bool).tril(-1)
    freer = (j < i) | (j == i) & before  # [B, N, N]: whether j is freer than i
    return (1 - u) * (freer.to(u.dtype) @ u.log().unsqueeze(-1)).squeeze(-1).exp()


def write_weighting(w_a, w_c, g_a, g_w):
    """DNC, write weighting: w_w = g_w [g_a w_a + (1 − g_a) w_c], to a free slot or by content,
    or not at all.

    w_a, w_c [B, N]; g_a, g_w [B], within [0, 1]. Returns w_write [B, N], summing to at most 1.
    """
    return g_w.unsqueeze(-1) * interpolate(w_a, w_c, g_a)


# In which order: links


def precedence(p, w_write):
    """DNC, precedence: p(i) = [1 − Σ_j w_w(j)] p(i) + w_w(i), which slot was written last.

    p [B, N], of the step before; w_write [B, N]. Returns p [B, N], summing to at most 1.
    """
    return (1 - w_write.sum(-1, keepdim=True)) * p + w_write


def links(L, p, w_write):
    """DNC, temporal links: L(i, j) = [1 − w_w(i) − w_w(j)] L(i, j) + w_w(i) p(j), and L(i, i) =
    0: slot i was written right after slot j.

    L [B, N, N]; p [B, N]; both of the step before; w_write [B, N]. Returns L [B, N, N]; no row
    and no column sums to more than 1.
    """
    i, j = w_write.unsqueeze(-1), w_write.unsqueeze(-2)
    L = (1 - i - j) * L + i * p.unsqueeze(-2)
    return L.masked_fill(torch.eye(L.shape[-1], dtype=torch.bool, device=L.device), 0)


def forward(L, w_read):
    """DNC, forward weighting: w_f(i) = Σ_j L(i, j) w_r(j), on to what was written next.

    L [B, N, N]; w_read [B, read_heads, N], of the step before. Returns w_f [B, read_heads, N].
    """
    return w_read @ L.mT


def backward(L, w_read):
    """DNC, backward weighting: w_b(i) = Σ_j L(j, i) w_r(j), back to what was written before.

    Shapes as in `forward`. Returns w_b [B, read_heads, N].
    """
    return w_read @ L


def read_weighting(w_b, w_c, w_f, π):
    """DNC, read weighting: w_r = π_1 w_b + π_2 w_c + π_3 w_f: back, by content, or on.

    w_b, w_c, w_f [B, read_heads, N]; π [B, read_heads, 3], the read modes, summing to 1.
    Returns w_read [B, read_heads, N].
    """
    return (π.unsqueeze(-2) @ torch.stack([w_b, w_c, w_f], 2)).squeeze(2)


# What Csordás and Schmidhuber (2019) mended


def masked_content(M, k, β, m):
    """DNC, masked content: w_c = softmax(β K[m k, m M(i)]), a search that looks at some columns
    only.

    As ntm.addressing.content; m [B, heads, width], within [0, 1]. Returns w_c [B, heads, N].
    """
    rows, keys = M.unsqueeze(1) * m.unsqueeze(2), (k * m).unsqueeze(2)
    return content(rows, keys, β.unsqueeze(2)).squeeze(2)


def empty(M, ψ):
    """DNC, de-allocation: M(i) = ψ(i) M(i), what is let go is gone.

    M [B, N, width]; ψ [B, N]. Returns M [B, N, width].
    """
    return M * ψ.unsqueeze(-1)


# (Their third, a link that is sharpened, is equation (9): ntm.addressing.sharpen.)


class Emission(NamedTuple):
    """What the heads emit at one step, read heads first, the write head last."""

    k: torch.Tensor  # keys [B, heads, width], in (-1, 1)
    β: torch.Tensor  # key strengths [B, heads], above 1
    m: torch.Tensor  # key masks [B, heads, width], in (0, 1)
    f: torch.Tensor  # free gates [B, read_heads], in (0, 1)
    π: torch.Tensor  # read modes [B, read_heads, 3]: back, by content, on; summing to 1
    γ: torch.Tensor  # sharpening of the links [B, read_heads, 2], back and on, above 1
    g: torch.Tensor  # g_a and g_w [B, 2], in (0, 1)
    e: torch.Tensor  # erase vector [B, 1, width], in (0, 1)
    a: torch.Tensor  # add vector [B, 1, width], in (-1, 1)


class Heads(nn.Module):
    """One linear layer for all heads, as ntm.heads.Heads: its outputs grouped by kind, then
    squashed to their ranges.

    The paper bounds neither keys nor what is added: tanh is ours, as in the NTM."""

    def __init__(self, hidden_size, width, read_heads):
        super().__init__()
        self.heads, self.read_heads, self.width = read_heads + 1, read_heads, width
        self.sizes = [
            self.heads * width,
            self.heads,
            self.heads * width,
            read_heads,
            3 * read_heads,
            2 * read_heads,
            2,
            width,
            width,
        ]
        self.linear = nn.Linear(hidden_size, sum(self.sizes))

    def forward(self, h):
        """h: controller output [B, hidden_size]. Returns an Emission."""
        k, β, m, f, π, γ, g, e, a = self.linear(h).split(self.sizes, dim=-1)
        by_head = (-1, self.width)
        return Emission(
            k=torch.tanh(k).unflatten(-1, by_head),
            β=1 + softplus(β),
            m=torch.sigmoid(m).unflatten(-1, by_head),
            f=torch.sigmoid(f),
            π=torch.softmax(π.unflatten(-1, (self.read_heads, 3)), -1),
            γ=1 + softplus(γ).unflatten(-1, (self.read_heads, 2)),
            g=torch.sigmoid(g),
            e=torch.sigmoid(e).unsqueeze(1),
            a=torch.tanh(a).unsqueeze(1),
        )


class State(NamedTuple):
    """Everything that passes from one step to the next."""

    M: torch.Tensor  # memory [B, N, width]
    w_read: torch.Tensor  # weightings [B, read_heads, N]
    w_write: torch.Tensor  # of the write head [B, N]
    r: torch.Tensor  # what was read [B, read_heads, width]
    u: torch.Tensor  # usage [B, N]
    p: torch.Tensor  # precedence [B, N]
    L: torch.Tensor  # links [B, N, N]
    controller: tuple  # the controller's own state


class DNC(Saved, nn.Module):
    """A Differentiable Neural Computer: an LSTM of one layer, one write head, any number of
    read heads.

    Used as ntm.NTM is: `machine(x)` gives logits [T, B, outputs] for x [T, B, inputs], `train`
    teaches it, `save` keeps it.

    >>> machine = DNC(3, 2, N=8, width=6, seed=0)
    >>> x = torch.rand(5, 4, 3)  # [T, B, inputs]: 5 steps of 4 sequences
    >>> y, trace = machine(x, trace=True)
    >>> y.shape, trace.L.shape  # and the links after every step [T, B, N, N]
    (torch.Size([5, 4, 2]), torch.Size([5, 4, 8, 8]))

    masked, emptied, sharpened: the three repairs of Csordás and Schmidhuber (2019): keys with a
    mask, slots that are emptied when they are let go, links that are
    sharpened. Without them it is the machine of the paper. Every machine has the weights of all
    three, so that the same seed draws the same machine.
    start: "bare", or "tape": the same draw, then given habits (see `tape`). seed: draws the
    weights from this seed alone.

    Raises ValueError where an argument is outside its range.
    """

    def __init__(
        self,
        inputs,
        outputs,
        *,
        hidden_size=100,
        N=128,
        width=20,
        read_heads=1,
        masked=False,
        emptied=False,
        sharpened=False,
        start="bare",
        seed=None,
    ):
        sizes = dict(
            inputs=inputs,
            outputs=outputs,
            hidden_size=hidden_size,
            N=N,
            width=width,
            read_heads=read_heads,
        )
        repairs = dict(masked=bool(masked), emptied=bool(emptied), sharpened=bool(sharpened))
        inputs, outputs, hidden_size, N, width, read_heads = checked = positive(**sizes)
        if start not in ("bare", "tape"):
            raise ValueError(f"start is {start!r}; it must be one of bare, tape")
        generator = seeded(seed)
        super().__init__()
        self.settings = dict(zip(sizes, checked)) | repairs | dict(start=start)
        self.inputs, self.outputs, self.read_heads = inputs, outputs, read_heads
        self.masked, self.emptied, self.sharpened = repairs.values()
        device = torch.empty(0).device
        with torch.device("meta"):
            self.controller = LSTM(inputs + read_heads * width, hidden_size)
            self.heads = Heads(hidden_size, width, read_heads)
            self.output = nn.Linear(hidden_size + read_heads * width, outputs)
        for part in (self.controller, self.heads, self.output):
            draw(part, generator, device)
        self.r_0 = nn.Parameter(torch.zeros(read_heads, width))
        self.register_buffer("M_0", torch.zeros(N, width))
        if start == "tape":
            tape(self)

    def initial_state(self, batch):
        """The State in which every sequence begins: an empty memory, nothing used, nothing
        linked."""
        N, zeros = self.M_0.shape[-2], self.r_0.new_zeros
        return State(
            M=self.M_0.expand(batch, -1, -1).clone(),
            w_read=zeros(batch, self.read_heads, N),
            w_write=zeros(batch, N),
            r=self.r_0.expand(batch, -1, -1).clone(),
            u=zeros(batch, N),
            p=zeros(batch, N),
            L=zeros(batch, N, N),
            controller=self.controller.initial(batch),
        )

    def step(self, x, state):
        """One step: let go, write, link, and read what is there *now* (the NTM reads first).

        x [B, inputs]. Returns the logits [B, outputs], the new State, and what the heads emitted.
        """
        M, w_read, w_write, r, u, p, L, c = state
        h, c = self.controller(torch.cat([x, r.flatten(1)], -1), c)
        emitted = self.heads(h)
        (k, k_write), (β, β_write), (m, m_write) = (
            of.split([self.read_heads, 1], 1) for of in emitted[:3]
        )
        f, π, γ, g, e, a = emitted[3:]
        g_a, g_w = g.unbind(-1)
        # write
        ψ = retention(w_read, f)
        u = usage(u, w_write, ψ)
        w_c = self.search(M, k_write, β_write, m_write).squeeze(1)
        w_write = write_weighting(allocation(u), w_c, g_a, g_w)
        if self.emptied:
            M = empty(M, ψ)
        M = add(erase(M, w_write.unsqueeze(1), e), w_write.unsqueeze(1), a)
        # link
        L = links(L, p, w_write)
        p = precedence(p, w_write)
        # read
        w_b, w_f = backward(L, w_read), forward(L, w_read)
        if self.sharpened:
            γ_b, γ_f = γ.unbind(-1)
            w_b, w_f = sharpen(w_b, γ_b), sharpen(w_f, γ_f)
        w_read = read_weighting(w_b, self.search(M, k, β, m), w_f, π)
        r = read(M, w_read)
        y = self.output(torch.cat([h, r.flatten(1)], -1))
        return y, State(M, w_read, w_write, r, u, p, L, c), emitted

    def search(self, M, k, β, m):
        """By content: equation (5), under a mask where the machine has one."""
        return masked_content(M, k, β, m) if self.masked else content(M, k, β)

    def unroll(self, x, state=None):
        """A whole sequence, as NTM.unroll. Returns the logits [T, B, outputs] and the State
        after the last step."""
        check_input(x, self.inputs, self.r_0)
        state, logits = self.initial_state(x.shape[1]) if state is None else State(*state), []
        for x_t in x:
            y, state, _ = self.step(x_t, state)
            logits.append(y)
        return torch.stack(logits), state

    def forward(self, x, trace=False):
        """Logits [T, B, outputs] for x [T, B, inputs]; with trace=True also what was in
        every State (after the step) and Emission, each [T, B, ...]."""
        if not trace:
            return self.unroll(x)[0]
        check_input(x, self.inputs, self.r_0)
        state, logits, kept = self.initial_state(x.shape[1]), [], []
        for x_t in x:
            y, state, emitted = self.step(x_t, state)
            logits.append(y)
            kept.append(
                {
                    name: value.detach()
                    for name, value in {**state._asdict(), **emitted._asdict()}.items()
                    if name != "controller"
                }
            )
        return torch.stack(logits), SimpleNamespace(
            **{name: torch.stack([at[name] for at in kept]) for name in kept[0]}
        )


@torch.no_grad()
def tape(machine):
    """Give a DNC the habits that ntm.start.tape gives an NTM: to write on, into free slots; to
    find what was written on seeing x; and to let nothing go.

    Allocation instead of a shift, and the free gates shut. As there, read keys begin as the map
    that is added, and the controller hears its inputs as if they
    came alone, half as loud again.
    """
    weight, bias, sizes = (
        machine.heads.linear.weight,
        machine.heads.linear.bias,
        machine.heads.sizes,
    )
    k, β, m, f, π, γ, g, e, a = bias.split(sizes)
    β += 4
    m += 2
    f -= 3
    g += 2
    keys, *_, adds = weight.split(sizes)
    width = machine.heads.width
    for head in range(machine.read_heads):
        keys[head * width : (head + 1) * width] = adds
    layer = machine.controller.layers[0].weight
    layer[:, : machine.inputs] *= 1.5 * (layer.shape[1] / machine.inputs) ** 0.5
    for values, start in [(keys, k), (adds, a)]:
        values *= 3
        start.zero_()
