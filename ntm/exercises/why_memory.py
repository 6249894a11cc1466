"""Checkers of the chapter "What an LSTM forgets"."""

from . import ask, numbers, verdict


def room(bits, needed):
    """Bits of the longest sequence of the paper's copy task, and numbers of 4 bits that hold
    them."""
    bits, needed = numbers(bits), numbers(needed)
    if bits is None or needed is None:
        return verdict(False, "", "both answers are single numbers.")
    if bits != 160:
        return verdict(False, "",
                       f"20 vectors of 8 bits are not {bits:g} bits; the two markers need not be "
                       "kept.")
    return verdict(needed == 40,
                   "160 bits in 40 numbers; an LSTM with 256 units has room enough, on paper.",
                   f"160 bits, 4 in each number, do not take {needed:g} numbers.")


def lstm_parameters(function):
    """4H(inputs + H + 1) + (H + 1) outputs + 2H."""
    for inputs, outputs, H in [(10, 8, 100), (6, 4, 16), (1, 1, 1)]:
        answer, wrong = ask(function, inputs, outputs, H)
        if wrong:
            return verdict(False, "", wrong)
        core, output = 4 * H * (inputs + H + 1), (H + 1) * outputs
        hints = {core: "that is the state's part alone; the outputs and the initial lists are "
                       "missing.",
                 core + output: "the two lists it begins with, H numbers each, are missing.",
                 core + 2 * H: "the outputs are missing.",
                 4 * H * (inputs + H) + H * outputs
                 + 2 * H: "every sum also has a constant, one more input that is always 1."}
        if answer != core + output + 2 * H:
            found = hints.get(int(answer), "look again at what each number is computed from.")
            return verdict(False, "",
                           f"for {inputs} inputs, {outputs} outputs and H = {H} yours gives "
                           f"{answer:g}; {found}")
    return verdict(True,
                   "the square of H outgrows all else: twice the state, nearly four times the "
                   "parameters.", "")


def first_in_first_out(fold, unfold):
    """unfold(fold(bits), length) gives the bits back in order, through one number."""
    for bits in ([1, 0, 1, 1], [0, 0, 1], [1], [0, 1, 1, 0, 1, 0, 0, 1, 1, 1]):
        number, wrong = ask(fold, list(bits), shape=None, call=f"fold({bits})")
        if wrong:
            return verdict(False, "", wrong)
        if numbers(number) is None:
            return verdict(False, "", f"fold({bits}) must return one number.")
        values, wrong = ask(unfold, float(number), len(bits), shape=(len(bits),),
                            want=f"unfold must return the list of {len(bits)} bits.",
                            call=f"unfold({float(number):g}, {len(bits)})")
        if wrong:
            return verdict(False, "", wrong)
        if values.tolist() != bits:
            order = ("the right bits, last first"
                     if values.tolist() == bits[::-1]
                     else f"{[round(v, 3) for v in values.tolist()]}")
            return verdict(False, "",
                           f"{bits} was folded to {float(number):g}, and came back as {order}.")
    return verdict(True,
                   "in order, at a price: fold had to keep the place where the next bit goes, an "
                   "address.", "")


def recall(function):
    """The value whose key is most like the query."""
    keys = [[0, 0, 0, 0, 1, 1], [1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0], [0, 0, 1, 1, 0, 0]]
    values = [[1, 0], [0, 1], [1, 1], [0, 0]]
    for query, i, kind in [(keys[1], 1, "an exact key"), (keys[3], 3, "an exact key"),
                           ([1, 0, 1, 1, 1, 0], 2, "a key with one bit wrong"),
                           ([0, 0, 0, 0, 1, 0], 0, "a key with one bit wrong")]:
        value, wrong = ask(function, [list(key) for key in keys], [list(value) for value in values],
                           list(query), shape=(2,),
                           want="return a value: one of the lists in `values`.")
        if wrong:
            return verdict(False, "", wrong)
        if value.tolist() != values[i]:
            return verdict(False, "",
                           f"{query} is {kind}, that of entry {i}; its value is {values[i]}, "
                           f"yours is {value.int().tolist()}.")
    return verdict(True, "found by what it is like, not by where it stands.", "")
