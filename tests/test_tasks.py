"""Every generator against an oracle written from the paper's description: plain loops, one sequence
at a time, nothing shared with ntm.

An oracle reads the few things that a sequence is made of off its inputs and builds the whole of it
again: inputs, targets and mask. Statistical tests have fixed seeds and bounds of 4 to 5 standard
errors.
"""

import math

import pytest
import torch

from ntm import tasks
from ntm.tasks import (
    AssociativeRecall,
    Batch,
    Copy,
    NGrams,
    PrioritySort,
    RepeatCopy,
    bayes,
    bits,
    wrong_bits,
)

ALL = [Copy, RepeatCopy, AssociativeRecall, NGrams, PrioritySort]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def mean_is(values, expected, sigmas=4.5):
    """Whether the mean of independent values is `expected` within the statistical error."""
    values = torch.as_tensor(values).double().flatten()
    return abs(values.mean().item() - expected) <= sigmas * values.std().item() / math.sqrt(
        len(values))


def half(batch):
    """Cost of answering 1/2 everywhere [B]."""
    return bits(torch.zeros_like(batch.y), batch)


# The oracles: x, a list of rows, to (x, y, mask) as lists of rows; shorter than x where the
# sequence is.


def channel(x, c):
    return [row[c] for row in x]


def copy(task, x):
    w = task.width
    L = channel(x, w + 1).index(1) - 1
    data = [row[:w] for row in x[1 : L + 1]]
    blank = [0] * (w + 2)
    return (
        [[0] * w + [1, 0]] + [row + [0, 0] for row in data] + [[0] * w + [0, 1]] + [blank] * L,
        [[0] * w] * (L + 2) + data,
        [0] * (L + 2) + [1] * L,
    )


def repeat_copy(task, x):
    w = task.width
    shown = [t for t, value in enumerate(channel(x, w + 1)) if value]
    assert len(shown) == 1
    L = shown[0] - 1
    low, high = task.repeats
    numbers = range(low, high + 1)
    mean = sum(numbers) / len(numbers)
    deviation = math.sqrt(sum((n - mean) ** 2 for n in numbers) / len(numbers))
    count = x[L + 1][w + 1]
    n = round(count * deviation + mean)
    assert abs(count - (n - mean) / deviation) < 1e-6
    data = [row[:w] for row in x[1 : L + 1]]
    blank = [0] * (w + 2)
    x = [[0] * w + [1, 0]] + [row + [0, 0]
                              for row in data] + [[0] * w + [0, count]] + [blank] * (n * L + 1)
    y = [[0] * (w + 1)] * (L + 2)
    for _ in range(n):
        y = y + [row + [0] for row in data]
    y = y + [[0] * w + [1]]
    return x, y, [0] * (L + 2) + [1] * (n * L + 1)


def associative_recall(task, x):
    w, v = task.width, task.vectors
    n = int(sum(channel(x, w)))
    step = v + 1  # 4: a mark and three vectors
    items = [[row[:w] for row in x[step * i + 1 : step * i + step]] for i in range(n)]
    query = [row[:w] for row in x[step * n + 1 : step * n + step]]
    assert items.count(query) == 1, "the seeds of these tests draw no item twice"
    answer = items[items.index(query) + 1]  # an IndexError if the last is asked for
    rows = []
    for item in items:
        rows += [[0] * w + [1, 0]] + [vector + [0, 0] for vector in item]
    rows += [[0] * w + [0, 1]] + [vector + [0, 0]
                                  for vector in query] + [[0] * w + [0, 1]] + [[0] * (w + 2)] * v
    before = step * n + 1 + v + 1  # 4n + 5
    return rows, [[0] * w] * before + answer, [0] * before + [1] * v


def ngrams(task, x):
    return (
        x,
        [list(row) for row in x[1:]] + [None],
        [0] * (task.context - 1) + [1] * (task.length - task.context),
    )


def priority_sort(task, x):
    w, v, h = task.width, task.vectors, task.highest
    shown = sorted(x[:v], key=lambda row: row[w], reverse=True)
    rows = [row[: w + 1] + [0] for row in x[:v]] + [[0] * w + [0, 1]] + [[0] * (w + 2)] * h
    return rows, [[0] * w] * (v + 1) + [row[:w] for row in shown[:h]], [0] * (v + 1) + [1] * h


