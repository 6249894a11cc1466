"""Every model of ntm.kin equals its paper's equation in plain loops, and torch's own module where
torch has one."""

import math
from functools import partial

import pytest
import torch
from spec import add, erase, read, sigmoid, softmax
from torch import nn
from torch.autograd import gradcheck
from torch.nn.functional import scaled_dot_product_attention
from torch.testing import assert_close

from ntm import addressing
from ntm import memory as ntm_memory
from ntm.kin import (
    attention,
    fast_weights,
    glance,
    index,
    latents,
    long,
    look,
    memory_networks,
    recall,
)
from ntm.kin.look import causal, over_queries, over_slots


@pytest.fixture(autouse=True)
def double():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def lists(x):
    return x.detach().tolist()


def dot(u, v):
    return sum(x * y for x, y in zip(u, v, strict=True))


def plus(u, v):
    return [x + y for x, y in zip(u, v, strict=True)]


def times(c, v):
    return [c * x for x in v]


def outer(u, v):
    return [[x * y for y in v] for x in u]


def matrix(W, x):
    return [dot(row, x) for row in W]


def layer_norm(x, weight, bias):
    mean = sum(x) / len(x)
    spread = math.sqrt(sum((v - mean) ** 2 for v in x) / len(x) + 1e-5)
    return [(v - mean) / spread * w + b for v, w, b in zip(x, weight, bias)]


def close(found, wanted, atol=1e-9):
    assert_close(found.detach(), torch.tensor(wanted), atol=atol, rtol=1e-9)


def linear(part, x):
    """part(x) of one vector."""
    y = matrix(lists(part.weight), x)
    return y if part.bias is None else plus(y, lists(part.bias))


def norm(part, x):
    return layer_norm(x, lists(part.weight), lists(part.bias))


def attend(q, K, V, allowed=None, scale=True):
    """One query: softmax of the products with the allowed keys, and the sum of their values."""
    seen = [i for i in range(len(K)) if allowed is None or allowed[i]]
    if not seen:
        return [0.0] * len(V[0])
    w = softmax([dot(q, K[i]) / (math.sqrt(len(q)) if scale else 1) for i in seen])
    return read([V[i] for i in seen], w)


# The operation


def test_the_ntms_content_is_one_of_them():
    M, k = torch.randn(2, 5, 3), torch.randn(2, 2, 3)
    r, w = look.look(k, M, M, look.cosine)
    assert_close(w, addressing.content(M, k, torch.ones(2, 2)))
    assert_close(r, ntm_memory.read(M, w))


@pytest.mark.parametrize(
    "normalise", [over_slots, over_queries, look.largest, look.top(2), look.drawn]
)
def test_weights_sum_to_one(normalise):
    w = normalise(torch.randn(3, 4, 5))
    assert_close(w.sum(-1), torch.ones(3, 4))
    assert (w >= 0).all()


def test_what_normalisers_keep():
    z = torch.tensor([[[1.0, 3.0, 2.0, -1.0]]])
    assert look.largest(z).tolist() == [[[0, 1, 0, 0]]]
    close(look.top(2)(z), [[[0, *softmax([3, 2]), 0]]])
    assert_close(look.top(9)(z), over_slots(z))
    assert look.unchanged(z) is z
    z = z.expand(20000, 1, 4)
    assert_close(look.drawn(z).mean(0, keepdim=True), over_slots(z[:1]), atol=0.02, rtol=0)


def test_over_queries_is_a_softmax_over_queries_then_a_mean():
    z = torch.randn(1, 3, 4)
    won = [softmax([z[0, q, i].item() for q in range(3)]) for i in range(4)]  # [slot][query]
    wanted = [[won[i][q] / sum(won[j][q] for j in range(4)) for i in range(4)] for q in range(3)]
    close(over_queries(z)[0], wanted, 1e-6)


