"""The fast path against the clear one: the same machine, with NTM_FAST=1 and with NTM_FAST=0."""

import copy
import ctypes
import os
import shutil
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from ntm import NTM, GravesRMSprop, benchmark, fast, tasks, train
from ntm.addressing import tiny
from ntm.machine import State

compiler = next(filter(None, map(shutil.which, [os.environ.get("CC", "cc"), "gcc", "clang"])), None)
pytestmark = pytest.mark.skipif(compiler is None or os.name == "nt",
                                reason="no C compiler here: there is only the clear path")

f32, f64 = torch.float32, torch.float64
small = dict(inputs=3, outputs=2, hidden_size=6, N=7, width=3)
both = pytest.mark.parametrize("controller", ["lstm", "feedforward"])


@pytest.fixture(autouse=True)
def on(monkeypatch):
    monkeypatch.setenv("NTM_FAST", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def fresh():
    """Compiled kernels are forgotten before and after."""
    fast.library.cache_clear()
    yield
    fast.library.cache_clear()


def machine_of(dtype=f64, spread=0.5, seed=0, **settings):
    """A machine none of whose weights is left at zero."""
    machine = NTM(**{**small, "seed": seed, **settings})
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in machine.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * spread)
    return machine.to(dtype)


def state_of(machine, batch, zero_rows=False, seed=1):
    """A State for the machine that asks for its gradient, with memory rows of zeros if wished."""
    generator = torch.Generator().manual_seed(seed)
    state = machine.initial_state(batch)
    random = [v + 0.3 * torch.randn(v.shape, generator=generator, dtype=f64).to(v)
              for v in (*state[:3], *state.controller)]
    if zero_rows:
        random[0][:, ::2] = 0
    random[1] = torch.softmax(3 * random[1], -1)
    M, w, r, *controller = (v.detach().requires_grad_() for v in random)
    return State(M, w, r, tuple(controller))


def flat(state):
    return [*state[:3], *state.controller]


def results_of(machine, x, state, loss):
    """The logits, the last state and all gradients, by name."""
    x = x.detach().requires_grad_()
    named = {"x": x, **dict(zip("M_0 w_0 r_0 h_0 c_0".split(), flat(state))),
             **dict(machine.named_parameters())}
    logits, last = machine.unroll(x, state)
    outputs, generator = [logits, *flat(last)], torch.Generator().manual_seed(2)
    weights = [torch.randn(v.shape, generator=generator, dtype=f64).to(v) for v in outputs]
    cost = loss(logits) if loss else sum((v * c).sum() for v, c in zip(outputs, weights))
    gradients = torch.autograd.grad(cost, list(named.values()), materialize_grads=True)
    return dict(zip(["logits", *"MwrHC"], outputs)) | {f"gradient of {name}": d
                                                       for name, d in zip(named, gradients)}


def compare(machine, x, state, tolerance, loss=None):
    """Both paths: each tensor within `tolerance` of its largest entry. In float32 some gradients
    are differences of large numbers: where the clear path is itself further from float64, or
    float64 moves by more when the weights are rounded another way, the fast one may be as far again
    and a half."""
    results, exact = [], None
    for path in "10":
        os.environ["NTM_FAST"] = path  # the fixture puts it back
        assert fast.supports(machine, x) == (path == "1")
        results.append(results_of(machine, x, state, loss))
    if x.dtype == f32:
        twin = copy.deepcopy(machine).double()
        double = [v.detach().double().requires_grad_() for v in flat(state)]
        exact = results_of(twin, x.double(), State(*double[:3], tuple(double[3:])), loss)
        generator, rounded = torch.Generator().manual_seed(0), []
        # how far float64 is moved by weights that differ in the last place of a float32
        for _ in range(8):
            other = copy.deepcopy(twin)
            with torch.no_grad():
                for p in other.parameters():
                    p.mul_(1 + torch.finfo(f32).eps * (2 * torch.rand(p.shape, generator=generator,
                                                                      dtype=f64) - 1))
            rounded.append(results_of(other, x.double(), State(*double[:3], tuple(double[3:])),
                                      loss))
    for name, expected in results[1].items():
        found = results[0][name]
        assert found.shape == expected.shape and found.dtype == expected.dtype, name
        error, scale = (found - expected).abs().max().item(), max(expected.abs().max().item(), 1e-3)
        uncertain = [(other[name] - exact[name]).abs().max().item()
                     for other in [results[1], *rounded]] if exact else [0]
        allowed = max(tolerance * scale, 2.5 * max(uncertain))
        # and this is False for NaN
        assert error <= allowed, f"{name} is off by {error / scale:.1e}"


