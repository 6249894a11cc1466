"""Is the fast path as fast as it was at another commit?    git worktree add /some/where COMMIT
                                                           python tests/compare_speed.py /some/where

One update of copy at batch 1 in torch's way (machine, cost, backward, GravesRMSprop), which a
user's own training loop makes: the path on which checks are paid. Each tree has a process of its
own, and they take turns of some updates each; what counts is the time the processor worked, not the
clock. "least" is the fastest turn of each, "more" compares turns next to each other: the median of
their ratios, with its quartiles. "without the kernel" is the same update with a kernel that does
nothing: what Python and torch take.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
CHILD = """
import json, sys, time, types, torch
from ntm import NTM, fast
from ntm.optim import GravesRMSprop
from ntm.tasks import Copy, bits

torch.set_num_threads(1)
found, real = {}, fast.library  # by name: the library, the update
nothing = types.SimpleNamespace(forward=lambda *a: 0, backward=lambda *a: 0,
                                rmsprop=lambda *a: None)
for controller in ("feedforward", "lstm"):
    for length in (10, 20):
        machine = NTM(10, 8, controller, seed=0)
        optimizer = GravesRMSprop(machine.parameters())
        sample = Copy().sample(1, generator=torch.Generator().manual_seed(0), length=length)
        def update(machine=machine, optimizer=optimizer, sample=sample):
            optimizer.zero_grad()
            bits(machine(sample.x), sample).sum().backward()
            optimizer.step()
        found[f"{controller}, length {length}"] = real, update
        found[f"{controller}, length {length}, without the kernel"] = lambda dtype: nothing, update
print(json.dumps([*found]), flush=True)
for line in sys.stdin:
    name, updates = json.loads(line)
    fast.library, update = found[name]
    update()
    started = time.process_time()
    for _ in range(updates):
        update()
    print((time.process_time() - started) / updates, flush=True)
"""


class Tree:
    """A process that makes updates with the ntm of one tree."""

    def __init__(self, folder):
        environment = dict(os.environ, PYTHONPATH=str(folder), OMP_NUM_THREADS="1")
        self.process = subprocess.Popen([sys.executable, "-c", CHILD], cwd=folder, env=environment,
                                        text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.names = json.loads(self.process.stdout.readline())

    def turn(self, name, updates):
        """Microseconds of processor time an update."""
        print(json.dumps([name, updates]), file=self.process.stdin, flush=True)
        return 1e6 * float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="a tree of the other commit")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--updates", type=int, default=40, help="in each turn")
    options = parser.parse_args()
    trees = [Tree(options.other.resolve()), Tree(HERE)]
    print(f"{'microseconds of an update, least':44}{'other':>8}{'here':>8}   more, by turns next "
          "to each other", flush=True)
    for name in trees[0].names:
        turns = []
        for number in range(options.rounds + 2):
            order = trees if number % 2 else trees[::-1]
            found = {id(tree): tree.turn(name, options.updates) for tree in order}
            turns.append([found[id(tree)] for tree in trees])
        turns = turns[2:]
        more = [now / then - 1 for then, now in turns]
        low, middle, high = statistics.quantiles(more, n=4)
        least = [min(column) for column in zip(*turns)]
        print(f"{name:44}{least[0]:8.0f}{least[1]:8.0f}   {middle:+6.1%}  (quartiles {low:+.1%} "
              f"to {high:+.1%})", flush=True)
    for tree in trees:
        tree.close()


if __name__ == "__main__":
    main()
