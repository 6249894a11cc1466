"""Sparse memory: a step that touches K slots, however many there are (Rae et al. 2016).

    python -m ntm.beyond.sparse

measures what a step costs, dense and sparse, from 128 slots to 1,048,576; trains a sparse machine
at 65,536 slots beside a dense one at 128; asks machines that learned with a few items to recall
from up to 1,000; and writes `pretrained/sparse.json`. What is in the folder is not made again.

A sparse weighting is a pair: slots i [heads, K], all different, and their weights v [heads, K],
summing to 1. One sequence at a time.
"""

import argparse
import copy
import time
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn.functional import normalize

from .. import pretrained, tasks
from ..addressing import similarity, tiny
from ..checks import positive
from ..kin.index import Index
from ..machine import NTM
from ..runs import made_by, on_slots, write_runs
from ..training import evaluate, one_thread, train
from .record import side_by_side, source

FILE = Path(__file__).parents[1] / "pretrained" / "sparse.json"
SHIPPED = FILE.with_name("sparse") / "recall.safetensors"  # of the first seed of `wide`


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
        if not (self.rows and torch.is_grad_enabled()):
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


def exact(M, k, K):
    """The K slots whose rows are most like each key k [heads, width]: [heads, K]."""
    return similarity(M.values.unsqueeze(0), k.unsqueeze(0))[0].topk(K, -1).indices


class Indexed:
    """As `exact`, without looking at every row: an index holds the rows as they were at first
    [N, width], and those that were written since are all looked at.

    ask: how many rows, beside the K wanted, the index is asked for; what it says of a written row
    is stale, and left out. looks: as of ntm.kin.index.Index, which looks at all rows where faiss is
    not installed. The memory must begin with these rows: not with "redrawn" ones."""

    def __init__(self, values, ask=8, looks=64, exact=None):
        self.index, self.ask = Index(values.shape[-1], looks=looks, exact=exact), ask
        self.index.add(normalize(values))

    def __call__(self, M, k, K):
        first = self.index.nearest(normalize(k), K + self.ask)
        now = torch.tensor(list(M.rows), dtype=torch.long)
        i = torch.cat([first, now.expand(len(k), -1)], -1)
        like = similarity(M.values[i], k.unsqueeze(1)).squeeze(1)
        stale = torch.isin(first, now) | (first < 0)  # -1: the index found no more
        like[:, : first.shape[-1]].masked_fill_(stale, -torch.inf)
        return i.gather(-1, like.topk(K, -1).indices)


def content(M, k, β, K, nearest=exact):
    """Equation (5) over the K slots that `nearest` finds."""
    with torch.no_grad():
        i = nearest(M, k, K)
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


def no_search(M, k, K):
    """The first K slots, whatever the key: as if an index answered at once."""
    return torch.arange(K).expand(len(k), -1)


