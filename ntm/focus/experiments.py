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
from .data import F, K
from .gate import Gate, train_gate, worth
from .lens import PRICE, UNIT, Lens, contexts, scorer, train_lens
from .model import LM
from .scale import Tower, cover, open_to
from .soft import train_soft
from .train import train_lm

RESULTS = Path(__file__).parent / "results.json"
KERNELS = {
    "none": None,
    "to the right": (0, 1, 0.5),
    "both sides": (0.25, 0.5, 0.25),
    "to the left": (0.5, 1, 0),
}


def results():
    """What was measured: {experiment: {...}}."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def over(name, *keys):
    """One number of an experiment, for every language model for which it was measured: a list."""
    found = list(results()[name].values())
    for key in keys:
        found = [each[key] for each in found]
    return found


def middle(name, *keys):
    """The medians over the language models of the numbers that stand there: {what: median}."""
    rows = over(name, *keys)
    return {what: median(row[what] for row in rows) for what in rows[0]
            if isinstance(rows[0][what], float)}


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def hand_gate(scores, previous, e2, e1):
    """A gate with three numbers set by hand: closed (0.03) until some score is well above what
    detail costs."""
    return 0.03 + 0.97 * torch.sigmoid(8 * (scores.amax(-1) - 1.2))


def summary(stream, found):
    """Of a dialogue that was followed: answers right, after an announced and an unannounced
    question, and what the focus did."""
    asked = stream.asked >= 0
    announced = stream.announced[asked]  # questions of all streams, in the order of found["right"]
    right, done, shown = found["right"], found["done"], found["shown"]
    return {
        "right": right.mean(),
        "announced": right[announced].mean(),
        "unannounced": right[~announced].mean(),
        "nats": found["nats"].mean(),
        "actions": measures.actions(done),
        "reversals": measures.reversals(done),
        "residency": measures.residency(done),
        "stability": measures.stability(shown),
        "locality": measures.locality(shown),
        "sequential": measures.sequential(shown),
    }


def plain(value):
    """Tensors as rounded numbers, at any depth."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, torch.Tensor) and value.dim():
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return round(float(value), 4) if isinstance(value, (torch.Tensor, float)) else value


def gates_for(lm, lens, seed=21, W_max=28, ways=("stream", "block"), streams=16):
    """Gates learned on dialogues of the training text: first where g = 1 leads, then also where the
    first gate does."""
    stream = data.dialogue(streams, rounds=20, part="train", generator=seeded(seed))
    found = run.follow(lm, lens, stream, keep=True, W_max=W_max)
    target, learned = worth(lm, stream, found), {}
    for each in ways:
        first = train_gate([(found, target)], each, seed=seed)
        with torch.no_grad():
            again = run.follow(lm, lens, stream, g=first, keep=True, W_max=W_max)
        learned[each] = train_gate([(found, target), (again, target)], each, seed=seed)
    return learned


def dialogue(lm, lens, g=1.0, seed=131, streams=32, **options):
    stream = data.dialogue(streams, rounds=24, generator=seeded(seed))
    with torch.no_grad():
        return summary(stream, run.follow(lm, lens, stream, g=g, generator=seeded(1), **options))


def gating(lm, lens, seed=131, noise=0.3, gates=None, save=None):
    """Fixed and learned gates in dialogues; then with noise on every score, and with γ, cooldown
    and budget turned."""
    gates = gates or gates_for(lm, lens)
    if save:
        for each, gate in gates.items():
            gate.save(f"{save}-{each}.safetensors")
    ways = {
        "g = 1": 1.0,
        "g = 0.5": 0.5,
        "g = 0.25": 0.25,
        "g = 0.1": 0.1,
        "by hand": hand_gate,
        "learned, one a stream": gates["stream"],
        "learned, one a block": gates["block"],
    }
    found = {
        "quiet": {name: dialogue(lm, lens, g, seed) for name, g in ways.items()},
        "noisy": {name: dialogue(lm, lens, g, seed, noise=noise) for name, g in ways.items()},
        "42 entries": {
            name: dialogue(lm, lens, ways[name], seed, W_max=42)
            for name in ("g = 1", "g = 0.25", "learned, one a block")
        },
    }
    found["γ"] = {
        str(γ): dialogue(lm, lens, gates["block"], seed, noise=noise, γ=γ) for γ in (0.5, 1, 2, 4)
    }
    found["cooldown"] = {
        str(n): dialogue(lm, lens, 1.0, seed, noise=noise, cooldown=n) for n in (0, 2, 4, 8)
    }
    found["dead band"] = {
        str(τ): dialogue(lm, lens, 1.0, seed, noise=noise, τ_expand=τ, τ_collapse=τ)
        for τ in (0.0, 0.1, 0.4, 0.8)
    }
    return found