def test_what_is_not_allowed_gets_nothing():
    z, allowed = torch.randn(1, 4, 4), causal(4, itself=False)
    w = look.only(allowed)(z)
    assert not w[:, ~allowed].any() and not w[:, 0].any()
    assert_close(w[:, 1:].sum(-1), torch.ones(1, 3))


@pytest.mark.parametrize("scores", [look.cosine, look.dot, look.scaled])
def test_the_order_of_the_slots_does_not_matter(scores):
    q, K, V, order = (
        torch.randn(1, 2, 3),
        torch.randn(1, 5, 3),
        torch.randn(1, 5, 4),
        torch.randperm(5),
    )
    r, w = look.look(q, K, V, scores)
    other, moved = look.look(q, K[:, order], V[:, order], scores)
    assert_close(other, r)
    assert_close(moved, w[..., order])


# Memory networks


def bag(sentence):
    return [sum(word[j] for word in sentence) for j in range(len(sentence[0]))]


def test_memory_network():
    model = memory_networks.MemoryNetwork(6, 3, 4, hops=2)
    facts, questions = (
        torch.randint(0, 2, (2, 5, 2, 6)).double(),
        torch.randint(0, 2, (2, 1, 2, 6)).double(),
    )
    answers, z = model(facts, questions)
    for b in range(2):
        x, m = bag(lists(questions[b, 0])), [bag(s) for s in lists(facts[b])]
        query, answer = linear(model.asks[0], x), linear(model.asks[2], x)
        for h in range(2):
            s = [dot(query, linear(model.fact, fact)) for fact in m]
            close(z[h][b, 0], s)
            best = m[s.index(max(s))]
            query, answer = (
                plus(query, linear(model.found[h], best)),
                plus(answer, linear(model.found[2 + h], best)),
            )
        close(answers[b, 0], linear(model.response, answer))


def test_a_memory_network_goes_by_the_facts_it_is_told():
    model = memory_networks.MemoryNetwork(6, 3, 4, hops=2)
    facts, questions = torch.rand(1, 5, 1, 6), torch.rand(1, 1, 1, 6)
    _, z = model(facts, questions)
    found = torch.stack([scores.argmax(-1) for scores in z], -1)
    assert_close(model(facts, questions, found)[0], model(facts, questions)[0])
    assert not torch.allclose(
        model(facts, questions, (found + 1) % 5)[0], model(facts, questions)[0]
    )


def test_margin():
    scores, right = torch.randn(2, 4), torch.tensor([1, 3])
    wanted = (
        sum(
            max(0.0, 0.1 - scores[b, right[b]].item() + scores[b, i].item())
            for b in range(2)
            for i in range(4)
            if i != right[b]
        )
        / 2
    )
    close(memory_networks.margin(scores, right), wanted)


@pytest.mark.parametrize("tying", ["adjacent", "layer-wise"])
@pytest.mark.parametrize("positions", [False, True])
def test_memn2n(tying, positions):
    model = memory_networks.MemN2N(6, 3, hops=2, tying=tying, positions=positions)
    facts, questions = torch.rand(2, 5, 4, 6), torch.rand(2, 1, 4, 6)
    answers, weights = model(facts, questions)
    E = lists(model.E)

    def embed(sentence, E):
        J, d = len(sentence), 3
        vector = [0.0] * d
        for j, word in enumerate(sentence, 1):
            each = read(E, word)
            for k in range(1, d + 1):
                vector[k - 1] += each[k - 1] * (
                    (1 - j / J) - k / d * (1 - 2 * j / J) if positions else 1
                )
        return vector

    A, C, B = (
        ([E[0], E[1]], [E[1], E[2]], E[0])
        if tying == "adjacent"
        else ([E[0]] * 2, [E[1]] * 2, E[2])
    )
    for b in range(2):
        u = embed(lists(questions[b, 0]), B)
        for hop in range(2):
            m, c = ([embed(s, each[hop]) for s in lists(facts[b])] for each in (A, C))
            p = softmax([dot(u, each) for each in m])
            close(weights[hop][b, 0], p)
            u = plus(u if tying == "adjacent" else linear(model.H, u), read(c, p))
        wanted = matrix(E[-1], u) if tying == "adjacent" else linear(model.W, u)
        close(answers[b, 0], wanted)


