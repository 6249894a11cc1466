"""Checkers of the chapter "Any network can drive; the question is what it remembers"."""

import torch
from torch import nn

from ..controllers import LSTM, FeedForward
from ..machine import NTM
from . import verdict


def lstm_parameters(answer):
    """Exercise 1: a function that counts the parameters of an LSTM controller."""
    for sizes in [(30, 100, 1), (3, 5, 2), (7, 4, 3)]:
        expected = sum(p.numel() for p in LSTM(*sizes).parameters())
        try:
            found = answer(*sizes)
        except Exception as error:
            return verdict(False, "", f"your function raised {type(error).__name__}: {error}.")
        if found != expected:
            why = (" Did you count the learned start of h and c?"
                   if found == expected - 2 * sizes[1] * sizes[2] else "")
            case = f"inputs={sizes[0]}, hidden_size={sizes[1]}, layers={sizes[2]}"
            return verdict(False, "", f"for {case} you say {found}, it is {expected}.{why}")
    return verdict(True, "it agrees with controllers of one, two and three layers.", "")


@torch.no_grad()
def switch(answer):
    """Exercise 2: the weights of one LSTM unit that is switched on and off."""
    controller = LSTM(2, 1)
    try:
        answer(controller.layers[0])
    except Exception as error:
        return verdict(False, "", f"setting the weights raised {type(error).__name__}: {error}.")
    on, off, silent = (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)
    stories = ([silent] * 5, [on] + [silent] * 40, [on, silent, off] + [silent] * 10,
               [off, off, on, on, on, silent],
               [on] * 5 + [off, silent])
    for story in stories:
        state, lit = controller.initial(1), False
        for t, x in enumerate(story):
            h, state = controller(torch.tensor([x]), state)
            lit = x == on or (lit and x != off)
            if not (h.item() > 0.7 if lit else abs(h.item()) < 0.1):
                told = ", ".join({on: "on", off: "off", silent: "silent"}[x]
                                 for x in story[: min(t + 1, 6)]) + (" ..." if t > 5 else "")
                wanted = "above 0.7" if lit else "below 0.1"
                return verdict(False, "",
                               f"after the inputs {told} the output is {h.item():.2f}; it should "
                               f"be {wanted}.")
    return verdict(True, "it switches on and off, and forty silent steps do not change its mind.",
                   "")


class _Slow(nn.Module):
    """Keeps a share of its state; the known answer of exercise 3."""

    def __init__(self, share):
        super().__init__()
        self.share, self.output_size = share, 1

    def initial(self, batch):
        return (torch.zeros(batch, 1),)

    def forward(self, x, state):
        h = self.share * state[0] + x.sum(-1, keepdim=True)
        return h, (h,)


def span(answer):
    """Exercise 3: a function that measures for how many steps a controller feels a pulse."""
    cases = [("a feedforward controller", FeedForward(3, 8), 3, 0),
             ("a unit that keeps half", _Slow(0.5), 1, 9),
             ("a unit that keeps all", _Slow(1.0), 2, 29)]
    for name, controller, inputs, expected in cases:
        try:
            found = answer(controller, inputs)
        except Exception as error:
            return verdict(False, "",
                           f"on {name} your function raised {type(error).__name__}: {error}.")
        if found != expected:
            return verdict(False, "",
                           f"for {name} you say {found}; a pulse is felt there until step "
                           f"{expected}.")
    return verdict(True, "feedforward 0, keeping half 9, keeping all 29: forgetting has a rate.",
                   "")


@torch.no_grad()
def leaky(answer):
    """Exercise 4: a class of controller with leaky units."""
    try:
        controller = answer(3 + 4, 8)
        start, x = controller.initial(2), torch.randn(2, 7,
                                                      generator=torch.Generator().manual_seed(0))
        if not hasattr(controller, "output_size") or controller.output_size != 8:
            return verdict(False, "", "output_size must be the number of units, here 8.")
        if (not isinstance(start, tuple) or len(start) != 1 or start[0].shape != (2, 8)
            or start[0].any()):
            return verdict(False, "",
                           "initial(batch) must return a tuple with one tensor of zeros, [batch, "
                           "hidden_size].")
        h, state = controller(x, start)
        new = 0.1 * torch.tanh(controller.linear(x))
        if not torch.allclose(h, new, atol=1e-6):
            return verdict(False, "",
                           "the first step must give 0.1 tanh(linear(x)), since h begins at zero.")
        h, _ = controller(x, state)
        if not torch.allclose(h, 1.9 * new, atol=1e-6):
            return verdict(False, "",
                           "the second step is not 0.9 of the first plus the new part; is the "
                           "new state returned?")
        machine, x = (NTM(3, 2, controller, N=8, width=4, seed=0),
                      torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(1)))
        if not torch.equal(machine(x), machine(x)):
            return verdict(False, "",
                           "the same sequence gave two answers: something is stored in the "
                           "controller, not in the state.")
    except Exception as error:
        return verdict(False, "", f"trying your controller raised {type(error).__name__}: {error}.")
    return verdict(True, "ten lines, and it drives an NTM.", "")


@torch.no_grad()
def remember_and_listen(controller):
    """Exercise 5, open-ended: a small controller that feels a pulse for long and still hears;
    reports both."""
    if not isinstance(controller, nn.Module):
        return verdict(False, "",
                       "give a controller that is ready to use: a module, as LSTM(4, 7).")
    parameters = sum(p.numel() for p in controller.parameters())
    if parameters > 500:
        return verdict(False, "", f"it has {parameters} parameters; at most 500 are allowed.")
    try:
        runs = []
        for pulses in ((), (0,), (100,)):
            state, hs = controller.initial(1), []
            for t in range(201):
                h, state = controller(torch.full((1, 4), float(t in pulses)), state)
                hs.append(h)
            runs.append(torch.cat(hs))
    except Exception as error:
        return verdict(False, "", f"trying your controller raised {type(error).__name__}: {error}.")
    felt = (runs[1] - runs[0]).abs().amax(-1) > 0.001
    span, hears = (int(felt.nonzero().max()) if felt.any() else 0,
                   (runs[2] - runs[0])[100].abs().max().item())
    if span < 20:
        return verdict(False, "",
                       f"a pulse is felt for {span} steps only; make some units forget more "
                       "slowly, at least 20.")
    if hears < 0.01:
        return verdict(False, "",
                       f"a new input after 100 steps moves its output by {hears:.4f} only: it "
                       "remembers, but no longer listens.")
    return verdict(True,
                   f"a pulse is felt for {span} of 200 steps, and after 100 steps a new one "
                   f"still moves it by {hears:.2f}.", "")
