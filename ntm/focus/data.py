"""Streams: real English text with planted facts, and questions about them whose answers are known.

The text is a frozen excerpt (330 kB, lower case) of the documentation that Python carries in
`pydoc_data.topics`; its licence lies beside it. A fact fills one block of K = 8 tokens, `SET key v1
v2 v3 v4 v5 END`; the five values of a fact differ. A question is announced (`ASK key` closes one
block, the answer opens the next, so that the focus may move in between) or unannounced (all eight
tokens in one block: the focus had to be right before)."""

import gzip
from dataclasses import dataclass
from pathlib import Path

import torch

K, F = 8, 8  # tokens in a block, blocks under a node of LOD2
# the 48 commonest; anything else in the text is symbol 48
SYMBOLS = " etaisnorlchdup\"mfb_g.y,w()x*v:k'-j|=>1][0q3+2;z"
SET, ASK, END = 49, 50, 51
KEYS, VALUES = range(52, 84), range(84, 110)
VOCABULARY, ANSWER = 110, 5  # symbols in all; values in an answer


@dataclass
class Stream:
    """tokens [B, far + tail]; the first `far` are what a focus is over, the rest always stays in
    full detail.

    facts [B, n]: their blocks; asked [B, questions]: the block each question is about; answer [B,
    far + tail]: True at the values of an answer; announced [B, questions]. size: B and C, the nodes
    of LOD2 over the far part; document: the far part; seen: the first seven blocks of the tail,
    what a lens may know of it; wanted: `answer` in the tail."""

    tokens: torch.Tensor
    far: int
    facts: torch.Tensor
    asked: torch.Tensor
    answer: torch.Tensor
    announced: torch.Tensor

    @property
    def size(self):
        return len(self.tokens), self.far // (F * K)

    @property
    def document(self):
        return self.tokens[:, : self.far]

    @property
    def tail(self):
        return self.tokens[:, self.far :]

    @property
    def seen(self):
        return self.tail[:, : 7 * K]

    @property
    def wanted(self):
        return self.answer[:, self.far :]


def seeded(seed):
    """A generator of its own, begun at this seed."""
    return torch.Generator().manual_seed(seed)


def windows(values, row, step):
    """Eight blocks of row[q] of values [B, n], from block step[q] on: [q, 64]."""
    return values[row[:, None], step[:, None] * K + torch.arange(8 * K)]


_text = {}