def test_memn2n_ties_what_it_says_it_ties():
    sizes = [
        sum(p.numel() for p in memory_networks.MemN2N(6, 3, hops=3, tying=tying).parameters())
        for tying in ("adjacent", "layer-wise")
    ]
    assert sizes == [4 * 18, 3 * 18 + 9 + 18]
    with pytest.raises(ValueError, match="tying is 'loose'"):
        memory_networks.MemN2N(6, 3, tying="loose")


# Attention


def test_attention_is_the_equation_and_torchs():
    Q, K, V = torch.randn(2, 3, 4), torch.randn(2, 5, 4), torch.randn(2, 5, 6)
    found = attention.attention(Q, K, V)
    for b in range(2):
        close(found[b], [attend(q, lists(K[b]), lists(V[b])) for q in lists(Q[b])])
    assert_close(found, scaled_dot_product_attention(Q, K, V), atol=1e-6, rtol=0)
    Q = torch.randn(2, 5, 4)
    ours = attention.attention(Q, K, V, causal(5))
    assert_close(ours, scaled_dot_product_attention(Q, K, V, is_causal=True), atol=1e-6, rtol=0)


def theirs(d, heads, ours):
    module = nn.MultiheadAttention(d, heads, batch_first=True)
    module.in_proj_weight.data = torch.cat([part.weight.data for part in (ours.q, ours.k, ours.v)])
    module.in_proj_bias.data = torch.cat([part.bias.data for part in (ours.q, ours.k, ours.v)])
    module.out_proj.load_state_dict(ours.out.state_dict())
    return module


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_multihead_is_torchs(heads):
    ours, h, keys = attention.MultiHead(8, heads), torch.randn(2, 5, 8), torch.randn(2, 7, 8)
    module = theirs(8, heads, ours)
    wanted, _ = module(h, h, h, attn_mask=~causal(5))
    assert_close(ours(h), wanted, atol=1e-6, rtol=0)
    assert_close(ours(h, keys), module(h, keys, keys)[0], atol=1e-6, rtol=0)


def test_a_block_is_torchs_encoder_layer():
    ours, h = attention.Block(8, attention.MultiHead(8, 2)), torch.randn(2, 5, 8)
    module = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)
    module.self_attn = theirs(8, 2, ours.mixer)
    module.linear1.load_state_dict(ours.ffn[0].state_dict())
    module.linear2.load_state_dict(ours.ffn[2].state_dict())
    module.norm1.load_state_dict(ours.norms[0].state_dict())
    module.norm2.load_state_dict(ours.norms[1].state_dict())
    assert_close(ours(h), module(h, src_mask=~causal(5)), atol=1e-6, rtol=0)


def test_a_transformer_with_and_without_places():
    model, x = attention.Transformer(3, 2, d=4, layers=1, places=True), torch.randn(5, 2, 3)
    h = model.embed(x.transpose(0, 1)) + attention.positions(5, 4)
    assert_close(model(x), model.output(model.blocks(h)).transpose(0, 1), atol=1e-6, rtol=0)
    model.places = False
    again = x[[1, 0, 2, 3, 4]]
    assert_close(model(x)[2:], model(again)[2:])  # without places, what came first does not matter


def test_positions():
    found = attention.positions(5, 6)
    for t in range(5):
        for i in range(3):
            angle = t / 10000 ** (2 * i / 6)
            close(found[t, 2 * i : 2 * i + 2], [math.sin(angle), math.cos(angle)], 1e-6)


# Fast weights


