"""Many machines in one step: S machines of equal shape, each with its own weights, data and curve,
trained side by side.

Their sequences form one batch, and only the linear layers know which machine a sequence belongs to:
NTM.step runs unchanged. This pays where a step's cost is the launching of its operations, on a GPU
or on the clear path. On a CPU with a compiler the fast path, one machine after the other, is
faster.
"""

import copy
import math

import torch
from torch import nn
from tqdm.auto import tqdm

from .checks import positive
from .optim import GravesRMSprop
from .stream import Stream
from .tasks import bits
from .training import History, cosine, one_thread


class Linears(nn.Module):
    """S linear layers of equal shape; every S rows of x [B S, in] belong to machines 0 to S − 1."""

    def __init__(self, layers):
        super().__init__()
        # [S, out, in]
        self.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in layers]))  # [S, out]

    def forward(self, x):
        """x [B S, in] to [B S, out]."""
        x = x.unflatten(0, (-1, len(self.weight))).transpose(0, 1)  # [S, B, in]
        return torch.baddbmm(self.bias.unsqueeze(1), x, self.weight.mT).transpose(0, 1).flatten(
            0, 1)


class Many(nn.Module):
    """S machines of one class and equal settings, as one module: NTMs, or what keeps a State as
    they do, its last entry the controller's. Raises ValueError where they differ, or have a
    controller of their own."""

    def __init__(self, machines):
        super().__init__()
        settings = [machine.settings for machine in machines]
        if (not machines
            or any(type(machine) is not type(machines[0]) or machine.settings != settings[0]
                   for machine in machines)):
            raise ValueError(f"machines has the settings {settings}; they must be of one class, "
                             "at least one, with the same settings")
        if not isinstance(settings[0].get("controller", "lstm"), str):
            raise ValueError("machines have a controller of their own; it must be 'lstm' or "
                             "'feedforward'")
        self.machines = [machines]  # in a list, so that they are no part of this module
        self.S, self.inputs, self.one = (len(machines), machines[0].inputs,
                                         copy.deepcopy(machines[0]))
        for name, part in list(self.one.named_modules()):
            if isinstance(part, nn.Linear):
                parent, _, child = name.rpartition(".")
                setattr(self.one.get_submodule(parent), child,
                        Linears([machine.get_submodule(name) for machine in machines]))
        for name, value, among in self._beginnings():
            owner, _, child = name.rpartition(".")
            stacked = torch.stack([dict(among(machine))[name].detach() for machine in machines])
            stacked = (stacked.squeeze(2).transpose(0, 1).contiguous()
                       if "controller" in name else stacked)
            setattr(self.one.get_submodule(owner), child,
                    nn.Parameter(stacked) if isinstance(value, nn.Parameter) else stacked)

    def _beginnings(self):
        """What a sequence begins with: r_0, M_0, w_0 and the controller's h_0 and c_0, learned or
        not."""
        for among in (nn.Module.named_parameters, nn.Module.named_buffers):
            for name, value in list(among(self.one)):
                if name.endswith("_0"):
                    yield name, value, among

    def by_machine(self, named):
        """(name, value) of parameters or gradients of the whole, with the axis of the machines
        first."""
        return {name: value.transpose(0, 1)
                if name.startswith("controller.") and name.endswith("_0") else value
                for name, value in named}

    def forward(self, x):
        """Logits [T, B, S, outputs] for x [T, B, S, inputs]."""
        T, B, S, _ = x.shape
        state = self.one.initial_state(S)
        repeat = lambda v, dim: torch.cat(B * [v], dim)  # noqa: E731
        state = type(state)(*(repeat(v, 0) for v in state[:-1]),
                            tuple(repeat(v, 1) for v in state.controller))
        return self.one.unroll(x.flatten(1, 2), state)[0].unflatten(1, (B, S))

    @torch.no_grad()
    def hand_back(self):
        """Copy the weights, as they are now, into the machines this was made of."""
        stacked = self.by_machine([*self.one.named_parameters(), *self.one.named_buffers()])
        for i, machine in enumerate(self.machines[0]):
            for name, value in [*machine.named_parameters(), *machine.named_buffers()]:
                value.copy_(stacked[name][i].view_as(value))