def text(part="train"):
    """The excerpt as numbers of symbols: its first nine tenths ("train") or its last ("test")."""
    if not _text:
        raw = gzip.decompress((Path(__file__).parent / "text.txt.gz").read_bytes()).decode("utf-8")
        number = {symbol: i for i, symbol in enumerate(SYMBOLS)}
        all = torch.tensor([number.get(symbol, len(SYMBOLS)) for symbol in raw])
        _text.update(train=all[: len(all) * 9 // 10], test=all[len(all) * 9 // 10 :])
    if part not in _text:
        raise ValueError(f'part is {part!r}; it must be "train" or "test"')
    return _text[part]


def say(tokens):
    """A row of tokens as a string: planted symbols in brackets, values as capitals."""
    names = {SET: "[SET]", ASK: "[ASK]", END: "[END]", len(SYMBOLS): "?"}
    names |= {k: f"[key {i}]" for i, k in enumerate(KEYS)}
    names |= {v: chr(65 + i) for i, v in enumerate(VALUES)}
    return "".join(SYMBOLS[t] if t < len(SYMBOLS) else names[t]
                   for t in torch.as_tensor(tokens).tolist())


def _facts(B, n, generator):
    """Keys [B, n], all different, and values [B, n, 5], different within a fact."""
    keys = KEYS[0] + torch.rand(B, len(KEYS), generator=generator).argsort(-1)[:, :n]
    order = torch.rand(B, n, len(VALUES), generator=generator).argsort(-1)
    return keys, VALUES[0] + order[..., :ANSWER]


def _fill(tokens, part, generator):
    """Lay running text into the places that are still -1, from a random place of the text on."""
    source, free = text(part), tokens < 0
    begin = torch.randint(len(source) - tokens.shape[1], (len(tokens), 1), generator=generator)
    return torch.where(free, source[begin + (free.cumsum(1) - 1).clamp(min=0)], tokens)


def _plant(blocks, ends, facts, keys, values, questions, part, generator):
    """Facts into their blocks, then questions into theirs, then text. A question: the block of the
    stream, which fact [B], whether it is announced [B], whether it is asked at all [B]."""
    B, rows = len(facts), torch.arange(len(facts))
    tokens = torch.full((B, ends * K), -1)
    answer = torch.zeros(B, ends * K, dtype=torch.bool)
    whole = torch.cat([torch.full_like(keys, SET)[..., None], keys[..., None], values,
                       torch.full_like(keys, END)[..., None]], -1)
    tokens.view(B, ends, K)[rows[:, None], facts] = whole
    for block, which, early, speaks in questions:
        # ASK key v1..v5 END
        asking = torch.cat([torch.full((B, 1), ASK), whole[rows, which, 1:]], 1)
        # two tokens earlier where it is announced
        at = (block * K - 2 * early.long())[:, None] + torch.arange(K)
        tokens[rows[:, None], at] = torch.where(speaks[:, None], asking, -1)
        answer[rows[:, None], at[:, 2:-1]] = speaks[:, None]
    asked = torch.stack([torch.where(speaks, facts[rows, which], -1)
                         for _, which, _, speaks in questions], 1)
    early = torch.stack([early for _, _, early, _ in questions], 1)
    return Stream(_fill(tokens, part, generator), blocks * K, facts, asked, answer, early)


def quiz(B, *, blocks=56, facts=12, questions=1, announced=1.0, part="test", generator=None):
    """Facts anywhere in the far part; then a tail of eight blocks with 1 to 4 questions, the last
    in its last block.

    announced: the probability that a question is. Returns a Stream."""
    if not 1 <= questions <= 4 or not questions <= facts <= min(len(KEYS), blocks):
        raise ValueError(f"questions is {questions}, facts {facts}; 1 <= questions <= 4, and no "
                         "fewer facts than questions, at most 32")
    where = torch.rand(B, blocks, generator=generator).argsort(-1)[:, :facts]
    keys, values = _facts(B, facts, generator)
    order = torch.rand(B, facts, generator=generator).argsort(-1)
    always = torch.ones(B, dtype=torch.bool)
    asks = [(blocks + 7 - 2 * i, order[:, i], torch.rand(B, generator=generator) < announced,
             always) for i in reversed(range(questions))]
    return _plant(blocks, blocks + 8, where, keys, values, asks, part, generator)


def records(B, *, sequential=True, blocks=56, part="test", generator=None):
    """Three records of four facts, each in four blocks in a row under one node; an announced
    question, then, in the next block, an unannounced one: about the fact that follows in the record
    (sequential) or about any of the others (the control)."""
    node = torch.rand(B, blocks // F, generator=generator).argsort(-1)[:, :3]
    first = node * F + torch.randint(F - 3, (B, 3), generator=generator)
    where = (first[..., None] + torch.arange(4)).flatten(1)
    keys, values = _facts(B, 12, generator)
    record, within = (torch.randint(3, (B,), generator=generator) for _ in range(2))
    which = 4 * record + within
    other = (which + torch.randint(1, 12, (B,), generator=generator)) % 12
    after = which + 1 if sequential else other
    yes = torch.ones(B, dtype=torch.bool)
    asks = [(blocks + 7, which, yes, yes), (blocks + 8, after, ~yes, yes)]
    return _plant(blocks, blocks + 9, where, keys, values, asks, part, generator)


def dialogue(B, *, rounds=24, stay=0.85, blocks=56, facts=12, part="test", generator=None):
    """A document, eight blocks of text, then `rounds` rounds of two blocks, a question in each.
    With probability `stay` it is about the topic of the round before, unannounced; else about a new
    topic, announced. Questions about one topic lie five rounds apart or more, so that the answer
    cannot be read off the tail: in between, a round holds text only (asked is -1 there)."""
    where = torch.rand(B, blocks, generator=generator).argsort(-1)[:, :facts]
    keys, values = _facts(B, facts, generator)
    topic, since = torch.randint(facts, (B,), generator=generator), torch.full((B,), 99)
    asks = []
    for round in range(rounds):
        moves = (torch.rand(B, generator=generator) >= stay) | (round == 0)
        other = (topic + torch.randint(1, facts, (B,), generator=generator)) % facts
        topic = torch.where(moves, other, topic)
        speaks = moves | (since >= 5)
        since = torch.where(speaks, 1, since + 1)
        asks.append((blocks + 8 + 2 * round + 1, topic, moves, speaks))
    return _plant(blocks, blocks + 8 + 2 * rounds, where, keys, values, asks, part, generator)
