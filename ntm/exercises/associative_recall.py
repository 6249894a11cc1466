"""Checkers of the chapter "Associative recall: find it, then go on to what came next"."""

import math

import torch

from ..programs import Instruction, read, run
from ..tasks import AssociativeRecall
from ..training import evaluate
from . import ask, attempt, numbers, verdict


def cost(one_of_two, one_vector_known):
    """Exercise 1: the cost of two kinds of partial knowledge, in bits for the 18 of an answer."""
    found = [numbers(value) for value in (one_of_two, one_vector_known)]
    if any(value is None for value in found):
        return verdict(False, "", "give two numbers, the costs in bits.")
    first, second = (value.item() for value in found)
    if math.isclose(first, 1, abs_tol=0.01):
        return verdict(False, "",
                       "1 bit would do if items were said as a whole. The outputs are bits, each "
                       "with its own probability.")
    if not math.isclose(first, 9, abs_tol=0.01):
        return verdict(False, "",
                       f"{first:g} is not the cost of one of two. In how many of the 18 bits do "
                       "two random items differ?")
    if not math.isclose(second, 12, abs_tol=0.01):
        return verdict(False, "",
                       f"9 is right; {second:g} for one known vector is not. How many bits are "
                       "left, and what does each cost?")
    return verdict(True,
                   "9 and 12 bits. A cost alone does not say which bits are unknown, but it says "
                   "how many at least.", "")


def which(answer):
    """Exercise 2: the number of the item nearest to what was said, or -1."""
    generator = torch.Generator().manual_seed(0)
    items = torch.randint(0, 2, (5, 8, 18), generator=generator).float()
    right = torch.tensor([0, 4, 2, -1, 1, 3, -1, 0])
    # how many bits of that item are turned over; from 4 on it is none
    flips = [0, 0, 1, 4, 3, 2, 9, 3]
    heard = items[right.clamp(min=0), torch.arange(8)].clone()
    for b, count in enumerate(flips):
        heard[b, :count] = 1 - heard[b, :count]
    least, nearest = (items != heard).sum(-1).min(0)
    right = torch.where(least > 3, -1, nearest)
    values, wrong = ask(answer, heard, items, shape=(8,),
                        want="return one integer for each of the 8 sequences.")
    if wrong:
        return verdict(False, "", wrong)
    for b, (mine, number) in enumerate(zip(values.tolist(), right.tolist())):
        if mine != number:
            nearby = (f"the nearest item is number {int(nearest[b])}, which differs in "
                      f"{int(least[b])} bits")
            return verdict(False, "", f"for sequence {b} {nearby}: {number}, not {mine:g}.")
    return verdict(True,
                   "eight answers, some of them perfect, some with wrong bits, and one that is "
                   "no item at all.", "")


def ask_for_last(answer):
    """Exercise 3: the inputs of a batch with the last item as the query."""
    for n in (3, 6):
        batch = AssociativeRecall().sample(8, items=n, generator=torch.Generator().manual_seed(n))
        kept, mark = batch.x.clone(), 4 * n
        found = attempt(lambda: answer(batch))  # noqa: B023, called at once
        if not torch.equal(batch.x, kept):
            return verdict(False, "",
                           "the batch you were given has changed; work on batch.x.clone().")
        if isinstance(found, Exception):
            return verdict(False, "", f"your function raised {type(found).__name__}: {found}.")
        x = numbers(found, *kept.shape)
        if x is None:
            return verdict(False, "", f"return a tensor x of the shape {list(kept.shape)}.")
        if not torch.equal(x[:mark], kept[:mark]):
            return verdict(False, "", "the items must stay as they are; only the query changes.")
        if not torch.equal(x[mark + 4 :], kept[mark + 4 :]) or not torch.equal(x[mark], kept[mark]):
            return verdict(False, "",
                           "the query's marks and the silent steps must stay as they are.")
        if torch.equal(x, kept):
            return verdict(False, "", "the query is as it was.")
        if not torch.equal(x[mark + 1 : mark + 4], kept[mark - 3 : mark]):
            steps = f"steps {mark + 1} to {mark + 3}"
            return verdict(False, "",
                           f"with {n} items, the query at {steps} is not what stands at "
                           f"{mark - 3} to {mark - 1}.")
    return verdict(True, "the last item is asked for, and nothing else has changed.", "")


def jumpers(answer):
    """Exercise 4: the heads that at a step jump by content to a single slot."""
    key = [1.0, -1.0, 0.0, 0.0]
    vague = Instruction("read", 2, k=key, β=0.5, g=1.0, γ=1.0)  # by content, but to no single slot
    program = [[read(move=+1, head=1)], [read(jump=key), read(move=+1, head=1), vague],
               [read(), read(jump=key, head=1), vague]]
    _, trace = run(program, None, N=8, width=4, read_heads=3)
    # ten sequences; in one of them head 0 does not jump, in three head 1 does not
    for name, value in vars(trace).items():
        if name in ("M_0", "w_0"):
            setattr(trace, name, value.expand(10, *value.shape[1:]).clone())
        elif name != "read_heads":
            setattr(trace, name, value.expand(-1, 10, *value.shape[2:]).clone())
    # an empty memory has no slot to find: give slot 5 the key, and let the weightings follow
    trace.M_0[:, 5], trace.M[:, :, 5] = torch.tensor(key), torch.tensor(key)
    for head, step, without in [(0, 1, 1), (1, 2, 3)]:
        trace.w[step:, without:, head] = torch.eye(8)[5]
        trace.g[step, :without, head] = 0.0
    for step, right in [(0, []), (1, [0]), (2, [])]:
        found, wrong = ask(answer, trace, step, shape=None)
        if wrong:
            return verdict(False, "", wrong)
        try:
            mine = sorted(int(value) for value in found)
        except Exception:
            return verdict(False, "", "return a list of numbers of heads.")
        if mine != right:
            hints = {2: "head 2 goes by content, but to no single slot",
                     1: "head 1 jumps in seven of ten sequences only, and at step 2"}
            more = next((f"; {hints[head]}" for head in mine
                         if head not in right and head in hints), "")
            return verdict(False, "",
                           f"at step {step} the heads that jump are {right}, you say {mine}{more}.")
    return verdict(True, "only the head that jumps, to a single slot, in nine of ten sequences.",
                   "")


def teach(answer, below=3.0):
    """Exercise 5, open-ended: a machine trained on items of one vector; reports how far it got."""
    machine, wrong = ask(answer, shape=None)
    if wrong:
        return verdict(False, "", wrong)
    try:
        bits = evaluate(machine, AssociativeRecall(vectors=1, items=(2, 4)), items=4, sequences=100,
                        seed=7).bits
    except Exception as error:
        return verdict(False, "",
                       "return a machine with 8 inputs and 6 outputs; trying yours raised "
                       f"{type(error).__name__}.")
    if not bits < below:
        return verdict(False, "",
                       f"4 items cost it {bits:.1f} of 6 bits; 4.1 is what they cost without the "
                       f"query. Aim under {below:g}.")
    return verdict(True,
                   f"4 items cost it {bits:.2f} bits: it uses the query. How does it do with 6?",
                   "")
