"""Streams, the language model's reading of a focus, the oracle and the lens: each held to a second
way of computing it."""

import pytest
import torch
from torch.nn import functional

from ntm.focus import data, oracle, run, tree
from ntm.focus.data import ANSWER, ASK, END, SET, F, K
from ntm.focus.lens import Lens, entries, loss
from ntm.focus.model import LM, Gist, read, working_context


@pytest.fixture(scope="module")
def lm():
    return LM(seed=3).eval()


def draw(B=3, blocks=16, seed=0, **options):
    return data.quiz(B, blocks=blocks, facts=8, generator=torch.Generator().manual_seed(seed),
                     **options)


def any_focus(B, C, seed=0):
    generator = torch.Generator().manual_seed(seed)
    e2 = torch.rand(B, C, generator=generator) < 0.6
    return e2, (torch.rand(B, C, F, generator=generator) < 0.4) & e2[..., None]


def facts_of(stream, b):
    """{block: (key, values)} as they stand in the far part."""
    blocks = stream.tokens[b].unflatten(0, (-1, K))
    return {int(i): (int(blocks[i, 1]), blocks[i, 2:7].tolist()) for i in stream.facts[b]}


@pytest.mark.parametrize("questions", [1, 4])
@pytest.mark.parametrize("announced", [0.0, 1.0])
def test_a_quiz_asks_about_what_is_there(questions, announced):
    stream = draw(8, questions=questions, announced=announced)
    assert stream.tokens.min() >= 0 and stream.tail.shape == (8, 64)
    for b in range(8):
        facts = facts_of(stream, b)
        assert len({key for key, _ in facts.values()}) == 8
        assert all(int(stream.tokens[b, i * K]) == SET and int(stream.tokens[b, i * K + 7]) == END
                   for i in facts)
        assert all(len(set(values)) == ANSWER for _, values in facts.values())
        places = stream.answer[b].nonzero()[:, 0].view(-1, ANSWER)
        assert len(places) == questions
        for place, asked in zip(places, stream.asked[b].tolist()):
            key, values = facts[asked]
            before = int(place[0])
            assert stream.tokens[b, before - 2 : before].tolist() == [ASK, key]
            assert stream.tokens[b, place].tolist() == values
            # the answer opens a block, or stands within
            assert (before % K == 0) == bool(announced)


def test_the_text_runs_on_around_what_is_planted():
    stream = draw(1)
    words = data.say(stream.tokens[0][stream.tokens[0] < SET])
    source = data.say(data.text("test"))
    assert words in source


def test_train_and_test_text_do_not_meet():
    with pytest.raises(ValueError, match="part"):
        data.text("dev")
    assert len(data.text()) > 8 * len(data.text("test"))


@pytest.mark.parametrize("options",
                         [dict(questions=5), dict(questions=0), dict(facts=3, questions=4)])
def test_impossible_quizzes_are_refused(options):
    with pytest.raises(ValueError, match="questions"):
        data.quiz(2, **options)


@pytest.mark.parametrize("sequential", [True, False])
def test_records(sequential):
    stream = data.records(40, sequential=sequential, generator=torch.Generator().manual_seed(1))
    first, second = stream.asked.T
    assert ((second == first + 1).all() if sequential
            else (second == first + 1).float().mean() < 0.3)
    assert ((first != second).all() and all(i // F == (i + 3) // F
                                            for i in stream.facts[0, ::4].tolist()))
    assert stream.announced.tolist() == [[True, False]] * 40


def test_a_dialogue_asks_again_only_when_the_answer_has_left_the_tail():
    stream = data.dialogue(30, rounds=20, generator=torch.Generator().manual_seed(2))
    for asked, announced in zip(stream.asked, stream.announced):
        spoken = (asked >= 0).nonzero()[:, 0].tolist()
        for a, b in zip(spoken, spoken[1:]):
            assert announced[b] or (asked[a] == asked[b] and b - a >= 5)
    assert torch.equal(stream.answer.sum(1), ANSWER * (stream.asked >= 0).sum(1))


def test_everything_in_detail_is_the_plain_model(lm):
    stream = draw()
    plain = lm.embed(stream.tokens) + lm.level.weight[0]
    position = torch.arange(stream.tokens.shape[1]).expand(3, -1)
    expected = lm(plain, position, torch.ones_like(position, dtype=torch.bool), 64)
    found = read(lm, lm.table(stream.tokens[:, : stream.far]), *tree.everything(3, 2),
                 stream.tail)[1]
    assert torch.allclose(found, expected, atol=1e-5)