def band(lm, lenses, gate, seed=231):
    """The dead band without noise, on dialogues of their own, with g = 1 and with a learned gate
    for whole streams."""
    return {
        kind: {
            f"{words}, τ = {τ}": dialogue(lm, lenses[kind][0], g, seed, τ_expand=τ, τ_collapse=τ)
            for words, g in (("g = 1", 1.0), ("learned", gate))
            for τ in (0.1, 0.4, 0.8)
        }
        for kind in ("cosine", "tokens")
    }


def calm(lm, lens, weights=(0.0, 0.1, 1.0), seed=131):
    """A gate a stream with the auxiliary loss on change, its weight swept; learned where g = 1
    leads."""
    stream = data.dialogue(16, rounds=20, part="train", generator=seeded(21))
    found = run.follow(lm, lens, stream, keep=True)
    lesson = [(found, worth(lm, stream, found))]
    return {
        str(weight): dialogue(
            lm, lens, train_gate(lesson, "stream", steps=80, calm=weight, seed=21), seed
        )
        for weight in weights
    }


def kernel_for(lm, lens, sequential, seed=41, streams=48, W_max=35):
    """A kernel by least squares: what a block's own score and its neighbours' say of its measured
    gain for the two answers to come. Only blocks with a score of their own, and neighbours that
    have one, are counted."""
    stream = data.records(streams, sequential=sequential, part="train", generator=seeded(seed))
    B, C = len(stream.tokens), stream.far // (F * K)
    with torch.no_grad():
        table = lm.table(stream.tokens[:, : stream.far])
    score = scorer(lens, lm, table, stream.tail[:, : 7 * K])
    ready = settle(Allocator(B, C, W_max), score)
    s = score(ready.e2, ready.e1) + PRICE
    gain = (oracle.detail(lm, table, stream.tail, stream.answer[:, stream.far :]) / UNIT).clamp(
        -0.5, 3.5
    )

    windows, targets = s.view(B, C, F)[ready.e2], gain.view(B, C, F)[ready.e2]  # [open nodes, F]

    return fit_kernel(windows, targets)[:3]


def records(lm, lens, kernel=None, sequential=True, seed=142, streams=96, W_max=35):
    """How many answers are right, announced and next, in records; and how the focus lies."""
    stream = data.records(streams, sequential=sequential, generator=seeded(seed))
    B, C = len(stream.tokens), stream.far // (F * K)
    with torch.no_grad():
        table = lm.table(stream.tokens[:, : stream.far])
    score = scorer(lens, lm, table, stream.tail[:, : 7 * K])
    spreading = (
        score if kernel is None else lambda e2, e1: spread(score(e2, e1) + PRICE, kernel) - PRICE
    )
    ready = settle(Allocator(B, C, W_max), spreading)
    right = run.answers(lm, stream, (ready.e2, ready.e1))[0].mean(0)
    return {
        "announced": right[0],
        "next": right[1],
        "locality": measures.locality(ready.e1.flatten(1)[:, None]),
    }


def shifting(lm, lens, seed=142):
    found = {}
    for sequential, name in ((True, "sequential"), (False, "random")):
        learned = kernel_for(lm, lens, sequential)
        kernels = {**KERNELS, "learned": tuple(learned.tolist())}
        found[name] = {
            "kernel": learned,
            **{
                words: records(lm, lens, kernel, sequential, seed)
                for words, kernel in kernels.items()
            },
        }
    return found


def lengths(lm, lenses, seed=150, streams=96):
    """Zero-shot: far parts shorter and longer than in training, budget one gist a node and 21
    entries."""
    found = {}
    for blocks, facts in ((24, 6), (56, 12), (112, 12), (112, 24), (224, 24)):
        stream, row = data.quiz(streams, blocks=blocks, facts=facts, generator=seeded(seed)), {}
        W_max = blocks // F + 21
        for name, lens in {"asked": None, "recency": None, **lenses}.items():
            focus = run.policy("lens" if lens else name, lm, stream, W_max, lens)
            row[name] = run.answers(lm, stream, focus)[0].mean()
        found[f"{8 * blocks} tokens, {facts} facts"] = row
    return found