ORACLE = {Copy: copy, RepeatCopy: repeat_copy, AssociativeRecall: associative_recall,
          NGrams: ngrams, PrioritySort: priority_sort}

CASES = [
    (Copy(), 1, {}), (Copy(), 40, {}), (Copy(3, (2, 4)), 20, {}), (Copy(), 3, dict(length=1)),
    (Copy(), 2, dict(length=50)),
    (RepeatCopy(), 1, {}), (RepeatCopy(), 40, {}), (RepeatCopy(4, (1, 3), (2, 7)), 20, {}),
    (RepeatCopy(), 3, dict(length=20)), (RepeatCopy(), 3, dict(repeats=20)),
    (RepeatCopy(), 2, dict(length=1, repeats=1)),
    (AssociativeRecall(), 1, {}), (AssociativeRecall(), 40, {}),
    (AssociativeRecall(8, 4, (3, 9)), 20, {}),
    (AssociativeRecall(), 3, dict(items=20)), (AssociativeRecall(), 3, dict(items=2)),
    (NGrams(), 1, {}), (NGrams(), 10, {}), (NGrams(30, 2), 10, {}), (NGrams(3, 2), 2, {}),
    (PrioritySort(), 1, {}), (PrioritySort(), 40, {}), (PrioritySort(4, 5, 5), 20, {}),
    (PrioritySort(4, 6, 1), 20, {}),
]  # fmt: skip


@pytest.mark.parametrize("task, size, fixed", CASES,
                         ids=[f"{type(t).__name__}-{i}" for i, (t, _, _) in enumerate(CASES)])
def test_oracle(task, size, fixed):
    """Every sequence of a ragged batch is what the paper describes, zeros after its own end, and
    the longest fills the batch."""
    batch = task.sample(size, **fixed, generator=seeded())
    T = len(batch.x)
    assert (batch.x.shape == (T, size, task.inputs) and batch.y.shape == (T, size, task.outputs)
            and batch.mask.shape == (T, size))
    assert all(value.dtype == torch.float32 for value in batch)
    longest = 0
    for b in range(size):
        x, y, mask = ORACLE[type(task)](task, batch.x[:, b].tolist())
        longest = max(longest, len(x))
        if type(task) is NGrams:
            y[-1] = batch.y[-1, b].tolist()  # the one bit that is no input
        padded = [
            (x, batch.x[:, b].tolist(), [0] * task.inputs),
            (y, batch.y[:, b].tolist(), [0] * task.outputs),
            (mask, batch.mask[:, b].tolist(), 0),
        ]
        for expected, got, blank in padded:
            assert got == expected + [blank] * (T - len(expected)), f"sequence {b}"
        assert all(value in (0, 1) for row in y for value in row)
    assert longest == T


def test_channels_of_the_paper():
    assert [(Task().inputs, Task().outputs) for Task in ALL] == [(10, 8), (8, 7), (8, 6), (1, 1),
                                                                 (10, 8)]


@pytest.mark.parametrize("Task", ALL)
def test_one_seed_one_batch(Task):
    """The generator alone decides; the global one is neither read nor moved. Without a generator,
    the global one decides."""
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = Task().sample(6, generator=seeded(3))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    again, other = Task().sample(6, generator=seeded(3)), Task().sample(6, generator=seeded(4))
    assert all(torch.equal(a, b) for a, b in zip(first, again))
    assert first.x.shape != other.x.shape or not torch.equal(first.x, other.x)
    torch.manual_seed(3)
    assert all(torch.equal(a, b) for a, b in zip(first, Task().sample(6)))


@pytest.mark.parametrize("Task", ALL)
def test_successive_batches_differ(Task):
    generator = seeded()
    first, second = Task().sample(4, generator=generator), Task().sample(4, generator=generator)
    assert first.x.shape != second.x.shape or not torch.equal(first.x, second.x)


def uniform_over(values, low, high):
    """Whether integers hit every value from low to high, nothing else, and each equally often
    within 5 standard errors."""
    k, total = high - low + 1, len(values)
    counts = torch.bincount(values.long() - low, minlength=k)
    assert len(counts) == k and values.min() == low and values.max() == high
    assert (counts / total - 1 / k).abs().max() < 5 * math.sqrt((k - 1) / k**2 / total)


