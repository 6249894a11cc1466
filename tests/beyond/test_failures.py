"""Each switch changes what it says, and nothing else; the shipped record of what it costs is
whole."""

import json
import os

import pytest
import torch
from torch.testing import assert_close

from ntm import NTM, addressing, tasks, train
from ntm.beyond import failures, record
from ntm.beyond.failures import COPY, FILE, LAB, SOUND, build, replaced, run

task = tasks.Copy(lengths=(3, 5))
drawn = task.sample(2, generator=torch.Generator().manual_seed(0))
KINDS = "kβgsγea"


def taught(name, sequences=40, **changes):
    """A machine with that switch on, trained for a moment."""
    machine, subject, recipe = build(name, "copy", 3)
    train(machine, subject, progress=False, every=20,
          **recipe | dict(sequences=sequences) | changes)
    return machine


def raw(machine, kind):
    """Weight and bias of one kind of raw value, together."""
    parts = machine.heads.linear.weight, machine.heads.linear.bias.unsqueeze(1)
    return torch.cat([part.detach().split(machine.heads.sizes)[KINDS.index(kind)]
                      for part in parts], 1)


def test_the_sound_machine_is_a_tape_at_its_defaults():
    machine, subject, recipe = build("sound", "copy", 3)
    plain = NTM(10, 8, "feedforward", start="tape", seed=3)
    assert all(torch.equal(a, b)
               for a, b in zip(machine.state_dict().values(), plain.state_dict().values()))
    assert type(subject) is tasks.Copy and recipe == dict(sequences=3_000)
    assert type(build("sound", "recall")[1]) is tasks.AssociativeRecall


@pytest.mark.parametrize("name, kind, value",
                         [("no erase", "e", 0), ("blunt", "γ", 1), ("by place", "g", 0),
                          ("by content", "g", 1)])
def test_what_is_nailed_stays_while_the_machine_learns(name, kind, value):
    machine, sound = taught(name), build("sound", "copy", 3)[0]
    with torch.no_grad():
        _, trace = machine(drawn.x, trace=True)
    found = getattr(trace, kind)
    assert torch.equal(found, torch.full_like(found, value))
    untaught = build(name, "copy", 3)[0]
    for other in set(KINDS) - {kind}:
        assert torch.equal(raw(untaught, other), raw(sound, other))
    assert not torch.equal(raw(machine, "a"), raw(sound, "a"))


def test_a_mirrored_shift_is_the_sound_machine_with_a_correlation(monkeypatch):
    mirrored, sound = build("mirrored", "copy", 3)[0], build("sound", "copy", 3)[0]
    with torch.no_grad():
        (y, found), (same, there) = mirrored(drawn.x, trace=True), sound(drawn.x, trace=True)
        assert_close(y, same)  # on rows that are all alike, left and right are names
        assert_close(found.w[..., 1:], there.w[..., 1:].flip(-1))
        assert not torch.allclose(found.w, there.w, atol=0.1)
        shift = addressing.shift
        monkeypatch.setattr(addressing, "shift", lambda w, s: shift(w, s.flip(-1)))
        assert_close(found.w, sound(drawn.x, trace=True)[1].w)


def test_beginnings():
    sound = build("sound", "copy", 3)[0]
    for name, lifted in [("sharp", ("γ", 4.0)), ("no search", ("β", -5.0))]:
        machine = (build(name, "copy" if name in COPY else "recall", 3))[0]
        like = sound if name in COPY else build("sound", "recall", 3)[0]
        for kind in KINDS:
            moved = torch.zeros_like(raw(like, kind))
            moved[:, -1] = lifted[1] if kind == lifted[0] else 0
            assert_close(raw(machine, kind), raw(like, kind) + moved)
    for name, settings in [("bare", dict(start="bare", initial_memory="distinct")),
                           ("alike", dict(initial_weighting="uniform")),
                           ("everywhere",
                            dict(initial_weighting="uniform", initial_memory="distinct")),
                           ("constant", dict(initial_memory="constant")),
                           ("distinct", dict(initial_memory="distinct")),
                           ("few", dict(N=16))]:
        machine = build(name, "copy", 3)[0]
        assert machine.settings.get("start", "bare") == settings.pop("start", "tape")
        assert {key: machine.settings[key] for key in settings} == settings


def test_rows_alike_and_heads_everywhere_stay_so():
    machine = taught("alike")
    with torch.no_grad():
        _, trace = machine(drawn.x, trace=True)
    assert ((trace.w - 1 / 128).abs().max() < 1e-5
            and (trace.M - trace.M[..., :1, :]).abs().max() < 1e-5)


