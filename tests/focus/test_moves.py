"""Focus that moves: gates over time, soft gates, several heads, writing into gists; and the shipped
weights with their numbers."""

import pytest
import torch

import ntm
from ntm.focus import (
    data,
    experiments,
    heads,
    load,
    load_gate,
    load_lens,
    refine,
    run,
    soft,
    train,
    tree,
)
from ntm.focus.allocator import sharpen, smooth, spread
from ntm.focus.data import ANSWER, ASK, F, K
from ntm.focus.gate import Gate, _lesson, train_gate, worth
from ntm.focus.lens import PRICE, UNIT, Lens
from ntm.focus.model import LM, read


@pytest.fixture(scope="module")
def lm():
    return LM(seed=3).eval()


@pytest.fixture(scope="module")
def followed(lm):
    stream = data.dialogue(2, rounds=7, generator=torch.Generator().manual_seed(2))
    return stream, run.follow(lm, Lens("tokens", "cosine", seed=0), stream, keep=True)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("each, shape", [("stream", (3,)), ("block", (3, 16))])
def test_a_gate_says_numbers_within_0_and_1(each, shape):
    scores, previous, (e2, e1) = torch.randn(3, 16), torch.randn(3, 16), tree.nothing(3, 2)
    g = Gate(each)(scores, previous, e2, e1)
    assert g.shape == shape and (g > 0).all() and (g < 1).all()
    assert smooth(scores, previous, g).shape == (3, 16)


def test_a_gate_of_no_known_kind_is_refused():
    with pytest.raises(ValueError, match="each is 'head'"):
        Gate("head")


def test_worth_is_the_gain_for_the_next_answer(lm, followed):
    stream, found = followed
    target = worth(lm, stream, found)
    assert target.shape == found["shown"].shape
    table = lm.table(stream.tokens[:, : stream.far]).detach()
    row, step = int(found["row"][0]), int(found["step"][0])
    window = stream.tail[row, step * K : (step + 8) * K][None]
    answer = stream.answer[row, stream.far + step * K :][: 8 * K][None].clone()
    answer[:, : 7 * K] = False

    def nats(focus):
        nll, _ = read(lm, table[row : row + 1], *focus, window)
        return (nll * answer[:, 1:]).sum().item()

    for block in (0, 13, 55):
        gain = nats(tree.nothing(1, 7)) - nats(tree.show(1, 7, torch.tensor([[block]])))
        assert abs(target[row, 0, block].item() - (gain / UNIT - PRICE)) < 1e-4
        assert torch.equal(target[row, 0], target[row, step])  # up to the answer the same
    last = int(found["step"][found["row"] == row].max())
    assert target[row, last + 1 :].isnan().all() and not target[row, : last + 1].isnan().any()


def test_a_lesson_counts_a_closed_node_once_and_by_its_best_block():
    found = dict(
        raw=torch.zeros(1, 1, 16),
        under2=torch.tensor([[[True, False]]]),
        under1=torch.zeros(1, 1, 16, dtype=torch.bool),
    )
    target = torch.arange(16.0)[None, None] / 8
    *_, wanted, counts = _lesson(found, target)
    assert torch.equal(wanted[0, 0, :8], target[0, 0, :8]) and (wanted[0, 0, 8:] == 15 / 8).all()
    assert counts[0, 0].sum() == 9
    *_, counts = _lesson(found, target * torch.nan)
    assert counts.sum() == 0


def test_a_gate_learns_to_keep_what_is_asked_again():
    torch.manual_seed(0)
    raw = torch.zeros(8, 12, 16)
    raw[:, 0, 3] = 3.0  # said once, and worth something until the end
    target = torch.zeros(8, 12, 16)
    target[..., 3] = 3.0
    found = dict(
        raw=raw,
        under2=torch.ones(8, 12, 2, dtype=torch.bool),
        under1=torch.zeros(8, 12, 16, dtype=torch.bool),
    )
    gate = train_gate([(found, target)], "stream", steps=150)
    kept = torch.zeros(1, 16)
    kept[0, 3] = 3.0
    assert gate(torch.zeros(1, 16), kept, *tree.nothing(1, 2)) < 0.05


def test_a_calm_gate_changes_less():
    torch.manual_seed(0)
    raw = torch.randn(8, 12, 16)
    found = dict(
        raw=raw,
        under2=torch.ones(8, 12, 2, dtype=torch.bool),
        under1=torch.zeros(8, 12, 16, dtype=torch.bool),
    )
    free, calm = (train_gate([(found, raw)], "stream", steps=60, calm=c) for c in (0.0, 3.0))
    before = torch.zeros(8, 16)
    assert (
        calm(raw[:, 0], before, *tree.nothing(8, 2)).mean()
        < free(raw[:, 0], before, *tree.nothing(8, 2)).mean() - 0.1
    )


