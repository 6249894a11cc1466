"""Answers to the exercises of book/dnc.ipynb, and what the checkers must say of them."""

import torch


def free_slot():
    def right(u):
        w, product = [0.0] * len(u), 1.0
        for i in sorted(range(len(u)), key=lambda i: u[i]):
            w[i], product = (1 - u[i]) * product, product * u[i]
        return w

    return [
        (right, "Correct: the freest slot"),
        (lambda: 0, "raised"),
        (lambda u: [0.0], "return a weight a slot"),
        (lambda u: [1 - x for x in u], "for the usage"),
    ]


def both_ways():
    def walk(links, forward, backward, order, start, along):
        eye = torch.eye(5)
        p, L = torch.zeros(1, 5), torch.zeros(1, 5, 5)
        for slot in order:
            L = links(L, p, eye[None, slot])
            p = eye[None, slot]
        w, seen = eye[None, None, start], []
        for _ in range(len(set(order)) - 1):
            w = along(L, w)
            seen.append(w[0, 0].argmax().item() if w.sum() > 0.5 and w.max() > 0.9 else None)
        return seen

    def right(links, forward, backward):
        ok = walk(links, forward, backward, [3, 0, 4, 1], 3, forward) == [0, 4, 1]
        ok &= walk(links, forward, backward, [3, 0, 4, 1], 1, backward) == [4, 0, 3]
        # slot 0 was written anew
        ok &= walk(links, forward, backward, [3, 0, 4, 1, 0], 3, forward)[0] is None
        p, w = torch.tensor([[0.5, 0.0]]), torch.tensor([[0.5, 0.0]])
        return bool(ok and links(torch.zeros(1, 2, 2), p, w)[0, 0, 0] == 0)

    def only_forward(links, forward, backward):
        return walk(links, forward, backward, [3, 0, 4, 1], 3, forward) == [0, 4, 1]

    return [
        (right, "Correct: it passes what walks right"),
        (lambda a, b, c: None, "True or False"),
        (lambda: True, "raised"),
        (lambda a, b, c: True, "passes the two ways exchanged"),
        (lambda a, b, c: False, "refuses the right ones"),
        (only_forward, "passes links of a slot to itself"),
    ]


def left():
    return [
        (lambda gate, steps: gate ** (2 * steps), "Correct: with a gate"),
        (lambda gate, steps: None, "single number"),
        (lambda: 0, "raised"),
        (lambda gate, steps: gate**steps, "two ends"),
        (lambda gate, steps: 1.0, "for a gate of 0.9"),
    ]


def by_hand():
    def right(L):
        T = 2 * L + 2
        g_w = [1.0] * (L + 1) + [0.0] * (L + 1)
        π = [[0.0, 1.0, 0.0]] * (L + 2) + [[0.0, 0.0, 1.0]] * L
        return [0.0] * T, g_w, π

    def without_steps(L):
        f, g_w, π = right(L)
        return f, g_w, [[0.0, 1.0, 0.0]] * len(π)

    return [
        (right, "Correct: all bits are right"),
        (lambda: 0, "raised"),
        (lambda L: None, "three things"),
        (lambda L: (0, 0, 0), "numbers each"),
        (lambda L: (right(L)[0], [2.0] * (2 * L + 2), right(L)[2]), "within 0 and 1"),
        (without_steps, "are wrong"),
    ]
