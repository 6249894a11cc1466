"""Checkers of the chapter "Training a machine"."""

import math

import torch

from . import ask, numbers, verdict


def cost(in_bits, in_nats, wrong):
    """Exercise 1: what four bits cost whose truth was given the probabilities 1/2, 1/8, 1 and
    1/16."""
    in_bits, in_nats, wrong = (numbers(answer) for answer in (in_bits, in_nats, wrong))
    if in_bits is None or in_nats is None or wrong is None:
        return verdict(False, "", "each of the three answers is a single number.")
    if math.isclose(in_bits, 8 * math.log(2), abs_tol=0.02):
        return verdict(False, "", "your bits are nats: use logarithms to the base 2.")
    if not math.isclose(in_bits, 8, abs_tol=0.01):
        return verdict(False, "",
                       f"{in_bits:g} bits is not the sum of -log2 of the four probabilities.")
    if not math.isclose(in_nats, 8 * math.log(2), abs_tol=0.02):
        return verdict(False, "", "the bits are right. One bit is ln 2 = 0.693 nats.")
    if wrong != 2:
        return verdict(False, "",
                       "the costs are right. A bit is wrong where the truth was given less than "
                       "1/2.")
    return verdict(True, "8 bits, 5.55 nats, 2 wrong bits: three numbers for one answer.", "")


def clip_norm(answer):
    """Exercise 2: a function that scales gradients so that their common norm is at most so
    large."""
    cases = [([[3.0, 0.0], [4.0]], 1.0, "of norm 5, to be clipped to 1"),
             ([[0.3], [0.4]], 1.0, "of norm 0.5, which is no more than 1"),
             ([[30.0, -1.0], [1.0, 40.0]], 10.0, "of norm 50, to be clipped to 10")]
    for gradients, largest, what in cases:
        gradients = [torch.tensor(d) for d in gradients]
        factor = min(1, largest / torch.cat(gradients).norm().item())
        found, wrong = ask(answer, [d.clone() for d in gradients], largest, shape=None,
                           call=f"for two tensors {what}, your function")
        if wrong:
            return verdict(False, "", wrong)
        if (not isinstance(found, (list, tuple)) or len(found) != 2
            or not all(isinstance(d, torch.Tensor) for d in found)):
            return verdict(False, "", "return the list of tensors, scaled.")
        if any(f.shape != d.shape for f, d in zip(found, gradients)):
            return verdict(False, "", "every tensor must keep its shape.")
        if not all(torch.allclose(f, factor * d, atol=1e-4) for f, d in zip(found, gradients)):
            norm = torch.cat([f.flatten() for f in found]).norm().item()
            same = math.isclose(norm, factor * torch.cat(gradients).norm().item(), rel_tol=1e-3)
            why = ("the norm is right and the direction is not: one factor for all"
                   if same else f"yours have norm {norm:.3g}")
            return verdict(False, "", f"for two tensors {what}, {why}.")
    return verdict(True, "one factor for all tensors, and none where the norm is small.", "")


def adam(answer):
    """Exercise 3: Adam for one parameter, as a loop."""
    gradients = [3.0, -1.0, 0.5, 0.5, -2.0, 0.01, 0.0, 4.0]
    θ = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer, expected = torch.optim.Adam([θ], lr=0.1), []
    for d in gradients:
        θ.grad = torch.tensor([d], dtype=torch.float64)
        optimizer.step()
        expected.append(θ.item())
    values, wrong = ask(answer, list(gradients), 0.1, shape=(len(gradients),),
                        want=f"return the parameter after each gradient: {len(gradients)} "
                             f"numbers for {len(gradients)} gradients.")
    if wrong:
        return verdict(False, "", wrong)
    for t, (mine, right) in enumerate(zip(values.tolist(), expected), 1):
        if not math.isclose(mine, right, abs_tol=1e-5):
            why = " The first step is the rate times the sign: see the hats." if t == 1 else ""
            if math.isclose(mine, -right, abs_tol=1e-5):
                why = " Subtract the step."
            return verdict(False, "",
                           f"after gradient {t} yours is {mine:.4f}, torch's is {right:.4f}.{why}")
    return verdict(True, "your loop is torch.optim.Adam, step for step.", "")


def task(answer):
    """Exercise 4, open-ended: whether a task keeps the contract, and what guessing costs."""
    try:
        first, again, other = (answer.sample(3, generator=torch.Generator().manual_seed(seed))
                               for seed in (0, 0, 1))
        x, y, mask = first
        sizes = answer.inputs, answer.outputs
        shapes = [list(value.shape) for value in (x, y, mask)]
        if shapes != [[len(x), 3, sizes[0]], [len(x), 3, sizes[1]], [len(x), 3]]:
            return verdict(False, "",
                           "for 3 sequences the shapes are [T, 3, inputs], [T, 3, outputs] and "
                           f"[T, 3]; yours are {shapes}.")
        if any(value.dtype != torch.float32 for value in (x, y, mask)):
            return verdict(False, "", "x, y and mask must be float32 tensors.")
        if not all(torch.isin(value, torch.tensor([0.0, 1.0])).all() for value in (y, mask)):
            return verdict(False, "", "targets and mask are 0 or 1, nothing between.")
        if not mask.any(0).all():
            return verdict(False, "", "some sequence has no scored step.")
        if not all(torch.equal(a, b) for a, b in zip(first, again)):
            return verdict(False, "",
                           "the same seed gave two different batches: draw everything from "
                           "`generator`.")
        if x.shape == other.x.shape and torch.equal(x, other.x):
            return verdict(False, "", "two seeds gave the same batch: draw from `generator`.")
        scored = torch.cat([batch.y[batch.mask > 0] for batch in (first, other)])
    except Exception as error:
        return verdict(False, "",
                       "sample(batch, generator=...) must return a Batch(x, y, mask); trying it "
                       f"raised {type(error).__name__}.")
    if (scored == scored[0]).all():
        return verdict(False, "", "every scored target is the same: there is nothing to learn.")
    return verdict(True,
                   f"a task of {sizes[0]} inputs and {sizes[1]} outputs; guessing 1/2 costs "
                   f"{sizes[1]} bits per scored step.", "")