def test_linear_attention_all_at_once_and_step_by_step():
    model, h = fast_weights.LinearAttention(3), torch.randn(2, 4, 3)
    found = model(h)
    f = lambda x: [v + 1 if v > 0 else math.exp(v) for v in x]  # noqa: E731
    S, Z = torch.zeros(2, 3, 3), torch.zeros(2, 3)
    for t in range(4):
        step, S, Z = model.step(h[:, t], S, Z)
        assert_close(step, found[:, t])
        for b in range(2):
            k, v = (
                [linear(part, lists(h[b, j])) for j in range(t + 1)] for part in (model.k, model.v)
            )
            q = f(linear(model.q, lists(h[b, t])))
            w = [dot(q, f(key)) for key in k]
            close(found[b, t], linear(model.out, read(v, [x / sum(w) for x in w])))


def test_delta_step_is_the_paper_and_the_gate_fades():
    S, k, v, β, α = (
        torch.randn(2, 3, 4),
        torch.randn(2, 3),
        torch.randn(2, 4),
        torch.rand(2, 1),
        torch.rand(2, 3),
    )
    for gate in (None, α, α[:, :1]):
        found = fast_weights.delta_step(S, k, v, β, gate)
        for b in range(2):
            rates = [1.0] * 3 if gate is None else lists(gate[b].expand(3))
            faded = [times(rate, row) for rate, row in zip(rates, lists(S[b]))]
            old, key = read(faded, lists(k[b])), lists(k[b])
            change = outer(key, times(β[b].item(), plus(lists(v[b]), times(-1.0, old))))
            close(found[b], [plus(row, more) for row, more in zip(faded, change)])


def test_at_a_slot_the_delta_rule_is_erase_and_add():
    M, a, β = torch.randn(2, 5, 4), torch.randn(2, 4), torch.rand(2, 1)
    slot = nn.functional.one_hot(torch.tensor([1, 4]), 5).double()
    w, e = slot.unsqueeze(1), β.unsqueeze(1).expand(-1, 1, 4)
    wanted = ntm_memory.add(ntm_memory.erase(M, w, e), w, (β * a).unsqueeze(1))
    assert_close(fast_weights.delta_step(M, slot, a, β), wanted)
    by_loops = add(
        erase(lists(M[0]), lists(slot[0]), [β[0].item()] * 4), lists(slot[0]), lists(β[0] * a[0])
    )
    close(wanted[0], by_loops)


def test_at_any_key_it_is_erase_and_add_in_the_keys_own_axes():
    M, a, β = torch.randn(1, 5, 4), torch.randn(1, 4), torch.rand(1, 1)
    k = nn.functional.normalize(torch.randn(1, 5), dim=-1)
    turn, _ = torch.linalg.qr(torch.cat([k.T, torch.randn(5, 4)], 1))
    turn = turn.T * torch.sign(turn[:, 0] @ k[0])  # its first row is k
    slot, e = torch.eye(5)[:1].unsqueeze(0), β.unsqueeze(1).expand(-1, 1, 4)
    turned = ntm_memory.add(ntm_memory.erase(turn @ M, slot, e), slot, (β * a).unsqueeze(1))
    assert_close(fast_weights.delta_step(M, k, a, β), turn.T @ turned)


def test_linear_attention_writes_as_the_ntm_adds():
    S, k, v = torch.randn(2, 3, 4), torch.randn(2, 3), torch.randn(2, 4)
    for b in range(2):
        weighting = lists(fast_weights.φ(k[b]))
        close(fast_weights.add_step(S, k, v)[b], add(lists(S[b]), weighting, lists(v[b])))


def test_deltanet():
    for gated in (False, True):
        model, h = fast_weights.DeltaNet(3, gated), torch.randn(1, 4, 3)
        found, S = model(h), [[0.0] * 3 for _ in range(3)]
        for t in range(4):
            x = lists(h[0, t])
            unit = lambda v: times(1 / math.sqrt(dot(v, v)), v)  # noqa: E731
            bent = lambda v: unit([u * sigmoid(u) for u in v])  # noqa: E731
            q, k, v, β = (
                bent(linear(model.q, x)),
                bent(linear(model.k, x)),
                linear(model.v, x),
                sigmoid(linear(model.β, x)[0]),
            )
            if gated:
                α = sigmoid(linear(model.α, x)[0] + 4)
                S = [times(α, row) for row in S]
            old = read(S, k)
            S = add(S, k, times(β, plus(v, times(-1.0, old))))
            close(found[0, t], linear(model.out, read(S, q)))


