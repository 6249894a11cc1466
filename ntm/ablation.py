"""What each habit of a tape's start is worth: short trainings of machines that lack one of them.

    python -m ntm.ablation --first 20 --seeds 4

trains, for each seed, the whole start, the start without each habit alone, and the bare start, on
copy (feedforward controller) and on associative recall (LSTM controller), and adds what it finds to
`pretrained/start_ablation.json`. What is there already is not made again.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from .machine import NTM
from .runs import TASKS, made_by, write_runs
from .training import train

FILE = Path(__file__).parent / "pretrained" / "start_ablation.json"
TRIED = {"copy": "feedforward", "associative_recall": "lstm"}  # task: controller
ROWS = {"copy": "blank", "associative_recall": "redrawn"}  # as in ntm.runs
HABITS = {
    "walk": "walk on",
    "place": "write by place",
    "sharp": "sharp search",
    "ties": "keys = adds",
    "loud": "inputs not drowned",
    "large": "keys and adds large",  # of a machine with an LSTM alone
    "rows": "rows of a tape",
}


@torch.no_grad()
def begin(task, without=None, seed=0, start="tape"):
    """A machine for `task` with a tape's start but for one habit, a key of HABITS: there it is as
    the bare machine of the same seed."""
    if without not in (None, *HABITS):
        raise ValueError(f"without is {without!r}; it must be one of "
                         f"{', '.join(map(repr, HABITS))}")
    channels, rows = (TASKS[task](),
                      "distinct" if without == "rows" or start == "bare" else ROWS[task])
    bare, machine = (
        NTM(channels.inputs, channels.outputs, TRIED[task], initial_memory=rows, start=how,
            seed=seed)
        for how in ("bare", start))
    sizes, inputs, reads = machine.heads.sizes, machine.inputs, machine.read_heads
    k, β, g, s, _, _, a = machine.heads.linear.bias.split(sizes)
    bare_k, bare_β, bare_g, bare_s, _, _, bare_a = bare.heads.linear.bias.split(sizes)
    keys, *_, adds = machine.heads.linear.weight.split(sizes)
    bare_keys, *_, bare_adds = bare.heads.linear.weight.split(sizes)
    if without == "walk":
        s.copy_(bare_s)
    elif without == "place":
        g[reads:] = bare_g[reads:]
    elif without == "sharp":
        β.copy_(bare_β)
    elif without == "ties":  # a map of its own, but as large
        keys.copy_(bare_keys * (adds.std() / bare_adds.std()))
        k.copy_(bare_k * (a.abs().max() > 0))
    elif without == "loud":
        machine.controller.layers[0].weight[:, :inputs] = bare.controller.layers[0].weight[
            :, :inputs]
    elif without == "large" and TRIED[task] == "lstm":  # the one map as torch draws it
        adds.copy_(bare_adds)
        a.copy_(bare_a)
        tied = reads * machine.heads.width
        keys[:tied], k[:tied] = adds.repeat(reads, 1)[:tied], a.repeat(reads)[:tied]
    return machine


def run(task, without, seed, sequences=6_000, every=200):
    """One short training, as a dict for JSON."""
    machine = begin(task, *(None, seed, "bare") if without == "all" else (without, seed))
    history = train(machine, TASKS[task](), sequences=sequences, seed=seed, every=every,
                    progress=False)
    return dict(task=task, controller=TRIED[task], without=without, seed=seed, sequences=sequences,
                every=every, bits=[float(f"{bits:.4g}") for bits in history.bits])


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ntm.ablation",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--first", type=int, default=20, help="the first seed")
    parser.add_argument("--seeds", type=int, default=4, help="how many")
    parser.add_argument("--sequences", type=int, default=6_000, help="of each training")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else dict(runs=[])
    done = {(r["task"], r["without"], r["seed"]) for r in kept["runs"]}
    for seed in range(given.first, given.first + given.seeds):
        for task, controller in TRIED.items():
            for without in (None, *HABITS, "all"):
                if (task, without, seed) in done or (without == "large" and controller != "lstm"):
                    continue
                begun = time.perf_counter()
                kept["runs"].append(run(task, without, seed, given.sequences))
                print(task, without, seed, f"{time.perf_counter() - begun:.0f} s", flush=True)
                write_runs(FILE, made_by("python -m ntm.ablation"), kept["runs"])


if __name__ == "__main__":
    main()
