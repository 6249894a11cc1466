"""How a machine begins: bare, as torch draws its weights, or with the habits of a tape machine.

The paper is silent on this. Nothing here is a new parameter: a start is what the weights are before
training.
"""

import math

import torch

from .controllers import LSTM, FeedForward


@torch.no_grad()
def tape(machine):
    """Give an NTM the habits of a tape machine: to walk on, and to find what was written on seeing
    x.

    Every head moves on by one slot a step; the write heads go by place, not by content; a search is
    sharp. Each read head's key is the same linear map of h as a write head's add vector, and the
    controller hears its inputs as if they came alone, half as loud again. (With an LSTM of several
    layers the heads walk, but the search finds nothing: too little of x gets through. A controller
    of one's own is left as it is.)
    """
    linear, sizes = machine.heads.linear, machine.heads.sizes
    reads, writes, width = machine.read_heads, machine.write_heads, machine.heads.width
    k, β, g, s, γ, e, a = linear.bias.split(sizes)
    s.view(reads + writes, -1)[:, machine.heads.offsets // 2 + 1] += 3  # 91 % moves on
    g[reads:] -= 2  # σ(-2) = .12
    β += 5

    keys, *_, adds = linear.weight.split(sizes)
    for head in range(reads):
        own, other = (slice(i * width, (i + 1) * width) for i in (head, head % writes))
        keys[own], k[own] = adds[other], a[other]

    if isinstance(machine.controller, (LSTM, FeedForward)):
        weight = machine.controller.layers[0].weight
        weight[:, : machine.inputs] *= 1.5 * math.sqrt(weight.shape[1] / machine.inputs)
    if isinstance(machine.controller, LSTM):  # its h is a third of a tanh layer's
        for weight, bias in [(keys, k), (adds, a)]:
            weight *= 3
            bias.zero_()
