"""Hard choices: a Neural Turing Machine that is at one slot, and moves there by whole steps.

    python -m ntm.beyond.hard --first 50 --seeds 10

trains machines on a course of COURSES (--task, by default copy) in every way of WAYS, and writes
what it finds to `pretrained/hard.json`; with --shipped it asks the shipped machines instead, made
hard as they are, and with --cool it goes on with machines that ntm.runs has left in a folder.

Nothing is added to the machine: a way to be hard is a function that stands in for
`ntm.addressing.address`, and a choice is a function from chances p [..., n] to weights [..., n].
"""

import argparse
import json
import math
import shlex
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from .. import pretrained, tasks
from ..addressing import address, content, interpolate, sharpen, shift, tiny
from ..machine import NTM, State
from ..many import Many, train_many
from ..memory import add, erase, read
from ..optim import GravesRMSprop
from ..runs import made_by, on_slots, write_runs
from ..training import cosine, evaluate, one_thread, train
from .record import source

FILE = Path(__file__).parents[1] / "pretrained" / "hard.json"


# Choices

def hardest(p):
    """All weight on the likeliest. No gradient comes through."""
    return torch.zeros_like(p).scatter_(-1, p.argmax(-1, keepdim=True), 1.0)


def straight_through(p):
    """Forwards the likeliest alone; backwards as if p itself had been taken (Bengio 2013)."""
    return hardest(p) + (p - p.detach())


def warm(p, temperature):
    """p made sharper: the same order, and the hardest as the temperature goes to 0."""
    return (p.clamp(min=tiny).log() / temperature).softmax(-1)


def gumbel(p, temperature):
    """Drawn by the chances p, and softened by the temperature (Jang 2017, Maddison 2017)."""
    noise = -torch.empty_like(p).exponential_().clamp(min=tiny).log()
    return warm(p * noise.exp(), temperature)


def top(p, k):
    """The k largest weights, to a sum of 1 again; the rest is 0."""
    value, i = p.topk(min(k, p.shape[-1]), -1)
    return torch.zeros_like(p).scatter(-1, i, value / value.sum(-1, keepdim=True))


# Ways to be hard; each stands in for `address`

def one_slot(M, k, β, g, s, γ, w_prev, choose=hardest):
    """The paper's address, and of what comes out one slot."""
    return choose(address(M, k, β, g, s, γ, w_prev))


def rounded(M, k, β, g, s, γ, w_prev, choose=hardest):
    """The gate is 0 or 1, the shift one step; the search and the sharpening as in the paper."""
    jump = choose(torch.stack([1 - g, g], -1))[..., 1]
    w_g = interpolate(content(M, k, β), w_prev, jump)
    return sharpen(shift(w_g, choose(s)), γ)


def whole_shift(M, k, β, g, s, γ, w_prev, choose=hardest):
    """The shift is one step; all else as in the paper."""
    return address(M, k, β, g, choose(s), γ, w_prev)


def moves(M, k, β, g, s, γ, w_prev, choose=hardest):
    """Stay where the head was, or jump to the one row most like the key; then -1, 0 or +1."""
    jump = choose(torch.stack([1 - g, g], -1))[..., 1]
    w_g = interpolate(choose(content(M, k, β)), w_prev, jump)
    return shift(w_g, choose(s))


def home(M, k, β, g, s, γ, w_prev, choose=hardest):
    """Stay where the head was, or go back to slot 0; then -1, 0 or +1. Nothing is searched."""
    jump = choose(torch.stack([1 - g, g], -1))[..., 1]
    first = torch.eye(w_prev.shape[-1], dtype=w_prev.dtype, device=w_prev.device)[0]
    return shift(interpolate(first, w_prev, jump), choose(s))