def test_the_papers_functions_on_weights_pick_what_the_scores_pick():
    """softmax(scores) through equations (7) to (9) on weightings, and the heaviest; against the
    greatest raw score."""
    s = torch.randn(20, 16, generator=seeded(0))
    w = s.softmax(-1)
    still = torch.tensor([0.0, 1.0, 0.0]).expand(20, 3)
    w = ntm.addressing.sharpen(
        ntm.addressing.shift(ntm.addressing.interpolate(w, w.roll(1, 0), torch.ones(20)), still),
        torch.full((20,), 3.0),
    )
    assert torch.equal(w.argmax(-1), s.argmax(-1)) and torch.equal(
        sharpen(spread(s, (0, 1, 0)), 3).argmax(-1), s.argmax(-1)
    )


@pytest.mark.parametrize("mode", soft.MODES)
def test_gates_have_a_gradient_whatever_they_are(mode):
    s2, s1 = torch.randn(2, 3, requires_grad=True), torch.randn(2, 3, F, requires_grad=True)
    p2, p1 = soft.gates(s2, s1, mode, 0.7, seeded(0))
    hard = torch.minimum(p1.abs(), (p1 - 1).abs()).max() < 1e-6
    assert bool(hard) == (mode != "soft") and (p1 > -1e-6).all() and (p1 < 1 + 1e-6).all()
    (p2.sum() + p1.sum()).backward()
    assert (s2.grad != 0).any() and (s1.grad != 0).any()


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="mode is 'firm'"):
        soft.gates(torch.zeros(1, 1), torch.zeros(1, 1, F), "firm")


def test_soft_reading_with_gates_of_0_and_1_is_the_hard_focus(lm):
    stream = data.quiz(2, blocks=16, facts=6, generator=seeded(1))
    e2, e1 = tree.show(2, 2, torch.tensor([[3, 9], [1, 2]]))
    table = lm.table(stream.tokens[:, : stream.far])
    hard, _ = read(lm, table, e2, e1, stream.tail)
    nll, entries = soft.soft_read(lm, table, e2.float(), e1.float(), stream.tail)
    assert torch.allclose(nll, hard, atol=1e-3) and torch.equal(entries, tree.cost(e2, e1).float())


def test_training_through_gates_moves_the_lens_and_not_the_model(lm):
    before = {k: v.clone() for k, v in lm.state_dict().items()}
    lens = soft.train_soft(lm, steps=2, batch=2)
    assert all(torch.equal(v, before[k]) for k, v in lm.state_dict().items())
    assert not torch.equal(lens.x.weight, Lens("tokens", "cosine", seed=0).x.weight)


def test_two_questions_are_open_and_each_has_its_answer():
    stream, blocks, tails, seen = heads.two_questions(12, generator=seeded(4))
    assert (blocks[:, 0] != blocks[:, 1]).all()
    for b in range(12):
        assert seen[b, 52] == seen[b, 54] == ASK
        for q in (0, 1):
            fact = stream.tokens[b, blocks[b, q] * K :][:K]
            assert tails[b, q, 55] == fact[1] == seen[b, 55 - 2 * q]
            assert torch.equal(tails[b, q, 56:61], fact[2:7])


def test_an_unknown_way_to_train_heads_is_refused():
    with pytest.raises(ValueError, match="way is 'vote'"):
        heads.train_heads(None, None, None, "vote")


def test_what_heads_show_is_within_their_budgets(lm):
    lesson = heads.lessons(lm, 3, generator=seeded(5))
    assert lesson["gain"].shape == (3, 2, 56)
    pair = heads.train_heads(lm, Lens(seed=0), lesson, "assign", steps=2, batch=2)
    found = heads.serve(lm, pair, 28, B=4, generator=seeded(6))
    assert len(pair) == 2 and 0 <= found["coverage"] <= 1 and found["cost"] == 2 * 92**2


def test_writing_is_erase_and_add_on_one_row():
    table, block = torch.randn(2, 2 * tree.ROWS, 5), torch.tensor([3, 12])
    lod, start, _ = tree.layout(2)
    rows = refine.row_of(block)
    assert (lod[rows] == 1).all() and torch.equal(start[rows], block * K)
    e, a = torch.rand(2, 5), torch.randn(2, 5)
    after = refine.write(table, block, e, a)
    expected = table.clone()
    expected[torch.arange(2), rows] = table[torch.arange(2), rows] * (1 - e) + a
    assert torch.allclose(after, expected)


