"""An update in one call of the kernel against the clear path, piece by piece; and the order of a
training's sequences."""

import copy
import math
import os
import shutil

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from ntm import NTM, GravesRMSprop, LSTMBaseline, tasks, train, training
from ntm.stream import BLOCK, Stream
from ntm.training import _clip
from ntm.update import Update

compiler = next(filter(None, map(shutil.which, [os.environ.get("CC", "cc"), "gcc", "clang"])), None)
compiled = pytest.mark.skipif(compiler is None or os.name == "nt", reason="no C compiler here")

f32, f64 = torch.float32, torch.float64
small = dict(inputs=3, outputs=2, hidden_size=6, N=7, width=3)
both = pytest.mark.parametrize("controller", ["lstm", "feedforward"])
optimizers = {
    "rmsprop": lambda parameters: GravesRMSprop(parameters, 1e-2),
    "adam": lambda parameters: torch.optim.Adam(parameters, 1e-2, eps=1e-3),
}
either = pytest.mark.parametrize("kind", optimizers)


@pytest.fixture(autouse=True)
def on(monkeypatch):
    monkeypatch.setenv("NTM_FAST", "1")
    monkeypatch.setenv("NTM_UPDATE", "1")


def machine_of(dtype=f64, spread=0.5, **settings):
    """A machine none of whose weights is left at zero."""
    machine, generator = NTM(**{**small, "seed": 0, **settings}), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in machine.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * spread)
    return machine.to(dtype)


