"""Reading and writing the memory: equations (2), (3) and (4) of the paper."""


def read(M, w):
    """Equation (2): r = Σ_i w(i) M(i), for every head.

    M: memory [B, N, width]; w: weightings [B, heads, N]. Returns r [B, heads, width].
    """
    return w @ M


def erase(M, w, e):
    """Equation (3): M̃(i) = M(i) [1 − w(i) e]; several heads erase one after the other, in any
    order.

    M: memory [B, N, width]; w: weightings [B, heads, N]; e: erase vectors in (0, 1), [B, heads,
    width]. Returns the erased memory [B, N, width].
    """
    return M * (1 - w.unsqueeze(-1) * e.unsqueeze(-2)).prod(dim=1)


def add(M, w, a):
    """Equation (4): M(i) = M̃(i) + w(i) a; several heads add, in any order.

    M: memory [B, N, width]; w: weightings [B, heads, N]; a: add vectors [B, heads, width].
    Returns the memory with the additions [B, N, width].
    """
    return M + w.transpose(-1, -2) @ a