def static(lm, lenses, seed=105, streams=256, W_max=28):
    """Answers right by policy at an equal budget; lenses: {name: lenses of several seeds}."""
    stream, found = data.quiz(streams, generator=seeded(seed)), {}
    for name in ("none", "LOD2", "LOD1", "recency", "random", "all", "asked"):
        found[name] = run.answers(
            lm, stream, run.policy(name, lm, stream, W_max, generator=seeded(seed))
        )[0].mean()
    few = data.quiz(streams // 4, generator=seeded(seed))
    for name in ("one step", "oracle"):
        found[name] = run.answers(lm, few, run.policy(name, lm, few, W_max))[0].mean()
    for name, some in lenses.items():
        found["lens " + name] = [
            run.answers(lm, stream, run.policy("lens", lm, stream, W_max, lens))[0].mean()
            for lens in some
        ]
    return found


def answers_of(lm, lens, W_max=28, seed=160, streams=128):
    stream = data.quiz(streams, generator=seeded(seed))
    return run.answers(lm, stream, run.policy("lens", lm, stream, W_max, lens))[0].mean()


def softness(lm, seconds=16, seed=0, log=print):
    """One kind of lens (cosine) learned in the same CPU time from counterfactuals and through
    gates: answers at 28 and 42 entries. Through gates it learns on streams of 24 blocks, since all
    of their rows are read."""
    found, begun = {}, time.process_time()
    sets = [contexts(lm, 64, seeded(50 + seed))]
    labels = time.process_time() - begun
    n = int(64 * 0.75 * seconds / labels)  # three quarters of the time for labels
    begun = time.process_time()
    sets.append(contexts(lm, n, seeded(60 + seed)))
    lens = train_lens(lm, sets[1:], kind="cosine", seed=seed, steps=400)
    found["counterfactual"] = dict(
        seconds=time.process_time() - begun,
        streams=n,
        right=[answers_of(lm, lens, W) for W in (28, 42)],
    )
    log(found)
    begun = time.process_time()
    train_soft(lm, "soft", steps=4, seed=seed)
    steps = int(seconds / (time.process_time() - begun) * 4)
    for name, mode, anneal in (
        ("soft", "soft", (1, 1)),
        ("soft, γ 1 to 4", "soft", (1, 0.25)),
        ("straight-through", "straight", (1, 1)),
        ("Gumbel, 1 to 0.4", "gumbel", (1, 0.4)),
    ):
        begun = time.process_time()
        lens = train_soft(lm, mode, steps, anneal=anneal, seed=seed, log=log)
        taken = time.process_time() - begun
        found[name] = dict(
            seconds=taken, streams=8 * steps, right=[answers_of(lm, lens, W) for W in (28, 42)]
        )
        log(name, plain(found[name]))
    return found


def many(lm, lens, streams=160, steps=120, seed=0, log=print):
    """Two open questions, by one head and by two."""
    lesson, found = heads.lessons(lm, streams, generator=seeded(70 + seed)), {}
    for way in heads.WAYS:
        trained = heads.train_heads(lm, lens, lesson, way, steps, seed=seed)
        budgets = (28, 42, 56) if way == "one" else (28,)
        for W_max in budgets:
            name = f"one head, {W_max}" if way == "one" else f"two heads, 28, {way}"
            found[name] = heads.serve(lm, trained, W_max, generator=seeded(170))
            log(name, plain(found[name]))
    return found


def writing(lm, steps=300, seed=0, log=print):
    """Asked again with no detail: before and after its gist has been written to, and about facts
    that were not asked before; among 8 gists of LOD1."""
    found = {}
    for name, options in {"8 gists": {}, "8 gists, no writing": dict(writing=False)}.items():
        blocks = options.get("blocks", 8)
        learned, writer = refine.train_refine(lm, seed=seed, log=log, **{"steps": steps, **options})
        stream = data.quiz(
            256, blocks=blocks, facts=min(12, blocks // 2 + 1), questions=4, generator=seeded(180)
        )
        asked = stream.asked[torch.arange(256), torch.randint(4, (256,), generator=seeded(181))]
        other = stream.facts[(stream.facts[..., None] != stream.asked[:, None]).all(-1)].view(
            256, -1
        )[:, 0]
        with torch.no_grad():
            before = learned.table(stream.tokens[:, : stream.far])
            after = (
                refine.refine(learned, writer, before, stream, 1)
                if options.get("writing", True)
                else before
            )

            def ask(table, block, learned=learned, stream=stream):
                later = refine.later(stream, block, seeded(182))
                return refine.ask(learned, table, later, 1)[1].mean()

            found[name] = {
                "before": ask(before, asked),
                "after": ask(after, asked),
                "others before": ask(before, other),
                "others after": ask(after, other),
            }
        log(name, plain(found[name]))
    return found


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
    lod = torch.tensor([[level for level, _ in focus]])
    position = torch.tensor(
        [[(n + 0.5) * K * F ** (level - 1) if level else n for level, n in focus]]
    )
    ok, end = (
        torch.ones(1, len(focus) + 8 * K, dtype=torch.bool),
        tokens + torch.arange(8.0 * K)[None],
    )

    def gather():
        return torch.stack(
            [tower.levels[i - 1][n].float() if i else lm.embed(blocks.view(-1)[n])
             for i, n in focus]
        )[None]

    def refocus():
        lens(
            gather(),
            lod.clamp(max=2),
            position,
            ok[:, : len(focus)],
            lens.queries(lm, tail[:, : 7 * K]),
        )
        Allocator(1, 16, 128).act(torch.zeros(1, 16 * F))

    def read():
        entries = torch.cat([gather(), lm.embed(tail)], 1)
        return lm(entries, torch.cat([position, end], 1), ok, 8 * K)

    return dict(
        bytes=tower.bytes(),
        coarse=len(coarse),
        entries=len(focus),
        grow=1000 * grown / len(blocks),
        refocus=milliseconds(refocus),
        read=milliseconds(read),
    )


def scaling(
    lm,
    lens,
    lengths=(512, 4096, 32768, 102400, 1024000, 4096000),
    full=(512, 1024, 2048, 4096),
    log=print,
):
    """What a length costs; the stream of 102,400 tokens is grown block by block. For the shorter
    also: reading everything, at full detail."""
    found = {}
    for tokens in lengths:
        found[str(tokens)] = one_length(lm, lens, tokens, 1 if tokens == 102400 else 8192)
        log(tokens, plain(found[str(tokens)]))
    for tokens in full:
        x = lm.embed(data.text()[None, : tokens + 8 * K]).detach()
        place, ok = (
            torch.arange(tokens + 8.0 * K)[None],
            torch.ones(1, tokens + 8 * K, dtype=torch.bool),
        )
        found[str(tokens)] = found.get(str(tokens), {}) | {
            "everything": milliseconds(partial(lm, x, place, ok, 8 * K), 2)
        }
    return found


# each: a function of the language model, of its lenses of all seeds, {name: [lens]}, and of where
# its gates lie
EXPERIMENTS = {
    "static": lambda lm, lenses, gates: static(lm, lenses),
    "gating": lambda lm, lenses, gates: {
        name: gating(lm, lenses[name][0], save=f"{gates}-{name}") for name in ("tokens", "cosine")
    },
    "band": lambda lm, lenses, gates: band(
        lm, lenses, Gate.load(f"{gates}-cosine-stream.safetensors").float().eval()
    ),
    "calm": lambda lm, lenses, gates: calm(lm, lenses["cosine"][0]),
    "shifting": lambda lm, lenses, gates: {
        name: shifting(lm, lenses[name][0]) for name in ("tokens", "cosine")
    },
    "lengths": lambda lm, lenses, gates: lengths(lm, {n: some[0] for n, some in lenses.items()}),
    "softness": lambda lm, lenses, gates: softness(lm),
    "heads": lambda lm, lenses, gates: many(lm, lenses["tokens"][0]),
    "scaling": lambda lm, lenses, gates: scaling(lm, lenses["tokens"][0]),
    "writing": lambda lm, lenses, gates: writing(lm),
    "beginning": lambda lm, lenses, gates: beginning(lm),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=EXPERIMENTS)
    parser.add_argument("--seed", type=int, default=0, help="of the language model")
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS, help="where its weights and its lenses' lie"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    lm = LM.load(options.weights / f"lm-{options.seed}.safetensors").float().eval()
    lenses = {
        name: [
            Lens.load(path).float().eval()
            for path in sorted(options.weights.glob(f"lens-{options.seed}-{name}-*.safetensors"))
        ]
        for name in ("tokens", "cosine", "gists")
    }
    gates = options.weights / f"gate-{options.seed}"
    for name in options.names:
        begun = time.process_time()
        found = plain(EXPERIMENTS[name](lm, lenses, gates))
        everything = results() if RESULTS.exists() else {}
        everything.setdefault(name, {})[str(options.seed)] = {
            "CPU seconds": round(time.process_time() - begun, 1),
            **found,
        }
        RESULTS.write_text(
            json.dumps(everything, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        print(name, "done", everything[name][str(options.seed)]["CPU seconds"], flush=True)


if __name__ == "__main__":
    main()