class Hard(NTM):
    """An NTM with another `address`: its attribute `where`, by default `moves` by straight_through.

    Every head begins at one slot, the likeliest of the NTM's own beginning.
    """

    where = staticmethod(partial(moves, choose=straight_through))

    def initial_state(self, batch):
        """As the NTM's, at one slot."""
        state = super().initial_state(batch)
        return state._replace(w=hardest(state.w))

    def step(self, x, state):
        """NTM.step, but for one line."""
        M, w_prev, r_prev, c_prev = state
        h, c = self.controller(torch.cat([x, r_prev.flatten(1)], dim=-1), c_prev)
        k, β, g, s, γ, e, a = emitted = self.heads(h)
        w = self.where(M, k, β, g, s, γ, w_prev)
        w_read, w_write = w.split([self.read_heads, self.write_heads], dim=1)
        r = read(M, w_read)
        M = add(erase(M, w_write, e), w_write, a)
        return self.output(torch.cat([h, r.flatten(1)], dim=-1)), State(M, w, r, c), emitted


def harden(machine, where=moves, slots=None):
    """A Hard machine with the weights of an NTM, on another number of slots if that is given."""
    N = machine.settings["N"]
    hard = Hard(**machine.settings | dict(N=slots or N), seed=0)
    same = slots in (None, N)
    hard.load_state_dict((machine if same else on_slots(machine, slots)).state_dict())
    hard.where = where
    return hard


# Training

class Course(NamedTuple):
    """What is learned: a task, the machine beyond its defaults, and what is asked at the end:
    {name: (what task.sample takes, how many sequences)}."""

    task: object
    settings: dict  # of NTM
    questions: dict


COURSES = {
    "copy": Course(
        tasks.Copy(), dict(controller="feedforward"),
        {f"length {n}": (dict(length=n), many) for n, many in
         {20: 16, 40: 8, 60: 4, 120: 4, 240: 2, 1_000: 1}.items()}),
    "recall": Course(
        tasks.AssociativeRecall(), dict(controller="feedforward"),
        {f"{n} items": (dict(items=n), 32) for n in (2, 6, 20)}),
    "recall, LSTM": Course(
        tasks.AssociativeRecall(), dict(controller="lstm"),
        {f"{n} items": (dict(items=n), 32) for n in (2, 6, 20)}),
    "counting": Course(
        tasks.RepeatCopy(lengths=(1, 3), repeats=(1, 5), count="marks"),
        dict(controller="feedforward", read_heads=3),
        {"training range": ({}, 64)} |
        {f"{L} vectors, {n} times": (dict(length=L, repeats=n), 16) for L, n in
         ((3, 5), (3, 20), (10, 5), (10, 20), (10, 40), (3, 100))}),
}


def slots_for(steps):
    """Enough, should a head walk on from the first step to the last."""
    return steps + 6


def longest(task):
    """The steps of a task's longest sequence."""
    return max(len(task.sample(100, generator=torch.Generator().manual_seed(seed)).x)
               for seed in range(3))


def temperature(done, last=0.25):
    """From 1 to 0.1 by equal factors; then 0, for the last quarter of a training."""
    return 0.1 ** (done / (1 - last)) if done < 1 - last else 0.0


def begin(course, seeds, start, where=None):
    """Machines for a course, one a seed: NTMs, or Hard where `where` is given."""
    task, settings = course.task, course.settings
    machines = [(NTM if where is None else Hard)(
        task.inputs, task.outputs, **dict(N=slots_for(longest(task)), start=start) | settings,
        seed=seed) for seed in seeds]
    for machine in machines:
        if where is not None:
            machine.where = where
    return machines


def soft(course, seeds, start, sequences, recipe):
    """The paper's machine, one after the other on the fast path."""
    machines = begin(course, seeds, start)
    return machines, [train(machine, course.task, sequences, seed=seed, progress=False, **recipe)
                      for seed, machine in zip(seeds, machines)]


def through(course, seeds, start, sequences, recipe, way=moves):
    """Straight through, from the first sequence on."""
    machines = begin(course, seeds, start, partial(way, choose=straight_through))
    return machines, train_many(machines, course.task, sequences, seeds=seeds, progress=False,
                                **recipe)