def cost(kind, N, steps=3, K=8, tries=1):
    """Seconds of CPU and bytes of one step, forwards and backwards; a dict for JSON.

    kind: "dense", the paper's machine on the clear path; "sparse", with an exact search; "index";
    or "no search". Of several tries the cheapest: what else the computer does can only add. found:
    the share of the K nearest rows to random keys that the search finds.
    """
    machine = NTM(8, 8, "feedforward", N=N, start="tape", initial_memory="distinct", seed=0)
    found, generator = None, torch.Generator().manual_seed(0)
    if kind != "dense":
        machine = sparse(machine, K=K, nearest=no_search if kind == "no search" else exact)
    if kind == "index":
        machine.nearest = Indexed(machine.M_0)
        found = agreement(machine.nearest, machine.M_0, K, generator)
    x = torch.rand(steps + 1, 1, 8, generator=generator)
    tried = []
    for _ in range(tries):
        with one_thread():
            state = machine.initial_state(1)
            _, state, _ = machine.step(x[0], state)  # the first touches memory for the first time
            began = time.process_time()

            def forwards(state=state):
                after, total = state, 0.0
                for x_t in x[1:]:
                    y, after, _ = machine.step(x_t, after)
                    total = total + y.sum()
                return total

            total, size = kept(forwards)
            between = time.process_time()
            total.backward()
            end = time.process_time()
        tried.append(dict(forward=(between - began) / steps, backward=(end - between) / steps))
    best = min(tried, key=lambda one: one["forward"] + one["backward"])
    return dict(kind=kind, N=N, K=K, **best, bytes=size // steps, found=found)


def agreement(nearest, values, K, generator, keys=20):
    """Which share of the K nearest rows to random keys a search finds."""
    k, M = torch.randn(keys, values.shape[-1], generator=generator), Memory(values)
    both = torch.cat([nearest(M, k, K), exact(M, k, K)], -1)
    return sum(2 * K - len(set(row)) for row in both.tolist()) / (keys * K)


# Learning among many slots

LEARNT = dict(width=8, vectors=1, items=(2, 6))  # items of one vector: a sequence of 8 to 16 steps
ASKED = (6, 20)  # items, afterwards
MANY, SEEDS = 65_536, range(70, 75)


def fresh(kind, N, seed):
    """A machine for LEARNT, begun as a tape; the same weights for every kind and N."""
    task = tasks.AssociativeRecall(**LEARNT)
    made = {"dense": NTM, "sparse": SparseNTM}[kind]
    return made(task.inputs, task.outputs, "feedforward", N=N, width=32, start="tape",
                initial_strength=3.0, seed=seed), task


def learn(kind, N, seed, sequences=1_000, every=50):
    """Train a machine at N slots, one sequence at a time, and ask it there; a dict for JSON.

    milliseconds: of CPU time, a sequence; dense, on the fast path.
    """
    machine, task = fresh(kind, N, seed)
    started = time.process_time()
    curve = train(machine, task, sequences, seed=seed, every=every, lr=3e-4, progress=False).bits
    seconds, wrong = time.process_time() - started, {}
    for items in ASKED:
        scored = evaluate(machine, task, sequences=30, seed=10_000 + seed, batch=1, items=items)
        wrong[f"{items} items"] = round(scored.wrong_bits, 4)
    return dict(kind=kind, N=N, K=getattr(machine, "K", None), seed=seed,
                sequences=sequences, every=every, bits=[float(f"{b:.4g}") for b in curve],
                wrong_bits=wrong, milliseconds=round(1e3 * seconds / sequences, 2))


def one_sequence(kind, N, seed=0):
    """What one sequence of 6 items costs, forwards and backwards, step by step; a dict for
    JSON."""
    machine, task = fresh(kind, N, seed)
    sample = task.sample(1, items=6, generator=torch.Generator().manual_seed(seed))
    with one_thread():
        began = time.process_time()
        logits, size = kept(lambda: machine.repeat(sample.x, machine.initial_state(1))[0])
        tasks.bits(logits, sample).mean().backward()
        seconds = time.process_time() - began
    return dict(kind=kind, N=N, steps=len(sample.x), seconds=round(seconds, 4),
                bytes=size)


# A recall of many items

def answers(machine, task, items, sequences, seed):
    """Wrong bits of each of some sequences, one after the other: a list."""
    generator, wrong = torch.Generator().manual_seed(seed), []
    with one_thread(), torch.no_grad():
        for _ in range(sequences):
            sample = task.sample(1, items=items, generator=generator)
            wrong.append(int(tasks.wrong_bits(machine(sample.x), sample)))
    return wrong


def in_every_way(machine, slots):
    """A dense machine on another number of slots: dense, and sparse with two K."""
    return {"dense": on_slots(machine, slots)} | {f"K = {K}": sparse(machine, slots, K)
                                                  for K in (8, 32)}


WIDE = dict(width=16, vectors=1)  # 65,536 items there are, so that a thousand of them differ
ASKED_WIDE = {6: 10, 20: 10, 100: 5, 1_000: 2}  # items: how many sequences of each seed


def wide(seed, most=40, sequences=8_000, every=200, slots=4_096, keep=None):
    """Train a dense machine of 128 slots on WIDE, so many sequences of 2 to 6 items and as many of
    2 to `most`, and ask it on more slots, dense and sparse; a dict for JSON. keep: a path for its
    weights, in float16."""
    curve = []
    for half, last in enumerate((6, most)):
        task = tasks.AssociativeRecall(**WIDE, items=(2, last))
        if not half:
            machine = NTM(task.inputs, task.outputs, "feedforward", start="tape",
                          initial_strength=3.0, seed=seed)
        curve += train(machine, task, sequences, seed=1_000 * half + seed, every=every, lr=3e-4,
                       progress=False).bits
    if keep is not None:
        copy.deepcopy(machine).half().save(keep)
    return dict(seed=seed, most=most, sequences=2 * sequences, every=every, N=slots,
                bits=[float(f"{b:.4g}") for b in curve],
                wrong_bits={way: {f"{items} items": answers(who, task, items, n, 10_000 + seed)
                                  for items, n in ASKED_WIDE.items()}
                            for way, who in in_every_way(machine, slots).items()})


ITEMS = {6: 10, 20: 10, 100: 2, 1_000: 1}  # how many sequences of each


def recall(items, K=None, slots=8_192, seed=30_000):
    """The same of the shipped machine of associative recall: items of three vectors of 6 bits, of
    which there are 64, so that at a thousand items each stands in some 47 rows. K: only this
    one."""
    machine = pretrained.load("associative_recall", "ntm-feedforward")
    ways = {f"K = {K}": sparse(machine, slots, K)} if K else in_every_way(machine, slots)
    return dict(items=items, N=slots,
                wrong_bits={way: answers(who, tasks.AssociativeRecall(), items, ITEMS[items], seed)
                            for way, who in ways.items()})


SIZES = [2**n for n in (7, 10, 13, 16, 18, 20)]  # slots, of which a step's cost is measured


def jobs():
    """All that the record holds: dicts for `run`."""
    # the costliest step, dense and large, is measured once
    found = [dict(of="cost", kind=kind, N=N, tries=1 if kind == "dense" and N > 2**17 else 3)
             for N in SIZES for kind in ("dense", "sparse", "index", "no search")]
    found += [dict(of="learning", kind="dense", N=128, seed=seed) for seed in SEEDS]
    found += [dict(of="learning", kind="sparse", N=MANY, seed=seed) for seed in SEEDS[:3]]
    # so many only to see what a sequence costs on the fast path
    found += [dict(of="learning", kind="dense", N=MANY, seed=SEEDS[0], sequences=10, every=10)]
    found += [dict(of="sequence", kind=kind, N=N)
              for kind, N in [("dense", 128), ("sparse", MANY), ("dense", MANY)]]
    found += [dict(of="recall", items=items) for items in ITEMS]
    found.append(dict(of="recall", items=1_000, K=64))
    found += [dict(of="wide", seed=seed, most=40) for seed in SEEDS]
    return found + [dict(of="wide", seed=seed, most=6) for seed in SEEDS[:3]]


def run(of, **job):
    """One of `jobs`; a dict for JSON, with a hash of the code that made it."""
    measure = dict(cost=cost, learning=learn, sequence=one_sequence, recall=recall,
                   wide=wide)[of]
    if job == dict(seed=SEEDS[0], most=40):
        job["keep"] = SHIPPED
    return dict(of=of, **measure(**job), source=source("beyond/sparse.py", "kin/index.py"))


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ntm.beyond.sparse",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--folder", default="build/sparse")
    given = parser.parse_args(arguments)
    (runs,), failed = side_by_side((run, jobs(), given.folder))
    write_runs(FILE, made_by("python -m ntm.beyond.sparse"), runs)
    raise SystemExit(failed)


if __name__ == "__main__":
    from ntm.beyond.sparse import (
        main as imported,  # so that the worker finds `run` in this module
    )

    imported()
