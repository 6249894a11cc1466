"""Every checker of the chapter passes a right answer and refuses wrong ones with a sentence that helps."""

import torch

from ntm import NTM, pretrained
from ntm.exercises import copy as check


def says(capsys, word):
    return word in capsys.readouterr().out


def test_coin(capsys):
    assert check.coin(10.5, 3) and says(capsys, "Correct:")
    for wrong, hint in [((..., ...), "two numbers"), ((None, 3), "two numbers"), ((84, 3), "all eight"), ((20, 5), "the longest"),
                        ((7, 3), "how many vectors"), ((10.5, 24), "lengths 1 to 5")]:
        assert not check.coin(*wrong) and says(capsys, hint)


def reversed_batch(batch):
    y = batch.y.clone()
    for b in range(y.shape[1]):
        scored = batch.mask[:, b] > 0
        y[scored, b] = y[scored, b].flip(0)
    return batch._replace(y=y)


def test_reverse(capsys):
    def in_place(batch):
        batch.y[:] = reversed_batch(batch).y
        return batch

    def first_only(batch):
        y = batch.y.clone()
        y[:, 0] = reversed_batch(batch).y[:, 0]
        return batch._replace(y=y)

    assert check.reverse(reversed_batch) and says(capsys, "Correct:")
    for wrong, hint in [(lambda b: None, "return a Batch"), (lambda: 0, "raised"), (in_place, "has changed"), (lambda b: b, "as they were"),
                        (lambda b: b._replace(y=b.y.flip(0)), "whole tensor"), (lambda b: b._replace(x=b.x.flip(0)), "only the targets"),
                        (lambda b: b._replace(y=b.y[1:]), "its shape"), (first_only, "sequence 1")]:
        assert not check.reverse(wrong) and says(capsys, hint)


def test_first_wrong(capsys):
    def steps(logits, batch, offset=0):
        wrong = ((logits > 0) != (batch.y > 0.5)).any(-1) & (batch.mask > 0)
        first = batch.mask.argmax(0)
        return [int(wrong[:, b].int().argmax() - first[b] + offset * first[b]) if wrong[:, b].any() else -1 for b in range(wrong.shape[1])]

    def unscored(logits, batch):
        wrong = ((logits > 0) != (batch.y > 0.5)).any(-1)
        return [int(wrong[:, b].int().argmax()) for b in range(wrong.shape[1])]

    assert check.first_wrong(steps) and says(capsys, "Correct:")
    assert check.first_wrong(lambda *a: torch.tensor(steps(*a))) and says(capsys, "Correct:")
    for wrong, hint in [(lambda *_: None, "one integer"), (lambda *_: [0], "one integer"), (lambda: 0, "raised"), (unscored, "not scored"),
                        (lambda *a: steps(*a, offset=1), "is the step"), (lambda *a: [v - (v > 0) for v in steps(*a)], "you say")]:
        assert not check.first_wrong(wrong) and says(capsys, hint)


def test_follows(capsys):
    def right(trace, length, late=0):
        written = trace.w_write[1 : length + 1, 0, 0].argmax(-1)
        return (written == trace.w_read[length + 2 - late : 2 * length + 2 - late, 0, 0].argmax(-1)).float().mean()

    assert check.follows(right) and says(capsys, "Correct:")
    for wrong, hint in [(lambda *_: None, "one number"), (lambda: 0, "raised"), (lambda *_: 1.0, "3 of 9"),
                        (lambda *a: right(*a, late=1), "all in its place")]:
        assert not check.follows(wrong) and says(capsys, hint)


def test_teach(capsys):
    assert check.teach(lambda: pretrained.load("copy", "ntm-feedforward")) and says(capsys, "Correct:")
    for wrong, hint in [(lambda: None, "10 inputs"), (lambda: 1 / 0, "raised"), (lambda: NTM(3, 8, seed=0), "10 inputs"),
                        (lambda: NTM(10, 8, "feedforward", N=8, seed=0), "bits are wrong")]:
        assert not check.teach(wrong) and says(capsys, hint)
