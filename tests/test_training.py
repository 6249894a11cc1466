"""train and evaluate: the curve, the checkpoint, Ctrl-C, and what stops them."""

import copy
import inspect
import math
import os
import signal

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from ntm import NTM, GravesRMSprop, LSTMBaseline, evaluate, tasks, train
from ntm.training import _clip, cosine

task = tasks.Copy(width=2, lengths=(1, 3))


def machine_of(kind="feedforward", seed=0):
    if kind == "baseline":
        return LSTMBaseline(task.inputs, task.outputs, hidden_size=8, layers=2, seed=seed)
    return NTM(task.inputs, task.outputs, kind, hidden_size=16, N=8, width=6, seed=seed)


def weights(machine):
    return {name: value.clone() for name, value in machine.state_dict().items()}


def same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


quiet = dict(progress=False, every=10, lr=1e-3, schedule=None)


@pytest.fixture(params=["1", "0"], ids=["one call", "torch's way"])
def way(request, monkeypatch):
    """Updates in one call of the kernel, and torch's way."""
    monkeypatch.setenv("NTM_UPDATE", request.param)


both_ways = pytest.mark.usefixtures("way")


class Watched:
    """The task, calling `then(sequences seen)` before each sample; not steady, so that each update
    draws its own."""

    def __init__(self, then):
        self.then, self.seen = then, 0

    def sample(self, batch, **options):
        self.then(self.seen)
        self.seen += batch
        return task.sample(batch, **options)


# learning

@pytest.mark.parametrize("kind", ["lstm", "feedforward", "baseline"])
def test_a_tiny_task_is_learned(kind):
    machine = machine_of(kind)
    history = train(machine, task, 500,
                    **{**quiet, "every": 100, "lr": 3e-3 if kind == "baseline" else 1e-3})
    assert 3.5 < history.bits[0] < 6 and history.bits[-1] < 3  # 4 bits: a coin for each
    assert evaluate(machine, task).bits < 3


@both_ways
def test_the_history_is_the_cost_of_the_sequences_as_they_came():
    machine, expected, generator = machine_of(), [], torch.Generator().manual_seed(3)
    twin = copy.deepcopy(machine)
    optimizer = GravesRMSprop(twin.parameters(), 1e-3)
    history = train(machine, task, 40, seed=3, batch=2, clip=1.0, **{**quiet, "every": 20})
    drawn = task.sample(64, generator=generator)  # so many at once
    for n in range(0, 40, 2):
        batch = tasks.Batch(*(value[:, n : n + 2] for value in drawn))
        nats = nn.functional.binary_cross_entropy_with_logits(
            twin(batch.x), batch.y, reduction="none"
        ) * batch.mask.unsqueeze(-1)
        optimizer.zero_grad()
        (nats.sum() / 2).backward()  # in nats, the mean over the batch
        nn.utils.clip_grad_norm_(twin.parameters(), 1.0)
        optimizer.step()
        expected.append(nats.sum().item() / 2 / math.log(2))
    assert_close(history.bits, [sum(expected[:10]) / 10, sum(expected[10:]) / 10], rtol=1e-4,
                 atol=1e-5)
    assert history.sequences == [20, 40] and not history.interrupted and history.seconds > 0
    for p, q in zip(machine.parameters(), twin.parameters()):
        assert_close(p, q, rtol=1e-4, atol=1e-5)


def test_the_best_weights_are_those_of_the_lowest_point(tmp_path):
    class Turning:  # after 60 sequences every answer is the opposite
        def __init__(self, seen):
            self.seen = seen

        def sample(self, batch, generator=None):
            answer = 1.0 if self.seen < 60 else 0.0
            self.seen += batch
            return tasks.Batch(torch.ones(1, batch, 1), torch.full((1, batch, 1), answer),
                               torch.ones(1, batch))

    def run(sequences, seen=0, path=None):
        torch.manual_seed(0)
        machine = nn.Linear(1, 1)
        return machine, train(machine, Turning(seen), sequences, checkpoint=path,
                              **{**quiet, "lr": 0.01})

    machine, history = run(100)
    stopped, _ = run(60)
    assert history.bits.index(min(history.bits)) == 5 and history.best_bits == min(history.bits)
    assert (same(history.best_weights, weights(stopped))
            and not same(history.best_weights, weights(machine)))
    run(70, path=tmp_path / "checkpoint")
    _, resumed = run(100, 70, tmp_path / "checkpoint")
    assert (resumed.best_bits == history.best_bits
            and same(resumed.best_weights, history.best_weights))
    assert history.first_below(history.bits[2] + 1e-9) == 30 and history.first_below(0) is None


