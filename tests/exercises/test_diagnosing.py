"""Every checker of the chapter passes a right answer and refuses wrong ones with a sentence that helps."""

import torch

from ntm.exercises import diagnosing as check


def says(capsys, word):
    return word in capsys.readouterr().out


def test_points(capsys):
    assert check.points(12, 0.1) and says(capsys, "Correct:")
    wrong = [((..., ...), "single numbers"), ((12, None), "single numbers"), ((4, 0.1), "3 bits each"), ((12, 5), "mean over 50")]
    for answers, hint in wrong:
        assert not check.points(*answers) and says(capsys, hint)


def test_suspects(capsys):
    def right(batch):
        return ((batch.y.sum(-1) == 0) & (batch.mask > 0)).any(0)

    assert check.suspects(right) and says(capsys, "Correct:")
    for wrong, hint in [(lambda batch: None, "one boolean"), (lambda batch: torch.zeros(40), "you suspect none"),
                        (lambda batch: right(batch)[:3], "shape [B]"),
                        (lambda batch: (batch.x[..., :-2].sum(-1) == 0).any(0), "you suspect all"), (lambda: 0, "raised"),
                        (lambda batch: (batch.y[len(batch.y) // 2 + 1 :].sum(-1) == 0).any(0), "padding")]:
        assert not check.suspects(wrong) and says(capsys, hint)


def test_touched_and_learned(capsys):
    def right(bits):
        return min(bits) < 0.1, sum(bits[-10:]) / 10 < 0.1

    assert check.touched_and_learned(right) and says(capsys, "Correct:")
    for wrong, hint in [(lambda bits: None, "two booleans"), (lambda bits: (right(bits)[0],) * 2, "touches once"), (lambda: 0, "raised"),
                        (lambda bits: (bits[-1] < 0.1, right(bits)[1]), "touches once"),
                        (lambda bits: (right(bits)[0], max(bits[5:]) < 0.1), "comes down and stays")]:
        assert not check.touched_and_learned(wrong) and says(capsys, hint)


def test_stepping(capsys):
    def right(w):
        peak = w.argmax(-1)
        return ((peak[1:] - peak[:-1]) % w.shape[-1] == 1).float().mean()

    assert check.stepping(right) and says(capsys, "Correct:")
    for wrong, hint in [(lambda w: None, "single number"), (lambda: 0, "raised"), (lambda w: 1.0, "second step"),
                        (lambda w: (w.argmax(-1).diff() == 1).float().mean(), "end of the ring"),
                        (lambda w: (w.argmax(-1).diff() != 0).float().mean(), "backwards")]:
        assert not check.stepping(wrong) and says(capsys, hint)
