"""What the kin are tried on: one task for all, and a small one for each idea.

`Recall` follows the protocol of ntm.tasks (time first). The others return dicts of tensors, batch
first, in whatever form their models ask for.
"""

import torch
from torch.nn.functional import one_hot

from ..tasks import Batch


def _generator(generator):
    return generator if generator is not None else torch.default_generator


class Recall:
    """Associative recall in a sequence: n pairs of a key and a value, one a step; then n steps that
    ask for them in another order.

    13 input channels: a key of 8 bits, a value of 4, silent in a question, and one that says that
    this is a question; 4 outputs, scored in the n steps of the questions. No key comes twice.
    pairs: lowest and highest n. gap: so many silent steps before the questions, or the lowest and
    the highest number of them. rewrites: the keys come in two rounds, with other values in the
    second, which count.
    """

    inputs, outputs, key, value = 13, 4, 8, 4

    def __init__(self, pairs=(2, 16), gap=0, rewrites=False):
        self.pairs, self.gap, self.rewrites = pairs, gap, rewrites

    def sample(self, batch, *, pairs=None, gap=None, generator=None):
        """`batch` sequences of the same n, as a Batch of (2 or 3) n + gap steps."""
        g = _generator(generator)
        low, high = self.pairs if pairs is None else (pairs, pairs)
        n = int(torch.randint(low, high + 1, (), generator=g))
        gap, rounds = self.gap if gap is None else gap, 1 + self.rewrites
        if not isinstance(gap, int):
            gap = int(torch.randint(gap[0], gap[1] + 1, (), generator=g))
        number = torch.rand(batch, 2**self.key, generator=g).argsort(1)[:, :n].T  # [n, B]
        keys = ((number.unsqueeze(-1) >> torch.arange(self.key)) & 1).float()
        values = torch.randint(0, 2, (rounds, n, batch, self.value), generator=g).float()
        order = torch.rand(n, batch, generator=g).argsort(0)
        asked = [
            part.gather(0, order.unsqueeze(-1).expand(-1, -1, part.shape[-1]))
            for part in (keys, values[-1])
        ]
        x = torch.zeros(rounds * n + gap + n, batch, self.inputs)
        for i in range(rounds):
            x[i * n : (i + 1) * n, :, : self.key] = keys
            x[i * n : (i + 1) * n, :, self.key : -1] = values[i]
        x[-n:, :, : self.key], x[-n:, :, -1] = asked[0], 1
        y, mask = torch.zeros(len(x), batch, self.outputs), torch.zeros(len(x), batch)
        y[-n:], mask[-n:] = asked[1], 1
        return Batch(x, y, mask)

    @staticmethod
    def support(x):
        """For each question of x [T, B, inputs] the step that holds its answer, [B, m]."""
        stored, asked = x[x[:, 0, -1] == 0].transpose(0, 1), x[x[:, 0, -1] == 1].transpose(0, 1)
        apart = (asked[:, :, None, : Recall.key] - stored[:, None, :, : Recall.key]).abs().sum(-1)
        return apart.argmin(-1)


def answered(logits, batch):
    """The share of questions that are answered without a wrong bit."""
    right = ((logits > 0) == (batch.y > 0.5)).all(-1)
    return ((right * batch.mask).sum() / batch.mask.sum()).item()


THINGS, PEOPLE, PLACES, VERBS = 8, 8, 8, 2
WORDS = THINGS + PEOPLE + PLACES + VERBS + 1  # the last: "where"


def two_hops(batch, people=4, generator=None):
    """Where is the apple, if the apple is with Mary, and Mary in the garden?

    facts [B, 2 people, 3, words]: sentences of three words, one-hot, in any order; questions [B, 1,
    3, words]; answer [B, 1], the number of the place; support [B, 1, 2], the two facts that are
    needed, in their order.
    """
    g = _generator(generator)
    some = [
        torch.rand(batch, count, generator=g).argsort(1)[:, :people] for count in (THINGS, PEOPLE)
    ]
    thing, person = some[0], THINGS + some[1]
    place = torch.randint(0, PLACES, (batch, people), generator=g)
    with_, in_, where = WORDS - 3, WORDS - 2, WORDS - 1
    verb = torch.full_like(thing, with_)
    facts = torch.cat(
        [
            torch.stack([thing, verb, person], -1),
            torch.stack([person, torch.full_like(thing, in_), THINGS + PEOPLE + place], -1),
        ],
        1,
    )
    order = torch.rand(batch, 2 * people, generator=g).argsort(1)
    facts = facts.gather(1, order.unsqueeze(-1).expand(-1, -1, 3))
    found = order.argsort(1)
    question = torch.stack([torch.full_like(thing[:, :1], where), verb[:, :1], thing[:, :1]], -1)
    return dict(
        facts=one_hot(facts, WORDS).float(),
        questions=one_hot(question, WORDS).float(),
        answer=place[:, :1],
        support=torch.stack([found[:, :1], found[:, people : people + 1]], -1),
    )


