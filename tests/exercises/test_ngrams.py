"""Every checker of the chapter passes a right answer and refuses wrong ones with a sentence that helps."""

import math

import torch

from ntm import tasks
from ntm.exercises import ngrams as check


def says(capsys, word):
    return word in capsys.readouterr().out


def test_pencil(capsys):
    assert check.pencil(3 / 8, 4) and says(capsys, "Correct:")
    for wrong, hint in [((..., ...), "two numbers"), ((None, 4), "two numbers"), ((1 / 3, 4), "plain share"), ((0.4, 4), "half of each"),
                        ((0.625, 4), "How many ones"), ((0.375, 3), "each made before")]:
        assert not check.pencil(*wrong) and says(capsys, hint)


def test_probability(capsys):
    def closed(N_1, N_0):
        return math.exp(math.lgamma(N_1 + 0.5) + math.lgamma(N_0 + 0.5) - math.lgamma(N_1 + N_0 + 1)) / math.pi

    assert check.probability(closed) and says(capsys, "Correct:")
    for wrong, hint in [(lambda *_: None, "one number"), (lambda: 0, "raised"), (lambda N_1, N_0: 0.5 ** (N_1 + N_0), "a coin's"),
                        (lambda N_1, N_0: 1 / (N_1 + N_0 + 1), "for 2 ones and 1 zeros"), (lambda *_: 1.0, "for 1 ones")]:
        assert not check.probability(wrong) and says(capsys, hint)


def test_prior(capsys):
    assert check.prior(lambda N_1, N_0, a: (N_1 + a) / (N_1 + N_0 + 2 * a)) and says(capsys, "Correct:")
    for wrong, hint in [(lambda *_: None, "one probability"), (lambda: 0, "raised"),
                        (lambda N_1, N_0, a: (N_1 + 0.5) / (N_1 + N_0 + 1), "a = 1,"),
                        (lambda N_1, N_0, a: (N_1 + a) / (N_1 + N_0 + a), "it is 0.500")]:
        assert not check.prior(wrong) and says(capsys, hint)


def test_places(capsys):
    def right(slot, code, least=0):
        found = {}
        for c in code[code >= least].unique().tolist():
            here = slot[code == c]
            found[c] = (int(here.mode().values), float((here == here.mode().values).float().mean()))
        return found

    assert check.places(right) and says(capsys, "Correct:")
    for wrong, hint in [(lambda *_: None, "a dict"), (lambda *_: {0: 3}, "a dict"), (lambda: 0, "raised"),
                        (lambda *a: right(*a, least=-1), "no full"),
                        (lambda *a: right(*a, least=1), "the contexts that occur"),
                        (lambda slot, code: {c: (s + 1, share) for c, (s, share) in right(slot, code).items()}, "the commonest slot"),
                        (lambda slot, code: {c: (s, 1.0) for c, (s, share) in right(slot, code).items()}, "of its steps")]:
        assert not check.places(wrong) and says(capsys, hint)


def forgetting(x, keep=0.8):
    """Counts in which every earlier outcome of a context weighs `keep` times as much with each new one."""
    x = x[..., 0].long()
    T, B = x.shape
    N, b, p = torch.zeros(B, 32, 2), torch.arange(B), torch.full((T, B, 1), 0.5)
    code = sum(x[4 - i : T - i] << i for i in range(5))
    for t, c in enumerate(code, 4):
        N_0, N_1 = N[b, c].unbind(-1)
        p[t, :, 0] = (N_1 + 0.5) / (N_1 + N_0 + 1)
        if t + 1 < T:
            N[b, c] *= keep
            N[b, c, x[t + 1]] += 1
    return p


def test_switching_sequences_are_two_of_the_task():
    batch = check.switching(3, seed=0)
    assert batch.x.shape == (399, 3, 1) and torch.equal(batch.x[1:], batch.y[:-1]) and batch.mask.sum() == 3 * 395


def test_forgetting_nothing_is_equation_10():
    batch = check.switching(3, seed=0)
    assert torch.allclose(forgetting(batch.x, keep=1), tasks.bayes(batch)[0], atol=1e-6)


def test_forget(capsys):
    def oracle(x):  # it looks at the next bit
        return torch.cat([x[1:], x[:1]]) * 0.8 + 0.1

    assert check.forget(forgetting) and says(capsys, "Correct:")
    for wrong, hint in [(lambda _: None, "of the shape"), (lambda: 0, "raised"), (lambda x: x, "be neither"), (oracle, "come later"),
                        (lambda x: forgetting(x, keep=1), "equation (10)"), (lambda x: torch.full_like(x, 0.5), "Aim at")]:
        assert not check.forget(wrong) and says(capsys, hint)