def test_a_schedule_scales_the_rate_and_the_clip_bounds_the_gradient():
    machine, shares = machine_of(), []
    before = weights(machine)
    train(machine, task, 10, **{**quiet, "schedule": lambda done: shares.append(done) or 0.0})
    # a factor of zero: nothing moves
    assert same(weights(machine), before) and shares == [n / 10 for n in range(10)]
    machine, norms = nn.Linear(task.inputs, task.outputs), []

    class Spy(torch.optim.SGD):
        def step(self, closure=None):
            norms.append(torch.cat([p.grad.flatten() for p in machine.parameters()]).norm().item())

    for clip in (1e-3, None):
        optimizer = Spy(machine.parameters(), lr=1.0)
        # by the default schedule
        train(machine, task, 5, optimizer=optimizer, clip=clip, progress=False, every=5)
        assert optimizer.param_groups[0]["lr"] == 1.0  # given back as it came
    assert norms[:5] == pytest.approx([1e-3] * 5) and min(norms[5:]) > 1e-2


@pytest.mark.parametrize("size", [1e-3, 1e25])
def test_clip_scales_a_gradient_whose_squares_overflow_like_any_other(size):
    """A gradient of 1e25 is a number in single precision, its square is not."""
    d = torch.tensor([3.0, -4.0, 12.0]) * size
    p = nn.Parameter(torch.zeros(3))
    p.grad = d.clone()
    assert _clip([("p", p)], 10.0, None) == pytest.approx(13 * size)
    assert torch.allclose(p.grad, d * min(1, 10 / (13 * size)))


def test_clip_each_bounds_every_element_and_leaves_the_small_ones_as_they_are():
    machine, seen = machine_of(), []

    class Spy(torch.optim.SGD):
        def step(self, closure=None):
            seen.append(torch.cat([p.grad.flatten() for p in machine.parameters()]))

    for bound in (None, 0.1):
        train(machine, task, 1, optimizer=Spy(machine.parameters(), lr=1.0), clip=None,
              clip_each=bound, progress=False, every=1)
    whole, bounded = seen
    assert whole.abs().max() > 0.1 > whole.abs()[whole != 0].min()
    assert torch.equal(bounded, whole.clamp(-0.1, 0.1))


@both_ways
def test_a_collapse_goes_back_to_the_best_weights_and_their_optimiser_at_half_the_rate(tmp_path):
    def run(rewind, path=None, stop=None):
        machine, rates = machine_of(), []
        optimizer = GravesRMSprop(machine.parameters(), 1e-3)

        def then(seen):
            rates.append(optimizer.param_groups[0]["lr"])
            if seen == 25:  # the machine is wrecked, in the middle of the third ten
                with torch.no_grad():
                    machine.output.weight.fill_(100.0)
            if seen == stop:
                os.kill(os.getpid(), signal.SIGINT)

        options = {**quiet, "rewind": rewind, "checkpoint": path}
        return machine, train(machine, Watched(then), 60, optimizer=optimizer,
                              **options), rates, optimizer

    _, lost, _, _ = run(None)
    machine, history, rates, optimizer = run(20.0)
    assert lost.rewinds == [] and history.rewinds == [30]
    assert (history.bits[:3] == lost.bits[:3] and history.bits[2] > 25
            and max(history.bits[3:]) < 6 and lost.bits[3] > 50)
    assert (rates[:30] == [1e-3] * 30 and rates[30:] == [5e-4] * 30
            and optimizer.param_groups[0]["lr"] == 1e-3)
    path = tmp_path / "checkpoint"
    # interrupted between the best point and the collapse, and gone on with
    run(20.0, path, stop=22)
    resumed = machine_of()
    wrecked = Watched(lambda seen: seen == 2 and resumed.output.weight.data.fill_(100.0))
    optimizer = GravesRMSprop(resumed.parameters(), 1e-3)
    again = train(resumed, wrecked, 60, optimizer=optimizer,
                  **{**quiet, "rewind": 20.0, "checkpoint": path})
    assert (again.rewinds == [30] and again.bits == pytest.approx(history.bits)
            and same(weights(resumed), weights(machine)))


@both_ways
def test_global_random_numbers_and_threads_are_left_alone():
    before, machine = torch.get_rng_state(), machine_of()
    torch.set_num_threads(2)
    try:
        train(machine, task, 10, **quiet)
        evaluate(machine, task, sequences=4)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert torch.equal(torch.get_rng_state(), before)
    one, two, other = (train(machine_of(), task, 20, seed=seed, **quiet) for seed in (1, 1, 2))
    assert one.bits == two.bits != other.bits


# interruption

