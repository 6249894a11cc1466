"""Sparse memory: a step that touches K slots, however many there are (Rae et al. 2016).

    python -m ntm.beyond.sparse

measures what a step costs, dense and sparse, from 128 slots to 1,048,576, and asks a machine that
learned with 2 to 6 items to recall from up to 1,000; it writes `pretrained/sparse.json`.

A sparse weighting is a pair: slots i [heads, K], all different, and their weights v [heads, K],
summing to 1. One sequence at a time.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import torch

from .. import pretrained, tasks
from ..addressing import similarity, tiny
from ..checks import positive
from ..machine import NTM
from ..runs import made_by, on_slots, write_runs
from ..training import one_thread

FILE = Path(__file__).parents[1] / "pretrained" / "sparse.json"


class Sparse(NamedTuple):
    """A weighting of every head, by its K slots."""

    i: torch.Tensor  # slots [heads, K]
    v: torch.Tensor  # weights [heads, K]

    def dense(self, N):
        """The same over all N slots [heads, N]."""
        return torch.zeros(len(self.i), N).scatter_add(1, self.i, self.v)


class Memory:
    """N rows, of which a gradient follows only those that were written.

    `values` [N, width] holds all of them as they are, for the search; `rows` holds those that were
    written, by slot, as tensors in the graph."""

    def __init__(self, values):
        self.values, self.rows = values.detach().clone(), {}

    def __getitem__(self, i):
        """The rows of some slots [heads, K, width]."""
        if not self.rows:
            return self.values[i]
        picked = [self.rows.get(slot, self.values[slot]) for slot in i.flatten().tolist()]
        return torch.stack(picked).view(*i.shape, -1)

    def write(self, w, e, a):
        """Equations (3) and (4) at the slots of w alone: all heads erase, then all add."""
        for i, v, e_h in zip(w.i, w.v.unsqueeze(-1), e):
            self._put(i, self[i.unsqueeze(0)][0] * (1 - v * e_h))
        for i, v, a_h in zip(w.i, w.v.unsqueeze(-1), a):
            self._put(i, self[i.unsqueeze(0)][0] + v * a_h)

    def _put(self, i, rows):
        self.values[i] = rows.detach()
        self.rows.update(zip(i.tolist(), rows))


def exact(values, k, K):
    """The K slots whose rows are most like each key k [heads, width]: [heads, K]."""
    return similarity(values.unsqueeze(0), k.unsqueeze(0))[0].topk(K, -1).indices


def content(M, k, β, K, nearest=exact):
    """Equation (5) over the K slots that `nearest` finds."""
    with torch.no_grad():
        i = nearest(M.values, k, K)
    rows = M[i]  # [heads, K, width]
    cosine = similarity(rows, k.unsqueeze(1)).squeeze(1)
    return Sparse(i, torch.softmax(β.unsqueeze(-1) * cosine, -1))


def merged(i, v, K, γ):
    """Weights of equal slots added up, sharpened (9), and the K largest kept."""
    same = (i.unsqueeze(-1) == i.unsqueeze(-2)).to(v.dtype)  # [heads, n, n]
    total = (same @ v.unsqueeze(-1)).squeeze(-1)
    first = same.tril(-1).sum(-1) == 0  # the first of its slot speaks for it
    log = torch.where(first, total.clamp(min=tiny).log() * γ.unsqueeze(-1), -torch.inf)
    log, at = log.topk(min(K, log.shape[-1]), -1)
    return Sparse(i.gather(-1, at), torch.softmax(log, -1))


def address(M, k, β, g, s, γ, w_prev, K, nearest=exact):
    """Equations (5) to (9) on K slots a head; k [heads, width], the others likewise."""
    w_c = content(M, k, β, K, nearest)
    g, N = g.unsqueeze(-1), len(M.values)
    i, v = torch.cat([w_c.i, w_prev.i], -1), torch.cat([g * w_c.v, (1 - g) * w_prev.v], -1)
    reach = s.shape[-1] // 2
    offsets = torch.arange(-reach, reach + 1)
    i = (i.unsqueeze(-1) + offsets).flatten(1) % N
    v = (v.unsqueeze(-1) * s.unsqueeze(1)).flatten(1)
    return merged(i, v, K, γ)


class State(NamedTuple):
    """What passes from one step to the next, of one sequence."""

    M: Memory
    w: Sparse
    r: torch.Tensor  # [read_heads, width]
    controller: tuple


class SparseNTM(NTM):
    """An NTM whose step touches K slots a head: same weights, same equations, one sequence.

    K = 8, or what `machine.K` is set to. `nearest` is the search: by default over all rows.
    """

    K, nearest = 8, staticmethod(exact)

    def initial_state(self, batch=1):
        """As the NTM's, its K largest weights."""
        if batch != 1:
            raise ValueError(f"batch is {batch}; it must be 1: a sparse machine has one memory")
        v, i = torch.softmax(self.w_0, -1).topk(min(self.K, self.w_0.shape[-1]), -1)
        return State(Memory(self.M_0), Sparse(i, v / v.sum(-1, keepdim=True)), self.r_0,
                     self.controller.initial(1))

    def step(self, x, state):
        """One step. x [1, inputs]."""
        M, w_prev, r_prev, c_prev = state
        h, c = self.controller(torch.cat([x, r_prev.flatten().unsqueeze(0)], -1), c_prev)
        k, β, g, s, γ, e, a = (v.squeeze(0) for v in self.heads(h))
        w = address(M, k, β, g, s, γ, w_prev, min(self.K, len(M.values)), self.nearest)
        R = self.read_heads
        r = (w.v[:R].unsqueeze(1) @ M[w.i[:R]]).squeeze(1)
        M.write(Sparse(w.i[R:], w.v[R:]), e, a)
        y = self.output(torch.cat([h, r.flatten().unsqueeze(0)], -1))
        return y, State(M, w, r, c), None

    def unroll(self, x, state=None):
        """As NTM.unroll, step by step."""
        return self.repeat(x, self.initial_state(x.shape[1]) if state is None else state)


