"""The small task of each idea, with the model that has it and one that lacks it.

TASKS: {task: {name: a function of the seed that trains it and returns what was found}}.
"""

from functools import partial
from itertools import permutations
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from .attention import MultiHead, Transformer
from .fast_weights import DeltaNet, LinearAttention
from .fit import fit, per_question
from .glance import Glance, reinforce
from .latents import PerceiverIO, SlotAttention
from .long import Compressive, Memorizing
from .look import over_queries, over_slots, unchanged
from .memory_networks import MemN2N, MemoryNetwork, margin
from .recall import Reconstructing
from .tasks import PLACES, WORDS, Recall, Stream, answered, marked, pictures, scenes, two_hops

SCENE = Path(__file__).with_name("slots.safetensors")


def drawn_from(sample, seed, **options):
    """A test set, from a stream that no training has seen."""
    return sample(generator=torch.Generator().manual_seed(10**6 + seed), **options)


def made(build, seed):
    """A model whose first weights come from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


# Two hops


def hops_model(hops, tying, seed):
    """MemN2N for two_hops; it answers with places."""
    return made(lambda: MemN2N(WORDS, 48, PLACES, hops, tying, spread=0.2), seed)


def train_hops(hops, seed, linear_start=0.5, tying="adjacent", updates=600):
    """linear_start: for this share of the updates without the softmax."""
    model, seen = hops_model(hops, tying, seed), [0]

    def loss(model, batch):
        rule = unchanged if seen[0] < linear_start * updates else over_slots
        seen[0] += 1
        answers, _ = model(batch["facts"], batch["questions"], normalise=rule)
        return cross_entropy(answers[:, 0], batch["answer"][:, 0])

    curve = fit(model, lambda g: two_hops(32, generator=g), loss, updates, 3e-3, seed)
    return model, dict(right=right_places(model, seed), curve=curve)


@torch.no_grad()
def right_places(model, seed):
    """The share of 500 questions that are answered right."""
    test = drawn_from(partial(two_hops, 500), seed)
    answers = model(test["facts"], test["questions"])[0].argmax(-1)
    return (answers == test["answer"]).float().mean().item()


def facts_loss(model, batch):
    """Equations (6) to (8) of Weston."""
    answers, z = model(batch["facts"], batch["questions"], batch["support"])
    found = sum(margin(z[h], batch["support"][..., h]) for h in range(model.hops))
    return found + margin(answers, batch["answer"])


def train_facts(hops, seed, updates=150):
    """Of the facts it is told the last `hops`: with one, the one that holds the answer."""
    model = made(lambda: MemoryNetwork(WORDS, 24, PLACES, hops), seed)

    def loss(model, batch):
        return facts_loss(model, batch | dict(support=batch["support"][..., -hops:]))

    curve = fit(model, lambda g: two_hops(32, generator=g), loss, updates, 1e-2, seed)
    return model, dict(right=right_places(model, seed), curve=curve)


# Objects in a scene


class Autoencoder(nn.Module):
    """A scene through slots: each slot paints the whole line and a mask; masks compete for pixels.

    x [B, length, 3] to (picture, masks [B, slots, length], weights of the last look).
    """

    def __init__(self, normalise=over_queries, length=24, d=32, slots=4):
        super().__init__()
        place = torch.linspace(-1, 1, length).unsqueeze(1)
        waves = [f(3.1416 * n * place) for n in (0.5, 1, 2, 4) for f in (torch.sin, torch.cos)]
        self.register_buffer("place", torch.cat([place, *waves], 1))
        self.embed = nn.Sequential(
            nn.Linear(3 + self.place.shape[1], d), nn.ReLU(), nn.Linear(d, d)
        )
        self.slots = SlotAttention(d, d, slots, normalise=normalise)
        self.paint = nn.Sequential(
            nn.Linear(d + self.place.shape[1], 2 * d),
            nn.ReLU(),
            nn.Linear(2 * d, d),
            nn.ReLU(),
            nn.Linear(d, 4),
        )

    def forward(self, x, begin=None):
        place = self.place.expand(len(x), -1, -1)
        slots, w = self.slots(self.embed(torch.cat([x, place], -1)), begin)
        each = torch.cat(
            [
                slots.unsqueeze(2).expand(-1, -1, x.shape[1], -1),
                place.unsqueeze(1).expand(-1, slots.shape[1], -1, -1),
            ],
            -1,
        )
        painted = self.paint(each)
        masks = torch.softmax(painted[..., 3], dim=1)
        return (masks.unsqueeze(-1) * painted[..., :3]).sum(1), masks, w


def bound(owner, share):
    """The share of the objects' pixels that belong to the slot of their object, in the best pairing
    of slots and objects: owner [B, length], 0 for none; share [B, slots, length]."""
    found = []
    for own, most in zip(owner, share.argmax(1)):
        objects = range(1, int(own.max()) + 1)
        hits = [
            [((own == o) & (most == s)).sum().item() for s in range(share.shape[1])]
            for o in objects
        ]
        best = max(
            sum(row[s] for row, s in zip(hits, some))
            for some in permutations(range(share.shape[1]), len(hits))
        )
        found.append(best / (own > 0).sum().item())
    return sum(found) / len(found)


def train_scene(normalise, seed, updates=1500):
    """Teach it to paint what it sees; what its slots have bound, by masks and by looks."""
    model = made(lambda: Autoencoder(normalise), seed)

    def loss(model, batch):
        return (model(batch["picture"])[0] - batch["picture"]).square().mean()

    curve = fit(model, lambda g: scenes(16, generator=g), loss, updates, 2e-3, seed)
    test = drawn_from(partial(scenes, 100), seed)
    with torch.no_grad():
        begin = torch.randn(100, 4, 32, generator=torch.Generator().manual_seed(seed))
        picture, masks, w = model(test["picture"], begin)
    error = (picture - test["picture"]).square().mean().item()
    return model, dict(
        bound=bound(test["owner"], masks), looked=bound(test["owner"], w), error=error, curve=curve
    )


def load_scene():
    """The model that the record's seed 200 has trained, with slots that compete."""
    model = Autoencoder()
    model.load_state_dict(load_file(SCENE))
    return model.eval()