def test_what_is_asked_later_is_the_fact_of_its_block():
    stream = data.quiz(4, questions=4, generator=seeded(7))
    tail = refine.later(stream, stream.asked[:, 2], seeded(8))
    for b in range(4):
        fact = stream.tokens[b, stream.asked[b, 2] * K :][:K]
        assert tail.shape == (4, refine.TEXT + 2 + ANSWER)
        assert tail[b, refine.TEXT] == ASK and torch.equal(tail[b, refine.TEXT + 1 :], fact[1:7])


def test_refining_writes_to_the_asked_gists_alone(lm):
    stream = data.quiz(3, questions=4, generator=seeded(9))
    table = lm.table(stream.tokens[:, : stream.far]).detach()
    with torch.no_grad():
        after = refine.refine(lm, refine.Writer(1), table, stream, 1)
    for b in range(3):
        changed = (after[b] - table[b]).abs().sum(-1).nonzero()[:, 0].tolist()
        assert changed == sorted(refine.row_of(stream.asked[b]).tolist())


def test_training_a_writer_leaves_embeddings_and_the_model_that_was_given(lm):
    before = {k: v.clone() for k, v in lm.state_dict().items()}
    learned, _ = refine.train_refine(lm, steps=2, batch=3)
    assert all(torch.equal(v, before[k]) for k, v in lm.state_dict().items())
    assert torch.equal(learned.embed.weight, lm.embed.weight) and not torch.equal(
        learned.head.weight, lm.head.weight
    )


# the shipped weights, and their numbers


def test_shipped_weights_are_small_and_load():
    from ntm.focus import WEIGHTS

    assert sum(file.stat().st_size for file in WEIGHTS.iterdir()) < 2_000_000
    assert (
        load().settings["d"] == 64
        and load_gate("stream").each == "stream"
        and load_lens("gists").query == "gists"
    )


def test_shipped_weights_give_the_shipped_numbers():
    said = experiments.results()["gating"]["0"]["cosine"]["quiet"]
    for name, g in (("g = 1", 1.0), ("learned, one a stream", load_gate())):
        found = experiments.plain(experiments.dialogue(load(), load_lens("cosine"), g))
        for what in ("right", "reversals"):
            assert abs(found[what] - said[name][what]) < 2e-3, (name, what)


def test_the_learned_gate_beats_every_fixed_one():
    """What the page says of the cosine, from the shipped numbers: medians over the models."""
    said = {name: experiments.middle("gating", "cosine", "quiet", name)
            for name in ("learned, one a block", "g = 1", "g = 0.5", "g = 0.25", "g = 0.1")}
    learned = said.pop("learned, one a block")
    best = max(said.values(), key=lambda row: row["right"])
    assert learned["right"] > 1.5 * best["right"] and learned["reversals"] < best["reversals"]


def test_the_lens_reads_what_is_asked_of_it():
    """What the page says of three models with three lenses each, at 28 entries."""
    right = [v for row in experiments.over("static", "lens tokens") for v in row]
    assert len(right) == 9 and min(right) > 0.9
    assert max(experiments.over("static", "recency")) < 0.1
    assert min(experiments.over("static", "oracle")) == 1


def test_soft_gates_heads_and_writing_were_measured_on_three_models():
    """What the page says of every model, from the shipped numbers."""
    soft, counted, hard = (experiments.over("softness", name, "right")
                           for name in ("soft", "counterfactual", "straight-through"))
    assert len(soft) == 3 and min(right for row in soft + counted for right in row) > 0.9
    assert max(right for row in hard for right in row) < 0.05
    for row in experiments.over("heads"):
        pairs = [row[f"two heads, 28, {way}"]["coverage"] for way in heads.WAYS[1:]]
        assert row["one head, 42"]["coverage"] > max(pairs)
    for row in experiments.over("writing", "8 gists"):
        assert row["after"] > row["before"] and row["others after"] < row["others before"]


def test_a_curriculum_on_length_shows_short_streams_first(monkeypatch):
    seen, quiz = [], train.quiz

    def watched(*given, **options):
        seen.append(options["blocks"])
        return quiz(*given, **options)

    monkeypatch.setattr(train, "quiz", watched)
    train.train_lm(0, detail=0, mixed=3, batch=4, short=2)
    assert seen == [24, 24, 56]