def test_untied_keys_are_as_large_and_find_nothing():
    tied, untied = (build(name, "recall", 3)[0] for name in ("sound", "untied"))
    assert (torch.equal(raw(tied, "k")[:20], raw(tied, "a"))
            and not torch.equal(raw(untied, "k")[:20], raw(tied, "a")))
    assert_close(raw(untied, "k").norm(), raw(tied, "k").norm())


def test_rows_of_noise_are_new_for_every_update():
    machine = build("noise", "copy", 3)[0]
    rows = [machine.redraw(torch.Generator().manual_seed(seed)).clone() for seed in (0, 1)]
    assert (not torch.equal(*rows) and torch.equal(machine.M_0, rows[1])
            and 0.9 < rows[1].std() < 1.1)


def test_a_memory_that_is_never_wiped_is_found_by_the_next_sequence():
    carried, sound = build("carried", "copy", 3)[0], build("sound", "copy", 3)[0]
    with torch.no_grad():
        first, state = sound.unroll(drawn.x)
        assert_close(carried(drawn.x), first)
        assert_close(carried(drawn.x),
                     sound.unroll(drawn.x, sound.initial_state(2)._replace(M=state.M))[0])
        assert_close(carried(drawn.x[:, :1]), first[:, :1])  # of another batch nothing was left
    assert not carried.left.requires_grad


def test_a_cut_gradient_does_not_go_back_further_and_nothing_else_changes():
    for name, reaches in [("sound", True), ("cut", False)]:
        machine = build(name, "copy", 3)[0]
        x = torch.rand(21, 1, 10, requires_grad=True)
        y = machine(x)
        y[-1].sum().backward()
        assert bool(x.grad[:20].any()) == reaches and x.grad[20:].any()
    assert_close(machine(x), build("sound", "copy", 3)[0](x))


def test_one_weighting_for_both_heads():
    machine = taught("one weighting")
    with torch.no_grad():
        _, trace = machine(drawn.x, trace=True)
    assert torch.equal(trace.w_read, trace.w_write)
    before = {kind: raw(build("sound", "copy", 3)[0], kind) for kind in KINDS}
    assert all(not torch.equal(raw(machine, kind), before[kind]) for kind in KINDS)


def test_the_gradient_of_one_weighting_is_that_of_both():
    machine, subject, recipe = build("one weighting", "copy", 3)
    tasks.bits(machine(drawn.x), drawn).sum().backward()
    g = machine.heads.linear.bias.grad.split(machine.heads.sizes)[2].clone()
    recipe["optimizer"].step()
    assert_close(machine.heads.linear.bias.grad.split(machine.heads.sizes)[2], g.sum().expand(2))


def test_a_deaf_controller_hears_the_input_alone():
    machine = taught("deaf")
    weight = machine.controller.layers[0].weight
    assert not weight[:, 10:].any() and weight[:, :10].any()


def test_gradients_that_are_never_zeroed_add_up():
    machine, _, recipe = build("never zeroed", "copy", 3)
    for _ in range(2):
        recipe["optimizer"].zero_grad()
        tasks.bits(machine(drawn.x), drawn).sum().backward()
    twice = machine.output.bias.grad.clone()
    machine.zero_grad()
    tasks.bits(machine(drawn.x), drawn).sum().backward()
    assert_close(twice, 2 * machine.output.bias.grad)


def test_an_averaged_loss_is_a_larger_epsilon():
    class Averaged(tasks.Copy):
        """The loss is that of the mask, so a smaller mask is a smaller loss."""

        steady = True

        def sample(self, batch, **options):
            sample = super().sample(batch, **options)
            return sample._replace(mask=sample.mask / 84)

    machine, subject, recipe = build("mean", "copy", 3)
    train(machine, subject, progress=False, every=20, **recipe | dict(sequences=40))
    other = build("sound", "copy", 3)[0]
    train(other, Averaged(), 40, every=20, progress=False)
    start = build("sound", "copy", 3)[0]
    for a, b, c in zip(machine.parameters(), other.parameters(), start.parameters()):
        assert_close(a - c, b - c, rtol=1e-2, atol=2e-7)