# Few latents, many inputs


def train_marked(latents, seed, updates=500):
    model = made(lambda: PerceiverIO(13, 4, 8, latents, 32), seed)
    curve = fit(
        model,
        lambda g: marked(16, 64, generator=g),
        lambda model, b: binary_cross_entropy_with_logits(
            model(b["x"], b["queries"]), b["answers"]
        ),
        updates,
        3e-3,
        seed,
    )
    right = {}
    with torch.no_grad():
        for n in (64, 256, 1024, 4096):
            test = drawn_from(partial(marked, 30, n), seed)
            logits = model(test["x"], test["queries"])
            right[str(n)] = ((logits > 0) == (test["answers"] > 0.5)).all(-1).float().mean().item()
    return model, dict(right=right, curve=curve)


# Past the window

MIXERS = {
    "window": partial(Compressive, segment=8, kept=8, compressed=0),
    "compressed": partial(Compressive, segment=8, kept=8, compressed=8, rate=4),
    "kNN": partial(Memorizing, segment=8, nearest=4),
}


def train_stream(name, seed, updates=500):
    """Trained on streams of 28 steps, of which the last lie in the questions' segment; tested on
    such of 128."""
    task, longer = Stream(), Stream(128)
    sizes = dict(inputs=task.inputs, outputs=task.outputs, d=32, layers=1, mixer=MIXERS[name])
    model = made(lambda: (Reconstructing if name == "compressed" else Transformer)(**sizes), seed)
    curve = fit(model, lambda g: task.sample(32, generator=g), per_question, updates, 3e-3, seed)
    test = drawn_from(partial(longer.sample, 100), seed)
    with torch.no_grad():
        right = ((model(test.x) > 0) == (test.y > 0.5)).all(-1)[longer.length :].float().mean(1)
    return model, dict(distance=longer.distances, right=right.tolist(), curve=curve)


# Where to look


def train_picture(hard, seed, updates=1000, every=100):
    model, baseline, curve = made(lambda: Glance(8, 4, 4, 32, hard), seed), [0.0], []
    test = drawn_from(partial(pictures, 400), seed)

    def loss(model, batch):
        logits, e, w = model(batch["a"], batch["h"])
        if not hard:
            return cross_entropy(logits, batch["answer"])
        gain = -cross_entropy(logits, batch["answer"], reduction="none")
        lost = reinforce(gain, e, w, baseline[0], λ_e=0.1)
        baseline[0] += 0.1 * (gain.mean().item() - baseline[0])
        return lost

    def sample(generator):
        if sample.drawn % every == 0:
            curve.append(right(model, test))
            model.train()
        sample.drawn += 1
        return pictures(32, generator=generator)

    sample.drawn = 0
    fit(model, sample, loss, updates, 5e-3, seed)
    curve.append(right(model, test))
    with torch.no_grad():
        w = model(test["a"], test["h"])[2]
    return model, dict(
        curve=curve, every=every, looked=w.gather(1, test["at"][:, None]).mean().item()
    )


@torch.no_grad()
def right(model, test):
    """The share of questions that are answered right; hard looks go to the likeliest place."""
    return (
        (model.eval()(test["a"], test["h"])[0].argmax(-1) == test["answer"]).float().mean().item()
    )


# A key that is written again

RULES = {"add": LinearAttention, "delta": DeltaNet, "keep all": MultiHead}


def train_rewrites(rule, seed, updates=500):
    task = Recall((2, 8), rewrites=True)
    model = made(lambda: Transformer(task.inputs, task.outputs, 32, 1, RULES[rule]), seed)
    curve = fit(model, lambda g: task.sample(32, generator=g), per_question, updates, 3e-3, seed)
    generator, right = torch.Generator().manual_seed(10**6 + seed), {}
    with torch.no_grad():
        for n in (2, 4, 8, 16):
            test = task.sample(100, pairs=n, generator=generator)
            right[str(n)] = answered(model(test.x), test)
    return model, dict(right=right, curve=curve)


def found(function, *settings, **options):
    """The same without the model: what goes into the record."""
    return lambda seed: function(*settings, seed, **options)[1]


TASKS = {
    "hops": {
        "1 hop": found(train_hops, 1),
        "2 hops": found(train_hops, 2),
        "3 hops": found(train_hops, 3),
        "2 hops, layer-wise": found(train_hops, 2, tying="layer-wise"),
        "2 hops, softmax at once": found(train_hops, 2, linear_start=0),
        "told the facts": found(train_facts, 2),
        "told the last fact": found(train_facts, 1),
    },
    "scene": {
        "slots compete": found(train_scene, over_queries),
        "ordinary attention": found(train_scene, over_slots),
    },
    "marked": {"16 latents": found(train_marked, 16), "2 latents": found(train_marked, 2)},
    "stream": {name: found(train_stream, name) for name in MIXERS},
    "picture": {"soft": found(train_picture, False), "hard": found(train_picture, True)},
    "rewrites": {rule: found(train_rewrites, rule) for rule in RULES},
}
