"""The measurements of the chapters on focus, each a function that returns plain numbers: `python -m
ntm.focus.experiments NAME ...`

adds them to results.json beside this file, with the CPU seconds that they took. Seeds of streams to
choose and to train with are below 100, those of the streams that are reported 100 and more."""

import argparse
import json
import time
from functools import partial
from pathlib import Path
from statistics import median

import torch

from . import WEIGHTS, data, heads, measures, oracle, refine, run
from .allocator import Allocator, fit_kernel, settle, spread
from .data import F, K, seeded
from .gate import Gate, train_gate, worth
from .lens import PRICE, UNIT, Lens, contexts, scorer, train_lens
from .model import LM, table_of
from .scale import Tower, cover, open_to
from .soft import train_soft
from .train import train_lm

RESULTS = Path(__file__).parent / "results.json"
KERNELS = {"none": None, "to the right": (0, 1, 0.5), "both sides": (0.25, 0.5, 0.25),
           "to the left": (0.5, 1, 0)}


def results():
    """What was measured: {experiment: {...}}."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def over(name, *keys):
    """One number of an experiment, for every language model for which it was measured: a list."""
    found = [each for _, each in sorted(results()[name].items())]
    for key in keys:
        found = [each[key] for each in found]
    return found


def middle(name, *keys):
    """The medians over the language models of the numbers that stand there: {what: median}."""
    rows = over(name, *keys)
    return {what: median(row[what] for row in rows) for what in rows[0]
            if isinstance(rows[0][what], float)}


def plain(value):
    """Tensors as rounded numbers, at any depth."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, torch.Tensor) and value.dim():
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return round(float(value), 4) if isinstance(value, (torch.Tensor, float)) else value


def share_right(lm, stream, name="lens", W_max=28, lens=None, seed=None):
    """The share of a stream's answers that are read right under a policy."""
    chance = None if seed is None else seeded(seed)
    return run.answers(lm, stream, run.policy(name, lm, stream, W_max, lens, chance))[0].mean()