# Latents


def asking(part, q, keys):
    """Perceiver IO's block by loops: q and keys are lists of vectors."""
    k, v = (
        [linear(w, norm(part.norms[1], key)) for key in keys] for w in (part.attn.k, part.attn.v)
    )
    out = []
    for x in q:
        x = plus(
            x, linear(part.attn.out, attend(linear(part.attn.q, norm(part.norms[0], x)), k, v))
        )
        inner = linear(part.mlp[0], norm(part.norms[2], x))
        inner = [u * 0.5 * (1 + math.erf(u / math.sqrt(2))) for u in inner]
        out.append(plus(x, linear(part.mlp[2], inner)))
    return out


@pytest.mark.parametrize("rounds", [1, 2])
def test_perceiver_and_perceiver_io(rounds):
    model = latents.PerceiverIO(4, 2, 5, latents=3, d=4, rounds=rounds)
    x, queries = torch.randn(2, 6, 4), torch.randn(2, 2, 5)
    for b in range(2):
        z, keys = lists(model.latents), [linear(model.embed, each) for each in lists(x[b])]
        for _ in range(rounds):
            z = asking(model.ask, z, keys)
            z = asking(model.think, z, z)
        close(model.encode(x)[b], z)
        answers = asking(model.answer, [linear(model.question, q) for q in lists(queries[b])], z)
        close(model(x, queries)[b], [linear(model.output, each) for each in answers])
        mean = [sum(column) / 3 for column in zip(*z)]
        close(latents.Perceiver.forward(model, x)[b], linear(model.output, mean))


def test_a_perceiver_does_not_know_the_order_of_its_input():
    model, x = latents.Perceiver(4, 2, 3, 4), torch.randn(2, 6, 4)
    assert_close(model(x[:, torch.randperm(6)]), model(x))


@pytest.mark.parametrize("normalise", [over_queries, over_slots])
def test_slot_attention(normalise):
    model = latents.SlotAttention(4, d=3, slots=2, iterations=2, normalise=normalise)
    x, begin = torch.randn(2, 5, 4), torch.randn(2, 2, 3)
    found, weights = model(x, begin)
    for b in range(2):
        inputs = [norm(model.norm_x, each) for each in lists(x[b])]
        k, v = ([linear(part, each) for each in inputs] for part in (model.k, model.v))
        slots = [
            [m + math.exp(s) * z for m, s, z in zip(lists(model.μ), lists(model.log_σ), each)]
            for each in lists(begin[b])
        ]
        for _ in range(2):
            q = [linear(model.q, norm(model.norm_slots, slot)) for slot in slots]
            M = [[dot(k[i], q[j]) / math.sqrt(3) for j in range(2)] for i in range(5)]
            if normalise is over_queries:  # (1) over the slots, (2) a weighted mean
                attn = [softmax(row) for row in M]
                W = [
                    [attn[i][j] / sum(attn[n][j] for n in range(5)) for i in range(5)]
                    for j in range(2)
                ]
            else:
                W = [softmax([M[i][j] for i in range(5)]) for j in range(2)]
            close(weights[b], W, 1e-5) if _ == 1 else None
            slots = [gru(model.gru, read(v, w), slot) for w, slot in zip(W, slots)]
            slots = [
                plus(
                    s,
                    linear(
                        model.mlp[3],
                        [max(0.0, u) for u in linear(model.mlp[1], norm(model.mlp[0], s))],
                    ),
                )
                for s in slots
            ]
        close(found[b], slots, 1e-5)