def cooling(way, choice=warm):
    """A schedule for train_many, and with it a way whose choices cool while it is asked: of a
    temperature that falls, then straight through."""
    share = [0.0]

    def schedule(done):  # train_many asks it before every update
        share[0] = done
        return cosine(done)

    def choose(p):
        T = temperature(share[0])
        return choice(p, T) if T else straight_through(p)

    return schedule, partial(way, choose=choose)


def annealed(course, seeds, start, sequences, recipe, choice=warm, way=moves):
    """From soft to hard: choices of a temperature that falls, then straight through; with `gumbel`,
    drawn ones while they are soft."""
    schedule, where = cooling(way, choice)
    machines = begin(course, seeds, start, where)
    return machines, train_many(machines, course.task, sequences, seeds=seeds, progress=False,
                                schedule=schedule, **recipe)


def blamed(cost, usual, mask, log_p):
    """A choice is made likelier where what follows it costs less than usual (Williams 1992).

    cost, mask, log_p [T, ...]: nats of every step, whether it is scored, and the logarithm of the
    chance of what was drawn there. Returns what to go down from [...].
    """
    better = (cost.detach() - usual) * mask
    follows = better.flip(0).cumsum(0).flip(0)  # from here to the end
    return (cost + follows * log_p).sum(0)


def reward(course, seeds, start, sequences, recipe):
    """REINFORCE: choices are drawn, and made likelier where what followed was cheaper than usual.

    Usual is the mean cost of a scored step so far. All machines see the same sequences.
    """
    said = []  # log of the chance of what was drawn, [B S, heads] a choice

    def draw(p):
        drawn = torch.zeros_like(p).scatter_(
            -1, torch.multinomial(p.flatten(0, -2).detach(), 1).view(*p.shape[:-1], 1), 1.0)
        said.append((p.clamp(min=tiny).log() * drawn).sum(-1))
        return drawn

    task, batch, every = course.task, recipe["batch"], recipe["every"]
    machines = begin(course, seeds, start, partial(moves, choose=draw))
    many, S, generator = Many(machines), len(seeds), torch.Generator().manual_seed(seeds[0])
    optimizer = GravesRMSprop(many.parameters(), recipe["lr"])
    usual, curves, costs = torch.full((S,), task.outputs * math.log(2)), [[] for _ in seeds], []
    torch.manual_seed(seeds[0])
    for done in range(0, sequences, batch):
        optimizer.param_groups[0]["lr"] = recipe["lr"] * cosine(done / sequences)
        sample = task.sample(batch, generator=generator)
        said.clear()
        logits = many(sample.x.unsqueeze(2).expand(-1, -1, S, -1))  # [T, B, S, outputs]
        y, mask = sample.y.unsqueeze(2).expand_as(logits), sample.mask.unsqueeze(2)
        cost = binary_cross_entropy_with_logits(logits, y, reduction="none").sum(-1) * mask
        log_p = torch.stack(said).sum(-1).view(len(cost), -1, batch, S).sum(1)
        optimizer.zero_grad()
        blamed(cost, usual, mask, log_p).mean(0).sum().backward()
        torch.nn.utils.clip_grad_norm_(many.parameters(), 10.0 * S)
        optimizer.step()
        per_step = cost.detach().sum((0, 1)) / mask.sum()
        usual = usual.lerp(per_step, 0.05)
        costs.append(cost.detach().sum(0).mean(0) / math.log(2))
        if (done + batch) % every == 0:
            for curve, value in zip(curves, torch.stack(costs).mean(0).tolist()):
                curve.append(value)
            costs.clear()
    many.hand_back()
    return machines, curves


WAYS = {
    "soft": soft,
    "straight through": through,
    "straight through, home": partial(through, way=home),
    "soft to hard": annealed,
    "soft to hard, home": partial(annealed, way=home),
    "Gumbel": partial(annealed, choice=gumbel),
    "Gumbel, home": partial(annealed, choice=gumbel, way=home),
    "reward": reward,
}
RECIPE = dict(batch=8, lr=1e-3, every=80)