def static(lm, lenses, seed=105, streams=256):
    """Answers right by policy at 28 entries; lenses: {name: lenses of several seeds}."""
    stream, few = (data.quiz(n, generator=seeded(seed)) for n in (streams, streams // 4))
    found = {name: share_right(lm, stream, name, seed=seed)
             for name in ("none", "LOD2", "LOD1", "recency", "random", "all", "asked")}
    found |= {name: share_right(lm, few, name) for name in ("one step", "oracle")}
    return found | {f"lens {name}": [share_right(lm, stream, lens=lens) for lens in some]
                    for name, some in lenses.items()}


def answers_of(lm, lens, W_max=28, seed=160, streams=128):
    """Answers right with a lens, on streams by which nothing was chosen."""
    return share_right(lm, data.quiz(streams, generator=seeded(seed)), "lens", W_max, lens)


def lengths(lm, lenses, seed=150, streams=96):
    """Zero-shot: far parts shorter and longer than in training, budget one gist a node and 21
    entries."""
    found = {}
    for blocks, facts in ((24, 6), (56, 12), (112, 12), (112, 24), (224, 24)):
        stream = data.quiz(streams, blocks=blocks, facts=facts, generator=seeded(seed))
        ways = {"asked": ("asked", None), "recency": ("recency", None)}
        ways |= {name: ("lens", lens) for name, lens in lenses.items()}
        found[f"{8 * blocks} tokens, {facts} facts"] = {
            words: share_right(lm, stream, name, blocks // F + 21, lens)
            for words, (name, lens) in ways.items()}
    return found


# focus that moves: dialogues


def hand_gate(scores, previous, e2, e1):
    """A gate with three numbers set by hand: closed (0.03) until some score is well above what
    detail costs."""
    return 0.03 + 0.97 * torch.sigmoid(8 * (scores.amax(-1) - 1.2))


def dialogue(lm, lens, g=1.0, seed=131, streams=32, **options):
    """Of dialogues that are followed: answers right, after an announced and an unannounced
    question, and what the focus does. options: of run.follow."""
    stream = data.dialogue(streams, rounds=24, generator=seeded(seed))
    with torch.no_grad():
        found = run.follow(lm, lens, stream, g=g, generator=seeded(1), **options)
    announced = stream.announced[stream.asked >= 0]  # in the order of found["right"]
    right, done, shown = found["right"], found["done"], found["shown"]
    return dict(
        right=right.mean(), announced=right[announced].mean(),
        unannounced=right[~announced].mean(), nats=found["nats"].mean(),
        actions=measures.actions(done), reversals=measures.reversals(done),
        residency=measures.residency(done), stability=measures.stability(shown),
        locality=measures.locality(shown), sequential=measures.sequential(shown))


def lesson_for(lm, lens, seed=21, streams=16):
    """Dialogues of the training text for a gate to learn from: the stream, what g = 1 leads to, and
    what it would have been worth."""
    stream = data.dialogue(streams, rounds=20, part="train", generator=seeded(seed))
    found = run.follow(lm, lens, stream, keep=True)
    return stream, found, worth(lm, stream, found)


def gates_for(lm, lens, seed=21, streams=16):
    """Gates learned on dialogues of the training text: first where g = 1 leads, then also where the
    first gate does."""
    (stream, found, target), learned = lesson_for(lm, lens, seed, streams), {}
    for each in ("stream", "block"):
        first = train_gate([(found, target)], each, seed=seed)
        with torch.no_grad():
            again = run.follow(lm, lens, stream, g=first, keep=True)
        learned[each] = train_gate([(found, target), (again, target)], each, seed=seed)
    return learned


def gating(lm, lens, save, noise=0.3):
    """Fixed and learned gates in dialogues; then with noise on every score, and with γ, cooldown
    and budget turned. The learned gates are saved to `save`-stream and `save`-block."""
    gates, told = gates_for(lm, lens), partial(dialogue, lm, lens)
    for each, gate in gates.items():
        gate.save(f"{save}-{each}.safetensors")
    ways = {f"g = {g:g}": g for g in (1.0, 0.5, 0.25, 0.1)} | {
        "by hand": hand_gate, "learned, one a stream": gates["stream"],
        "learned, one a block": gates["block"]}
    noisy = partial(told, noise=noise)
    return {
        "quiet": {name: told(g) for name, g in ways.items()},
        "noisy": {name: noisy(g) for name, g in ways.items()},
        "42 entries": {name: told(ways[name], W_max=42)
                       for name in ("g = 1", "g = 0.25", "learned, one a block")},
        "γ": {str(γ): noisy(gates["block"], γ=γ) for γ in (0.5, 1, 2, 4)},
        "cooldown": {str(n): noisy(cooldown=n) for n in (0, 2, 4, 8)},
        "dead band": {str(τ): noisy(τ_expand=τ, τ_collapse=τ) for τ in (0.0, 0.1, 0.4, 0.8)},
    }


def band(lm, lens, gate, seed=231):
    """The dead band without noise, on dialogues of their own, with g = 1 and with a learned gate
    for whole streams."""
    return {f"{words}, τ = {τ}": dialogue(lm, lens, g, seed, τ_expand=τ, τ_collapse=τ)
            for words, g in (("g = 1", 1.0), ("learned", gate)) for τ in (0.1, 0.4, 0.8)}


def calm(lm, lens, weights=(0.0, 0.01, 0.1, 1.0)):
    """A gate a stream with the auxiliary loss on change, its weight swept; learned where g = 1
    leads."""
    lesson = [lesson_for(lm, lens)[1:]]
    return {str(weight): dialogue(lm, lens, train_gate(lesson, steps=80, calm=weight, seed=21))
            for weight in weights}


# records: a kernel for what comes next


def lined_up(lm, lens, stream, W_max, kernel=None):
    """The allocator after two passes over records, and the scores that it went by."""
    plain_score = scorer(lens, lm, table_of(lm, stream), stream.seen)

    def score(e2, e1):
        s = plain_score(e2, e1)
        return s if kernel is None else spread(s + PRICE, kernel) - PRICE

    return settle(Allocator(*stream.size, W_max), score), score


def kernel_for(lm, lens, sequential, seed=41, streams=48, W_max=35):
    """A kernel by least squares: what a block's own score and its neighbours' say of its measured
    gain for the two answers to come. Only blocks with a score of their own, and neighbours that
    have one, are counted."""
    stream = data.records(streams, sequential=sequential, part="train", generator=seeded(seed))
    ready, score = lined_up(lm, lens, stream, W_max)
    gain = oracle.detail(lm, table_of(lm, stream), stream.tail, stream.wanted) / UNIT
    said, gain = score(ready.e2, ready.e1) + PRICE, gain.clamp(-0.5, 3.5)
    opened = (z.view(*stream.size, F)[ready.e2] for z in (said, gain))  # [open nodes, F] each
    return fit_kernel(*opened)[:3]


def records(lm, lens, kernel=None, sequential=True, seed=142, streams=96, W_max=35):
    """How many answers are right, announced and next, in records; and how the focus lies."""
    stream = data.records(streams, sequential=sequential, generator=seeded(seed))
    ready, _ = lined_up(lm, lens, stream, W_max, kernel)
    right = run.answers(lm, stream, (ready.e2, ready.e1))[0].mean(0)
    return {"announced": right[0], "next": right[1],
            "locality": measures.locality(ready.e1.flatten(1)[:, None])}


def shifting(lm, lens):
    """Kernels by hand and by least squares, on records and on their control."""
    found = {}
    for sequential, name in ((True, "sequential"), (False, "random")):
        learned = kernel_for(lm, lens, sequential)
        kernels = KERNELS | {"learned": tuple(learned.tolist())}
        found[name] = {"kernel": learned} | {words: records(lm, lens, kernel, sequential)
                                             for words, kernel in kernels.items()}
    return found


# soft gates, several heads, writing


def softness(lm, seconds=16, seed=0, log=print):
    """One kind of lens (cosine) learned in the same CPU time from counterfactuals and through
    gates: answers at 28 and 42 entries. Through gates it learns on streams of 24 blocks, since all
    of their rows are read."""
    def timed(act):
        begun = time.process_time()
        return act(), time.process_time() - begun

    def put(name, streams, lens, taken):
        found[name] = dict(seconds=taken, streams=streams,
                           right=[answers_of(lm, lens, W_max) for W_max in (28, 42)])
        log(name, plain(found[name]))

    def counterfactual():
        labelled = contexts(lm, streams, seeded(60 + seed))
        return train_lens(lm, [labelled], kind="cosine", seed=seed, steps=400)

    found, labels = {}, timed(lambda: contexts(lm, 64, seeded(50 + seed)))[1]
    streams = int(64 * 0.75 * seconds / labels)  # three quarters of the time for labels
    put("counterfactual", streams, *timed(counterfactual))
    steps = int(seconds / timed(lambda: train_soft(lm, "soft", steps=4, seed=seed))[1] * 4)
    for name, mode, anneal in (("soft", "soft", (1, 1)), ("soft, γ 1 to 4", "soft", (1, 0.25)),
                               ("straight-through", "straight", (1, 1)),
                               ("Gumbel, 1 to 0.4", "gumbel", (1, 0.4))):
        act = partial(train_soft, lm, mode, steps, anneal=anneal, seed=seed)
        put(name, 8 * steps, *timed(act))
    return found


def many(lm, lens, streams=160, steps=120, seed=0, log=print):
    """Two open questions, by one head and by two."""
    lesson, found = heads.lessons(lm, streams, generator=seeded(70 + seed)), {}
    for way in heads.WAYS:
        trained = heads.train_heads(lm, lens, lesson, way, steps, seed=seed)
        for W_max in (28, 42, 56) if way == "one" else (28,):
            name = f"one head, {W_max}" if way == "one" else f"two heads, 28, {way}"
            found[name] = heads.serve(lm, trained, W_max, generator=seeded(170))
            log(name, plain(found[name]))
    return found


def writing(lm, steps=300, seed=0, log=print):
    """Asked again with no detail: before and after its gist has been written to, and about facts
    that were not asked before; among 8 gists of LOD1."""
    stream = data.quiz(256, blocks=8, facts=5, questions=4, generator=seeded(180))
    asked = stream.asked[torch.arange(256), torch.randint(4, (256,), generator=seeded(181))]
    # the one fact of the five about which nothing is asked
    other = stream.facts[(stream.facts[..., None] != stream.asked[:, None]).all(-1)]
    found = {}
    for name, writes in (("8 gists", True), ("8 gists, no writing", False)):
        learned, writer = refine.train_refine(lm, steps=steps, writing=writes, seed=seed, log=log)
        before = after = table_of(learned, stream)
        with torch.no_grad():
            if writes:
                after = refine.refine(learned, writer, before, stream, 1)
            found[name] = {
                words + when: refine.ask(learned, table, refine.later(stream, block, seeded(182)),
                                         1)[1].mean()
                for words, block in (("", asked), ("others ", other))
                for when, table in (("before", before), ("after", after))}
        log(name, plain(found[name]))
    return found


# what makes a model learn


def beginning(lm, seeds=range(5, 10), steps=300, log=print):
    """What a tape's start is worth: answers right every 20 updates of language models that see
    detail only, and of lenses learned from 768 contexts; five seeds each."""
    found, sets = {"model": {}, "lens": {}}, [contexts(lm, 768, seeded(90))]
    for start in ("tape", "bare"):
        curves = [train_lm(seed, steps, 0, start=start)[1] for seed in seeds]
        found["model"][start] = [[row[2] for row in curve] for curve in curves]
        lenses = [train_lens(lm, sets, seed=seed, steps=400, start=start) for seed in seeds]
        found["lens"][start] = [answers_of(lm, lens) for lens in lenses]
        log(start, plain(found["lens"][start]), [curve[-1][2] for curve in curves])
    return found


def order(seeds=range(10, 13), steps=240, log=print):
    """What comes first: language models that see all levels and lengths from the first update,
    against those that see detail only in their first half, and those that see streams of 24 blocks
    only. Per seed the curve of answers right where the fact is in detail, every 20 updates; and at
    the end answers right on other streams, told which block is asked, at 28 entries."""
    ways = {"all at once": {}, "detail first": dict(detail=steps // 2),
            "short first": dict(short=steps // 2)}
    stream, found = data.quiz(256, generator=seeded(190)), {}
    for name, options in ways.items():
        found[name] = dict(curve=[], right=[])
        for seed in seeds:
            mixed = steps - options.get("detail", 0)
            lm, curve = train_lm(seed, **{"detail": 0, "mixed": mixed, **options})
            found[name]["curve"].append([row[2] for row in curve])
            found[name]["right"].append(share_right(lm, stream, "asked"))
            log(name, seed, plain(found[name]["right"]), found[name]["curve"][-1])
    return found


# what length costs


def milliseconds(act, repeats=5):
    """CPU milliseconds of act()."""
    with torch.no_grad():
        act()
        begun = time.process_time()
        for _ in range(repeats):
            act()
    return 1000 * (time.process_time() - begun) / repeats


def one_length(lm, lens, tokens, chunk=8192):
    """A stream of so many tokens, appended `chunk` blocks at a time; then one refocus (lens and
    allocator) and one reading, with one block open in the middle."""
    source = data.text()
    blocks, tail = source[torch.arange(tokens) % len(source)].view(-1, K), source[None, : 8 * K]
    tower, begun = Tower(lm, tokens), time.process_time()
    for some in blocks.split(chunk):
        tower.append(some)
    grown, coarse = time.process_time() - begun, cover(len(blocks))
    focus = open_to(coarse, len(blocks) // 3)
    lod = torch.tensor([[level for level, _ in focus]]).clamp(max=2)
    position = torch.tensor([[(n + 0.5) * K * F ** (level - 1) if level else n
                              for level, n in focus]])
    places = torch.cat([position, tokens + torch.arange(8.0 * K)[None]], 1)
    ok, far = torch.ones(1, len(focus) + 8 * K, dtype=torch.bool), len(focus)

    def gather():
        return torch.stack([tower.levels[level - 1][n].float() if level
                            else lm.embed(blocks.view(-1)[n]) for level, n in focus])[None]

    def refocus():
        lens(gather(), lod, position, ok[:, :far], lens.queries(lm, tail[:, : 7 * K]))
        Allocator(1, 16, 128).act(torch.zeros(1, 16 * F))

    def read():
        return lm(torch.cat([gather(), lm.embed(tail)], 1), places, ok, 8 * K)

    return dict(bytes=tower.bytes(), coarse=len(coarse), entries=far,
                grow=1000 * grown / len(blocks), refocus=milliseconds(refocus),
                read=milliseconds(read))


def scaling(lm, lens, log=print):
    """What a length costs; the stream of 102,400 tokens is grown block by block. For the shorter
    also: reading everything, at full detail."""
    found = {}
    for tokens in (512, 4096, 32768, 102400, 1024000, 4096000):
        found[str(tokens)] = one_length(lm, lens, tokens, 1 if tokens == 102400 else 8192)
        log(tokens, plain(found[str(tokens)]))
    for tokens in (512, 1024, 2048, 4096):
        x = lm.embed(data.text()[None, : tokens + 8 * K]).detach()
        place, ok = torch.arange(x.shape[1]).float()[None], torch.ones(x.shape[:2]).bool()
        everything = milliseconds(partial(lm, x, place, ok, 8 * K), 2)
        found.setdefault(str(tokens), {})["everything"] = everything
    return found


# each: a function of the language model, of its lenses of all seeds, {name: [lens]}, and of where
# its gates lie
EXPERIMENTS = {
    "static": lambda lm, lenses, gates: static(lm, lenses),
    "gating": lambda lm, lenses, gates: {
        kind: gating(lm, lenses[kind][0], f"{gates}-{kind}") for kind in ("tokens", "cosine")},
    "band": lambda lm, lenses, gates: {
        kind: band(lm, lenses[kind][0], Gate.load(f"{gates}-cosine-stream.safetensors").float())
        for kind in ("cosine", "tokens")},
    "calm": lambda lm, lenses, gates: calm(lm, lenses["cosine"][0]),
    "shifting": lambda lm, lenses, gates: {
        kind: shifting(lm, lenses[kind][0]) for kind in ("tokens", "cosine")},
    "lengths": lambda lm, lenses, gates: lengths(lm, {n: some[0] for n, some in lenses.items()}),
    "softness": lambda lm, lenses, gates: softness(lm),
    "heads": lambda lm, lenses, gates: many(lm, lenses["tokens"][0]),
    "writing": lambda lm, lenses, gates: writing(lm),
    "scaling": lambda lm, lenses, gates: scaling(lm, lenses["tokens"][0]),
    "beginning": lambda lm, lenses, gates: beginning(lm),
    "order": lambda lm, lenses, gates: order(),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=EXPERIMENTS)
    parser.add_argument("--seed", type=int, default=0, help="of the language model")
    parser.add_argument("--weights", type=Path, default=WEIGHTS,
                        help="where its weights and its lenses' lie")
    options = parser.parse_args()
    torch.set_num_threads(1)
    lm = LM.load(options.weights / f"lm-{options.seed}.safetensors").float().eval()
    lenses = {}
    for name in ("tokens", "cosine", "gists"):
        paths = sorted(options.weights.glob(f"lens-{options.seed}-{name}-*.safetensors"))
        lenses[name] = [Lens.load(path).float().eval() for path in paths]
    for name in options.names:
        begun = time.process_time()
        found = plain(EXPERIMENTS[name](lm, lenses, options.weights / f"gate-{options.seed}"))
        taken = round(time.process_time() - begun, 1)
        everything = results() if RESULTS.exists() else {}
        everything.setdefault(name, {})[str(options.seed)] = {"CPU seconds": taken, **found}
        text = json.dumps(everything, indent=1, ensure_ascii=False) + "\n"
        RESULTS.write_text(text, encoding="utf-8")
        print(name, "done", taken, flush=True)


if __name__ == "__main__":
    main()