def gru(cell, x, h):
    """r, z, n as in torch: n = tanh(W_n x + b + r (U_n h + c)); (1 − z) n + z h."""
    gates = plus(matrix(lists(cell.weight_ih), x), lists(cell.bias_ih))
    inner = plus(matrix(lists(cell.weight_hh), h), lists(cell.bias_hh))
    d = len(h)
    r, z = (
        [sigmoid(gates[i + part * d] + inner[i + part * d]) for i in range(d)] for part in (0, 1)
    )
    n = [math.tanh(gates[i + 2 * d] + r[i] * inner[i + 2 * d]) for i in range(d)]
    return [(1 - z[i]) * n[i] + z[i] * h[i] for i in range(d)]


def test_slots_change_places_with_what_they_begin_from_and_not_with_the_inputs():
    model = latents.SlotAttention(4, d=3, slots=3)
    x, begin, order = torch.randn(2, 5, 4), torch.randn(2, 3, 3), torch.tensor([2, 0, 1])
    slots, w = model(x, begin)
    moved, there = model(x, begin[:, order])
    assert_close(moved, slots[:, order])
    assert_close(there, w[:, order])
    assert_close(model(x.flip(1), begin)[0], slots)


# A glance


def test_glance_soft_and_hard():
    model = glance.Glance(4, 3, 2, d=5)
    a, h = torch.randn(2, 6, 4), torch.randn(2, 3)
    logits, e, w = model(a, h)
    for b in range(2):
        question = linear(model.h, lists(h[b]))
        scores = [
            linear(model.e, [math.tanh(u) for u in plus(question, linear(model.a, place))])[0]
            for place in lists(a[b])
        ]
        close(e[b], scores)
        close(w[b], softmax(scores))
        z = read(lists(a[b]), softmax(scores))
        inner = [max(0.0, u) for u in linear(model.answer[0], z + lists(h[b]))]
        close(logits[b], linear(model.answer[2], inner))
    model.hard = True
    assert (model(a, h)[2].sort().values == torch.tensor([0.0] * 5 + [1])).all()
    model.eval()
    assert_close(model(a, h)[2].argmax(-1), e.argmax(-1))


def test_reinforce_is_on_average_the_gradient_of_what_is_expected():
    e, reward = torch.randn(3, requires_grad=True), torch.randn(3)
    p = torch.softmax(e, 0)
    (expected,) = torch.autograd.grad((p * reward).sum(), e)
    total = torch.zeros(3)
    for i in range(3):
        for baseline in (0.0, 0.7):
            loss = glance.reinforce(
                reward[i : i + 1], e[None], torch.eye(3)[i : i + 1], baseline, λ_e=0.0
            )
            total += p[i].item() / 2 * -torch.autograd.grad(loss, e)[0]
    assert_close(total, expected)


def test_reinforce_by_loops():
    gain, e, w = torch.tensor([-0.3, -1.2]), torch.randn(2, 3), torch.eye(3)[:2]
    wanted = 0.0
    for b in range(2):
        p = softmax(lists(e[b]))
        entropy = -sum(x * math.log(x) for x in p)
        wanted -= (
            gain[b].item() + 0.5 * (gain[b].item() + 0.4) * math.log(p[b]) + 0.1 * entropy
        ) / 2
    close(glance.reinforce(gain, e, w, -0.4, 0.5, 0.1), wanted)


# Past the window


