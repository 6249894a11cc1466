"""The sequences of a training, in an order that the seed alone decides."""

import copy

import torch

BLOCK = 64  # sequences drawn at once: one by one, drawing costs more than learning


class Stream:
    """What `task` draws from `generator`, `batch` sequences at a time, on the device and in the
    dtype of `like`.

    The tasks of ntm.tasks are drawn in blocks of 64 sequences and handed out in slices, each as
    long as its own longest sequence: the n-th sequence is the same for every batch size, and
    drawing costs next to nothing. They say in their own class that this may be done, by
    `steady = True`; a task that does not, because what it draws may change from one call to the
    next, is asked for every batch.
    """

    def __init__(self, task, batch, generator, like):
        self.task, self.batch, self.generator = task, batch, generator
        self.where = like.device, like.dtype
        self.block, self.at = None, 0  # the block at hand, and how much of it is handed out
        self.begun = generator.get_state()  # the generator's state before that block

    def draw(self):
        """The next Batch."""
        task, batch = self.task, self.batch
        if "steady" not in vars(type(task)) or "sample" in vars(task):
            return self._sample(batch)
        if self.block is None or self.settings != vars(task):  # or of other lengths by now
            self.generator.set_state(self.begun)
            self._next_block()
        if self.at + batch <= BLOCK:
            self.at += batch
            return self._slice(self.at - batch, self.at)
        parts, missing = [], batch
        while missing:
            if self.at >= BLOCK:
                self.at = 0
                self._next_block()
            n = min(missing, BLOCK - self.at)
            parts.append(self._slice(self.at, self.at + n))
            self.at, missing = self.at + n, missing - n
        longest = max(part.mask.shape[0] for part in parts)
        return type(parts[0])(
            *(torch.cat([_padded(value, longest) for value in values], 1) for values in zip(*parts))
        )

    def position(self):
        """What `go_to` needs to go on from here: a generator's state, and how many came since."""
        return (self.generator.get_state(), 0) if self.block is None else (self.begun, self.at)

    def go_to(self, begun, at):
        """Go on from a position."""
        self.generator.set_state(begun)
        self.block, self.begun, self.at = None, begun, at

    def _sample(self, batch):
        sample = self.task.sample(batch, generator=self.generator)
        return type(sample)(*(value.to(*self.where) for value in sample))

    def _next_block(self):
        self.begun, self.settings = self.generator.get_state(), copy.deepcopy(vars(self.task))
        self.block = self._sample(BLOCK)
        self.layout = [(value, value.shape[2:], value.stride()) for value in self.block]
        scored = self.block.mask.ne(0)
        ends = scored * torch.arange(1, len(scored) + 1, device=scored.device).unsqueeze(
            -1
        )  # one after each scored step
        self.lengths = ends.amax(0).clamp(min=1).tolist()

    def _slice(self, first, end):
        T, n = max(self.lengths[first:end]), end - first
        # views of [:T, first:end]; indexing would take three times as long
        views = (
            v.as_strided((T, n, *rest), steps, v.storage_offset() + first * steps[1])
            for v, rest, steps in self.layout
        )
        return type(self.block)(*views)


def _padded(value, steps):
    """value [T, ...] with zeros after it, for so many steps."""
    return torch.cat([value, value.new_zeros(steps - len(value), *value.shape[1:])])