@torch.no_grad()
def asked(course, machines, where=None, most=math.inf, seed=20_000):
    """Wrong bits of every machine at each question of at most so many steps, a dict each; the same
    sequences for all."""
    found = [{} for _ in machines]
    for question, (how, sequences) in course.questions.items():
        sample = course.task.sample(sequences, generator=torch.Generator().manual_seed(seed), **how)
        if len(sample.x) > most:
            continue
        N = slots_for(len(sample.x))
        with one_thread():
            if where is None:
                logits = [on_slots(machine, N)(sample.x) for machine in machines]
            else:
                many = Many([harden(machine, where, N) for machine in machines])
                logits = many(sample.x.unsqueeze(2).expand(-1, -1, len(machines), -1)).unbind(2)
        for one, answer in zip(found, logits):
            one[question] = tasks.wrong_bits(answer, sample).double().mean().item()
    return found


def run(task, way, start, first, seeds, sequences=2_400, most=math.inf):
    """Train one machine a seed on a course in a way of WAYS, and ask it, in sequences of at most so
    many steps: the machines, and dicts for JSON."""
    for what, value, allowed in [("task", task, COURSES), ("way", way, WAYS)]:
        if value not in allowed:
            raise ValueError(f"{what} is {value!r}; it must be one of "
                             f"{', '.join(map(repr, allowed))}")
    course, seeds = COURSES[task], list(range(first, first + seeds))
    machines, curves = WAYS[way](course, seeds, start, sequences, RECIPE)
    where = None if way == "soft" else home if way.endswith("home") else moves
    scores, made_hard = asked(course, machines, where, most), [None] * len(seeds)
    if way == "soft":  # and what becomes of it if its moves are made hard as it is
        made_hard = asked(course, machines, moves, min(most, 250))
    curves = [getattr(curve, "bits", curve) for curve in curves]
    return machines, [
        dict(task=task, way=way, start=start, seed=seed, every=RECIPE["every"],
             bits=[round(b, 5) for b in curve], wrong_bits=score, made_hard=hard)
        for seed, curve, score, hard in zip(seeds, curves, scores, made_hard)]


# Trained soft, then cooled

MARKS = Course(tasks.RepeatCopy(count="marks"), {}, {"training range": ({}, 64)} | {
    f"{L} vectors, {n} times": (dict(length=L, repeats=n), 8) for L, n in
    ((10, 20), (10, 40), (3, 50), (3, 100))})


def cooled(folder, first, seeds, sequences=3_200, way=whole_shift):
    """Machines that ntm.runs has trained to count marks, in `folder`, go on with sequences of up to
    6 vectors and 6 rounds while their shift becomes hard; dicts for JSON."""
    seeds = list(range(first, first + seeds))
    soft = [NTM.load(Path(folder) / f"repeat_copy_marks-ntm-feedforward-{seed}.safetensors")
            for seed in seeds]
    schedule, where = cooling(way)
    machines = [harden(machine, where) for machine in soft]
    curves = train_many(machines, tasks.RepeatCopy(lengths=(1, 6), repeats=(1, 6), count="marks"),
                        sequences, seeds=seeds, batch=4, lr=1e-4, every=80, schedule=schedule,
                        progress=False)
    return [dict(task="counting marks", seed=seed, every=80,
                 bits=[round(b, 5) for b in curve.bits], soft=before, wrong_bits=after)
            for seed, curve, before, after in zip(seeds, curves, asked(MARKS, soft),
                                                  asked(MARKS, machines, way))]


# The shipped machines, made hard as they are