def test_compressive():
    model, h = long.Compressive(3, segment=2, kept=2, compressed=2, rate=2), torch.randn(1, 9, 3)
    nn.init.normal_(model.compress.weight)
    found = model(h)
    W, b = lists(model.compress.weight), lists(model.compress.bias)
    U, c0 = lists(model.rebuild.weight), lists(model.rebuild.bias)
    m, cm, outputs, lost, rebuilding = [], [], [], 0.0, 0.0
    for first in range(0, 9, 2):
        part = lists(h[0, first : first + 2])

        def read_of(x, states):
            return attend(
                linear(model.q, x),
                [linear(model.k, s) for s in states],  # noqa: E731
                [linear(model.v, s) for s in states],
            )

        for i, x in enumerate(part):
            outputs.append(linear(model.out, read_of(x, cm + m + part[: i + 1])))
        m += part
        old = m[: (len(m) - 2) // 2 * 2] if len(m) > 2 else []
        if old:
            m = m[len(old) :]
            new = [
                [
                    b[c] + sum(W[c][j][r] * old[g + r][j] for j in range(3) for r in range(2))
                    for c in range(3)
                ]
                for g in range(0, len(old), 2)
            ]
            cm = (cm + new)[-2:]
            rebuilt = [
                [c0[c] + sum(state[j] * U[j][c][r] for j in range(3)) for c in range(3)]
                for state in new
                for r in range(2)
            ]
            squares = [(u - v) ** 2 for x, y in zip(rebuilt, old) for u, v in zip(x, y)]
            rebuilding += sum(squares) / len(squares)
            apart = [(u - v) ** 2 for x in part for u, v in zip(read_of(x, old), read_of(x, new))]
            lost += sum(apart) / len(apart)
    close(found[0], outputs)
    close(model.reconstruction, lost)
    close(model.rebuilding, rebuilding)


def test_only_the_reconstruction_teaches_the_compression_and_it_teaches_nothing_else():
    model, h = (
        long.Compressive(3, segment=2, kept=2, compressed=2, rate=2),
        torch.randn(1, 8, 3, requires_grad=True),
    )
    model(h).square().sum().backward(retain_graph=True)
    assert model.compress.weight.grad is None or not model.compress.weight.grad.any()
    assert model.q.weight.grad.any()
    model.zero_grad()
    h.grad = None
    model.reconstruction.backward()
    assert model.compress.weight.grad.any() and h.grad is None
    assert all(p.grad is None for part in (model.q, model.k, model.v) for p in part.parameters())


def test_without_compressed_memory_it_is_a_window():
    model, h = long.Compressive(3, segment=2, kept=2, compressed=0, rate=2), torch.randn(1, 8, 3)
    changed = h.clone()
    changed[:, :2] += 1
    apart = (model(h) - model(changed)).abs().amax((0, 2)) > 0
    assert apart.tolist() == [True] * 4 + [False] * 4  # steps 4 and 5 see from step 2 on


def test_memorizing():
    model, h = long.Memorizing(3, segment=2, nearest=2), torch.randn(1, 7, 3)
    model.b_g.data.fill_(0.3)
    found, K, V = model(h), [], []
    for first in range(0, 7, 2):
        part = lists(h[0, first : first + 2])
        k, v = ([linear(w, x) for x in part] for w in (model.k, model.v))
        for i, x in enumerate(part):
            q, g = linear(model.q, x), sigmoid(0.3)
            local = attend(q, k[: i + 1], v[: i + 1])
            best = sorted(range(len(K)), key=lambda j: -dot(q, K[j]))[:2]
            far = attend(q, [K[j] for j in best], [V[j] for j in best]) if K else local
            close(
                found[0, first + i],
                linear(model.out, [g * a + (1 - g) * b for a, b in zip(far, local)]),
            )
        K, V = K + k, V + v


WAYS = [
    True,
    pytest.param(
        False,
        marks=pytest.mark.skipif(
            index.faiss is None, reason="faiss is missing: its search is NOT tested"
        ),
    ),
]


@pytest.mark.parametrize("exact", WAYS, ids=lambda exact: "exact" if exact else "faiss")
def test_an_index_finds_the_nearest(exact):
    keys, q, found = torch.randn(60, 5), torch.randn(9, 5), index.Index(5, exact=exact)
    found.add(keys[:20])
    assert sorted(found.nearest(q[:1], 99)[0].tolist()) == list(range(20))
    found.add(keys[20:])
    assert len(found) == 60
    best = [sorted(range(60), key=lambda i: -dot(one, lists(keys[i])))[:4] for one in lists(q)]
    assert found.nearest(q, 4).tolist() == best
    assert index.nearest(q, keys, 4).tolist() == best


@pytest.mark.parametrize("exact", WAYS, ids=lambda exact: "exact" if exact else "faiss")
def test_memorizing_by_an_index_reads_the_same(exact):
    h = torch.randn(3, 21, 6, requires_grad=True)
    whole = long.Memorizing(6, segment=4, nearest=3)
    looked_up = long.Memorizing(6, segment=4, nearest=3, index=partial(index.Index, exact=exact))
    looked_up.load_state_dict(whole.state_dict())
    assert_close(looked_up(h), whole(h))
    grads = [torch.autograd.grad(m(h).square().sum(), h)[0] for m in (whole, looked_up)]
    assert_close(*grads)


# All of them

SEQUENCES = [
    attention.MultiHead(4, 2),
    fast_weights.LinearAttention(4),
    fast_weights.DeltaNet(4),
    fast_weights.DeltaNet(4, True),
    long.Compressive(4, 2, 2, 2, 2),
    long.Memorizing(4, 2, 2),
]


@pytest.mark.parametrize("mixer", SEQUENCES, ids=lambda m: type(m).__name__)
def test_no_step_sees_what_comes_after_it(mixer):
    mixer.double()
    h = torch.randn(2, 7, 4)
    whole = mixer(h)
    assert whole.shape == h.shape
    changed = h.clone()
    changed[:, 5:] += 1
    assert_close(mixer(changed)[:, :5], whole[:, :5])
    assert not torch.allclose(mixer(changed)[:, 5:], whole[:, 5:])


@pytest.mark.parametrize("mixer", SEQUENCES, ids=lambda m: type(m).__name__)
def test_gradients_of_mixers(mixer):
    h = torch.randn(1, 5, 4, requires_grad=True)
    if isinstance(mixer, (long.Compressive, long.Memorizing)):  # what is kept passes no gradient
        h = h[:, :2].detach().requires_grad_()
    assert gradcheck(mixer.double(), (h,))


def test_gradients_of_the_others():
    grad = lambda *shape: torch.rand(*shape, requires_grad=True)  # noqa: E731
    net = memory_networks.MemN2N(5, 3, hops=2, positions=True)
    assert gradcheck(lambda f, q: net(f, q)[0], (grad(1, 3, 2, 5), grad(1, 1, 2, 5)))
    facts = memory_networks.MemoryNetwork(5, 3, 2)
    assert gradcheck(
        lambda f, q: facts(f, q, torch.zeros(1, 1, 1, dtype=torch.long))[0],
        (grad(1, 3, 2, 5), grad(1, 1, 2, 5)),
    )
    io = latents.PerceiverIO(3, 2, 2, latents=2, d=4)
    assert gradcheck(io, (grad(1, 4, 3), grad(1, 2, 2)))
    slots = latents.SlotAttention(3, 2, 2)
    assert gradcheck(lambda x, b: slots(x, b), (grad(1, 4, 3), grad(1, 2, 2)))
    soft = glance.Glance(3, 2, 2, 4)
    assert gradcheck(lambda a, h: soft(a, h)[0], (grad(1, 4, 3), grad(1, 2)))


@pytest.mark.parametrize("name", recall.MODELS)
def test_on_the_shared_task(name):
    torch.set_default_dtype(torch.float32)
    task = recall.Recall((3, 3))
    batch = task.sample(4, generator=torch.Generator().manual_seed(0))
    model, same = recall.build(name, 1), recall.build(name, 1)
    logits = model(batch.x)
    assert logits.shape == batch.y.shape and logits.isfinite().all()
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), same.state_dict().values())
    )
    loss = model.loss(batch) if hasattr(model, "loss") else logits.sum()
    loss.backward()
    assert loss.isfinite() and any(p.grad is not None and p.grad.any() for p in model.parameters())


def test_what_is_not_a_model():
    with pytest.raises(ValueError, match="name is 'HAL'"):
        recall.build("HAL")
