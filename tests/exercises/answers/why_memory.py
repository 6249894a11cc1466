"""Answers to the exercises of book/why_memory.ipynb, and what the checkers must say of them."""

from ntm import LSTMBaseline


def parameters(inputs, outputs, H):
    return 4 * H * (inputs + H + 1) + (H + 1) * outputs + 2 * H


def counted(inputs, outputs, H):
    return sum(
        p.numel() for p in LSTMBaseline(inputs, outputs, hidden_size=H, layers=1).parameters()
    )


def fold(bits):
    return sum(bit / 2 ** (place + 1) for place, bit in enumerate(bits))


def fold_last_first(bits):
    return fold(bits[::-1])


def unfold(number, length):
    return [int(number * 2 ** (place + 1)) % 2 for place in range(length)]


def right_recall(keys, values, query):
    return values[max(range(len(keys)), key=lambda i: sum(a == b for a, b in zip(keys[i], query)))]


def recall_exact(keys, values, query):
    return values[keys.index(query)] if query in keys else values[0]


def room():
    return [
        (160, 40, "Correct: "),
        (..., ..., "single numbers"),
        (176, 44, "markers"),
        (160, 20, "20 numbers"),
    ]


def lstm_parameters():
    return [
        (parameters, "Correct: "),
        (counted, "Correct: "),
        (lambda *sizes: ..., "one number"),
        (lambda i, o, H: 4 * H * (i + H + 1), "initial lists are missing"),
        (lambda i, o, H: parameters(i, o, H) - 2 * H, "two lists"),
        (lambda i, o, H: parameters(i, 0, H), "outputs are missing"),
        (lambda i, o, H: 4 * H * (i + H) + H * o + 2 * H, "constant"),
        (lambda i, o, H: 1572, "H = 100"),
        (lambda i: 1572, "TypeError"),
    ]


def first_in_first_out():
    return [
        (fold, unfold, "Correct: "),
        (lambda bits: None, lambda number, length: None, "one number"),
        (lambda bits: bits, lambda number, length: number, "one number"),
        (fold, lambda number, length: None, "list of 4 bits"),
        (fold_last_first, unfold, "last first"),
        (fold, lambda number, length: [1] * length, "came back as [1.0, 1.0"),
        (fold, lambda number, length: 1 / 0, "ZeroDivisionError"),
    ]


def recall():
    return [
        (right_recall, "Correct: "),
        (lambda keys, values, query: None, "return a value"),
        (lambda keys, values, query: values[0], "entry 1"),
        (recall_exact, "one bit wrong"),
        (lambda keys, values, query: values[keys.index(query)], "ValueError"),
    ]
