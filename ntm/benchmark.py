"""How much longer than its controller alone does a machine take? python -m ntm.benchmark
[--scaling]

One training step (forward, backward, GravesRMSprop's update) on copy with sequences of one length,
on one thread. The yardstick is torch.nn.LSTM with 100 units and a linear output on the same data.
All are timed in turn, round after round, in one process, so that whatever else the machine does
falls on all of them: the ratios can be trusted, the times cannot. In brackets: the quartiles.

"clear" is NTM.step repeated, "fast" the kernel inside autograd, "one call" the whole update in the
kernel, as ntm.train makes it. A second table says how many updates ntm.train makes in a second at
batch 1, and how much memory a training takes.
"""

import argparse
import os
import statistics
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn
from torch.utils.benchmark import Timer

from .machine import NTM
from .optim import GravesRMSprop
from .tasks import Copy, bits
from .training import train
from .update import Update


class Yardstick(nn.Module):
    """torch's own LSTM, with a linear output: what any memory adds to."""

    def __init__(self, inputs, outputs, hidden_size=100):
        super().__init__()
        self.lstm, self.output = nn.LSTM(inputs, hidden_size), nn.Linear(hidden_size, outputs)

    def forward(self, x):
        """Logits [T, B, outputs] for x [T, B, inputs]."""
        return self.output(self.lstm(x)[0])


@contextmanager
def environment(**values):
    """While this lasts, these variables have these values in os.environ."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def path(fast):
    """While this lasts, machines take the fast path, or only the clear one."""
    return environment(NTM_FAST="1" if fast else "0")


def update(machine, batch=1, length=20, fast=True):
    """A function that makes one update of `machine` on one batch of copy, always the same. fast:
    True, False or "one call"."""
    optimizer = GravesRMSprop(machine.parameters())
    sample = Copy().sample(batch, generator=torch.Generator().manual_seed(0), length=length)
    if fast == "one call":
        whole = Update.of(machine, optimizer)
        return lambda: whole(sample)

    def step():
        with path(fast):
            optimizer.zero_grad()
            bits(machine(sample.x), sample).sum().backward()
            optimizer.step()

    return step


def interleaved(functions, rounds=7, seconds=0.1):
    """The seconds of one call of each function, [rounds][functions]; in each round every function
    has its turn of about `seconds`."""
    timers = [Timer("f()", globals={"f": f}) for f in functions]  # on one thread
    calls = [max(1, round(seconds / timer.timeit(2).mean)) for timer in timers]
    return [[timer.timeit(n).mean for timer, n in zip(timers, calls)] for _ in range(rounds)]


def ratios(times):
    """For each function but the first: (median, lower and upper quartile) over the rounds of its
    time over the first's."""
    columns = list(zip(*([t / row[0] for t in row] for row in times)))[1:]
    return [(statistics.median(c), *statistics.quantiles(c, n=4)[::2]) for c in columns]


def machines(inputs, outputs, compiled=False, **settings):
    """What is compared: (name, module, fast) of the yardstick and of both machines on both paths.

    compiled: also on the clear path with its step compiled by torch.compile, which takes a minute
    or more for each.
    """
    yield "nn.LSTM(100)", Yardstick(inputs, outputs), True
    for controller in ("lstm", "feedforward"):
        for kind in ("clear", *["compiled"] * compiled, "fast", "one call"):
            machine = NTM(inputs, outputs, controller, seed=0, **settings)
            if kind == "compiled":
                machine.step = torch.compile(machine.step)
            way = {"fast": True, "one call": kind}.get(kind, False)
            yield f"NTM-{controller}, {kind}", machine, way


def table(batches=(1, 16, 32, 64), length=20, rounds=7, seconds=0.1, **settings):
    """Print the ratios, a line a machine and a column a batch size."""
    task, columns = Copy(), []
    for batch in batches:
        names, modules, paths = zip(*machines(task.inputs, task.outputs, **settings))
        times = interleaved([update(m, batch, length, fast) for m, fast in zip(modules, paths)],
                            rounds, seconds)
        columns.append([(1, 1, 1), *ratios(times)])
    print(f"{'times the yardstick, batch':28}" + "".join(f"{batch:>20}" for batch in batches))
    for row, name in enumerate(names):
        cells = (f"{column[row][0]:.2f} ({column[row][1]:.2f}-{column[row][2]:.2f})"
                 for column in columns)
        print(f"{name:28}" + "".join(f"{cell:>20}" for cell in cells))


class Asked(Copy):
    """Copy, asked for every batch: it does not say that it is steady."""


# the task, NTM_UPDATE
WAYS = {"each its own": (Asked, "0"), "in blocks": (Copy, "0"), "one call": (Copy, "1")}


def trainings(sequences=100, rounds=7, memory=True, **settings):
    """Print how many updates ntm.train makes in a second on copy at batch 1: sequences drawn for
    each update and in blocks, both in torch's way, and with updates in one call. memory: also the
    megabytes that a training takes; that needs a process for each."""
    print(f"\n{'updates a second, batch 1':28}" + "".join(f"{way:>20}" for way in WAYS))
    for controller in ("lstm", "feedforward"):
        def run(way, machine):
            with environment(NTM_UPDATE=WAYS[way][1]):
                return train(machine, WAYS[way][0](), sequences, every=sequences,
                             progress=False).seconds

        machines = {way: NTM(Copy().inputs, Copy().outputs, controller, seed=0, **settings)
                    for way in WAYS}
        # the first warms up
        times = [[run(way, machine) for way, machine in machines.items()]
                 for _ in range(rounds + 1)][1:]
        gains = [1.0, *(1 / median for median, *_ in ratios(times))]
        cells = (f"{sequences / statistics.median(t):.0f} (x{gain:.2f})"
                 for t, gain in zip(zip(*times), gains))
        print(f"{'NTM-' + controller:28}" + "".join(f"{cell:>20}" for cell in cells))
        if not memory:
            continue
        print(f"{'  peak over the start, MB':28}"
              + "".join(f"{_peak(way, controller):>20.1f}" for way in WAYS))


