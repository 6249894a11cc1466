"""train and evaluate: any module that maps x [T, B, inputs] to logits, on any task. Nothing here
knows of memory."""

import contextlib
import copy
import json
import math
import signal
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save_file
from tqdm.auto import tqdm

from .checks import integer, number, positive
from .optim import GravesRMSprop
from .stream import Stream
from .tasks import bits, wrong_bits
from .update import Update
from .weights import check_fit, read_safetensors, to_json, write

# of how many threads torch had before each one_thread that is on
_inside, _lock = [], threading.Lock()


@contextlib.contextmanager
def one_thread():
    """Run torch on one thread: on NTM-sized steps a second thread costs more than it gives, 50
    times more on a busy machine.

    The number is the whole process's: where several trainings run in threads, the last to end puts
    it back."""
    with _lock:
        _inside.append(_inside[0] if _inside else torch.get_num_threads())
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            before = _inside.pop()
            if not _inside:
                torch.set_num_threads(before)


@contextlib.contextmanager
def _ctrl_c():
    """While this lasts, Ctrl-C appends to the list it yields instead of raising, so that no step is
    cut in half."""
    pressed = []
    try:
        before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    except ValueError:  # not in the main thread, which alone receives signals
        before = None
    try:
        yield pressed
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


@dataclass
class History:
    """How a training went: the cost every `every` sequences, as the mean over the sequences since
    the last point."""

    every: int
    bits: list = field(default_factory=list)  # bits per sequence, training stream
    seconds: float = 0.0  # time spent, over all the parts of an interrupted run
    interrupted: bool = False
    best_bits: float = math.inf  # the lowest point
    # after how many sequences it went back to the best weights
    rewinds: list = field(default_factory=list)
    # the state_dict there; the machine itself keeps its last weights
    best_weights: dict = field(default_factory=dict, repr=False)

    @property
    def sequences(self):
        """How many sequences had been seen at each point."""
        return [self.every * (i + 1) for i in range(len(self.bits))]

    def first_below(self, threshold):
        """Sequences seen at the first point whose cost is below `threshold` bits; None if there is
        none."""
        return next((n for n, b in zip(self.sequences, self.bits) if b < threshold), None)


@dataclass
class Score:
    """What evaluate found: means over the sequences."""

    bits: float  # cost in bits per sequence
    wrong_bits: float  # thresholded wrong bits per sequence
    perfect: float  # share of sequences without a wrong bit
    sequences: int


def cosine(done):
    """The default schedule: from 1 at the start of a training, done = 0, to 0 at its end,
    done = 1."""
    return (1 + math.cos(math.pi * done)) / 2


def warm_cosine(done):
    """As cosine, but the first hundredth rises from 0: Adam's first steps, of full size in every
    direction, are kept small."""
    return min(100 * done, 1) * cosine(done)


