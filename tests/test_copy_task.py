"""The copy task and its two scores, by hand and by loops. (test_tasks.py holds all five tasks to
oracles of their own.)"""

import pytest
import spec
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from ntm import tasks


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def rebuilt(x, width):
    """The data between the two markers, read off the inputs of one sequence."""
    end = [row[width + 1] for row in x].index(1)
    return [row[:width] for row in x[1:end]]


def test_by_hand():
    x, y, mask = tasks.Copy(width=1).sample(1, length=2, generator=seeded(0))
    a, b = x[1, 0, 0].item(), x[2, 0, 0].item()
    assert x[:, 0].tolist() == [[0, 1, 0], [a, 0, 0], [b, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert (y[:, 0].tolist() == [[0], [0], [0], [0], [a], [b]]
            and mask[:, 0].tolist() == [0, 0, 0, 0, 1, 1])


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 6), st.integers(1, 5),
       st.integers(0, 10**6))
def test_every_sequence_is_a_copy_and_padded_with_nothing(width, low, more, batch, seed):
    sample = tasks.Copy(width, (low, low + more)).sample(batch, generator=seeded(seed))
    lengths = []
    for b in range(batch):
        x, y, mask = (value[:, b].tolist() for value in sample)
        data = rebuilt(x, width)
        lengths.append(len(data))
        for found, expected in zip((x, y, mask), spec.copy(data)):
            assert found[: len(expected)] == expected
            assert not torch.tensor(found[len(expected) :]).any()
    assert (low <= min(lengths) and max(lengths) <= low + more
            and len(sample.x) == 2 * max(lengths) + 2)


def test_lengths_are_uniform_with_both_ends():
    lengths = tasks.Copy(lengths=(1, 20)).sample(20_000, generator=seeded(0)).mask.sum(0).long()
    counts = lengths.bincount(minlength=21)
    assert counts[0] == 0 and len(counts) == 21
    assert (counts[1:] - 1000).abs().max() < 4.5 * 1000**0.5
    assert (tasks.Copy().sample(50, length=120, generator=seeded(0)).mask.sum(0) == 120).all()


def test_one_generator_one_stream():
    draw = lambda seed: tasks.Copy().sample(3, generator=seeded(seed))  # noqa: E731
    before = torch.get_rng_state()
    assert all(torch.equal(a, b) for a, b in zip(draw(5), draw(5), strict=True))
    assert draw(5).x.shape != draw(6).x.shape or not torch.equal(draw(5).x, draw(6).x)
    assert torch.equal(torch.get_rng_state(), before)
    generator = seeded(5)
    first, second = (tasks.Copy().sample(3, length=9, generator=generator).x for _ in range(2))
    assert not torch.equal(first, second)


@given(st.integers(0, 10**6))
def test_both_scores_equal_their_loops(seed):
    batch = tasks.Copy(width=3, lengths=(1, 4)).sample(4, generator=seeded(seed))
    logits = 3 * torch.randn(batch.y.shape, generator=seeded(seed), dtype=torch.float64)
    for b in range(4):
        z, y, mask = logits[:, b].tolist(), batch.y[:, b].tolist(), batch.mask[:, b].tolist()
        assert tasks.bits(logits, tasks.Batch(*(v.double() for v in batch)))[
            b
        ].item() == pytest.approx(spec.bits(z, y, mask))
        wrong = sum((a > 0) != (bit == 1) for z_t, y_t, scored in zip(z, y, mask) if scored
                    for a, bit in zip(z_t, y_t))
        assert tasks.wrong_bits(logits, batch)[b].item() == wrong


def test_the_cost_is_in_bits_and_only_of_what_is_asked():
    batch = tasks.Copy().sample(5, generator=seeded(0))
    L = batch.mask.sum(0)
    # a coin for each bit costs a bit for each bit
    assert_close(tasks.bits(torch.zeros_like(batch.y), batch), 8 * L)
    right = 200 * (batch.y - 0.5)
    assert_close(tasks.bits(right, batch), torch.zeros(5))
    assert not tasks.wrong_bits(right, batch).any()
    outside = right + 1e3 * (1 - batch.mask).unsqueeze(-1)
    assert_close(tasks.bits(outside, batch), torch.zeros(5))
    assert not tasks.wrong_bits(outside, batch).any()
    assert_close(tasks.wrong_bits(-right, batch), 8 * L)


@pytest.mark.parametrize("do, words", [
    (lambda: tasks.Copy(width=0), "width is 0; it must be an integer of at least 1"),
    (lambda: tasks.Copy(lengths=(0, 5)), "length .* is 0; it must be an integer of at least 1"),
    (lambda: tasks.Copy(lengths=(6, 5)), "length is drawn from 6 to 5"),
    (lambda: tasks.Copy().sample(0), "batch is 0"),
    (lambda: tasks.Copy().sample(1, length=0), "length is 0"),
    (lambda: tasks.Copy().sample(1, length=1.5), "length is 1.5"),
])  # fmt: skip
def test_mistakes_are_named(do, words):
    with pytest.raises(ValueError, match=words):
        do()