optimizers = [None, lambda parameters: torch.optim.Adam(parameters, 1e-2)]


@both_ways
@pytest.mark.parametrize("optimizer", optimizers, ids=["rmsprop", "adam"])
@pytest.mark.parametrize("kind", ["lstm", "feedforward", "baseline"])
def test_an_interrupted_training_goes_on_bit_for_bit(kind, optimizer, tmp_path):
    def run(sequences, path=None, then=lambda seen: None):
        machine = machine_of(kind)
        options = {**quiet, "schedule": lambda done: then(round(done * sequences)) or 1.0}
        history = train(machine, task, sequences,
                        optimizer=optimizer and optimizer(machine.parameters()), batch=2,
                        save_every=20,
                        checkpoint=path, **options)  # fmt: skip
        return machine, history

    machine, history = run(60)
    path = tmp_path / "stopped"
    run(34, path)  # between two points, and between two checkpoints
    resumed, then = run(60, path)
    assert (then.bits == history.bits and same(weights(resumed), weights(machine))
            and same(then.best_weights, history.best_weights))
    assert then.best_bits == history.best_bits

    path = tmp_path / "interrupted"
    handler = signal.getsignal(signal.SIGINT)
    halfway, cut = run(60, path, lambda seen: os.kill(os.getpid(), signal.SIGINT)
                       if seen == 26 else None)
    assert cut.interrupted and len(cut.bits) == 2 and signal.getsignal(signal.SIGINT) is handler
    assert same(weights(halfway), weights(run(28)[0]))  # the step under way is finished, and kept
    resumed, then = run(60, path)
    assert (then.bits == history.bits and not then.interrupted
            and same(weights(resumed), weights(machine)))

    again, then = run(60, path)  # nothing is left to do
    assert then.bits == history.bits and same(weights(again), weights(machine))


@both_ways
def test_the_default_schedule_falls_to_nothing_and_survives_an_interruption(tmp_path):
    assert [cosine(done) for done in (0, 0.5, 1)] == pytest.approx([1, 0.5, 0])
    options = {**quiet, "checkpoint": tmp_path / "checkpoint", "schedule": cosine}
    whole, cut, resumed = machine_of(), machine_of(), machine_of()
    history = train(whole, task, 60, **{**options, "checkpoint": None})

    def interrupted(done):
        if round(done * 60) == 26:
            os.kill(os.getpid(), signal.SIGINT)
        return cosine(done)

    train(cut, task, 60, **{**options, "schedule": interrupted})
    assert (train(resumed, task, 60, **options).bits == history.bits
            and same(weights(resumed), weights(whole)))
    steady = machine_of()
    assert (train(steady, task, 60, **quiet).bits != history.bits
            and inspect.signature(train).parameters["schedule"].default is cosine)


@both_ways
def test_a_crash_leaves_the_checkpoint_before_it(tmp_path):
    path, machine, twin = tmp_path / "checkpoint", machine_of(), machine_of()

    def crash(seen):
        if seen == 50:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        train(machine, Watched(crash), 60, checkpoint=path, save_every=20, **quiet)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint"]
    resumed, seen = machine_of(), Watched(lambda seen: None)
    history = train(resumed, seen, 60, checkpoint=path, save_every=20, **quiet)
    then = train(twin, Watched(lambda seen: None), 60, **quiet)
    assert seen.seen == 20 and history.bits == then.bits and same(weights(resumed), weights(twin))


@pytest.mark.parametrize("change, words", [
    (dict(seed=1), "seed=0; this one has 1"), (dict(batch=5), "batch=1; this one has 5"),
    (dict(lr=1e-2), r"lr=\[0.001\]; this one has"),
    (dict(clip=None), "clip=10.0; this one has None"),
    (dict(every=20), "every=10; this one has 20"),
])  # fmt: skip
def test_a_checkpoint_of_another_run_is_refused(change, words, tmp_path):
    path = tmp_path / "checkpoint"
    train(machine_of(), task, 20, checkpoint=path, **quiet)
    with pytest.raises(ValueError, match=words):
        train(machine_of(), task, 40, checkpoint=path, **{**quiet, **change})


def test_a_checkpoint_that_does_not_fit_is_refused_and_changes_nothing(tmp_path):
    path, machine = tmp_path / "checkpoint", machine_of("lstm")
    train(machine_of(), task, 20, checkpoint=path, **quiet)
    before = weights(machine)
    with pytest.raises(ValueError, match="does not fit the machine: controller"):
        train(machine, task, 40, checkpoint=path, **quiet)
    machine.save(path)
    with pytest.raises(ValueError, match="which holds NTM; it must be written by train"):
        train(machine, task, 40, checkpoint=path, **quiet)
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="damaged"):
        train(machine, task, 40, checkpoint=path, **quiet)
    assert same(weights(machine), before)