# equal, whatever its size

cases = [
    dict(),
    dict(batch=1), dict(batch=4, read_heads=3), dict(batch=5, write_heads=3),
    dict(batch=9, read_heads=2, write_heads=2),
    dict(layers=2), dict(layers=3, batch=8, read_heads=2),
    dict(shift_range=0), dict(shift_range=2), dict(shift_range=3, write_heads=2),
    dict(N=1, shift_range=0), dict(N=2, shift_range=0, read_heads=2), dict(N=3),
    dict(N=128, width=20, hidden_size=40, T=4),
    dict(width=1), dict(width=1, hidden_size=1, N=1, shift_range=0),
    dict(width=17, hidden_size=33, N=33),
    dict(inputs=1, outputs=1), dict(T=1), dict(T=40),
    dict(initial_memory="learned", initial_weighting="learned"),
    dict(initial_memory="constant", initial_weighting="uniform"),
]  # fmt: skip


@both
@pytest.mark.parametrize("dtype, tolerance", [(f64, 1e-9), (f32, 1e-5)], ids=["f64", "f32"])
@pytest.mark.parametrize("case", cases,
                         ids=lambda case: "-".join(f"{k}={v}" for k, v in case.items()) or "small")
def test_outputs_state_and_all_gradients(controller, dtype, tolerance, case):
    settings = {k: v for k, v in case.items() if k not in ("batch", "T")}
    machine = machine_of(dtype, controller=controller, **settings)
    batch = case.get("batch", 3)
    x = torch.randn(case.get("T", 6), batch, machine.inputs,
                    generator=torch.Generator().manual_seed(3)).to(dtype)
    compare(machine, x, state_of(machine, batch), tolerance)


@both
def test_rows_of_zeros(controller):
    machine = machine_of(controller=controller, read_heads=2)
    compare(machine, torch.randn(6, 2, 3, dtype=f64), state_of(machine, 2, zero_rows=True), 1e-9)


@both
@pytest.mark.parametrize("dtype", [f64, f32])
def test_large_weights_saturate_and_stay_finite(controller, dtype):
    machine = machine_of(dtype, spread=15, controller=controller, shift_range=2,
                         initial_memory="learned")
    x, state = 3 * torch.randn(5, 3, 3, dtype=dtype), state_of(machine, 3)
    logits, last = machine.unroll(x, state)
    sum(v.sum() for v in [logits, *flat(last)]).backward()
    gradients = [v.grad for v in [*machine.parameters(), *flat(state)] if v.grad is not None]
    assert len(gradients) > 8 and all(v.isfinite().all() for v in [logits, *flat(last), *gradients])
    if dtype == f64:
        # a weight at the edge of `tiny` makes the next one jump, so only what does not cross it can
        # be compared: one step
        compare(machine, x[:1], state_of(machine, 3), 1e-6)


def test_the_floor_of_the_logarithm():
    """Weights below `tiny` are cut in both paths, and pass no gradient."""
    machine = machine_of(N=6)
    with torch.no_grad():
        sizes = machine.heads.sizes
        # gates shut: only w_prev counts
        machine.heads.linear.bias[sizes[0] + sizes[1] : sum(sizes[:3])] = -60
        machine.heads.linear.weight[sizes[0] + sizes[1] : sum(sizes[:3])] = 0
    state = state_of(machine, 2)
    w = torch.tensor([1 - 3e-13, 1e-13, 1e-13, 1e-13, 0, 0], dtype=f64)
    w = w.expand(2, 2, 6).clone().requires_grad_()
    assert w.min() < tiny
    compare(machine, torch.randn(1, 2, 3, dtype=f64), state._replace(w=w), 1e-9)