HARDER = {
    "as it is": address,
    "16 slots": lambda *emitted: top(address(*emitted), 16),
    "4 slots": lambda *emitted: top(address(*emitted), 4),
    "one slot": one_slot,
    "gate and shift rounded": rounded,
    "few hard moves": moves,
}
SHIPPED = {"copy": tasks.Copy, "repeat copy": tasks.RepeatCopy,
           "repeat copy, marks": partial(tasks.RepeatCopy, count="marks"),
           "recall": tasks.AssociativeRecall, "N-grams": tasks.NGrams, "sort": tasks.PrioritySort}
FOLDERS = {"recall": "associative_recall", "N-grams": "ngrams", "sort": "priority_sort",
           "repeat copy": "repeat_copy", "repeat copy, marks": "repeat_copy_marks"}


def shipped(task, model, sequences=32, seed=40_000):
    """Bits and wrong bits of a shipped machine in every way of HARDER; a dict for JSON."""
    machine, found = pretrained.load(FOLDERS.get(task, task), model), {}
    for name, where in HARDER.items():
        who = machine if where is address else harden(machine, where)
        scored = evaluate(who, SHIPPED[task](), sequences=sequences, seed=seed, batch=sequences)
        found[name] = dict(bits=round(scored.bits, 3), wrong_bits=scored.wrong_bits)
    return dict(task=task, model=model, sequences=sequences, scores=found)


def keep(new, replaces):
    """Write the record: the runs that it held, but for those that `replaces` names, and the new."""
    there = json.loads(FILE.read_text(encoding="utf-8"))["runs"] if FILE.exists() else []
    head = made_by("python -m ntm.beyond.hard") | dict(source=source("beyond/hard.py"))
    write_runs(FILE, head, [r for r in there if not replaces(r)] + new)


def main(arguments=None):
    """The command line. What a way has found before is kept in the file, unless it is run again."""
    parser = argparse.ArgumentParser(prog="python -m ntm.beyond.hard",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=COURSES, default="copy")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--start", choices=("tape", "bare"), default="tape")
    parser.add_argument("--first", type=int, default=50, help="the first seed")
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--sequences", type=int, default=2_400)
    parser.add_argument("--most", type=int, default=10_000,
                        help="steps of the longest sequence that is asked for at the end")
    parser.add_argument("--folder", help="where the weights go; by default nowhere")
    parser.add_argument("--shipped", action="store_true", help="ask the shipped machines instead")
    parser.add_argument("--cool", help="instead, a folder in which ntm.runs repeat_copy_marks "
                                       "has left these seeds: make their shift hard")
    given = parser.parse_args(arguments)
    command = "python -m ntm.beyond.hard " + " ".join(
        f"--{name} {shlex.quote(str(value))}" for name, value in vars(given).items()
        if name not in ("ways", "folder", "shipped", "cool"))
    if given.shipped:
        asks = [(task, model) for task in SHIPPED for model in ("ntm-feedforward", "ntm-lstm")
                if (task, model) != ("repeat copy, marks", "ntm-lstm")]  # is not shipped
        keep([dict(of="shipped", **shipped(*ask)) for ask in asks],
             lambda r: r["of"] == "shipped")
    if given.cool:
        keep([dict(of="cooled", **r) for r in cooled(given.cool, given.first, given.seeds)],
             lambda r: r["of"] == "cooled")
    for way in () if given.shipped or given.cool else given.ways:
        machines, found = run(given.task, way, given.start, given.first, given.seeds,
                              given.sequences, given.most)
        if given.folder:
            Path(given.folder).mkdir(parents=True, exist_ok=True)
            for machine, one in zip(machines, found):
                name = f"{given.task} {way} {given.start} {one['seed']}".replace(" ", "-")
                machine.save(Path(given.folder) / f"{name}.safetensors")
        keep([dict(of="training", command=command, **r) for r in found],
             lambda r, way=way: r["of"] == "training"
             and (r["task"], r["way"], r["start"]) == (given.task, way, given.start))
        question = next(iter(found[0]["wrong_bits"]))
        print(given.task, way, given.start, sum(r["wrong_bits"][question] == 0 for r in found),
              "of", given.seeds, "without a wrong bit at", question)


if __name__ == "__main__":
    main()
