"""The checkers of the shift chapter take right answers, and refuse wrong ones with a sentence."""

import pytest
import torch

from ntm.exercises import shift as check


def scalar(x, reach):
    return (1 - (x - torch.arange(-reach, reach + 1)).abs()).clamp(min=0)


def fft(w_g, s, sign=1):
    N, reach = w_g.shape[-1], s.shape[-1] // 2
    ring = torch.nn.functional.pad(s if sign > 0 else s.flip(-1), (0, N - s.shape[-1])).roll(-reach, -1)
    return torch.fft.irfft(torch.fft.rfft(w_g) * torch.fft.rfft(ring), n=N)


def raises(*_):
    raise RuntimeError("a reader's mistake")


RIGHT = [
    (check.by_hand, ([0.5, 0.3, 0, 0.2],)),
    (check.by_hand, (torch.tensor([0.5, 0.3, 0, 0.2]),)),
    (check.from_scalar, (scalar,)),
    (check.how_sure, (0.995,)),
    (check.how_sure, (0.9 ** (1 / 20),)),
    (check.shift_fft, (fft,)),
    (check.can_it_sharpen, ([0.7, 0.2, 0.1, 0], [0, 0, 1])),
    (check.can_it_sharpen, ([0.25] * 4, [0.2, 0.3, 0.5])),
]
WRONG = [
    (check.by_hand, (...,), "four numbers"),
    (check.by_hand, (None,), "four numbers"),
    (check.by_hand, ("0.5",), "four numbers"),
    (check.by_hand, ([0.5, 0.3, 0.2],), "four numbers"),
    (check.by_hand, ([0.3, 0.5, 0, 0.2],), "+1"),
    (check.by_hand, ([0.5, 0.3, 0, 0],), "lost"),
    (check.by_hand, ([0.25] * 4,), "sum is 1.00"),
    (check.from_scalar, (None,), "function"),
    (check.from_scalar, (lambda x, reach: None,), "None"),
    (check.from_scalar, (raises,), "mistake"),
    (check.from_scalar, (lambda x, reach: "s",), "tensor"),
    (check.from_scalar, (lambda x, reach: torch.ones(3),), "should give"),
    (check.from_scalar, (lambda x, reach: scalar(x, 1),), "5 numbers"),
    (check.from_scalar, (lambda x, reach: scalar(x, reach).flip(-1),), "should give"),
    (check.how_sure, (...,), "one number"),
    (check.how_sure, (90,), "one number"),
    (check.how_sure, (0.9,), "too little"),
    (check.how_sure, (0.999,), "smaller p"),
    (check.shift_fft, (lambda w_g, s: None,), "None"),
    (check.shift_fft, (raises,), "mistake"),
    (check.shift_fft, (lambda w_g, s: fft(w_g, s, -1),), "mirrored"),
    (check.shift_fft, (lambda w_g, s: w_g,), "differs"),
    (check.shift_fft, (lambda w_g, s: w_g[..., :-1],), "shape"),
    (check.can_it_sharpen, (..., ...), "give a weighting"),
    (check.can_it_sharpen, ([0.5, 0.6, 0, 0], [0, 0, 1]), "sum to 1"),
    (check.can_it_sharpen, ([1.5, -0.5, 0, 0], [0, 0, 1]), "not be negative"),
    (check.can_it_sharpen, ([1.0, 0, 0, 0], [0.1, 0.8, 0.1]), "0.800"),
]


@pytest.mark.parametrize("checker, answer", RIGHT)
def test_right_answers_pass(checker, answer, capsys):
    assert checker(*answer) is True
    assert capsys.readouterr().out.startswith("Correct: ")


@pytest.mark.parametrize("checker, answer, reason", WRONG)
def test_wrong_answers_are_refused_with_the_reason(checker, answer, reason, capsys):
    assert checker(*answer) is False
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ") and reason in said
