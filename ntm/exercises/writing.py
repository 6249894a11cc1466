"""Checkers of the chapter "Writing is erasing, then adding"."""

import torch

from . import ask, attempt, numbers, verdict


def by_hand(slot):
    """(4, 10), weight 1/2, erased with (1, 1/2), then (2, -4) added."""
    slot = numbers(slot, 2)
    if slot is None:
        return verdict(False, "",
                       "the answer is two numbers, one for each column, such as [1.5, 2.0].")
    if abs(slot[0] - 2) < 1e-3 and abs(slot[1] - 1) < 1e-3:
        return verdict(False, "",
                       "you let the whole vectors act; the head's weight is 1/2, for the erase "
                       "and for the add.")
    column = next((j for j, value in enumerate((3.0, 5.5)) if abs(slot[j] - value) > 1e-3), None)
    return verdict(column is None,
                   "2 stays of 4 and 1 is added; 7.5 stays of 10 and 2 is taken away.",
                   f"column {column} is not {slot[column or 0]:.3g}; first old × (1 − ½ × "
                   "erase), then plus ½ × add.")


def overwrite(function):
    """Slot i becomes v, the others stay."""
    M, v = torch.arange(1.0, 16.0).view(1, 5, 3), torch.tensor([7.0, -2.0, 0.0])
    for i in (3, 0):
        after, sentence = _memory(function, M, "overwrite(M, i, v)", i, v)
        if after is None:
            return verdict(False, "", sentence)
        others = [j for j in range(5) if j != i]
        if not torch.allclose(after[0, others], M[0, others], atol=1e-5):
            return verdict(False, "",
                           "another slot has changed; does all the weight lie on slot i?")
        if torch.allclose(after[0, i], M[0, i] + v, atol=1e-5):
            return verdict(False, "",
                           "slot i holds the sum of old and new; erase it before you add.")
        if not torch.allclose(after[0, i], v, atol=1e-5):
            return verdict(False, "",
                           f"slot {i} should hold {v.tolist()}; yours holds "
                           f"{[round(x, 3) for x in after[0, i].tolist()]}.")
    return verdict(True,
                   "a sharp head with a full erase vector replaces one slot and touches no other.",
                   "")


def average(function):
    """average(η) returns (x -> erase vector, x -> add vector) of a running average."""
    x = torch.tensor([2.0, -4.0])
    for η in (0.1, 0.5):
        pair, wrong = ask(function, η, shape=None, call=f"average({η})")
        if wrong:
            return verdict(False, "", wrong)
        if not isinstance(pair, tuple) or len(pair) != 2 or not all(map(callable, pair)):
            return verdict(False, "",
                           "return two functions of x: the erase vector, and the add vector.")
        e, a = (numbers(attempt(part, x), 2) for part in pair)
        if e is None or a is None:
            return verdict(False, "",
                           f"the {'erase' if e is None else 'add'} vector for an x of two "
                           "numbers must be two numbers.")
        if (e < 0).any() or (e > 1).any():
            return verdict(False, "",
                           "an erase vector lies between 0 and 1; yours is "
                           f"{[round(v, 3) for v in e.tolist()]}.")
        keeps, gains = ([round(v, 3) for v in part.tolist()] for part in (1 - e, a))
        if not torch.allclose(1 - e, torch.full((2,), 1 - η), atol=1e-4):
            return verdict(False, "",
                           f"with η = {η} the slot must keep {1 - η:.2g} of the old; yours keeps "
                           f"{keeps}.")
        if not torch.allclose(a, η * x, atol=1e-4):
            return verdict(False, "",
                           f"with η = {η} the slot must gain {η} of x; yours gains {gains} from "
                           "x = (2, -4).")
    return verdict(True, "erase η, add η x: old content fades as in a leaky bucket.", "")


def swap(function):
    """Slots i and j exchange their contents."""
    M = torch.arange(1.0, 16.0).view(1, 5, 3)
    for i, j in ((1, 3), (4, 0)):
        after, sentence = _memory(function, M, "swap(M, i, j)", i, j)
        if after is None:
            return verdict(False, "", sentence)
        expected = M.clone()
        expected[0, [i, j]] = M[0, [j, i]]
        if torch.equal(after, M):
            return verdict(False, "",
                           "nothing has changed; each head must add what the other has read.")
        if not torch.allclose(after, expected, atol=1e-5):
            wrong = next(k for k in range(5)
                         if not torch.allclose(after[0, k], expected[0, k], atol=1e-5))
            return verdict(False, "",
                           f"after swap(M, {i}, {j}) slot {wrong} should hold "
                           f"{expected[0, wrong].tolist()}; yours holds "
                           f"{[round(x, 3) for x in after[0, wrong].tolist()]}.")
    return verdict(True,
                   "two heads exchange two slots in a single step, because all read before any "
                   "writes.", "")


def _memory(function, M, call, *arguments):
    """(the memory that a reader's function returns, None), or (None, what is wrong with it)."""
    want = f"{call} must return a memory of shape {list(M.shape)}."
    return ask(function, M, *arguments, shape=M.shape, want=want, call=call)