@both
def test_masked_steps_and_lengths_that_differ(controller):
    task = tasks.Copy(width=2, lengths=(1, 4))
    machine = machine_of(controller=controller, inputs=task.inputs, outputs=task.outputs)
    batch = task.sample(5, generator=torch.Generator().manual_seed(0))
    batch = tasks.Batch(*(v.double() for v in batch))
    assert len(set(batch.mask.sum(0).tolist())) > 1
    compare(machine, batch.x, state_of(machine, 5), 1e-9,
            loss=lambda logits: tasks.bits(logits, batch).sum())
    tasks.bits(machine(batch.x), batch).sum().backward()
    together = [p.grad.clone() for p in machine.parameters()]
    machine.zero_grad()
    for b, length in enumerate(batch.mask.sum(0).long()):
        alone = tasks.Batch(*(v[: 2 * length + 2, b : b + 1] for v in batch))
        tasks.bits(machine(alone.x), alone).sum().backward()
    assert_close([p.grad for p in machine.parameters()], together, rtol=1e-9, atol=1e-12)


# equal, however it is called

@both
def test_nothing_is_kept_where_no_gradient_is_wanted(controller):
    machine, x = machine_of(controller=controller, write_heads=2), torch.randn(7, 3, 3, dtype=f64)
    logits, state = machine.unroll(x)
    with torch.no_grad():
        assert_close(machine.unroll(x), (logits, state))
    for p in machine.parameters():
        p.requires_grad_(False)
    frozen, last = machine.unroll(x)
    assert not frozen.requires_grad
    assert_close((frozen, last), (logits, state))
    asked = x.clone().requires_grad_()  # the input alone wants one
    assert torch.autograd.grad(machine(asked).sum(), asked)[0].abs().sum() > 0


@both
def test_some_parameters_frozen(controller):
    machine, x = machine_of(controller=controller), torch.randn(5, 2, 3, dtype=f64)
    everything = torch.autograd.grad(machine(x).square().sum(), list(machine.parameters()))
    for name, p in machine.named_parameters():
        p.requires_grad_("heads" not in name and "r_0" not in name)
    machine(x).square().sum().backward()
    for (name, p), expected in zip(machine.named_parameters(), everything):
        assert (p.grad is None) == ("heads" in name or "r_0" in name)
        if p.grad is not None:
            assert_close(p.grad, expected)


@both
def test_two_calls_are_one_long_call(controller):
    machine, x = machine_of(controller=controller, layers=2), torch.randn(9, 2, 3, dtype=f64)
    costs, gradients = [], []
    for parts in ([9], [4, 5], [1, 1, 7]):
        state, logits = None, []
        for part in x.split(parts):
            y, state = machine.unroll(part, state)
            logits.append(y)
        costs.append(torch.cat(logits).square().sum() + sum((v * v).sum() for v in flat(state)))
        gradients.append(torch.autograd.grad(costs[-1], list(machine.parameters())))
    assert_close(costs[1:], costs[:1] * 2)
    assert_close(gradients[1:], gradients[:1] * 2)


@both
def test_a_state_detached_and_fed_back(controller):
    """Truncated backpropagation through time: the gradient of the second part stops at its first
    step, in both paths."""
    machine, x = machine_of(controller=controller), torch.randn(8, 2, 3, dtype=f64)
    gradients = []
    for path in "10":
        os.environ["NTM_FAST"] = path
        machine.zero_grad()
        state = machine.initial_state(2)
        for part in x.split(4):
            state = State(*(v.detach() for v in state[:3]),
                          tuple(v.detach() for v in state.controller))
            logits, state = machine.unroll(part, state)
            logits.square().sum().backward()
        gradients.append([p.grad for p in machine.parameters() if p.grad is not None])
    assert_close(*gradients)


@both
@pytest.mark.parametrize("path", "10")
def test_chunks_computed_again_give_the_same(controller, path):
    machine, x, results = machine_of(controller=controller), torch.randn(9, 2, 3, dtype=f64), []
    os.environ["NTM_FAST"] = path
    for machine.chunk in (None, 4, 100):
        results.append(results_of(machine, x, state_of(machine, 2), None))
    for result in results[1:]:
        assert_close(result, results[0], rtol=1e-12, atol=1e-14)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count in other units")
