"""Everything that is trained, from nothing: `python -m ntm.focus.train` (a few CPU minutes a seed).

First detail: a language model learns to read facts that are shown as tokens. Then the index: with its embeddings as they are, the gists
learn which symbols lie in their spans; trained by the language model's loss alone they hold no keys, and no lens can find anything.
Then mixed levels: with embeddings and gists as they are, the model learns to live among gists.
"""

import argparse
import math
import time
from pathlib import Path

import torch
from torch.nn import functional

from . import tree
from .data import KEYS, SET, VOCABULARY, F, K, quiz
from .model import LM, read


def focus_for(asked, C, generator, mixed):
    """A focus to train with: e2, e1, a budget up to 91 entries. Not mixed: all asked blocks as tokens, then others as they
    fit. Mixed: of the asked, 40 % as tokens, 30 % as gists of LOD1, the rest where they fall; in one context of 25 nothing is open."""
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
    budget = torch.randint(21 if mixed else 63, 92, (B,), generator=generator)
    if mixed:
        budget[torch.rand(B, generator=generator) < 0.04] = C
    return tree.fill(order, *tree.nothing(B, C), budget, level.gather(1, order))


def bag_loss(lm, tokens, far):
    """How badly the gists say which symbols lie in their spans, tokens [B, far + tail]; gists of LOD1 of all blocks, of LOD2 of the far.

    Binary cross-entropy, in which a planted symbol weighs twice and its presence five times more, since most spans lack it; and 0.2 times
    the cross-entropy of *which* gist of a level holds a key, since to be found a gist must say so louder than the others.
    """
    _, one = lm.gists(tokens)
    two = lm.gist2(one[:, : far // K].unflatten(1, (-1, F)))
    held1 = functional.one_hot(tokens.unflatten(1, (-1, K)), VOCABULARY).amax(2).float()  # [B, blocks, symbols]
    held2 = held1[:, : far // K].unflatten(1, (-1, F)).amax(2)
    weight, present = torch.ones(VOCABULARY), torch.ones(VOCABULARY)
    weight[SET:], present[SET:] = 2, 5
    said = lm.bag(torch.cat([two, one], 1))
    loss = functional.binary_cross_entropy_with_logits(said, torch.cat([held2, held1], 1), weight, pos_weight=present)
    for logits, held in ((said[:, : two.shape[1]], held2), (said[:, two.shape[1] :], held1)):
        logits, held = logits[..., KEYS[0] : KEYS[-1] + 1], held[..., KEYS[0] : KEYS[-1] + 1]
        share = held / held.sum(1, keepdim=True).clamp(min=1)
        loss = loss - 0.2 * (logits.log_softmax(1) * share).sum() / held.amax(1).sum()
    return loss


def found(lm, B=256, seed=7):
    """Of how many questions the gist that says the key loudest is the right one: (of LOD2, of LOD1)."""
    stream = quiz(B, part="train", generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        said = lm.bag(lm.table(stream.tokens[:, : stream.far]))
    said = said.gather(2, stream.tail[:, 55, None, None].expand(-1, said.shape[1], 1))[..., 0]
    lod, asked = tree.layout(stream.far // (F * K))[0], stream.asked[:, 0]
    return [(said[:, lod == 2].argmax(1) == asked // F).float().mean().item(), (said[:, lod == 1].argmax(1) == asked).float().mean().item()]


def train_index(lm, steps=300, seed=0):
    """The gist nets, on embeddings as they are."""
    generator = torch.Generator().manual_seed(2000 + seed)
    parameters = [*lm.gist1.parameters(), *lm.gist2.parameters(), *lm.bag.parameters()]
    optimiser = torch.optim.AdamW(parameters, weight_decay=0.01)
    rise_and_fall = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for _ in range(steps):
        stream = quiz(24, facts=16, questions=4, announced=0.6, part="train", generator=generator)
        optimiser.zero_grad()
        bag_loss(lm, stream.tokens, stream.far).backward()
        lm.embed.weight.grad = None
        optimiser.step()
        rise_and_fall.step()


def train_reading(lm, parameters, steps, mixed, seed=0, batch=24, rate=2e-3, curve=None, log=None):
    """The language model, `steps` updates of these parameters; of the loss an answer's value weighs four times as much as text.

    Adds to curve, every 20 steps: (step, CPU seconds, answers right where the fact is in detail, nats a token of text).
    """
    generator, begun = torch.Generator().manual_seed(1000 + seed + 100 * mixed), time.process_time()
    optimiser = torch.optim.AdamW(parameters, rate, weight_decay=0.01)
    fall = lambda t: (1 + math.cos(math.pi * t / steps)) / 2 if mixed else 1.0  # noqa: E731
    rates = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda t: min(1, (t + 1) / 50) * fall(t))
    curve, sums = curve if curve is not None else [], torch.zeros(2)
    before = curve[-1][:2] if curve else [0, 0]
    for step in range(steps):
        full = mixed and step % 8 == 0
        facts = int(torch.randint(4, 13, (), generator=generator))
        stream = quiz(batch // 4 if full else batch, facts=facts, questions=4, announced=0.6, part="train", generator=generator)
        B, C = len(stream.tokens), stream.far // (F * K)
        e2, e1 = tree.everything(B, C) if full else focus_for(stream.asked, C, generator, mixed)
        nll, logits = read(lm, lm.table(stream.tokens[:, : stream.far]), e2, e1, stream.tail)
        answer = stream.answer[:, stream.far + 1 :]
        optimiser.zero_grad()
        ((nll * (1 + 3 * answer)).sum() / (1 + 3 * answer).sum()).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        rates.step()
        right = (logits[:, :-1].argmax(-1) == stream.tail[:, 1:])[answer].view(B, 4, 5).float().mean(-1)
        detailed = e1.flatten(1).gather(1, stream.asked)
        sums += torch.stack([right[detailed].mean().nan_to_num(), nll.detach()[~answer].mean()])
        if (step + 1) % 20 == 0:
            curve.append([before[0] + step + 1, round(before[1] + time.process_time() - begun, 1), *((sums / 20).tolist())])
            sums.zero_()
            if log:
                log(curve[-1])
    return curve


def train_lm(seed=0, detail=550, index=300, mixed=450, log=None):
    """A language model with gists that can be found, and its curve (see train_reading)."""
    lm = LM(seed=seed)
    curve = train_reading(lm, list(lm.parameters()), detail, False, seed, log=log)
    train_index(lm, index, seed)
    for parameter in [*lm.embed.parameters(), *lm.gist1.parameters(), *lm.gist2.parameters(), *lm.bag.parameters()]:
        parameter.requires_grad_(False)
    train_reading(lm, [p for p in lm.parameters() if p.requires_grad], mixed, True, seed, curve=curve, log=log)
    return lm.eval(), curve


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="build/focus")
    options = parser.parse_args()
    torch.set_num_threads(1)
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    lm, curve = train_lm(options.seed, log=lambda point: print(*point, flush=True))
    lm.save(out / f"lm-{options.seed}.safetensors", curve=curve)
    print(found(lm))