def train(machine, task, sequences, *, seed=0, batch=1, optimizer=None, lr=1e-4, clip=10.0,
          clip_each=None, schedule=cosine, rewind=None,
          every=100, progress=True, checkpoint=None, save_every=5000):
    """Train `machine` on `task` for so many sequences; the defaults are the recipe that the book
    recommends.

    seed: of the data stream, drawn in order whatever interrupts it. batch: sequences per update;
    the loss is the mean of their costs.
    optimizer: by default GravesRMSprop(machine.parameters(), lr), the paper's. clip: the largest
    global norm of the gradient, or None.
    clip_each: the largest magnitude of each of its elements, or None; the paper's is 10, and it has
    no clip.
    schedule: a function from the share of the training done, in [0, 1), to a factor on the learning
    rate; None, as in the paper, keeps it.
    rewind: a point of the history so many bits above the best one counts as a collapse: training
    goes back to the best weights, and the optimiser to what it was then, at half the rate. None, as
    in the paper, never goes back.
    every: sequences per point of the history. progress: a bar with the cost of the last point.
    checkpoint: a path; everything needed to go on is written there every `save_every` sequences and
    at the end or an interruption, and a call that finds the file goes on from it with the same
    curve, bit for bit; it must ask for the same training (without a schedule, for more sequences if
    it likes). Its folder is made where there is none.

    Returns a History. Ctrl-C stops early and keeps what was learned. Raises ValueError for an
    argument out of range, FloatingPointError where the loss or a gradient is no longer finite,
    naming the tensor and the step.
    """
    sequences, batch, every, save_every = positive(sequences=sequences, batch=batch, every=every,
                                                   save_every=save_every)
    for name, value in [("every", every),
                        ("sequences", sequences)] + [("save_every",
                                                      save_every)] * (checkpoint is not None):
        if value % batch:
            raise ValueError(f"{name} is {value}; it must be a multiple of batch, {batch}")
    seed, lr = integer("seed", seed, low=-(2**63)), number("lr", lr, "above 0", above=0)
    clip, clip_each, rewind = (value
                               if value is None else number(name, value, "above 0, or None",
                                                            above=0) for name, value in
                               [("clip", clip), ("clip_each", clip_each), ("rewind", rewind)])
    like = next(machine.parameters())
    optimizer = optimizer or GravesRMSprop(machine.parameters(), lr)
    rates = [group["lr"] for group in optimizer.param_groups]
    stream = Stream(task, batch, torch.Generator().manual_seed(seed), like)
    history = History(every)
    run = None if checkpoint is None else dict(
        seed=seed, batch=batch, every=every, clip=clip, clip_each=clip_each, rewind=rewind,
        task=_described(task),
        schedule=(factors := [1 if schedule is None else schedule(share / 10)
                              for share in range(10)]),
        # at a constant rate a training may be prolonged
        sequences=sequences if len(set(factors)) > 1 else None,
        optimizer=type(optimizer).__name__, lr=[float(rate) for rate in rates])
    if checkpoint is not None:
        checkpoint = _writable(checkpoint)
    done, total, named, best_optimizer = 0, 0.0, list(machine.named_parameters()), None
    if checkpoint is not None and checkpoint.exists():
        done, total, best_optimizer = _resume(checkpoint, machine, optimizer, stream, history, run,
                                              sequences)
    # None where the machine or the optimiser is not ours
    whole = Update.of(machine, optimizer, clip, clip_each)
    # what a machine may want anew before every update
    redraw, rows = getattr(machine, "redraw", None), torch.Generator()
    started = time.perf_counter() - history.seconds
    bar = tqdm(total=sequences, initial=done, unit="seq", disable=not progress, mininterval=0.5)
    with one_thread(), _ctrl_c() as pressed:
        try:
            while done < sequences and not pressed:
                factor = 0.5 ** len(history.rewinds) * (1
                                                        if schedule is None
                                                        else schedule(done / sequences))
                for group, rate in zip(optimizer.param_groups, rates):
                    group["lr"] = rate * factor
                if redraw is not None:
                    # the same after an interruption
                    redraw(rows.manual_seed((seed * 1_000_003 + done) % 2**63))
                sample = stream.draw()
                value = whole and whole(sample)
                # there is no such call, or not for this machine as it is now, or something is not
                # finite
                if value is None:
                    cost = bits(machine(sample.x), sample).mean()
                    optimizer.zero_grad()
                    # the gradient is that of nats, as everywhere else
                    (cost * math.log(2)).backward()
                    norm = _clip(named, clip, clip_each)
                    value = cost.item()
                    if not (math.isfinite(norm) and math.isfinite(value)):
                        _blame(cost, named, done)
                    optimizer.step()
                done += batch
                total += value * batch
                bar.update(batch)
                if done % every == 0:
                    history.bits.append(total / every)
                    total = 0.0
                    if history.bits[-1] < history.best_bits:
                        history.best_bits = history.bits[-1]
                        history.best_weights = {name: value.clone()
                                                for name, value in machine.state_dict().items()}
                        best_optimizer = (None
                                          if rewind is None
                                          else copy.deepcopy(optimizer.state_dict()))
                    elif rewind is not None and history.bits[-1] > history.best_bits + rewind:
                        machine.load_state_dict(history.best_weights)
                        # it keeps what it is given
                        optimizer.load_state_dict(copy.deepcopy(best_optimizer))
                        history.rewinds.append(done)
                    bar.set_postfix_str(f"{history.bits[-1]:.3f} bits per sequence", refresh=False)
                if checkpoint is not None and done % save_every == 0 and done < sequences:
                    history.seconds = time.perf_counter() - started
                    _save(checkpoint, machine, optimizer, stream, history, run, done, total,
                          best_optimizer)
        finally:
            bar.close()
            for group, rate in zip(optimizer.param_groups, rates):
                # an optimiser of the caller's is handed back as it came, whatever the schedule
                group["lr"] = rate
    history.interrupted = bool(pressed)
    history.seconds = time.perf_counter() - started
    if checkpoint is not None:
        _save(checkpoint, machine, optimizer, stream, history, run, done, total, best_optimizer)
    return history