def train_many(machines, task, sequences, *, seeds=None, batch=1, lr=1e-4, clip=10.0,
               schedule=cosine, every=100, progress=True):
    """Train machines of equal settings side by side, each as `train` would train it alone with its
    seed: the same curve, to rounding.

    seeds: of the data streams, by default 0 to S − 1. A step takes as long as its longest sequence;
    the rest of the arguments as in train. Returns a History a machine. Raises FloatingPointError,
    naming the machine, where a cost or a gradient is no longer finite.
    """
    sequences, batch, every = positive(sequences=sequences, batch=batch, every=every)
    seeds = list(range(len(machines)) if seeds is None else seeds)
    if len(seeds) != len(machines):
        raise ValueError(f"seeds has {len(seeds)} entries; there must be one for each of "
                         f"{len(machines)} machines")
    if sequences % batch or every % batch:
        raise ValueError(f"sequences is {sequences} and every {every}; both must be multiples of "
                         f"batch, {batch}")
    many = Many(machines)
    like = many.one.r_0
    named, optimizer = list(many.one.named_parameters()), GravesRMSprop(many.parameters(), lr)
    streams = [Stream(task, batch, torch.Generator().manual_seed(seed), like) for seed in seeds]
    histories, totals = ([History(every) for _ in machines],
                         torch.zeros(len(machines), dtype=torch.float64))
    bar = tqdm(total=sequences, unit="seq", disable=not progress, mininterval=0.5)
    with one_thread(), bar:
        for done in range(batch, sequences + 1, batch):
            if schedule is not None:
                optimizer.param_groups[0]["lr"] = lr * schedule((done - batch) / sequences)
            sample = _side_by_side([stream.draw() for stream in streams])
            cost = bits(many(sample.x).flatten(1, 2), _flat(sample)).view(batch, -1).mean(0)  # [S]
            optimizer.zero_grad()
            (cost.sum() * math.log(2)).backward()
            norm = _clip(many.by_machine([(name, p.grad) for name, p in named
                                          if p.grad is not None]), clip)
            values = cost.detach().double().cpu()
            wrong = (~(values.isfinite() & norm.cpu().isfinite())).nonzero().flatten().tolist()
            if wrong:
                raise FloatingPointError(f"the cost or a gradient of machine {wrong[0]} is not "
                                         f"finite after {done - batch} sequences")
            optimizer.step()
            totals += values * batch
            bar.update(batch)
            if done % every == 0:
                for history, value in zip(histories, (totals / every).tolist()):
                    history.bits.append(value)
                totals.zero_()
    many.hand_back()
    for history in histories:
        history.seconds = bar.format_dict["elapsed"]
    return histories


def _side_by_side(samples):
    """Batches of S tasks, each [T, B, ...], as one [T, B, S, ...], padded with silence to the
    longest."""
    T = max(len(sample.x) for sample in samples)
    pad = lambda v: torch.cat([v, v.new_zeros(T - len(v), *v.shape[1:])])  # noqa: E731
    return type(samples[0])(*(torch.stack([pad(v) for v in values], dim=2)
                              for values in zip(*samples)))


def _flat(sample):
    """[T, B, S, ...] as [T, B S, ...]."""
    return type(sample)(*(v.flatten(1, 2) for v in sample))


def _clip(gradients, largest):
    """Scale the gradients of each machine so that their global norm is at most `largest`. Returns
    the norms they had [S]."""
    norm = sum(d.flatten(1).square().sum(1) for d in gradients.values()).sqrt()
    if not norm.isfinite().all():  # as in train: the squares may have overflowed, the gradient not
        norm = sum(d.flatten(1).double().square().sum(1) for d in gradients.values()).sqrt()
    if largest is not None:
        factor = torch.where(norm > largest, largest / norm, torch.ones_like(norm))
        for d in gradients.values():
            d.mul_(factor.view(-1, *(1 for _ in d.shape[1:])))
    return norm
