"""Is the fast path as fast as it was at another commit?    git worktree add /some/where COMMIT
                                                           python tests/compare_speed.py /some/where

One update of copy at batch 1 in torch's way (machine, cost, backward, GravesRMSprop), which a user's
own training loop makes: the path on which checks are paid. Both trees run in processes of their own,
in turn, round after round; what counts is the time the processor worked, not the clock. Each process
reports its fastest turn; below stand the least and the median over all rounds. "without the kernel" is
the same update with a kernel that does nothing: what Python and torch take.
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
found, real = {}, fast.library
nothing = types.SimpleNamespace(forward=lambda *a: 0, backward=lambda *a: 0, rmsprop=lambda *a: None)
for controller in ("feedforward", "lstm"):
    for length in (10, 20):
        machine = NTM(10, 8, controller, seed=0)
        optimizer = GravesRMSprop(machine.parameters())
        sample = Copy().sample(1, generator=torch.Generator().manual_seed(0), length=length)
        def update():
            optimizer.zero_grad()
            bits(machine(sample.x), sample).sum().backward()
            optimizer.step()
        for kernel in (True, False):
            fast.library = real if kernel else lambda dtype: nothing
            turns = []
            for turn in range(int(sys.argv[1])):
                started = time.process_time()
                for _ in range(50):
                    update()
                turns.append((time.process_time() - started) / 50)
            name = f"{controller}, length {length}" + ("" if kernel else ", without the kernel")
            found[name] = min(turns[1:])
print(json.dumps(found))
"""


def measure(tree, turns):
    """The seconds of an update, by what it is, in a fresh process of that tree."""
    run = subprocess.run([sys.executable, "-c", CHILD, str(turns)], cwd=tree, capture_output=True, text=True,
                         check=True, env=dict(os.environ, PYTHONPATH=str(tree), OMP_NUM_THREADS="1"))
    return json.loads(run.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="a tree of the other commit")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--turns", type=int, default=12, help="of 50 updates each, in each process")
    options = parser.parse_args()
    trees, found = (options.other.resolve(), HERE), ([], [])
    for tree in trees:
        measure(tree, 2)  # compile the kernel
    for number in range(options.rounds):
        for i in (0, 1) if number % 2 else (1, 0):
            found[i].append(measure(trees[i], options.turns))
    print(f"{'microseconds of processor time an update':44}{'other':>8}{'here':>8}{'more':>8}   by medians")
    for name in found[0][0]:
        then, now = ([1e6 * row[name] for row in rows] for rows in found)
        more, medians = min(now) / min(then) - 1, statistics.median(now) / statistics.median(then) - 1
        print(f"{name:44}{min(then):8.1f}{min(now):8.1f}{more:8.1%}   {medians:+.1%}")


if __name__ == "__main__":
    main()