def test_ranges_include_both_ends():
    uniform_over(Copy().sample(5000, generator=seeded()).mask.sum(0), 1, 20)
    uniform_over(Copy(2, (7, 9)).sample(2000, generator=seeded()).mask.sum(0), 7, 9)
    task = RepeatCopy()
    L, n = task.lengths_and_repeats(task.sample(3000, generator=seeded()))
    uniform_over(L, 1, 10)
    uniform_over(n, 1, 10)
    uniform_over((L - 1) * 10 + n, 1, 100)  # independent of each other
    x = AssociativeRecall().sample(5000, generator=seeded()).x
    uniform_over(x[..., 6].sum(0), 2, 6)


def test_queries_are_uniform_and_never_the_last_item():
    for items in (2, 3, 6, 20):
        x = AssociativeRecall().sample(2000, items=items, generator=seeded()).x
        shown = x[: 4 * items].reshape(items, 4, 2000, 8)[:, 1:, :, :6]
        query = x[4 * items + 1 : 4 * items + 4, :, :6]
        position = (shown == query).all(dim=3).all(dim=1).float().argmax(0)
        if items > 2:
            uniform_over(position, 0, items - 2)
        assert position.max() == items - 2


def test_the_answer_is_the_item_after_the_query():
    """Items that follow each other are told apart from any others: the answer is that one and no
    other of the items."""
    batch = AssociativeRecall().sample(200, items=6, generator=seeded())
    items = batch.x[:24].reshape(6, 4, 200, 8)[:, 1:, :, :6]
    is_query = (items == batch.x[25:28, :, :6]).all(dim=3).all(dim=1)
    is_answer = (items == batch.y[29:32]).all(dim=3).all(dim=1)
    assert torch.equal(is_answer[1:], is_query[:-1]) and not is_answer[0].any()


def test_bits_are_fair():
    """Every bit of every vector is a fair coin, and neighbours in time and channel are independent
    of it."""
    cases = [
        Copy().sample(500, length=6, generator=seeded()).x[1:7, :, :8],
        RepeatCopy().sample(500, length=6, repeats=1, generator=seeded()).x[1:7, :, :6],
        AssociativeRecall()
        .sample(500, items=6, generator=seeded())
        .x[:24]
        .reshape(6, 4, 500, 8)[:, 1:, :, :6]
        .flatten(0, 1),
        PrioritySort().sample(500, generator=seeded()).x[:20, :, :8],
    ]
    for data in cases:
        assert (data.mean(1) - 0.5).abs().max() < 5 * 0.5 / math.sqrt(500)
        assert (mean_is((data[1:] == data[:-1]).float(), 0.5)
                and mean_is((data[..., 1:] == data[..., :-1]).float(), 0.5))
        assert mean_is((data[:, 1:] == data[:, :-1]).float(), 0.5)  # sequences of a batch differ


# Repeat copy


@pytest.mark.parametrize("repeats", [(1, 10), (1, 2), (3, 20), (4, 4)])
def test_count_channel_has_mean_0_and_variance_1(repeats):
    task = RepeatCopy(repeats=repeats)
    shown = torch.tensor([task.normalise(n) for n in range(repeats[0], repeats[1] + 1)],
                         dtype=torch.float64)
    assert abs(shown.mean()) < 1e-12
    assert abs(shown.var(correction=0) - int(repeats[0] < repeats[1])) < 1e-12


def test_count_channel_of_the_paper():
    task = RepeatCopy()
    assert [round(task.normalise(n), 3) for n in (1, 5, 10)] == [-1.567, -0.174, 1.567]
    batch = task.sample(4000, generator=seeded())
    count = batch.x[..., 7].sum(0)
    assert mean_is(count, 0) and mean_is(count**2, 1)
    # out of range the training range's two numbers hold: 20 repeats are far outside, not the middle
    # of something new
    assert task.sample(1, length=2, repeats=20, generator=seeded()).x[
        3, 0, 7
    ].item() == pytest.approx((20 - 5.5) / math.sqrt(8.25))


