"""What length costs: a tree that grows with its stream, as many levels as it needs, and a working
context that does not.

Levels above LOD2 use the net that makes LOD2 from LOD1. It was never trained for them: this counts
time and memory, not answers."""

import torch

from .data import F, K


class Tower:
    """The gists of a stream of up to `tokens` tokens, one array a level, level 1 first. Appending
    changes no row that is there."""

    def __init__(self, lm, tokens, d=64):
        self.lm, self.levels, self.length = lm, [], []
        nodes = tokens // K
        while nodes:
            self.levels.append(torch.zeros(nodes, d, dtype=torch.float16))
            self.length.append(0)
            nodes //= F

    def append(self, blocks):
        """blocks [n, K] of tokens, after all that is there: their gists, and every gist above that
        they complete. Returns self."""
        with torch.no_grad():
            new, level = self.lm.gist1(self.lm.embed(blocks)), 0
            while len(new) and level < len(self.levels):
                begin = self.length[level]
                self.length[level] += len(new)
                self.levels[level][begin : begin + len(new)] = new.half()
                level += 1
                if level < len(self.levels):
                    done, whole = self.length[level], self.length[level - 1] // F
                    below = self.levels[level - 1][done * F : whole * F].float()
                    new = self.lm.gist2(below.view(-1, F, new.shape[-1]))
        return self

    def bytes(self):
        """Of all gists, and of the tokens at one byte each."""
        gists = sum(2 * n * rows.shape[1] for n, rows in zip(self.length, self.levels))
        return gists + K * self.length[0]


def cover(blocks):
    """The coarsest focus of a stream of so many blocks: (level, number of the node), oldest first.
    The digits of `blocks` to the base F, so never more than F - 1 nodes a level."""
    found, begin, level, span = [], 0, 1, 1
    while span * F <= blocks:
        level, span = level + 1, span * F
    while span:
        for _ in range((blocks - begin) // span):
            found.append((level, begin // span))
            begin += span
        level, span = level - 1, span // F
    return found


def open_to(focus, block):
    """The same focus with every node above `block` opened, down to its tokens (level 0, numbers of
    tokens)."""
    while True:
        at = next(i for i, (level, n) in enumerate(focus) if block // F ** (level - 1) == n)
        level, n = focus[at]
        if level == 1:
            return focus[:at] + [(0, n * K + i) for i in range(K)] + focus[at + 1 :]
        focus = focus[:at] + [(level - 1, n * F + i) for i in range(F)] + focus[at + 1 :]
