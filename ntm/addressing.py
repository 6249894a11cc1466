"""The four stages of addressing: equations (5) to (9) of the paper.

Every function takes any number of heads at once: M [B, N, width]; k [B, heads, width]; β, g, γ [B,
heads]; s [B, heads, 2 shift_range + 1]; weightings [B, heads, N]. Every weighting that leaves here
sums to 1.
"""

import torch

ε = 1e-6  # inside each norm of the cosine: a zero row has similarity 0, and finite gradients
tiny = 1e-12  # below this a weight counts as zero when its logarithm is taken


def similarity(M, k):
    """Equation (6): the cosine K[k, M(i)] of every key with every row.

    M [B, N, width], k [B, heads, width]. Returns K [B, heads, N], within [-1, 1]. The paper has no
    ε.
    """
    length_M = (M.square().sum(-1) + ε).sqrt().unsqueeze(-2)
    length_k = (k.square().sum(-1) + ε).sqrt().unsqueeze(-1)
    return k @ M.transpose(-1, -2) / (length_k * length_M)


def content(M, k, β):
    """Equation (5): w_c = softmax(β K[k, M(i)]), where to look by what is there.

    M [B, N, width], k [B, heads, width], β [B, heads], not negative. Returns w_c [B, heads, N].
    """
    return torch.softmax(β.unsqueeze(-1) * similarity(M, k), dim=-1)


def interpolate(w_c, w_prev, g):
    """Equation (7): w_g = g w_c + (1 − g) w_prev, by content or from where the head was.

    w_c, w_prev [B, heads, N]; g [B, heads], within [0, 1]. Returns w_g [B, heads, N].
    """
    g = g.unsqueeze(-1)
    return g * w_c + (1 - g) * w_prev


def shift(w_g, s):
    """Equation (8): w_s(i) = Σ_j w_g(j) s(i − j), indices modulo N, a circular convolution.

    w_g [B, heads, N]; s [B, heads, 2 shift_range + 1], its first entry the offset −shift_range,
    summing to 1. Returns w_s [B, heads, N]. Mass on offset +1 moves the weighting from slot i to
    slot i + 1.
    """
    reach = s.shape[-1] // 2
    return sum(s[..., reach + j, None] * w_g.roll(j, -1) for j in range(-reach, reach + 1))


def sharpen(w_s, γ):
    """Equation (9): w(i) = w_s(i)^γ / Σ_j w_s(j)^γ.

    w_s [B, heads, N]; γ [B, heads], at least 1. Returns w [B, heads, N]. Computed as softmax(γ log
    w_s): the powers themselves underflow (a uniform w_s over 128 slots at γ = 12 would sum to
    6.6e-8), their logarithms do not.
    """
    return torch.softmax(γ.unsqueeze(-1) * w_s.clamp(min=tiny).log(), dim=-1)


def address(M, k, β, g, s, γ, w_prev):
    """Equations (5) to (9) in a row: from what a head emits and where it was, to where it is.

    Shapes as in the module's first lines. Returns w [B, heads, N].
    """
    w_c = content(M, k, β)
    w_g = interpolate(w_c, w_prev, g)
    w_s = shift(w_g, s)
    return sharpen(w_s, γ)