def test_repeat_copy_lengths_and_repeats():
    task = RepeatCopy()
    batch = task.sample(50, generator=seeded())
    L, n = task.lengths_and_repeats(batch)
    assert torch.equal(batch.mask.sum(0).long(), L * n + 1)
    assert torch.allclose(batch.x[..., 7].sum(0), task.normalise(n))
    assert not L.is_floating_point() and not n.is_floating_point()
    L, n = task.lengths_and_repeats(task.sample(3, length=20, repeats=30, generator=seeded()))
    assert L.tolist() == [20] * 3 and n.tolist() == [30] * 3


def test_repeat_copy_data_is_apart_from_the_end_marker():
    """The paper's panels count 301 x 6 = 1806 data bits at length 10 and 30 repeats, 1206 at 20 and
    10."""
    task = RepeatCopy()
    for L, n, count in [(10, 30, 1806), (20, 10, 1206)]:
        batch = task.sample(2, length=L, repeats=n, generator=seeded())
        logits = torch.zeros_like(batch.y)
        assert bits(*task.data(logits, batch)).tolist() == pytest.approx([count] * 2, rel=1e-5)
    right = batch.y * 20 - 10
    assert wrong_bits(right, batch).tolist() == [0, 0]
    marker, data = right.clone(), right.clone()
    marker[:, 0, 6] *= -1
    data[100, 1, 3] *= -1
    assert (wrong_bits(marker, batch).tolist() == [201, 0]
            and wrong_bits(*task.data(marker, batch)).tolist() == [0, 0])
    assert (wrong_bits(data, batch).tolist() == [0, 1]
            and wrong_bits(*task.data(data, batch)).tolist() == [0, 1])


# Priority sort


def test_priorities_are_uniform():
    priority = PrioritySort().sample(1000, generator=seeded()).x[:20, :, 8]
    assert -1 <= priority.min() < -0.99 and 0.99 < priority.max() <= 1
    assert mean_is(priority, 0) and mean_is(priority**2, 1 / 3) and mean_is(priority**4, 1 / 5)
    uniform_over(((priority.flatten() + 1) * 5).floor().clamp(max=9), 0, 9)


def test_priorities_decide(monkeypatch):
    """Permuting the priorities permutes the target: the same vectors under other priorities come
    out in the order of those."""
    task, rand = PrioritySort(), torch.rand
    order = torch.randperm(20, generator=seeded(1))
    batch = task.sample(30, generator=seeded())
    monkeypatch.setattr(tasks.torch, "rand", lambda *args, **kwargs: rand(*args, **kwargs)[order])
    permuted = task.sample(30, generator=seeded())
    assert torch.equal(permuted.x[..., :8], batch.x[..., :8])
    assert torch.equal(permuted.x[:20, :, 8], batch.x[:20, :, 8][order])
    for b in range(30):
        rank = sorted(range(20), key=lambda i, b=b: -batch.x[order[i], b, 8].item())[:16]
        assert torch.equal(permuted.y[21:, b], batch.x[rank, b, :8])
    assert not torch.equal(permuted.y, batch.y)


def test_whole_vectors_are_sorted():
    """With all of them asked for, the target holds the same vectors as the input: columns are not
    sorted by themselves."""
    batch = PrioritySort(highest=20).sample(20, generator=seeded())
    for b in range(20):
        assert sorted(batch.x[:20, b, :8].tolist()) == sorted(batch.y[21:, b].tolist())


# N-grams


def test_tables_are_beta_half_half():
    p = NGrams().tables(3000, generator=seeded())
    assert p.shape == (3000, 32) and 0 <= p.min() and p.max() <= 1
    # moments of Beta(1/2, 1/2): E p = 1/2, E p^2 = 3/8, E p^3 = 5/16; P(p < sin^2(a)) = 2a / pi
    assert mean_is(p, 1 / 2) and mean_is(p**2, 3 / 8) and mean_is(p**3, 5 / 16)
    uniform_over((p.clamp(max=1).sqrt().asin() / (math.pi / 2) * 8).floor().clamp(max=7).flatten(),
                 0, 7)
    # independent of each other
    assert mean_is(p[:, 1:] * p[:, :-1], 1 / 4) and mean_is(p[1:] * p[:-1], 1 / 4)