def test_padding_and_company_change_nothing(lm):
    stream, focus = draw(5), any_focus(5, 2)
    table = lm.table(stream.tokens[:, : stream.far])
    together, _ = read(lm, table, *focus, stream.tail)
    for b in range(5):
        one = slice(b, b + 1)
        alone, _ = read(lm, table[one], focus[0][one], focus[1][one], stream.tail[one])
        assert torch.allclose(alone, together[one], atol=1e-5)


def test_positions_are_those_of_the_tokens_and_of_the_middle_of_a_gist(lm):
    e2, e1 = tree.show(1, 2, torch.tensor([[1]]))
    _, position, _, idx = working_context(lm, torch.zeros(1, 146, 64), e2, e1)
    assert position[0].tolist() == [4, *range(8, 16), 20, 28, 36, 44, 52, 60, 96]


def test_a_tail_says_nothing_of_what_comes_after(lm):
    stream, focus = draw(2), any_focus(2, 2)
    table = lm.table(stream.tokens[:, : stream.far])
    changed = stream.tail.clone()
    changed[:, 40] = (changed[:, 40] + 1) % 40
    a, b = read(lm, table, *focus, stream.tail)[1], read(lm, table, *focus, changed)[1]
    assert torch.equal(a[:, :40], b[:, :40]) and not torch.equal(a[:, 40], b[:, 40])


def test_the_tree_only_grows(lm):
    stream = draw(blocks=24)
    small, large = lm.table(stream.tokens[:, : 2 * F * K]), lm.table(stream.tokens[:, : 3 * F * K])
    assert torch.allclose(small, large[:, : 2 * tree.ROWS], atol=1e-6)


def test_a_gist_is_of_its_own_span_alone(lm):
    stream = draw(1)
    table = lm.table(stream.tokens[:, : stream.far])
    changed = stream.tokens[:, : stream.far].clone()
    changed[0, 8 * 3 + 2] = 5
    lod, start, span = tree.layout(2)
    moved = (lm.table(changed) - table).abs().sum(-1)[0] > 1e-6
    assert torch.equal(moved, (start <= 26) & (26 < start + span))
    assert Gist(16, 8)(torch.randn(3, 5, 8, 16)).shape == (3, 5, 16)


def test_gates_of_0_and_1_are_the_hard_focus(lm):
    stream, (e2, e1) = draw(2), any_focus(2, 2)
    table = lm.table(stream.tokens[:, : stream.far])
    hard, _ = read(lm, table, e2, e1, stream.tail)
    lod, start, span = tree.layout(2)
    x = torch.cat([table + lm.level(lod), lm.embed(stream.tail) + lm.level.weight[0]], 1)
    position = torch.cat([start + span // 2, stream.far + torch.arange(64)]).expand(2, -1)
    gate = torch.cat([tree.visible(e2, e1).float(), torch.ones(2, 64)], 1)
    logits = lm(x, position, torch.ones_like(position, dtype=torch.bool), 64, gate)
    soft = torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), stream.tail[:, 1:],
                                             reduction="none")
    assert torch.allclose(soft, hard, atol=1e-3)


@pytest.mark.parametrize("one_step", [False, True])
def test_the_oracle_is_brute_force(lm, one_step):
    stream, (e2, e1) = draw(3, seed=4), any_focus(3, 2, seed=4)
    table, wanted = lm.table(stream.tokens[:, : stream.far]), stream.answer[:, stream.far :]

    def nats(b, a2, a1):
        nll, _ = read(lm, table[b : b + 1], a2[None], a1[None], stream.tail[b : b + 1])
        return (nll[0] * wanted[b, 1:]).sum()

    gain = oracle.gains(lm, table, e2, e1, stream.tail, wanted, one_step)
    for b in range(3):
        now = nats(b, e2[b], e1[b])
        for block in range(2 * F):
            a2, a1, (c, f) = e2[b].clone(), e1[b].clone(), divmod(block, F)
            if not e2[b, c]:
                a2[c], a1[c] = True, not one_step
                expected = now - nats(b, a2, a1)
            else:
                a1[c, f] = ~a1[c, f]
                expected = (nats(b, a2, a1) - now) * (1 if e1[b, c, f] else -1)
            assert torch.isclose(gain[b, block], expected, atol=1e-4), (b, block)


def test_expanding_and_collapsing_are_one_number(lm):
    stream = draw(2)
    table, wanted = lm.table(stream.tokens[:, : stream.far]), stream.answer[:, stream.far :]
    e2, e1 = tree.show(2, 2, torch.tensor([[2], [9]]))
    e1_without = e1.clone()
    e1_without[:] = False
    shown = oracle.gains(lm, table, e2, e1, stream.tail, wanted)
    hidden = oracle.gains(lm, table, e2, e1_without, stream.tail, wanted)
    for b, block in enumerate([2, 9]):
        assert torch.isclose(shown[b, block], hidden[b, block], atol=1e-4)


