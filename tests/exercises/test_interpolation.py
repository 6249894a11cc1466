"""The checkers of the interpolation chapter refuse wrong answers with a sentence, and accept right ones."""

import pytest
import torch

from ntm.exercises import interpolation as check

here, there = torch.eye(4)[0], torch.eye(4)[2]


def follow(w_c, g, w_0):
    w, path = w_0, []
    for t in range(len(w_c)):
        w = g[t] * w_c[t] + (1 - g[t]) * w
        path.append(w)
    return torch.stack(path)


def forgetful(w_c, g, w_0):
    return g.unsqueeze(-1) * w_c + (1 - g.unsqueeze(-1)) * w_0


WRONG = [
    (check.gate_by_hand, (..., ...), "one number"),
    (check.gate_by_hand, (0.4, (0.76, 1.52)), "slot 2 keeps 0.6"),
    (check.gate_by_hand, (0.6, ...), "two numbers"),
    (check.gate_by_hand, (0.6, (0.7, 1.4)), "Blend the weightings"),
    (check.largest_gate, (lambda T, p: None,), "None"),
    (check.largest_gate, (lambda T, p: p ** (1 / T),), "is left"),
    (check.largest_gate, (lambda T, p: (1 - p) / T,), "is left"),
    (check.largest_gate, (lambda T, p: T[0],), "TypeError"),
    (check.follow, (lambda w_c, g, w_0: None,), "None"),
    (check.follow, (lambda w_c, g, w_0: w_0,), "[4]"),
    (check.follow, (forgetful,), "step 1"),
    (check.follow, (lambda w_c, g, w_0: follow(w_c, 1 - g, w_0),), "step 0"),
    (check.be_the_network, (...,), "ten numbers"),
    (check.be_the_network, ([0, 0, 2, 0, 0, 0, 0, 1, 0, 0.5],), "from 0 to 1"),
    (check.be_the_network, ([0] * 10,), "after step 2 the head has 1 on slot 0"),
    (check.be_the_network, ([0, 0, 1, 0, 0, 0, 0, 1, 0, 0],), "after step 9"),
    (check.gate_per_slot, (..., ..., ...), "four numbers"),
    (check.gate_per_slot, ([1.0, 1.0, 0.0, 0.0], here, here), "no weighting"),
    (check.gate_per_slot, (here, there, [2.0, 0.0, 0.0, 0.0]), "from 0 to 1"),
    (check.gate_per_slot, (here, there, [0.5] * 4), "still sums to 1"),
    (check.gate_per_slot, (here, here, [1.0, 0.5, 0.0, 0.5]), "still sums to 1"),
]
RIGHT = [
    (check.gate_by_hand, (0.6, (0.84, 1.28))),
    (check.largest_gate, (lambda T, p: 1 - p ** (1 / T),)),
    (check.follow, (follow,)),
    (check.be_the_network, ([0, 0, 1, 0, 0, 0, 0, 1, 0, 0.5],)),
    (check.be_the_network, ([0, 0, 1, 0, 0, 0, 0.7, 1, 0, 0.5],)),
    (check.gate_per_slot, (here, there, [1.0, 0.5, 0.0, 0.5])),
    (check.gate_per_slot, (here, there, [0.0, 0.5, 1.0, 0.5])),
]


@pytest.mark.parametrize("checker, answer, reason", WRONG)
def test_a_wrong_answer_is_refused_with_a_reason(checker, answer, reason, capsys):
    assert checker(*answer) is False
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ") and reason in said


@pytest.mark.parametrize("checker, answer", RIGHT)
def test_a_right_answer_is_accepted(checker, answer, capsys):
    assert checker(*answer) is True
    assert capsys.readouterr().out.startswith("Correct: ")