def test_recipes_and_data():
    recipes = {name: build(name, "copy")[2] for name in COPY}
    assert recipes["fast"]["lr"] == 1e-3 and recipes["batch"]["batch"] == 10
    assert recipes["unclipped"]["clip"] is None and recipes["constant rate"]["schedule"] is None
    assert (recipes["each"]["clip"], recipes["each"]["clip_each"]) == (None, 10.0)
    for name, kind, lr in [("adam", torch.optim.Adam, 1e-3), ("torch", torch.optim.RMSprop, 1e-4)]:
        assert (type(recipes[name]["optimizer"]) is kind
                and recipes[name]["optimizer"].param_groups[0]["lr"] == lr)
    assert (build("short", "copy")[1].lengths == (1, 10)
            and build("always 20", "copy")[1].lengths == (20, 20))
    marked, unmarked = (build(name, "copy")[1].sample(3, generator=torch.Generator().manual_seed(0))
                        for name in ("sound", "no end"))
    assert (marked.x[..., 9].any() and not unmarked.x[..., 9].any()
            and torch.equal(marked.x[..., :9], unmarked.x[..., :9]))


def test_replaced_functions_are_put_back(monkeypatch):
    monkeypatch.delenv("NTM_FAST", raising=False)
    sharpen, step = addressing.sharpen, NTM.step
    with pytest.raises(KeyError), replaced(COPY["plain powers"].replaces):
        assert addressing.sharpen is failures.plain_powers and os.environ["NTM_FAST"] == "0"
        raise KeyError
    with replaced(COPY["write first"].replaces):
        assert NTM.step is failures.write_first
    assert addressing.sharpen is sharpen and NTM.step is step and "NTM_FAST" not in os.environ


def test_write_first_reads_what_this_step_has_written():
    machine = build("write first", "copy", 3)[0]
    state = machine.initial_state(2)
    with torch.no_grad():
        _, usual, _ = machine.step(drawn.x[0], state)
        with replaced(COPY["write first"].replaces):
            _, found, _ = machine.step(drawn.x[0], state)
    assert_close(found.M, usual.M)
    assert_close(found.w, usual.w)
    assert_close(found.r, found.w[:, :1] @ found.M)
    assert_close(usual.r, usual.w[:, :1] @ state.M)


def test_plain_powers_underflow_and_a_bare_cosine_is_not_a_number():
    even = torch.full((1, 1, 128), 1 / 128)
    assert failures.plain_powers(even, torch.tensor([[1.0]])).sum() == pytest.approx(1)
    assert failures.plain_powers(even, torch.tensor([[9.0]])).sum() < 0.2
    M, k = torch.rand(1, 4, 3), torch.rand(1, 1, 3)
    assert_close(failures.bare_cosine(M, k), addressing.similarity(M, k), rtol=1e-4, atol=1e-4)
    assert failures.bare_cosine(0 * M, k).isnan().all()
    assert "not finite after 0" in run("copy", "no ε", 3, 1)["runs"][0]["stopped"]


def test_names_must_be_known():
    with pytest.raises(ValueError, match="name is 'nothing'"):
        build("nothing")
    with pytest.raises(ValueError, match="task is 'sort'"):
        build("sound", "sort")


def test_a_tiny_grid_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(failures, "FILE", tmp_path / "found.json")
    monkeypatch.setattr(failures, "LAB",
                        {"copy": {name: COPY[name]._replace(sequences=100)
                                  for name in ("sound", "adam")}})
    monkeypatch.setattr(record, "ProcessPoolExecutor", _Here)
    with pytest.raises(SystemExit) as end:
        failures.main(["--first", "3", "--seeds", "5", "--folder", str(tmp_path / "runs")])
    found = json.loads((tmp_path / "found.json").read_text())
    wanted = [(name, seed) for name in ("sound", "adam") for seed in range(3, 8)]
    assert not end.value.code and [(r["name"], r["seed"]) for r in found["runs"]] == wanted
    assert (found["source"] == record.source("beyond/failures.py", "many.py")
            and all(len(r["bits"]) == 1 and r["scores"] for r in found["runs"]))


class _Here:
    """An executor that runs what it is given at once, so that a test may replace what is run."""

    def __init__(self, *_):
        from concurrent.futures import Future
        self.future = Future

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, function, **job):
        future = self.future()
        future.set_result(function(**job))
        return future


def test_the_record_is_whole():
    record = json.loads(FILE.read_text(encoding="utf-8"))
    found = [(r["task"], r["name"], r["seed"]) for r in record["runs"]]
    seeds = sorted({seed for _, _, seed in found})
    assert seeds[:5] == list(range(30, 35))
    assert found == [(task, name, seed) for task in LAB for name in LAB[task]
                     for seed in (seeds[:5] if task == "recall" or LAB[task][name].slow else seeds)]
    for r in record["runs"]:
        whole = len(r["bits"]) * r["every"] == r["sequences"]
        assert whole and r["scores"].keys() == SOUND[r["task"]][3].keys() or r["stopped"]
    assert record["command"] and record["source"]