def test_5000_steps_in_bounded_memory():
    code = """if True:
        import re, torch
        from ntm import NTM
        machine, x, peaks = NTM(10, 8, N=512, seed=0), torch.rand(5000, 1, 10), []
        for steps, machine.chunk in [(300, 70), (5000, 70), (5000, None)]:
            machine(x[:steps]).sum().backward()
            status = open("/proc/self/status").read()
            peaks.append(int(re.search("VmHWM: *(.*) kB", status)[1]) / 1024)
        print(*peaks)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300,
                          check=True,
                          env=dict(os.environ, OMP_NUM_THREADS="1"))  # fmt: skip
    # MB; getrusage would begin with the peak of the process that started this one
    short, chunked, whole = map(float, done.stdout.split())
    assert chunked < short + 50 and chunked + 200 < whole < 2000, done.stdout


@both
def test_inputs_and_gradients_in_any_layout(controller):
    machine = machine_of(controller=controller, read_heads=2)
    x, state = torch.randn(5, 4, 3, dtype=f64), state_of(machine, 4)
    compare(machine, x, state, 1e-9)
    backwards = [v.detach().transpose(1, 2).contiguous().transpose(1, 2).requires_grad_()
                 for v in flat(state)]
    assert not backwards[0].is_contiguous()
    compare(machine, x.transpose(0, 1).contiguous().transpose(0, 1),
            State(*backwards[:3], tuple(backwards[3:])), 1e-9)
    every = torch.randn(10, 8, 6, dtype=f64)[::2, ::2, ::2]
    compare(machine, every, state, 1e-9)
    # gradients that come in transposed are neither misread nor written to
    _, last = machine.unroll(x, state)
    given = [torch.randn_like(v) for v in flat(last)]
    turned = [d.transpose(1, 2).contiguous().transpose(1, 2) for d in given]
    kept = [d.clone() for d in turned]
    found = [torch.autograd.grad(flat(last), flat(state), d, retain_graph=True)
             for d in (given, turned)]
    assert_close(found[1], found[0])
    assert all(torch.equal(d, k) for d, k in zip(turned, kept))


def test_backward_twice_and_after_a_change():
    machine, x = machine_of(), torch.randn(4, 2, 3, dtype=f64)
    cost = machine(x).sum()
    first = torch.autograd.grad(cost, list(machine.parameters()), retain_graph=True)
    assert_close(torch.autograd.grad(cost, list(machine.parameters())), first)
    with pytest.raises(RuntimeError, match="second time"):  # what was kept has been let go
        cost.backward()
    cost = machine(x).sum()
    with torch.no_grad():
        machine.heads.linear.weight.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        cost.backward()


def test_under_autocast_it_stays_in_float32():
    machine, x = machine_of(f32), torch.randn(4, 2, 3)
    expected = torch.autograd.grad(machine(x).sum(), list(machine.parameters()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = machine(x)
        assert logits.dtype == f32
        assert_close(torch.autograd.grad(logits.sum(), list(machine.parameters())), expected)


# machines that are not quite ours take the clear path

class Forgetful(NTM):
    def step(self, x, state):
        return super().step(x, state._replace(r=torch.zeros_like(state.r)))


class Louder(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


def louder(machine):
    machine.output = Louder(machine.output.in_features, 2).double()


def hooked(machine, part):
    machine.get_submodule(part).register_forward_hook(lambda module, args, output: None)


@pytest.mark.parametrize("change", [
    lambda machine: hooked(machine, "heads"), lambda machine: hooked(machine, "controller"),
    lambda machine: hooked(machine, "output"),
    lambda machine: hooked(machine, "heads.linear"),
    lambda machine: hooked(machine, "controller.layers.0"),
    lambda machine: machine.output.register_forward_pre_hook(lambda module, args: None),
    lambda machine: machine.output.register_full_backward_hook(lambda module, d_in, d_out: None),
    lambda machine: nn.utils.parametrizations.weight_norm(machine.output),
    lambda machine: setattr(machine, "output", nn.Linear(9, 2, bias=False).double()),
    lambda machine: setattr(machine, "step", lambda x, state: NTM.step(machine, x, state)),
    lambda machine: setattr(machine.heads, "forward", machine.heads.forward),
    lambda machine: setattr(machine, "__class__", Forgetful),
    louder,
])  # fmt: skip
def test_a_part_that_is_not_ours_is_not_skipped(change, monkeypatch):
    machine, x = machine_of(), torch.randn(4, 2, 3, dtype=f64)
    machine(x)
    change(machine)
    monkeypatch.setattr(fast, "unroll", lambda *_: pytest.fail("took the fast path"))
    expected, state = [], machine.initial_state(2)
    for x_t in x:
        y, state, _ = machine.step(x_t, state)
        expected.append(y)
    assert_close(machine(x), torch.stack(expected))


def test_a_subclass_that_adds_no_step_is_fast(monkeypatch):
    class Named(NTM):
        pass

    called = []
    monkeypatch.setattr(fast, "unroll", lambda machine, x, state: called.append(1) or (None, None))
    Named(**small)(torch.zeros(2, 1, 3))
    assert called


def test_transforms_of_functions_take_the_clear_path():
    machine, x = machine_of(), torch.randn(3, 2, 3, dtype=f64)
    parameters = dict(machine.named_parameters())
    cost = lambda p: torch.func.functional_call(machine, p, (x,)).square().sum()  # noqa: E731
    expected = torch.autograd.grad(cost(parameters), list(parameters.values()))
    assert_close(list(torch.func.grad(cost)(parameters).values()), list(expected))


def test_a_state_or_weight_that_does_not_fit_is_refused():
    machine, other = machine_of(), machine_of(width=5)
    x = torch.randn(3, 2, 3, dtype=f64)
    with pytest.raises(ValueError, match="state.M has shape"):
        machine.unroll(x, other.initial_state(2))
    with pytest.raises(ValueError, match="state.M has shape"):
        machine.unroll(x, machine_of(N=9).initial_state(2)._replace(w=machine.initial_state(2).w))
    machine.heads.linear = nn.Linear(4, machine.heads.linear.out_features).double()
    with pytest.raises(RuntimeError, match=r"2x6 and 4x"):  # the clear path's words
        machine(x)
    machine = machine_of()
    machine.output.float()
    with pytest.raises(RuntimeError):
        machine(x)


# where it cannot be compiled, the clear path is taken

def test_without_a_compiler(fresh, monkeypatch):
    machine, x = machine_of(f32), torch.randn(4, 2, 3)
    expected = machine(x)
    fast.library.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not fast.supports(machine, x)
    assert_close(machine(x), expected)
    train(NTM(10, 8, seed=0, hidden_size=4, N=4), tasks.Copy(lengths=(1, 2)), 2, progress=False)


@pytest.mark.parametrize("script",
                         ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho nonsense; exit 0\n",
                          "#!/nowhere/at/all\n", "no program"])
def test_with_a_broken_compiler(fresh, monkeypatch, tmp_path, script):
    cc = tmp_path / "cc"
    cc.write_text(script)
    cc.chmod(0o755)
    monkeypatch.setenv("CC", str(cc))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fast.tempfile, "tempdir", str(tmp_path))
    assert fast.library(f32) is None
    assert machine_of(f32)(torch.randn(4, 2, 3)).shape == (4, 2, 2)
    assert not list((tmp_path / "cache").rglob("*.so"))


def test_a_cache_that_cannot_be_written_and_one_that_is_damaged(fresh, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))  # a chmod would not stop root
    monkeypatch.setattr(fast.tempfile, "tempdir", str(tmp_path))
    assert fast.library(f32) is not None
    (compiled,) = (tmp_path / f"ntm-{os.getuid()}").glob("*.so")
    monkeypatch.setattr(fast.tempfile, "tempdir", str(tmp_path / "file"))  # nor anywhere else
    fast.library.cache_clear()
    assert fast.library(f32) is None and machine_of(f32)(torch.randn(4, 2, 3)).shape == (4, 2, 2)
    (tmp_path / "ntm").mkdir()
    (tmp_path / "ntm" / compiled.name).write_bytes(b"not a library")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fast.library.cache_clear()
    assert fast.library(f32) is None
    # the sound copy there is taken instead
    monkeypatch.setattr(fast.tempfile, "tempdir", str(tmp_path))
    fast.library.cache_clear()
    assert fast.library(f32) is not None


def test_two_processes_compile_at_once(tmp_path):
    code = "import torch; from ntm import fast; assert fast.library(torch.float32)"
    environment = dict(os.environ, XDG_CACHE_HOME=str(tmp_path), TMPDIR=str(tmp_path),
                       OMP_NUM_THREADS="1")
    processes = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(2)]
    assert [p.wait(timeout=120) for p in processes] == [0, 0]
    # one file, and no leftovers
    assert [p.name[:13] for p in (tmp_path / "ntm").iterdir()] == ["kernel-float-"]


def test_types_it_does_not_know():
    assert fast.library(torch.float16) is None
    machine = machine_of().to(torch.bfloat16)
    assert not fast.supports(machine, torch.zeros(1, 1, 3, dtype=torch.bfloat16))


# numbers that are none

@both
def test_a_nan_stops_the_training(controller):
    machine = NTM(10, 8, controller, hidden_size=20, N=20, width=8, seed=0)
    with torch.no_grad():
        machine.heads.linear.weight[3, 3] = float("nan")
    with pytest.raises(FloatingPointError):
        train(machine, tasks.Copy(lengths=(1, 3)), 2, progress=False)


def test_denormal_numbers_survive_in_the_process():
    """-ffast-math at link time would make the library switch them off for every thread."""
    assert fast.library(f64) is not None and fast.library(f32) is not None
    machine_of(f32)(torch.randn(3, 2, 3)).sum().backward()
    assert ctypes.c_double(5e-324).value / 1 * 1 > 0 and 5e-324 * 1.0 > 0
    assert (torch.full((64,), 1e-40) * 1.0).min() > 0


# the optimiser's update

@pytest.mark.parametrize("dtype", [f64, f32])
def test_rmsprop_in_one_pass_is_rmsprop(dtype):
    generator, results = torch.Generator().manual_seed(0), []
    start = [torch.randn(shape, generator=generator, dtype=f64).to(dtype)
             for shape in [(3, 5), (1,), (130,)]]
    normal = partial(torch.randn, generator=generator, dtype=f64)
    gradients = [[100 ** normal(1) * normal(v.shape) for v in start] for _ in range(20)]
    for path in "10":
        os.environ["NTM_FAST"] = path
        parameters = [nn.Parameter(v.clone())
                      for v in start] + [nn.Parameter(torch.zeros(2, dtype=dtype))]
        optimizer = GravesRMSprop(parameters, lr=1e-2)
        for d in gradients:
            for p, value in zip(parameters, d):
                p.grad = value.to(dtype)
            optimizer.step()
        assert torch.equal(parameters[-1], torch.zeros(2, dtype=dtype))  # it had no gradient
        results.append([*parameters, *(optimizer.state[p]["n"] for p in parameters[:3])])
    assert_close(*results, rtol=1e-9 if dtype == f64 else 1e-4,
                 atol=1e-12 if dtype == f64 else 1e-5)


@both
def test_a_training_is_the_same_on_both_paths(controller):
    curves = []
    for path in "10":
        os.environ["NTM_FAST"] = path
        machine = NTM(10, 8, controller, hidden_size=12, N=10, width=6, seed=0).double()
        curves.append(train(machine, tasks.Copy(lengths=(1, 4)), 24, batch=3, lr=1e-2, every=6,
                            progress=False).bits)
    assert_close(*curves, rtol=1e-7, atol=0)


def test_it_is_faster():
    """By a factor of 10 or more on an idle machine; 2 is asked, so that a busy one passes."""
    machine, x, times = NTM(10, 8, seed=0), torch.zeros(12, 1, 10), {"1": [], "0": []}
    for _ in range(4):
        for path in times:
            os.environ["NTM_FAST"] = path
            started = time.perf_counter()
            machine(x).sum().backward()
            times[path].append(time.perf_counter() - started)
    assert 2 * min(times["1"]) < min(times["0"])


def test_the_benchmark_prints_its_table(capsys):
    benchmark.table(batches=(1, 2), length=1, rounds=2, seconds=0.001, N=4, hidden_size=4)
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines) == 8 and lines[1].startswith("nn.LSTM(100)")
            and "NTM-feedforward, one call" in lines[-1])
    benchmark.trainings(sequences=2, rounds=2, N=4, hidden_size=4)
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines) == 6 and all(line.count("(x") == 3 for line in lines[2::2])
            and "nan" not in lines[-1])
    assert os.environ["NTM_FAST"] == "1"
    values, times, memory = benchmark.scaling("N", (4, 8), rounds=2, seconds=0.001, length=1)
    assert values == (4, 8) and times[0] == memory[0] == 1 and 1 < memory[1] < 2


def test_what_is_kept_is_little_more_than_the_memory():
    machine = NTM(10, 8, seed=0)
    kept = benchmark.kept(machine, torch.zeros(50, 1, 10)) / 50
    assert 4 * 128 * 20 < kept < 2 * 4 * 128 * 20