def sparse(machine, slots=None, K=8, nearest=exact):
    """A SparseNTM with the weights of an NTM, on another number of slots if that is given."""
    N = machine.settings["N"]
    (slots, K) = positive(slots=slots or N, K=K)
    same = machine if slots == N else on_slots(machine, slots)
    other = SparseNTM(**machine.settings | dict(N=slots), seed=0)
    other.load_state_dict(same.state_dict())
    other.K, other.nearest = K, nearest
    return other


# What a step costs

def kept(function):
    """What function() returns, and how many bytes the backward pass keeps for it."""
    bytes_of = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        bytes_of[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = function()
    return result, sum(bytes_of.values())


def cost(kind, N, steps=3, K=8):
    """Seconds of CPU and bytes of one step, forwards and backwards; a dict for JSON.

    kind: "dense", the paper's machine on the clear path; "sparse", with an exact search; or
    "no search", which jumps nowhere, and so asks nobody.
    """
    machine = NTM(8, 8, "feedforward", N=N, start="tape", seed=0)
    if kind != "dense":
        near = {"sparse": exact, "no search": lambda values, k, K: first.expand(len(k), -1)}[kind]
        first = torch.arange(K)
        machine = sparse(machine, K=K, nearest=near)
    x = torch.rand(steps + 1, 1, 8, generator=torch.Generator().manual_seed(0))
    with one_thread():
        state = machine.initial_state(1)
        _, state, _ = machine.step(x[0], state)  # the first touches memory for the first time
        began = time.process_time()

        def forwards():
            after, total = state, 0.0
            for x_t in x[1:]:
                y, after, _ = machine.step(x_t, after)
                total = total + y.sum()
            return total

        total, size = kept(forwards)
        between = time.process_time()
        total.backward()
        end = time.process_time()
    return dict(kind=kind, N=N, K=K, forward=(between - began) / steps,
                backward=(end - between) / steps, bytes=size // steps)


SIZES = [2**n for n in (7, 10, 13, 16, 18, 20)]
ITEMS = {6: 10, 20: 10, 100: 2, 1_000: 1}  # how many sequences of each


def recall(items, slots=8_192, K=8, seed=30_000):
    """Wrong bits of the shipped machine of associative recall, sparse, and up to 100 items dense
    (a step of it reads all slots five times); a dict for JSON."""
    machine = pretrained.load("associative_recall", "ntm-feedforward")
    dense, thin = on_slots(machine, slots), sparse(machine, slots, K)
    wrong, bits = {"sparse": [], "dense": []}, {"sparse": [], "dense": []}
    generator = torch.Generator().manual_seed(seed)
    for _ in range(ITEMS[items]):
        sample = tasks.AssociativeRecall().sample(1, items=items, generator=generator)
        with one_thread(), torch.no_grad():
            for kind, who in [("sparse", thin), ("dense", dense)][:1 + (items <= 100)]:
                logits = who(sample.x)
                wrong[kind].append(int(tasks.wrong_bits(logits, sample)))
                bits[kind].append(round(tasks.bits(logits, sample).item(), 4))
    return dict(items=items, N=slots, K=K, wrong_bits=wrong, bits=bits)


def measured(kind, N):
    """The cheapest of three measurements: what else the computer does can only add. (Large N:
    one.)"""
    tried = [cost(kind, N) for _ in range(3 if N < 2**17 else 1)]
    return min(tried, key=lambda one: one["forward"] + one["backward"])


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ntm.beyond.sparse",
                                     description=__doc__.split("\n")[0])
    parser.parse_args(arguments)
    runs = [dict(of="cost", **measured(kind, N)) for N in SIZES
            for kind in ("dense", "sparse", "no search")]
    runs += [dict(of="recall", **recall(items)) for items in ITEMS]
    write_runs(FILE, made_by("python -m ntm.beyond.sparse"), runs)


if __name__ == "__main__":
    main()