def evaluate(machine, task, *, sequences=256, seed=1, batch=32, **lengths):
    """Score `machine` on fresh sequences of `task`. lengths: what task.sample takes, as length=120.

    seed: of these sequences alone. batch: how many run side by side; it does not change the result.
    The machine answers in eval mode, and is put back into the mode it was in. Returns a Score.
    """
    sequences, batch = positive(sequences=sequences, batch=batch)
    like = next(machine.parameters())
    generator = torch.Generator().manual_seed(integer("seed", seed, low=-(2**63)))
    costs, wrong = [], []
    with one_thread(), _answering(machine), torch.no_grad():
        # all sequences are drawn at once, so that `batch` cannot change what is drawn
        drawn = task.sample(sequences, generator=generator, **lengths)
        # bfloat16 cannot count to 300 wrong bits
        exact = torch.promote_types(like.dtype, torch.float32)
        for parts in zip(*(value.to(like.device, exact).split(batch, dim=1) for value in drawn)):
            sample = type(drawn)(*parts)
            logits = machine(sample.x.to(like.dtype)).to(exact)
            costs.append(bits(logits, sample))
            wrong.append(wrong_bits(logits, sample))
    costs, wrong = torch.cat(costs).double(), torch.cat(wrong)
    return Score(costs.mean().item(), wrong.double().mean().item(),
                 (wrong == 0).double().mean().item(), sequences)


@contextlib.contextmanager
def _answering(machine):
    """While this lasts, every part of the machine is in eval mode."""
    before = [(part, part.training) for part in machine.modules()]
    machine.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


def _described(task):
    """What a checkpoint knows its task by: class and numbers, where these alone say what it draws
    (see ntm.tasks); else None."""
    if "steady" not in vars(type(task)):
        return None
    return [f"{type(task).__module__}.{type(task).__qualname__}",
            *(f"{name}={value!r}" for name, value in sorted(vars(task).items()))]


def _writable(checkpoint):
    """The path of a checkpoint, its folder made; raises ValueError at once where nothing can be
    written there."""
    path = Path(checkpoint).expanduser()
    try:
        if path.is_dir():
            raise IsADirectoryError("it is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            return path
    except OSError as error:
        raise ValueError(f"checkpoint is {str(checkpoint)!r}; it must be a path that can be "
                         f"written: {error}") from error


def _clip(named, largest, each):
    """Scale all gradients so that their global norm is at most `largest`, clamp every element to
    `each`. Returns the norm they had."""
    gradients = [p.grad for _, p in named if p.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))).item()
    # in single precision the squares overflow long before the gradient does
    if not math.isfinite(norm):
        norm = torch.linalg.vector_norm(torch.stack(
            [torch.linalg.vector_norm(d, dtype=torch.float64) for d in gradients])).item()
    if largest is not None and norm > largest:
        torch._foreach_mul_(gradients, largest / norm)
    if each is not None:
        torch._foreach_clamp_max_(gradients, each)
        torch._foreach_clamp_min_(gradients, -each)
    return norm


