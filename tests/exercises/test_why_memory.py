"""Every checker of the chapter on what an LSTM forgets accepts a right answer and refuses wrong ones with a reason."""

import pytest

from ntm import LSTMBaseline
from ntm.exercises import why_memory


def parameters(inputs, outputs, H):
    return 4 * H * (inputs + H + 1) + (H + 1) * outputs + 2 * H


def counted(inputs, outputs, H):
    return sum(p.numel() for p in LSTMBaseline(inputs, outputs, hidden_size=H, layers=1).parameters())


def fold(bits):
    return sum(bit / 2 ** (place + 1) for place, bit in enumerate(bits))


def fold_last_first(bits):
    return fold(bits[::-1])


def unfold(number, length):
    return [int(number * 2 ** (place + 1)) % 2 for place in range(length)]


def recall(keys, values, query):
    return values[max(range(len(keys)), key=lambda i: sum(a == b for a, b in zip(keys[i], query)))]


def recall_exact(keys, values, query):
    return values[keys.index(query)] if query in keys else values[0]


RIGHT = [
    (why_memory.room, (160, 40)),
    (why_memory.lstm_parameters, (parameters,)),
    (why_memory.lstm_parameters, (counted,)),
    (why_memory.first_in_first_out, (fold, unfold)),
    (why_memory.recall, (recall,)),
]
WRONG = [
    (why_memory.room, (..., ...), "single numbers"),
    (why_memory.room, (176, 44), "markers"),
    (why_memory.room, (160, 20), "20 numbers"),
    (why_memory.lstm_parameters, (lambda *sizes: ...,), "one number"),
    (why_memory.lstm_parameters, (lambda i, o, H: 4 * H * (i + H + 1),), "initial lists are missing"),
    (why_memory.lstm_parameters, (lambda i, o, H: parameters(i, o, H) - 2 * H,), "two lists"),
    (why_memory.lstm_parameters, (lambda i, o, H: parameters(i, 0, H),), "outputs are missing"),
    (why_memory.lstm_parameters, (lambda i, o, H: 4 * H * (i + H) + H * o + 2 * H,), "constant"),
    (why_memory.lstm_parameters, (lambda i, o, H: 1572,), "H = 100"),
    (why_memory.lstm_parameters, (lambda i: 1572,), "TypeError"),
    (why_memory.first_in_first_out, (lambda bits: None, lambda number, length: None), "one number"),
    (why_memory.first_in_first_out, (lambda bits: bits, lambda number, length: number), "one number"),
    (why_memory.first_in_first_out, (fold, lambda number, length: None), "list of 4 bits"),
    (why_memory.first_in_first_out, (fold_last_first, unfold), "last first"),
    (why_memory.first_in_first_out, (fold, lambda number, length: [1] * length), "came back as [1.0, 1.0"),
    (why_memory.first_in_first_out, (fold, lambda number, length: 1 / 0), "ZeroDivisionError"),
    (why_memory.recall, (lambda keys, values, query: None,), "return a value"),
    (why_memory.recall, (lambda keys, values, query: values[0],), "entry 1"),
    (why_memory.recall, (recall_exact,), "one bit wrong"),
    (why_memory.recall, (lambda keys, values, query: values[keys.index(query)],), "ValueError"),
]


@pytest.mark.parametrize("checker, answer", RIGHT)
def test_right_answers_pass(checker, answer, capsys):
    assert checker(*answer) is True
    assert capsys.readouterr().out.startswith("Correct: ")


@pytest.mark.parametrize("checker, answer, reason", WRONG)
def test_wrong_answers_are_refused_with_a_reason(checker, answer, reason, capsys):
    assert checker(*answer) is False
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ") and reason in said and said.count("\n") == 1