# what is not finite

class Sick(torch.autograd.Function):
    """The identity; backwards, NaN."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, d):
        return d * float("nan")


@pytest.mark.parametrize("hurt, culprit", [
    (lambda z: z * float("nan"), "the cost"),
    (lambda z: z + float("inf"), "the cost"),  # an infinite cost whose gradient is finite
    (Sick.apply, "the gradient of weight"),
])  # fmt: skip
def test_what_is_not_finite_is_named_and_changes_nothing(hurt, culprit):
    class Model(nn.Linear):
        hurting = False

        def forward(self, x):
            z = super().forward(x)
            return hurt(z) if self.hurting else z

    model, handler = Model(task.inputs, task.outputs), signal.getsignal(signal.SIGINT)
    untouched = copy.deepcopy(model)
    with pytest.raises(FloatingPointError, match=f"^{culprit} is not finite after 7 sequences"):
        train(model, Watched(lambda seen: setattr(model, "hurting", seen == 7)), 20, **quiet)
    assert signal.getsignal(signal.SIGINT) is handler
    train(untouched, Watched(lambda seen: None), 7, **{**quiet, "every": 7})
    assert same(weights(model), weights(untouched))


@both_ways
@pytest.mark.parametrize("kind", ["lstm", "feedforward", "baseline"])
def test_a_broken_weight_stops_training(kind):
    machine = machine_of(kind)
    with torch.no_grad():
        machine.output.bias[0] = float("inf")
    with pytest.raises(FloatingPointError, match="the cost is not finite after 0 sequences"):
        train(machine, task, 10, **quiet)


# evaluate

def test_a_score_is_the_mean_over_its_own_sequences():
    machine = machine_of()
    train(machine, task, 300, **quiet)
    sample = task.sample(50, length=2, generator=torch.Generator().manual_seed(7))
    logits = machine(sample.x)
    score = evaluate(machine, task, sequences=50, seed=7, batch=50, length=2)
    wrong = tasks.wrong_bits(logits, sample)
    assert_close((score.bits, score.wrong_bits),
                 (tasks.bits(logits, sample).mean().item(), wrong.mean().item()))
    assert (score.perfect == pytest.approx((wrong == 0).double().mean().item())
            and 0 < score.perfect < 1 and score.sequences == 50)


def test_the_batch_of_evaluate_does_not_matter_and_its_seed_does():
    machine = machine_of("lstm")
    before, state = weights(machine), torch.get_rng_state()
    scores = [evaluate(machine, task, sequences=20, batch=batch) for batch in (1, 3, 20, 64)]
    for score in scores[1:]:
        assert_close((score.bits, score.wrong_bits, score.perfect),
                     (scores[0].bits, scores[0].wrong_bits, scores[0].perfect))
    assert evaluate(machine, task, sequences=20, seed=2).bits != scores[-1].bits
    assert evaluate(machine, task, sequences=20, batch=64) == scores[-1]
    assert same(weights(machine), before) and torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in machine.parameters())


def test_a_machine_in_double_precision_trains_and_scores():
    machine = machine_of().double()
    assert (len(train(machine, task, 10, **quiet).bits) == 1
            and evaluate(machine, task, sequences=4).bits > 0)


@pytest.mark.parametrize("options, words", [
    (dict(sequences=0), "sequences is 0; it must be an integer of at least 1"),
    (dict(batch=3), "every is 10; it must be a multiple of batch, 3"),
    (dict(sequences=15, batch=10), "sequences is 15; it must be a multiple of batch, 10"),
    (dict(save_every=15, batch=2, checkpoint="none"),
     "save_every is 15; it must be a multiple of batch, 2"),
    (dict(every=0), "every is 0"), (dict(lr=0), "lr is 0"),
    (dict(clip=0), "clip is 0; it must be above 0, or None"),
    (dict(clip=float("nan")), "clip is nan"), (dict(clip_each=-1), "clip_each is -1"),
    (dict(rewind=0), "rewind is 0"),
    (dict(batch=1.0), "batch is 1.0"),
])  # fmt: skip
def test_mistakes_of_train_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        train(machine_of(), task, **{**dict(sequences=20), **quiet, **options})


@pytest.mark.parametrize("options, words", [
    (dict(sequences=0), "sequences is 0"), (dict(batch=-1), "batch is -1"),
    (dict(length=0), "length is 0")])
def test_mistakes_of_evaluate_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        evaluate(machine_of(), task, **options)