def _peak(way, controller):
    """How much a training of a fresh process adds to its memory, in MB, once a first one has loaded
    everything; NaN if unknown."""
    code = f"""if True:
        import pathlib, re, torch
        from ntm import NTM, benchmark, tasks, train
        task = benchmark.WAYS[{way!r}][0]
        text = lambda: pathlib.Path("/proc/self/status").read_text()
        status = lambda name: int(re.search(name + ": *(.*) kB", text())[1])
        small = NTM(10, 8, {controller!r}, N=8, hidden_size=8, seed=0)
        train(small, task(lengths=(1, 2)), 100, progress=False)
        before = status("VmRSS")
        train(NTM(10, 8, {controller!r}, seed=0), task(), 100, progress=False)
        print((status("VmHWM") - before) / 1024)
    """
    if not Path("/proc/self/status").exists():
        return float("nan")
    done = subprocess.run([sys.executable, "-c", code],
                          env=dict(os.environ, NTM_UPDATE=WAYS[way][1]), capture_output=True,
                          text=True)
    return float(done.stdout or "nan")


PAIRED = """if True:
    import os, sys, time, torch
    from ntm import NTM, tasks, train
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(sys.argv[1]) % len(cores)]})
    machine, task = NTM(10, 8, sys.argv[2], seed=0), tasks.Copy()
    train(machine, task, 200, progress=False)
    for line in sys.stdin:
        started, worked = time.perf_counter(), time.process_time()
        train(machine, task, int(line), every=int(line), progress=False)
        print(time.perf_counter() - started, time.process_time() - worked, flush=True)
"""


def pair(controller="feedforward", sequences=500, rounds=10):
    """What a second training on a second core costs the first: (median, lower and upper quartile)
    over the rounds of the first one's time beside the second over its time alone; by the clock, and
    by the time that its processor worked for it."""
    command = [sys.executable, "-c", PAIRED]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    both = [subprocess.Popen([*command, str(core), controller], **pipes) for core in (0, 1)]

    def turn(processes):
        for process in processes:
            process.stdin.write(f"{sequences}\n")
            process.stdin.flush()
        return [[float(value) for value in process.stdout.readline().split()]
                for process in processes][0]

    try:
        turn(both)  # both have loaded everything
        times = [[turn(both[:1]), turn(both)] for _ in range(rounds)]
    finally:
        for process in both:
            process.stdin.close()
            process.wait()
    return [ratios([[alone[kind], beside[kind]] for alone, beside in times])[0] for kind in (0, 1)]


def kept(machine, x):
    """Bytes kept for the backward pass of machine(x), the parameters not counted. The machine's
    peak is little more."""
    parameters, storages = {p.untyped_storage().data_ptr() for p in machine.parameters()}, {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage  # held, so that no other takes its address
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        machine(x)
    return sum(storage.nbytes() for address, storage in storages.items()
               if address not in parameters)


AXES = {  # what grows, and how far; the first value is the paper's size, but for the length
    "length": (20, 40, 80, 160, 320), "batch": (1, 4, 16, 64), "read_heads": (1, 2, 4, 8),
        "N": (128, 512, 2048, 8192, 65536),
    "width": (20, 40, 80, 160), "hidden_size": (100, 200, 400),
}  # fmt: skip


def scaling(axis, values=None, rounds=5, seconds=0.1, controller="lstm", length=20, batch=1):
    """How time and memory grow with one size: values, times of an update over the first's, bytes
    kept over the first's."""
    values, functions, memory = values or AXES[axis], [], []
    for value in values:
        sizes = {"length": length, "batch": batch, axis: value}
        settings = {} if axis in ("length", "batch") else {axis: value}
        machine = NTM(Copy().inputs, Copy().outputs, controller, seed=0, **settings)
        functions.append(update(machine, sizes["batch"], sizes["length"]))
        memory.append(kept(machine, torch.zeros(2 * sizes["length"] + 2, sizes["batch"],
                                                machine.inputs)))
    times = interleaved(functions, rounds, seconds)
    return values, [1.0, *(median for median, *_ in ratios(times))], [bytes / memory[0]
                                                                      for bytes in memory]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scaling", action="store_true",
                        help="how time and memory grow with each size instead")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16, 32, 64])
    parser.add_argument("--length", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each turn")
    for name in ("hidden_size", "layers", "N", "width", "read_heads", "write_heads"):
        parser.add_argument(f"--{name}", type=int, default=NTM.__init__.__kwdefaults__[name])
    parser.add_argument("--compiled", action=argparse.BooleanOptionalAction, default=True,
                        help="also torch.compile, which takes minutes")
    options = vars(parser.parse_args())
    if options.pop("scaling"):
        for axis in AXES:
            for value, time, memory in zip(*scaling(axis, rounds=options["rounds"],
                                                    seconds=options["seconds"])):
                print(f"{axis:12} {value:6}   time x{time:7.2f}   memory x{memory:7.2f}",
                      flush=True)
    else:
        rounds = options["rounds"]
        table(options.pop("batch"), **options)
        trainings(rounds=rounds)