COLOURS = torch.tensor(
    [[1.0, 0.1, 0.1], [0.1, 0.9, 0.1], [0.15, 0.2, 1.0], [1.0, 0.85, 0.1], [0.9, 0.2, 0.9]]
)


def scenes(batch, objects=3, length=24, generator=None):
    """A line of pixels with some objects on it, each a run of 4 to 6 pixels of one colour, none
    upon another: picture [B, length, 3], and whose each pixel is [B, length], 0 for no object's."""
    g = _generator(generator)
    picture, owner = torch.zeros(batch, length, 3), torch.zeros(batch, length, dtype=torch.long)
    size = torch.randint(4, 7, (batch, objects), generator=g)
    free = length - size.sum(1)
    cuts = (torch.rand(batch, objects, generator=g) * (free + 1).unsqueeze(1)).long().sort(1).values
    begin = cuts + torch.cat([torch.zeros(batch, 1, dtype=torch.long), size.cumsum(1)[:, :-1]], 1)
    colour = torch.rand(batch, len(COLOURS), generator=g).argsort(1)[:, :objects]
    at = torch.arange(length)
    for i in range(objects):
        inside = (at >= begin[:, i : i + 1]) & (at < (begin + size)[:, i : i + 1])
        owner[inside] = i + 1
        picture = torch.where(inside.unsqueeze(-1), COLOURS[colour[:, i]].unsqueeze(1), picture)
    return dict(picture=picture, owner=owner)


def marked(batch, n=256, marks=8, generator=None):
    """Few of many: x [B, n, 13] holds noise, and `marks` items with a mark, a key of 8 bits and a
    value of 4; queries [B, marks, 8] ask by key, answers [B, marks, 4] are the values."""
    g = _generator(generator)
    bits = torch.randint(0, 2, (batch, n, 12), generator=g).float()
    at = torch.rand(batch, n, generator=g).argsort(1)[:, :marks]
    mark = torch.zeros(batch, n, 1).scatter(1, at.unsqueeze(-1), 1.0)
    number = torch.rand(batch, 256, generator=g).argsort(1)[:, :marks]
    keys = ((number.unsqueeze(-1) >> torch.arange(8)) & 1).float()
    bits[..., :8] = bits[..., :8].scatter(1, at.unsqueeze(-1).expand(-1, -1, 8), keys)
    values = bits[..., 8:].gather(1, at.unsqueeze(-1).expand(-1, -1, 4))
    return dict(x=torch.cat([bits, mark], -1), queries=keys, answers=values)


class Stream(Recall):
    """A pair every fourth step, silence between; then a question for every pair, the newest first,
    so that each is asked for at a distance of its own, up to more than `length` steps."""

    def __init__(self, length=28):
        self.length = length
        # from the step with the pair to the step with its question
        self.distances = [5 * (i + 1) - 1 for i in range(length // 4)]

    def sample(self, batch, *, generator=None):
        g, pairs = _generator(generator), self.length // 4
        number = torch.rand(batch, 2**self.key, generator=g).argsort(1)[:, :pairs].T
        keys = ((number.unsqueeze(-1) >> torch.arange(self.key)) & 1).float()
        values = torch.randint(0, 2, (pairs, batch, self.value), generator=g).float()
        x = torch.zeros(self.length + pairs, batch, self.inputs)
        x[: self.length : 4, :, : self.key], x[self.length :, :, : self.key] = keys, keys.flip(0)
        x[: self.length : 4, :, self.key : -1] = values
        x[self.length :, :, -1] = 1
        y, mask = torch.zeros(len(x), batch, self.outputs), torch.zeros(len(x), batch)
        y[self.length :], mask[self.length :] = values.flip(0), 1
        return Batch(x, y, mask)


def pictures(batch, side=4, generator=None):
    """Where to look: side x side places, each with a shape and a shade, four of each.

    a [B, places, 8]: shape and shade, one-hot. The question h [B, 4] names a shape that is there
    once, at the place `at` [B]; answer [B] is its shade.
    """
    g = _generator(generator)
    places = side * side
    asked = torch.randint(0, 4, (batch, 1), generator=g)
    shape = (asked + 1 + torch.randint(0, 3, (batch, places), generator=g)) % 4
    at = torch.randint(0, places, (batch, 1), generator=g)
    shape = shape.scatter(1, at, asked)
    shade = torch.randint(0, 4, (batch, places), generator=g)
    a = torch.cat([one_hot(shape, 4), one_hot(shade, 4)], -1).float()
    return dict(
        a=a,
        h=one_hot(asked.squeeze(1), 4).float(),
        answer=shade.gather(1, at).squeeze(1),
        at=at.squeeze(1),
    )