def _blame(cost, named, done):
    """Raise FloatingPointError naming the first tensor that is not finite."""
    culprit = "the cost" if not torch.isfinite(cost) else next(
        (f"the gradient of {name}" for name, p in named
         if p.grad is not None and not torch.isfinite(p.grad).all()),
        "the norm of the gradient",
    )
    raise FloatingPointError(f"{culprit} is not finite after {done} sequences; the weights are "
                             "those from before this step")


def _exact(value):
    """The dtype that keeps a number of Python's as it is; None for what is a tensor already."""
    return torch.float64 if isinstance(value, float) else None


def _save(path, machine, optimizer, stream, history, run, done, total, best_optimizer):
    """Write a checkpoint: weights, best weights, optimiser, generator, history; atomically, so that
    a crash leaves the old one."""
    tensors = {f"machine.{name}": value for name, value in machine.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in history.best_weights.items()}
    for kind, optimizer_state in [("optimizer", optimizer.state_dict()),
                                  ("best_optimizer", best_optimizer)]:
        for i, state in optimizer_state["state"].items() if optimizer_state else ():
            tensors |= {f"{kind}.{i}.{name}": torch.as_tensor(value, dtype=_exact(value))
                        for name, value in state.items()}
    tensors["generator"], drawn = stream.position()
    numbers = dict(done=done, drawn=drawn, total=total, bits=history.bits, seconds=history.seconds,
                   best_bits=history.best_bits,
                   rewinds=history.rewinds)
    metadata = {"kind": "checkpoint", "run": to_json(run), "numbers": to_json(numbers)}
    tensors = {name: value.contiguous().clone() for name, value in tensors.items()}
    write(path, lambda part: save_file(tensors, part, metadata))


def _resume(path, machine, optimizer, stream, history, run, sequences):
    """Put everything back from a checkpoint of the same run. Returns the sequences done, the cost
    since the last point, and the optimiser's state_dict at the best point."""
    metadata, tensors = read_safetensors(path)
    if metadata.get("kind") != "checkpoint":
        raise ValueError(f"checkpoint is {path}, which holds "
                         f"{metadata.get('kind', 'something else')}; it must be written by train")
    then = json.loads(metadata["run"])
    for name, value in json.loads(to_json(run)).items():
        if then.get(name) != value and not (name == "task" and None in (value, then.get(name))):
            raise ValueError(f"checkpoint {path} is of a run with {name}={then.get(name)!r}; "
                             f"this one has {value!r}")
    numbers = json.loads(metadata["numbers"])
    if numbers["done"] > sequences:
        raise ValueError(f"checkpoint {path} has {numbers['done']} sequences done; sequences is "
                         f"{sequences}, it must be as many at least")
    part = {"machine": {}, "best": {}, "optimizer": {}, "best_optimizer": {}}
    generator_state = tensors.pop("generator")
    for name, value in tensors.items():
        kind, rest = name.split(".", 1)
        part[kind][rest] = value
    check_fit(f"checkpoint {path}", machine, part["machine"])
    machine.load_state_dict(part["machine"])
    states = []
    for kind in ("optimizer", "best_optimizer"):
        state = {}
        for name, value in part[kind].items():
            i, key = name.split(".", 1)
            state.setdefault(int(i), {})[key] = value
        states.append({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    stream.go_to(generator_state, numbers.get("drawn", 0))
    optimizer.load_state_dict(states[0])
    history.bits, history.seconds, history.rewinds = (numbers["bits"], numbers["seconds"],
        numbers["rewinds"])
    history.best_bits, history.best_weights = numbers["best_bits"], part["best"]
    return numbers["done"], numbers["total"], states[1]