def sample_of(machine, T=6, batch=3, seed=1):
    """Random inputs, targets and lengths; the scored steps of a sequence are its last."""
    generator, dtype = torch.Generator().manual_seed(seed), machine.r_0.dtype
    x = torch.randn(T, batch, machine.inputs, generator=generator)
    y = torch.randint(0, 2, (T, batch, machine.outputs), generator=generator)
    ends = torch.randint(1, T + 1, (batch,), generator=generator)
    ends[0] = T
    t = torch.arange(T).unsqueeze(-1)
    mask = (t < ends) & (t >= ends // 2)
    return tasks.Batch(x.to(dtype), y.to(dtype), mask.to(dtype))


class Clear:
    """The same update by torch's own operations."""

    def __init__(self, machine, optimizer, clip=None, clip_each=None):
        self.machine, self.optimizer, self.clip = machine, optimizer, (clip, clip_each)

    def __call__(self, sample):
        before = os.environ["NTM_FAST"]
        os.environ["NTM_FAST"] = "0"
        cost = tasks.bits(self.machine(sample.x), sample).mean()
        self.optimizer.zero_grad()
        (cost * math.log(2)).backward()
        self.norm = _clip(list(self.machine.named_parameters()), *self.clip)
        self.optimizer.step()
        os.environ["NTM_FAST"] = before
        return cost.item()


def pair(machine, kind="rmsprop", **clips):
    """Both kinds of update, of two copies of the machine."""
    twin, make = copy.deepcopy(machine), optimizers[kind]
    whole = Update.of(machine, make(machine.parameters()), **clips)
    assert whole is not None
    return whole, Clear(twin, make(twin.parameters()), **clips)


def compare(whole, clear, sample, tolerance):
    """One update both ways: everything that comes of it."""
    found, expected = whole(sample), clear(sample)
    assert found is not None
    assert found == pytest.approx(expected, rel=tolerance, abs=tolerance)
    assert whole.call.norm == pytest.approx(clear.norm, rel=tolerance)
    for (name, p), q in zip(whole.machine.named_parameters(), clear.machine.parameters()):
        pairs = {"gradient": (p.grad, q.grad), "value": (p, q)}
        states = whole.optimizer.state[p], clear.optimizer.state[q]
        assert states[0].keys() == states[1].keys()
        for key in states[0]:
            pairs[key] = states[0][key], states[1][key]
        for what, (a, b) in pairs.items():
            error, scale = (a - b).abs().max().item(), max(b.abs().max().item(), 1e-3)
            assert error <= tolerance * scale, f"{what} of {name} is off by {error / scale:.1e}"


# equal, piece by piece

cases = [
    dict(), dict(batch=1), dict(batch=4, read_heads=3), dict(batch=5, write_heads=3),
    dict(batch=9, read_heads=2, write_heads=2), dict(layers=2),
    dict(layers=3, batch=8, read_heads=2),
    dict(shift_range=0), dict(shift_range=2), dict(shift_range=3, write_heads=2),
    dict(N=1, shift_range=0), dict(N=2, shift_range=0, read_heads=2), dict(N=3),
    dict(N=128, width=20, hidden_size=40, T=4), dict(width=1),
    dict(width=1, hidden_size=1, N=1, shift_range=0), dict(width=17, hidden_size=33, N=33),
    dict(inputs=1, outputs=1), dict(outputs=9), dict(T=1), dict(T=1, batch=1), dict(T=40, batch=5),
    dict(initial_memory="learned"), dict(initial_weighting="learned"),
    dict(initial_memory="learned", initial_weighting="learned", layers=2, batch=2),
    dict(initial_memory="constant", initial_weighting="uniform"),
]  # fmt: skip


@compiled
@both
@either
@pytest.mark.parametrize("dtype, tolerance", [(f64, 1e-9), (f32, 1e-3)], ids=["f64", "f32"])
@pytest.mark.parametrize(
    "case", cases, ids=lambda c: "-".join(f"{k}={v}" for k, v in c.items()) or "small"
)
def test_three_updates_are_those_of_the_clear_path(controller, kind, dtype, tolerance, case):
    settings = {k: v for k, v in case.items() if k not in ("batch", "T")}
    machine = machine_of(dtype, controller=controller, **settings)
    whole, clear = pair(machine, kind)
    for seed, steps in enumerate((0, 3, 1)):  # longer, then shorter
        sample = sample_of(machine, case.get("T", 6) + steps, case.get("batch", 3), seed)
        compare(whole, clear, sample, tolerance)


@compiled
@both
@either
@pytest.mark.parametrize("clip, each", [(1e-2, None), (1e3, None), (None, 1e-3), (1e-2, 2e-3)])
def test_clipping(controller, kind, clip, each):
    machine = machine_of(controller=controller)
    whole, clear = pair(machine, kind, clip=clip, clip_each=each)
    for seed in range(3):
        compare(whole, clear, sample_of(machine, seed=seed), 1e-9)
    flat = torch.cat([p.grad.flatten() for p in machine.parameters()])
    assert flat.norm() <= (clip or 9e9) * (1 + 1e-9) and flat.abs().max() <= (each or 9e9)
    assert (whole.call.norm > 1e-2) and (each is None or (flat.abs() == each).any())


@compiled
def test_a_gradient_whose_squares_overflow_is_clipped_like_any_other():
    machine = machine_of(f32)
    sample = sample_of(machine)
    whole, clear = pair(machine, clip=10.0)
    compare(whole, clear, sample._replace(mask=sample.mask * 1e24), 1e-3)
    assert 1e23 < whole.call.norm < 1e27


@compiled
def test_targets_and_masks_of_any_value_and_large_logits():
    machine = machine_of(spread=3.0)
    with torch.no_grad():
        machine.output.weight.mul_(300)
    sample = sample_of(machine)
    whole, clear = pair(machine)
    compare(
        whole, clear, tasks.Batch(sample.x, sample.y * 0.7 + 0.1, sample.mask * 2.5 - 0.5), 1e-9
    )
    assert torch.cat([machine(sample.x).abs().flatten()]).max() > 100


@compiled
def test_gradients_are_there_afterwards_in_the_same_place():
    machine = machine_of()
    whole, clear = pair(machine)
    whole(sample_of(machine))
    places = [p.grad.data_ptr() for p in machine.parameters()]
    machine.zero_grad()
    compare(whole, clear_after(clear, 1), sample_of(machine, seed=2), 1e-9)
    assert [p.grad.data_ptr() for p in machine.parameters()] == places


def clear_after(clear, updates):
    """The clear update once it has made the updates before."""
    for seed in range(1, updates + 1):
        clear(sample_of(clear.machine, seed=seed))
    return clear


@compiled
@either
def test_the_optimiser_goes_on_either_way(kind):
    """What one way leaves in it, the other takes up: its state is the whole truth."""
    machine = machine_of()
    whole, clear = pair(machine, kind)
    torchs = Clear(machine, whole.optimizer)
    assert not whole.optimizer.state  # nothing is there before the first update
    for seed in range(6):
        sample = sample_of(machine, seed=seed)
        if seed % 3 == 1:
            torchs(sample), clear(sample)
        else:
            compare(whole, clear, sample, 1e-9)
    if kind == "adam":
        assert {s["step"].item() for s in whole.optimizer.state.values()} == {6}
    resumed = optimizers[kind](machine.parameters())
    resumed.load_state_dict(copy.deepcopy(whole.optimizer.state_dict()))
    again = Update.of(machine, resumed)
    compare(again, clear, sample_of(machine, seed=9), 1e-9)


@compiled
def test_sequences_that_lie_apart_are_read_where_they_lie():
    machine = machine_of()
    sample = sample_of(machine, 9, 12)
    part = tasks.Batch(sample.x[:7, 4:6], sample.y[:7, 4:6], sample.mask[:7, 4:6])
    turned = tasks.Batch(*(v.transpose(0, 1).contiguous().transpose(0, 1) for v in part))
    for odd in (part, turned):
        whole, clear = pair(machine_of())
        compare(whole, clear, odd, 1e-9)


@compiled
@both
@pytest.mark.parametrize("batch", [1, 6, 11])
def test_steps_after_the_last_scored_one_and_sequences_of_no_score(controller, batch):
    machine = machine_of(controller=controller)
    whole, clear = pair(machine)
    x, y, mask = sample_of(machine, 9, batch)
    mask[5:] = 0
    mask[:, 0] = 0
    compare(whole, clear, tasks.Batch(x, y, mask), 1e-9)
    compare(whole, clear, tasks.Batch(x, y, mask * 0), 1e-9)


@compiled
def test_room_is_made_once_and_grows():
    machine = machine_of()
    whole, places = pair(machine)[0], []
    for T, batch in [(6, 2), (3, 2), (6, 1), (2, 1), (9, 2), (6, 2)]:
        whole(sample_of(machine, T, batch))
        places.append((whole.room.data_ptr(), len(whole.room)))
    assert len(set(places[:4])) == 1 and len(set(places[4:])) == 1 and places[4][1] > places[0][1]


# nothing that is not finite reaches the weights


def copies(machine, optimizer):
    return copy.deepcopy([machine.state_dict(), optimizer.state_dict()])


@compiled
@both
@either
@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("hurt", ["weight", "input", "target", "mask", "bias"])
def test_what_is_not_finite_changes_nothing(controller, kind, hurt, begun):
    machine = machine_of(f32, controller=controller)
    whole, sample = pair(machine, kind)[0], sample_of(machine)
    if begun:
        assert whole(sample) is not None
    bad = {"weight": machine.heads.linear.weight.data, "bias": machine.output.bias.data,
           "input": sample.x,
           "target": sample.y, "mask": sample.mask}[hurt]  # fmt: skip
    bad.flatten()[1] = math.inf if hurt in ("bias", "input") else math.nan
    before = copies(machine, whole.optimizer)
    assert whole(sample) is None
    after = copies(machine, whole.optimizer)
    assert_close(after[0], before[0], rtol=0, atol=0, equal_nan=True)
    assert_close(after[1]["state"], before[1]["state"], rtol=0, atol=0)
    assert bool(whole.optimizer.state) == begun


@compiled
def test_a_gradient_that_overflows_changes_nothing():
    machine = machine_of(f32)
    with torch.no_grad():
        machine.output.weight.zero_(), machine.output.bias.zero_()
    whole, sample = pair(machine)[0], sample_of(machine)
    before = copies(machine, whole.optimizer)
    assert (
        whole(sample._replace(y=sample.y * 1e20, mask=sample.mask * 1e20)) is None
        and whole.call.cost < math.inf
    )
    assert_close(copies(machine, whole.optimizer), before, rtol=0, atol=0)


class Sick(tasks.Copy):
    """The task, with an infinite input after 20 sequences."""

    seen = 0

    def sample(self, batch, **options):
        drawn = super().sample(batch, **options)
        self.seen += batch
        return drawn._replace(x=drawn.x * math.inf) if self.seen > 20 else drawn


@compiled
@pytest.mark.parametrize("way", "10")
def test_train_says_what_is_not_finite_as_ever(monkeypatch, way):
    monkeypatch.setenv("NTM_UPDATE", way)
    machine = NTM(10, 8, hidden_size=8, N=8, width=4, seed=0)
    with pytest.raises(ValueError, match="x holds NaN or infinite values"):
        train(machine, Sick(), 40, progress=False)
    with torch.no_grad():
        machine.heads.linear.weight[3, 3] = math.nan
    with pytest.raises(FloatingPointError, match="the cost is not finite after 0 sequences"):
        train(machine, tasks.Copy(), 40, progress=False)


# what is not quite ours goes torch's way


class Louder(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


class Other(NTM):
    def step(self, x, state):
        return super().step(x, state)


class Same(NTM):
    pass


class Steps(GravesRMSprop):
    pass


def hook(*arguments):
    return None


def put(name, value):
    return lambda machine, optimizer: setattr(machine, name, value)


changes = {
    "step": put("step", lambda x, state: None),
    "forward": put("forward", lambda x: None),
    "class": put("__class__", Other),
    "chunk": put("chunk", 3),
    "inputs": put("inputs", 4),
    "read_heads": put("read_heads", 2),
    "frozen": lambda m, o: m.r_0.requires_grad_(False),
    "half the machine": lambda m, o: m.output.float(),
    "a part": lambda m, o: setattr(m, "output", Louder(9, 2).double()),
    "its class": lambda m, o: setattr(m.output, "__class__", Louder),
    "no bias": lambda m, o: setattr(m, "output", nn.Linear(9, 2, bias=False).double()),
    "too small": lambda m, o: setattr(m.output.weight, "data", torch.zeros(2, 8, dtype=f64)),
    "another shape": lambda m, o: setattr(m.output.weight, "data", m.output.weight.data.view(9, 2)),
    "turned": lambda m, o: setattr(m.output.weight, "data", torch.zeros(9, 2, dtype=f64).T),
    "one more": lambda m, o: m.register_parameter("more", nn.Parameter(torch.zeros(1, dtype=f64))),
    "one less": lambda m, o: m.register_parameter("r_0", None),
    "tied": lambda m, o: setattr(m.controller, "h_0", m.controller.c_0),
    "one place": lambda m, o: setattr(m.controller.h_0, "data", m.controller.c_0.data),
    "forward hook": lambda m, o: m.output.register_forward_hook(hook),
    "forward hook of the machine": lambda m, o: m.register_forward_hook(hook),
    "pre-hook": lambda m, o: m.heads.register_forward_pre_hook(hook),
    "backward hook": lambda m, o: m.controller.register_full_backward_hook(hook),
    "hook of a tensor": lambda m, o: m.r_0.register_hook(hook),
    "hook of its gradient": lambda m, o: m.r_0.register_post_accumulate_grad_hook(hook),
    "hook of a step": lambda m, o: o.register_step_pre_hook(hook),
    "hook after a step": lambda m, o: o.register_step_post_hook(hook),
    "step of the optimiser": lambda m, o: setattr(o, "step", o.step),
    "scheduler": lambda m, o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9),
    "parametrized": lambda m, o: nn.utils.parametrizations.weight_norm(m.output),
    "another parameter": lambda m, o: o.add_param_group({"params": [nn.Parameter(torch.zeros(1))]}),
    "its rate": lambda m, o: o.param_groups[0].update(lr=torch.tensor(1e-3)),
    "class of the optimiser": lambda m, o: setattr(o, "__class__", Steps),
}  # fmt: skip


@compiled
@pytest.mark.parametrize("name", changes)
def test_what_is_not_ours_is_not_taken(name):
    machine = machine_of()
    sample = sample_of(machine)
    for changed_later in (False, True):
        machine = machine_of()
        optimizer = optimizers["rmsprop"](machine.parameters())
        whole = Update.of(machine, optimizer)
        if changed_later:
            assert whole(sample) is not None
        changes[name](machine, optimizer)
        assert Update.of(machine, optimizer) is None
        before = copies(machine, optimizer)
        assert whole(sample) is None
        assert_close(copies(machine, optimizer)[0], before[0], rtol=0, atol=0)


@compiled
@pytest.mark.parametrize("options",
                         [dict(amsgrad=True), dict(weight_decay=0.1), dict(maximize=True),
                          dict(fused=True),
                                     dict(differentiable=True),
                                     dict(lr=torch.tensor(1e-3))])  # fmt: skip
def test_an_adam_that_is_not_plain_is_not_taken(options):
    machine = machine_of()
    assert Update.of(machine, torch.optim.Adam(machine.parameters(), foreach=False)) is not None
    assert Update.of(machine, torch.optim.Adam(machine.parameters(), **options)) is None
    assert Update.of(machine, torch.optim.AdamW(machine.parameters())) is None
    assert Update.of(machine, torch.optim.SGD(machine.parameters())) is None


@compiled
def test_other_models_are_not_taken_and_a_subclass_that_changes_nothing_is():
    for model in (
        LSTMBaseline(3, 2, hidden_size=4, seed=0),
        nn.Linear(3, 2),
        machine_of(f32).to(torch.bfloat16),
    ):
        assert Update.of(model, GravesRMSprop(model.parameters())) is None
    machine = Same(**small)
    assert Update.of(machine, GravesRMSprop(machine.parameters())) is not None
    assert Update.of(machine, GravesRMSprop(list(machine.parameters())[1:])) is None


class Counting(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


class Function(torch.overrides.TorchFunctionMode):
    pass


@compiled
@pytest.mark.parametrize("around", [
    torch.no_grad, torch.inference_mode, torch.autograd.detect_anomaly, Counting, Function,
    lambda: torch.autocast("cpu", dtype=torch.bfloat16),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_where_torch_is_told_to_do_otherwise_it_does(around):
    machine = machine_of()
    whole, sample = pair(machine)[0], sample_of(machine)
    with around():
        assert whole(sample) is None
    assert whole(sample) is not None


@compiled
@pytest.mark.parametrize("name", ["NTM_FAST", "NTM_UPDATE"])
def test_it_can_be_turned_off(monkeypatch, name):
    machine = machine_of()
    whole, sample = pair(machine)[0], sample_of(machine)
    monkeypatch.setenv(name, "0")
    assert whole(sample) is None and Update.of(machine, whole.optimizer) is None


@compiled
def test_a_batch_that_does_not_fit_is_not_taken():
    machine = machine_of()
    whole, sample = pair(machine)[0], sample_of(machine)
    x, y, mask = sample
    for odd in [(x.float(), y, mask), (x[..., :2], y, mask), (x, y[:5], mask), (x, y, mask[0]),
                (x[:0], y[:0], mask[:0]),
                (x.clone().requires_grad_(), y, mask), (x, y[..., :1], mask),
                (nn.Parameter(x), y, mask)]:  # fmt: skip
        assert whole(tasks.Batch(*odd)) is None
    assert whole(sample) is not None


# what is put in another place in mid-training is found there


def swap_values(machine, optimizer):
    for p in machine.parameters():
        p.data = p.data.clone() + 0.1


def swap_memory(machine, optimizer):
    machine.M_0 = machine.M_0.flip(0)


def swap_memory_in_place(machine, optimizer):
    machine.M_0.data = machine.M_0.flip(0).clone()


def learn_memory(machine, optimizer):
    machine.w_0.copy_(torch.randn(machine.w_0.shape, generator=torch.Generator().manual_seed(1)))


def load(machine, optimizer):
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for state in optimizer.state.values():
        for name in state:
            if name != "step":
                state[name].mul_(1.5)


def swap_state(machine, optimizer):
    for state in optimizer.state.values():
        for value in state.values():
            value.data = value.data * 1.5


def new_state(machine, optimizer):
    for p, state in optimizer.state.items():
        optimizer.state[p] = {name: value * 1.5 for name, value in state.items()}


def rates(machine, optimizer):
    group = optimizer.param_groups[0]
    group["lr"] *= 3
    group["eps"] *= 2
    if "betas" in group:
        group["betas"] = (0.5, 0.9)
    else:
        group["decay"], group["momentum"] = 0.5, 0.3


def no_state(machine, optimizer):
    optimizer.state.clear()


def new_layer(machine, optimizer):
    group = optimizer.param_groups[0]
    old, new = machine.output, nn.Linear(9, 2).double()
    with torch.no_grad():
        new.weight.copy_(old.weight * 2), new.bias.copy_(old.bias)
    machine.output = new
    others = {id(old.weight): new.weight, id(old.bias): new.bias}
    group["params"] = [others.get(id(p), p) for p in group["params"]]
    optimizer.state.clear()


@compiled
@either
@pytest.mark.parametrize("change",
                         [swap_values, swap_memory, swap_memory_in_place, learn_memory, load,
                          swap_state, new_state, rates,
                                    no_state, new_layer])  # fmt: skip
def test_what_changes_in_mid_training_is_seen(change, kind):
    machine = machine_of()
    whole, clear = pair(machine, kind)
    compare(whole, clear, sample_of(machine), 1e-9)
    for seed in range(2):
        change(machine, whole.optimizer), change(clear.machine, clear.optimizer)
        compare(whole, clear, sample_of(machine, seed=seed), 1e-9)


@compiled
def test_a_machine_cast_in_mid_training_is_rebuilt():
    machine = machine_of(f32)
    whole, sample = pair(machine)[0], sample_of(machine)
    assert whole(sample) is not None
    machine.double()
    assert whole(sample) is None
    assert (
        whole(tasks.Batch(*(v.double() for v in sample))) is None
    )  # the optimiser's state is of the other kind still
    whole.optimizer.load_state_dict(whole.optimizer.state_dict())
    assert whole(tasks.Batch(*(v.double() for v in sample))) is not None


# train


def counted(monkeypatch):
    calls, call = [], Update.__call__
    monkeypatch.setattr(
        Update, "__call__", lambda self, sample: calls.append(call(self, sample)) or calls[-1]
    )
    return calls


five = [tasks.Copy(2, (1, 4)), tasks.RepeatCopy(2, (1, 3), (1, 2)),
        tasks.AssociativeRecall(2, 2, (2, 3)),
        tasks.NGrams(9, 2), tasks.PrioritySort(2, 4, 3)]  # fmt: skip


@compiled
@both
@either
@pytest.mark.parametrize("task", five, ids=lambda task: type(task).__name__)
def test_a_training_is_the_same_both_ways(controller, kind, task, monkeypatch):
    curves, calls = [], counted(monkeypatch)
    for way in "10":
        os.environ["NTM_UPDATE"] = way
        machine = NTM(
            task.inputs, task.outputs, controller, hidden_size=12, N=10, width=6, seed=0
        ).double()
        history = train(
            machine,
            task,
            24,
            batch=3,
            every=6,
            progress=False,
            optimizer=optimizers[kind](machine.parameters()),
        )
        curves.append(history.bits)
        assert (None in calls) == (way == "0" and len(calls) > 8) and len(calls) == 8
    assert_close(*curves, rtol=1e-9, atol=0)


@compiled
def test_train_goes_on_torchs_way_where_something_is_put_between(monkeypatch):
    calls, seen, curves = counted(monkeypatch), [], []
    for way in "10":
        os.environ["NTM_UPDATE"] = way
        machine = NTM(10, 8, hidden_size=8, N=8, width=4, seed=0).double()

        def schedule(done, machine=machine):
            if round(done * 20) == 7:
                machine.hooked = machine.register_forward_hook(lambda *_: seen.append(1))
            if round(done * 20) == 9:
                machine.hooked.remove()
            if round(done * 20) == 12:
                machine.output.weight.data = machine.output.weight.data * 2
            return 1.0

        curves.append(
            train(machine, tasks.Copy(), 20, every=1, progress=False, schedule=schedule).bits
        )
    assert [call is None for call in calls] == [n in (7, 8) for n in range(20)] and len(seen) == 4
    assert_close(*curves, rtol=1e-9, atol=0)


@compiled
@pytest.mark.parametrize("way", "10")
def test_a_rewind_can_happen_twice(monkeypatch, way):
    """The second time, too, weights and optimiser are what they were at the best point."""
    monkeypatch.setenv("NTM_UPDATE", way)
    machine = NTM(10, 8, "feedforward", hidden_size=8, N=8, width=4, seed=0)
    optimizer, after = GravesRMSprop(machine.parameters(), 1e-3), []

    def schedule(done):
        if round(done * 50) in (25, 35):
            with torch.no_grad():
                machine.output.weight.fill_(100.0)
        if round(done * 50) in (30, 40):
            after.append(copies(machine, optimizer))
        return 1.0

    options = dict(every=10, rewind=5.0, progress=False, schedule=schedule, optimizer=optimizer)
    history = train(machine, tasks.Copy(lengths=(1, 2)), 50, **options)
    assert history.rewinds == [30, 40]
    assert_close(after[0][0], after[1][0], rtol=0, atol=0)
    assert_close(after[0][1]["state"], after[1][1]["state"], rtol=0, atol=0)


# the order of the sequences


def drawn(stream, sequences):
    """So many sequences of a stream, one by one and without what is behind their last scored
    step."""
    rows = []
    while len(rows) < sequences:
        sample = stream.draw()
        assert (
            sample.mask.shape[1] == stream.batch and sample.mask[-1].any()
        )  # no longer than its longest
        for b in range(stream.batch):
            T = int(sample.mask[:, b].nonzero().max()) + 1
            rows.append([value[:T, b].tolist() for value in sample])
            assert not sample.x[T:, b].any()
    return rows[:sequences]


def stream_of(task, batch, seed=0, dtype=f32):
    return Stream(task, batch, torch.Generator().manual_seed(seed), torch.empty(0, dtype=dtype))


@pytest.mark.parametrize("task", five, ids=lambda task: type(task).__name__)
def test_the_sequences_are_the_same_whatever_the_batch_and_the_interruption(task):
    expected = drawn(stream_of(task, 1), 200)
    for batch in (3, 10, 64, 150):
        assert drawn(stream_of(task, batch), 200) == expected
    assert drawn(stream_of(task, 1, seed=1), 200) != expected
    for stop in (0, 1, 63, 64, 65, 130):
        first, second = stream_of(task, 1), stream_of(task, 3, seed=5)
        start = drawn(first, stop)
        second.go_to(*first.position())
        assert start + drawn(second, 200 - stop) == expected
    whole = [
        task.sample(BLOCK, generator=generator)
        for generator in [torch.Generator().manual_seed(0)]
        for _ in range(2)
    ]
    assert_close(
        sum(s.mask.sum().item() for s in whole),
        float(sum(sum(row[2]) for row in expected[: 2 * BLOCK])),
    )


class Asked(tasks.Copy):
    """Not steady: what is said of Copy does not hold for what is derived from it."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def sample(self, batch, **options):
        self.calls.append(batch)
        return super().sample(batch, **options)


def test_a_task_of_ones_own_is_asked_for_every_batch():
    task, generator = Asked(), torch.Generator().manual_seed(0)
    stream = stream_of(task, 2)
    for n in range(3):
        assert all(map(torch.equal, stream.draw(), tasks.Copy().sample(2, generator=generator)))
        assert task.calls == [2] * (n + 1)
    again = stream_of(task, 2, seed=4)
    again.go_to(*stream.position())
    assert all(map(torch.equal, again.draw(), stream.draw()))
    plain = tasks.Copy()
    plain.sample = lambda batch, generator: (
        asked.append(batch) or tasks.Copy().sample(batch, generator=generator)
    )
    asked, stream = [], stream_of(plain, 2)
    stream.draw()
    assert asked == [2]


def test_other_settings_hold_from_the_next_sequence_on():
    task = tasks.Copy(lengths=(1, 3))
    stream = stream_of(task, 1)
    drawn(stream, 10)
    task.lengths = (7, 7)
    assert drawn(stream, 100) == drawn(stream_of(tasks.Copy(lengths=(7, 7)), 1), 110)[10:]
    other = stream_of(task, 1, seed=3)
    other.go_to(*stream.position())
    assert drawn(other, 5) == drawn(stream, 5)


def test_blocks_are_drawn_once_in_the_machines_dtype():
    calls, task = [], tasks.Copy()
    sample = tasks.Copy.sample
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            tasks.Copy,
            "sample",
            lambda self, batch, **options: calls.append(batch) or sample(self, batch, **options),
        )
        stream = stream_of(task, 1, dtype=f64)
        assert {stream.draw().x.dtype for _ in range(BLOCK + 1)} == {f64}
    assert calls == [BLOCK, BLOCK]


def test_a_training_with_gaps_between_its_checkpoints_sees_every_sequence_once(
    tmp_path, monkeypatch
):
    """Sixty-four at a time, in batches of 5, interrupted in the middle of a block."""
    seen, draw = [], Stream.draw
    monkeypatch.setattr(training.Stream, "draw", lambda self: seen.append(draw(self)) or seen[-1])

    def run(sequences, path=None):
        seen.clear()
        machine = NTM(10, 8, hidden_size=4, N=4, width=2, seed=0)
        train(
            machine,
            tasks.Copy(),
            sequences,
            batch=5,
            every=5,
            save_every=25,
            checkpoint=path,
            progress=False,
            schedule=None,
        )
        return [value.tolist() for sample in seen for value in sample]

    whole = run(200)
    parts = run(70, tmp_path / "checkpoint")
    assert parts + run(200, tmp_path / "checkpoint") == whole
