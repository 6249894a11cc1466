"""Everything that is trained, from nothing: `python -m ntm.focus.train` (about eight CPU minutes a
seed).

The language model first sees detail (every fact that is asked about is shown as tokens), then mixed
levels; beside it the gists begin to learn which symbols lie in their spans. Then, with the
embeddings as they are, the gists are made an index: from the language model's loss alone, and from
a plain bag of symbols, they hold too little of the keys, and no lens can find anything. Then the
lenses."""

import argparse
import math
import time
from pathlib import Path

import torch
from torch.nn import functional

from . import tree
from .data import KEYS, SET, VOCABULARY, F, K, quiz, seeded
from .lens import contexts, train_lens
from .model import LM, descend, read, table_of


def focus_for(asked, C, generator, mixed):
    """A focus to train with: e2, e1, a budget of 63 to 91 entries. Not mixed: all asked blocks as
    tokens, then others as they fit. Mixed: of the asked, 40 % as tokens, 30 % as gists of LOD1, the
    rest where they fall; in one context of 25 nothing is open."""
    B, n = len(asked), C * F
    urge = torch.rand(B, n, generator=generator)
    level = (torch.rand(B, n, generator=generator) < (0.4 if mixed else 0.0)).long()
    if mixed:
        die = torch.rand(asked.shape, generator=generator)
        urge.scatter_add_(1, asked, (die < 0.7).float())
        level.scatter_(1, asked, (die >= 0.4).long())
    else:
        urge.scatter_add_(1, asked, torch.ones(asked.shape))
    order = urge.argsort(-1, descending=True)[:, :14]
    budget = torch.randint(63, 92, (B,), generator=generator)
    if mixed:
        budget[torch.rand(B, generator=generator) < 0.04] = C
    return tree.fill(order, *tree.nothing(B, C), budget, level.gather(1, order))