@pytest.mark.parametrize("query", ["tokens", "gists"])
@pytest.mark.parametrize("kind", ["dual", "cosine"])
def test_a_lens_does_not_care_for_order_or_padding(lm, query, kind):
    stream, (e2, e1) = draw(4), any_focus(4, 2)
    lens = Lens(query, kind, seed=1)
    table = lm.table(stream.tokens[:, : stream.far])
    queries = lens.queries(lm, stream.tail[:, :56])
    *given, idx = entries(lm, table, e2, e1)
    scores, n = lens(*given, queries), idx.shape[1]
    turn = torch.randperm(n)
    assert torch.allclose(lens(*(z[:, turn] for z in given), queries), scores[:, turn], atol=1e-5)
    for b in range(4):
        own = given[3][b]
        alone = lens(*(z[b : b + 1, own] for z in given), queries[b : b + 1])
        assert torch.allclose(alone[0], scores[b, own], atol=1e-5)


def test_a_lens_of_no_known_kind_is_refused():
    with pytest.raises(ValueError, match="query"):
        Lens("words")


def test_the_loss_is_least_for_the_right_scores():
    gain = torch.tensor([[0.0] * 7 + [12.0] + [3.0] * 8])
    e2 = torch.tensor([[True, False]])
    right = gain / 4
    assert loss(right, gain, e2) < loss(right + 0.5, gain, e2) < loss(-right, gain, e2)


@pytest.mark.parametrize("name", [*run.POLICIES])
def test_policies_keep_the_budget(lm, name):
    stream = draw(3, blocks=56)
    e2, e1 = run.policy(name, lm, stream, W_max=28, generator=torch.Generator().manual_seed(0))
    if name not in ("LOD1", "all"):
        if name != "none":
            tree.check(e2, e1, 28)
    right, nats, _ = run.answers(lm, stream, (e2, e1))
    assert right.shape == nats.shape == (3, 1)


def test_an_unknown_policy_is_refused(lm):
    with pytest.raises(ValueError, match="policy"):
        run.policy("luck", lm, draw())


def test_a_focus_is_followed_and_read_at_every_question(lm):
    stream = data.dialogue(3, rounds=6, generator=torch.Generator().manual_seed(2))
    found = run.follow(lm, Lens(seed=0), stream, W_max=28)
    assert found["shown"].shape == (3, 13, 56) and found["done"].shape == (3, 13, 63)
    assert len(found["right"]) == (stream.asked >= 0).sum()
    for row, step in zip(found["row"].tolist(), found["step"].tolist()):
        block = stream.answer[row, stream.far :].view(-1, K)[step + 7]
        assert block.sum() == ANSWER
    for t in range(13):
        tree.check(found["opened"][:, t], found["shown"][:, t].view(3, 7, F), 28)


def same_against_other(block, x):
    """What the content part of a block's first head says, before any learning, of a vector and
    itself, and of a vector and others."""
    d = x.shape[1]
    q, k = (x @ W.T for W in (block.q.weight, block.kv.weight[:d]))
    q, k = (z.unflatten(-1, (block.heads, -1))[:, 0, d // block.heads // 2 :] for z in (q, k))
    logits = q @ k.T / (d // block.heads) ** 0.5
    own = logits.diagonal()
    return own.mean().item(), (logits - own.diag()).abs().mean().item()


def test_a_model_that_begins_as_a_tape_finds_its_own_symbols():
    for start, low, high in (("tape", 4.0, 7.0), ("bare", -1.0, 1.0)):
        lm = LM(start=start, seed=4)
        own, other = same_against_other(lm.blocks[0], lm.blocks[0].norm1(lm.embed.weight))
        assert low < own < high and other < 1.5, start


def test_a_lens_that_begins_as_a_tape_asks_for_what_is_there():
    symbols = torch.randn(40, 64, generator=torch.Generator().manual_seed(0))
    for start in ("tape", "bare"):
        lens = Lens(kind="cosine", start=start, seed=1)
        with torch.no_grad():
            x, g = lens.x(lens.norm_x(symbols)), lens.g(lens.norm_g(symbols))
        nearest = functional.cosine_similarity(g[:, None], x[None], dim=-1).argmax(1)
        share = (nearest == torch.arange(40)).float().mean()
        assert share == 1 if start == "tape" else share < 0.5


@pytest.mark.parametrize("make", [LM, Lens])
def test_an_unknown_start_is_refused(make):
    with pytest.raises(ValueError, match='start is .warm.; it must be "tape" or "bare"'):
        make(start="warm")