def test_bits_follow_the_table():
    """Under a given table, each context is followed by a 1 as often as it says; the first five bits
    are fair."""
    task = NGrams()
    table = torch.linspace(0.05, 0.95, 32)[torch.randperm(32, generator=seeded(2))]
    batch = task.sample(600, table=table, generator=seeded())
    seen, ones = [0] * 32, [0] * 32
    sequences = torch.cat([batch.x[:1], batch.y])[..., 0].T.int().tolist()
    for b in sequences:
        for t in range(5, 200):
            c = int("".join(map(str, b[t - 5 : t])), 2)
            seen[c] += 1
            ones[c] += b[t]
    for c in range(32):
        p = table[c].item()
        assert abs(ones[c] - seen[c] * p) < 4.5 * math.sqrt(seen[c] * p * (1 - p)), c
    first = torch.tensor(sequences)[:, :5].double()
    assert (first.mean(0) - 0.5).abs().max() < 4.5 * 0.5 / math.sqrt(600)
    assert mean_is((first[:, 1:] == first[:, :-1]).double(), 0.5)


def test_each_sequence_has_its_own_table():
    """Two tables of certainties: after the five fair bits come zeros alone or ones alone, row by
    row of the batch."""
    table = torch.stack([torch.zeros(32), torch.ones(32)]).repeat(5, 1)
    y = NGrams().sample(10, table=table, generator=seeded()).y[4:, :, 0]  # from the sixth bit on
    assert torch.equal(y, torch.tensor([0.0, 1.0]).repeat(5).expand(len(y), -1))
    drawn = NGrams().sample(200, generator=seeded())
    ones = drawn.y[..., 0].mean(0)
    assert ones.std() > 0.1  # one fair-coin table for all would give .035


def count_loop(sequence, context):
    """(10) by a dictionary: probabilities of a 1 for bits 2 to the last, and the cost of those with
    a full context."""
    counts, p, cost = {}, [], 0.0
    for t in range(1, len(sequence)):
        if t < context:
            p.append(0.5)
            continue
        key, bit = tuple(sequence[t - context : t]), sequence[t]
        zeros, ones = counts.setdefault(key, [0, 0])
        p.append((ones + 0.5) / (ones + zeros + 1))
        cost -= math.log2(p[-1] if bit else 1 - p[-1])
        counts[key][bit] += 1
    return p, cost


@pytest.mark.parametrize("task", [NGrams(), NGrams(40, 2), NGrams(60, 1), NGrams(7, 6)])
def test_bayes_is_a_dictionary_of_counts(task):
    batch = task.sample(12, generator=seeded())
    p, cost = bayes(batch, task.context)
    assert p.shape == batch.y.shape and cost.shape == (12,)
    for b in range(12):
        sequence = [batch.x[0, b, 0].item()] + batch.y[:, b, 0].tolist()
        expected, total = count_loop([int(bit) for bit in sequence], task.context)
        assert torch.allclose(p[:, b, 0].double(), torch.tensor(expected, dtype=torch.float64),
                              atol=1e-6)
        assert cost[b].item() == pytest.approx(total, rel=1e-4)
    # the fair bits cost one bit each, so adding them needs no scoring
    whole = batch._replace(mask=torch.ones_like(batch.mask))
    assert torch.allclose(bayes(whole, task.context)[1], cost + task.context - 1, rtol=1e-4)


def test_bayes_reaches_the_population_optimum():
    """128.21 bits over the 195 predictable ones (133.21 over 200), by simulation of 600,000
    sequences; one varies by 35."""
    _, cost = bayes(NGrams().sample(4000, generator=seeded()))
    assert mean_is(cost, 128.21, sigmas=3.5)
    assert 33 < cost.std() < 37


def test_bayes_is_the_best_estimator():
    """Surer, less sure or more cautious, on the same sequences: each costs more."""
    batch = NGrams().sample(1000, generator=seeded())
    p, best = bayes(batch)
    for worse in (0.9 * p + 0.05, p.clamp(0.02, 0.98), 1.1 * (p - 0.5).clamp(-0.45, 0.45) + 0.5):
        assert bits(worse.logit(), batch).mean() > best.mean()


# What answering 1/2 costs, and what the user can get wrong