def held(tokens, far):
    """Which symbols lie in the spans of the gists of tokens [B, n]: of LOD2 (the far part), of LOD1
    (all); [B, gists, symbols]."""
    one = functional.one_hot(tokens.unflatten(1, (-1, K)), VOCABULARY).amax(2).float()
    return one[:, : far // K].unflatten(1, (-1, F)).amax(2), one


def bag_loss(lm, tokens, far, weight, present=1.0):
    """How badly the gists say which symbols lie in their spans: binary cross-entropy, planted
    symbols weighing `weight` times, their presence `present` times more. Returns it, with what was
    said and what is held, of LOD2 and LOD1."""
    _, one = lm.gists(tokens)
    two = lm.gist2(one[:, : far // K].unflatten(1, (-1, F)))
    said = lm.bag(torch.cat([two, one], 1)).split([two.shape[1], one.shape[1]], 1)
    true = held(tokens, far)
    weights, presence = torch.ones(VOCABULARY), torch.ones(VOCABULARY)
    weights[SET:], presence[SET:] = weight, present
    loss = functional.binary_cross_entropy_with_logits(torch.cat(said, 1), torch.cat(true, 1),
                                                       weights, pos_weight=presence)
    return loss, said, true


def train_lm(seed=0, detail=300, mixed=1700, batch=24, start="tape", short=0, log=None):
    """A language model, and its curve: every 20 steps (step, CPU seconds, answers right where the
    fact is in detail, nats a token of text, bag loss). Of the loss an answer's value weighs four
    times as much as a token of text; every 8th mixed step shows everything. short: for so many
    steps streams have 24 blocks instead of 56."""
    generator, lm = seeded(1000 + seed), LM(start=start, seed=seed)
    curve, begun, sums = [], time.process_time(), torch.zeros(3)
    optimiser = torch.optim.AdamW(lm.parameters(), lr=2e-3, weight_decay=0.01)

    def rate(t):
        fall = 1 + math.cos(math.pi * t / (detail + mixed))
        return min(1, (t + 1) / 50) * (0.02 + 0.49 * fall)

    rates = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
    for step in range(detail + mixed):
        mixes = step >= detail
        full = mixes and step % 8 == 0
        facts = int(torch.randint(4, 13, (), generator=generator))
        stream = quiz(batch // 4 if full else batch, blocks=24 if step < short else 56,
                      facts=facts, questions=4, announced=0.6, part="train", generator=generator)
        B, C = stream.size
        e2, e1 = tree.everything(B, C) if full else focus_for(stream.asked, C, generator, mixes)
        nll, logits = read(lm, lm.table(stream.document), e2, e1, stream.tail)
        answer = stream.wanted[:, 1:]
        weight = 1 + 3 * answer
        bag, _, _ = bag_loss(lm, stream.tokens, stream.far, 4)
        value = (nll * weight).sum() / weight.sum() + (0.1 if mixes else 0.2) * bag
        descend(value, optimiser, rates, clip=True)
        hit = (logits[:, :-1].argmax(-1) == stream.tail[:, 1:])[answer]
        right = hit.view(B, 4, 5).float().mean(-1)[e1.flatten(1).gather(1, stream.asked)]
        sums += torch.stack([right.mean().nan_to_num(), nll[~answer].mean(), bag]).detach()
        if (step + 1) % 20 == 0:
            means = [round(v, 4) for v in (sums / 20).tolist()]
            curve.append([step + 1, round(time.process_time() - begun, 1), *means])
            sums.zero_()
            if log:
                log(*curve[-1])
    return lm.eval(), curve


def train_index(lm, steps=300, seed=0):
    """The gist nets, on embeddings as they are. To be found, a gist must say a key louder than the
    other gists of its level: to the bag loss comes 0.2 times the cross-entropy of *which* gist
    holds a key. Returns lm."""
    generator = seeded(2000 + seed)
    learns = [p for part in (lm.gist1, lm.gist2, lm.bag) for p in part.parameters()]
    optimiser = torch.optim.AdamW(learns, weight_decay=0.01)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for _ in range(steps):
        stream = quiz(24, facts=16, questions=4, announced=0.6, part="train", generator=generator)
        loss, said, true = bag_loss(lm, stream.tokens, stream.far, 2, 5)
        for logits, keys in zip(said, true):
            logits, keys = logits[..., KEYS[0] : KEYS[-1] + 1], keys[..., KEYS[0] : KEYS[-1] + 1]
            share = keys / keys.sum(1, keepdim=True).clamp(min=1)
            loss = loss - 0.2 * (logits.log_softmax(1) * share).sum() / keys.amax(1).sum()
        descend(loss, optimiser, rates)
    return lm


def found(lm, B=256, seed=7):
    """Of how many questions the gist that says the key loudest is the right one: (of LOD2, of
    LOD1)."""
    stream = quiz(B, generator=seeded(seed))
    with torch.no_grad():
        said = lm.bag(table_of(lm, stream))
    said = said[torch.arange(B), :, stream.tail[:, 55]]  # of the key that is asked for
    lod, asked = tree.layout(stream.size[1])[0], stream.asked[:, 0]
    return [(said[:, lod == level].argmax(1) == true).float().mean().item()
            for level, true in ((2, asked // F), (1, asked))]


LENSES = {"tokens": ("tokens", "dual"), "cosine": ("tokens", "cosine"), "gists": ("gists", "dual")}


def train_lenses(lm, seed=0, n=1024, names=("tokens",), log=print):
    """For one language model, one after the other, (name, lens), from labels that know nothing of
    what is asked: n contexts under random focuses teach a first lens; n more are where that one's
    allocator gets to; from both together every lens of `names` is learned anew."""
    generator, begun = seeded(3000 + seed), time.process_time()
    sets = [contexts(lm, n, generator)]
    log("random labels", round(time.process_time() - begun, 1), "CPU s")
    first = train_lens(lm, sets, seed=seed, steps=400)
    sets.append(contexts(lm, n, generator, lens=first))
    log("labels where the lens goes", round(time.process_time() - begun, 1), "CPU s")
    for name in names:
        lens = train_lens(lm, sets, *LENSES[name], seed=seed)
        log(name, round(time.process_time() - begun, 1), "CPU s")
        yield name, lens


def main(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the language model")
    parser.add_argument("--lenses", type=int, nargs="*", default=[0], help="seeds of its lenses")
    parser.add_argument("--out", type=Path, default=Path("build/focus"))
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"lm-{options.seed}.safetensors"
    if not path.exists():
        lm, curve = train_lm(options.seed, log=print)
        before = found(lm)
        after = found(train_index(lm, seed=options.seed))
        lm.half().save(path, curve=curve, found=[before, after])
    lm = LM.load(path).float().eval()
    for seed in options.lenses:
        for name, lens in train_lenses(lm, seed, names=LENSES):
            lens.half().save(options.out / f"lens-{options.seed}-{name}-{seed}.safetensors")


if __name__ == "__main__":
    main()