def test_untrained_costs():
    """The paper's curves start from these: copy 84, repeat copy 181.5 (data), recall 18, N-grams
    195 (200 with the first), sort 128."""
    assert mean_is(half(Copy().sample(4000, generator=seeded())), 84)
    task = RepeatCopy()
    batch = task.sample(4000, generator=seeded())
    # without the step of the end marker
    copies = Batch(batch.x, batch.y[..., :6], batch.mask - batch.y[..., 6])
    assert mean_is(bits(torch.zeros_like(copies.y), copies), 181.5)
    assert torch.allclose(half(batch), 7 / 6 * bits(torch.zeros_like(copies.y), copies) + 7)
    for task, cost in [(AssociativeRecall(), 18), (NGrams(), 195), (PrioritySort(), 128)]:
        assert half(task.sample(10, generator=seeded())).tolist() == pytest.approx([cost] * 10)
    assert NGrams().scored == 195


@pytest.mark.parametrize("Task", ALL)
def test_metrics(Task):
    """bits is the cross-entropy in bits of the scored steps alone; wrong_bits counts at 1/2."""
    batch = Task().sample(3, generator=seeded())
    logits = torch.randn(batch.y.shape, generator=seeded(1))
    anywhere = torch.where(batch.mask.bool().unsqueeze(-1), logits, 17.0)
    for b in range(3):
        cost = wrong = 0
        for t in range(len(batch.x)):
            for c in range(Task().outputs):
                if batch.mask[t, b]:
                    p = 1 / (1 + math.exp(-logits[t, b, c].item()))
                    right = p if batch.y[t, b, c] else 1 - p
                    cost -= math.log2(right)
                    wrong += right < 0.5
        assert bits(anywhere, batch)[b].item() == pytest.approx(cost, rel=1e-4)
        assert wrong_bits(anywhere, batch)[b].item() == wrong


@pytest.mark.parametrize("wrong, words", [
    (lambda: Copy(0), ["width", "0", "at least 1"]),
    (lambda: Copy(lengths=(3, 2)), ["length", "3", "2"]),
    (lambda: Copy(lengths=(0, 2)), ["length", "0", "at least 1"]),
    (lambda: Copy().sample(0), ["batch", "0", "at least 1"]),
    (lambda: Copy().sample(1, length=0), ["length", "0", "at least 1"]),
    (lambda: RepeatCopy(width=-1), ["width", "-1", "at least 1"]),
    (lambda: RepeatCopy(repeats=(5, 4)), ["repeats", "5", "4"]),
    (lambda: RepeatCopy(lengths=(2, 1)), ["length", "2", "1"]),
    (lambda: RepeatCopy().sample(1, repeats=0), ["repeats", "0", "at least 1"]),
    (lambda: RepeatCopy().sample(1, length=2.5), ["length", "2.5", "integer"]),
    (lambda: RepeatCopy().sample(0), ["batch", "0", "at least 1"]),
    (lambda: AssociativeRecall(items=(1, 6)), ["items", "1", "at least 2"]),
    (lambda: AssociativeRecall(items=(4, 3)), ["items", "4", "3"]),
    (lambda: AssociativeRecall(vectors=0), ["vectors", "0", "at least 1"]),
    (lambda: AssociativeRecall().sample(1, items=1), ["items", "1", "at least 2"]),
    (lambda: AssociativeRecall().sample(-3), ["batch", "-3", "at least 1"]),
    (lambda: NGrams(length=5), ["length", "5", "above context, 5"]),
    (lambda: NGrams(context=0), ["context", "0", "at least 1"]),
    (lambda: NGrams().sample(0), ["batch", "0", "at least 1"]),
    (lambda: NGrams().sample(2, table=torch.zeros(3, 32)), ["table", "[3, 32]", "[2, 32]"]),
    (lambda: NGrams().sample(2, table=torch.full((32,), 1.5)), ["table", "[0, 1]"]),
    (lambda: NGrams().sample(2, table=torch.full((32,), math.nan)), ["table", "[0, 1]"]),
    (lambda: PrioritySort(highest=21), ["highest", "21", "20"]),
    (lambda: PrioritySort(vectors=0), ["vectors", "0", "at least 1"]),
    (lambda: PrioritySort().sample(0), ["batch", "0", "at least 1"]),
])  # fmt: skip
def test_mistakes_are_named(wrong, words):
    with pytest.raises(ValueError) as error:
        wrong()
    for word in words:
        assert word in str(error.value)
