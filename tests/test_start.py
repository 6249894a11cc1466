"""What a machine that begins as a tape can do before any training: walk on, find what was
written."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from ntm import NTM, tasks

both = pytest.mark.parametrize("controller", ["lstm", "feedforward"])
sizes = [dict(), dict(read_heads=3, write_heads=2), dict(shift_range=2), dict(N=3)]
settings = pytest.mark.parametrize("size", sizes, ids=str)


def machine_of(controller="feedforward", start="tape", **size):
    return NTM(10, 8, controller, start=start, seed=0, **size)


def shown(*again):
    """20 steps of random bits [T, 1, 10], then the steps `again` of them once more."""
    x = torch.randint(0, 2, (20, 1, 10), generator=torch.Generator().manual_seed(3)).float()
    return torch.cat([x, x[list(again)]])


@both
@settings
def test_every_head_moves_on_where_nothing_is_found(controller, size):
    machine = machine_of(controller, **size)
    with torch.no_grad():
        machine.heads.linear.bias.split(machine.heads.sizes)[2].sub_(20)  # g = 0
        _, trace = machine(shown()[:2], trace=True)
    for w in (trace.w_read, trace.w_write):
        assert (w[-1, 0, :, 2] > 0.6).all()


@both
def test_the_write_head_keeps_its_place(controller):
    """Untouched, the write head stands near slot 10 after 10 steps; a bare one is nowhere."""
    near = {}
    for start in ("tape", "bare"):
        with torch.no_grad():
            _, trace = machine_of(controller, start)(shown()[:10], trace=True)
        near[start] = trace.w_write[-1, 0, 0, 9:12].sum().item()
    assert near["tape"] > 0.2 > 0.1 > near["bare"]


@both
@pytest.mark.parametrize("size", [dict(), dict(read_heads=3, write_heads=2)], ids=str)
def test_it_finds_what_was_written_on_seeing_x(controller, size):
    """On seeing x again the key lies nearest to what was added then; a bare machine's lies
    anywhere."""
    tape, bare = (found(machine_of(controller, start, **size)) for start in ("tape", "bare"))
    assert tape >= 0.6 > 0.3 > bare


def found(machine):
    """How often, of 20 times, the key on seeing x again lies nearest to what was added on seeing
    x."""
    hits = 0
    with torch.no_grad():
        for i in range(20):
            state, adds = machine.initial_state(1), []
            for x_t in shown(i):
                _, state, emitted = machine.step(x_t, state)
                adds.append(emitted.a[0, 0])
            rows = nn.functional.normalize(torch.stack(adds[:20]), dim=-1)
            hits += int((rows @ emitted.k[0, 0]).argmax() == i)
    return hits / 20


@both
def test_keys_and_adds_are_one_map(controller):
    """Read heads 0, 1, 2 search for what write heads 0, 1, 0 write; those heads' own keys stay."""
    parts = {}
    for start in ("tape", "bare"):
        machine = machine_of(controller, start, read_heads=3, write_heads=2)
        for tensor, value in machine.heads.linear.named_parameters():
            kinds = value.split(machine.heads.sizes)
            parts[start, tensor] = [kinds[i].unflatten(0, (-1, 20)) for i in (0, 6)]
    for tensor, factor in [("weight", 3), ("bias", 0)]:
        k, a = parts["tape", tensor]
        assert torch.equal(k[:3], a[[0, 1, 0]])
        assert not torch.equal(a[0], a[1]) or tensor == "bias"
        factor = factor if controller == "lstm" else 1
        assert_close(k[3:], factor * parts["bare", tensor][0][3:])
        assert_close(a, factor * parts["bare", tensor][1])


@both
def test_what_the_start_does_not_name_is_drawn_as_ever(controller):
    machine, bare = machine_of(controller).state_dict(), machine_of(controller, "bare").state_dict()
    differ = {name for name in bare if not torch.equal(machine[name], bare[name])}
    assert differ == {"M_0", "heads.linear.weight", "heads.linear.bias",
                      "controller.layers.0.weight"}
    assert_close(machine_of(controller, initial_memory="redrawn").M_0, bare["M_0"] + 0.1)
    weights = [state["controller.layers.0.weight"] for state in (machine, bare)]
    assert torch.equal(*(weight[:, 10:] for weight in weights))  # what it has read, its own state


@both
def test_the_file_says_how_it_began(controller, tmp_path):
    machine = machine_of(controller)
    machine.save(tmp_path / "m.safetensors")
    again = NTM.load(tmp_path / "m.safetensors")
    assert again.settings["start"] == "tape" and again.settings["initial_memory"] == "blank"
    for name, value in machine.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])


def test_a_bare_machine_names_no_start():
    """Neither do files from before there was a choice; without a word a machine begins bare."""
    machine, silent = machine_of(start="bare"), NTM(10, 8, "feedforward", seed=0)
    assert "start" not in machine.settings and machine.settings == silent.settings
    for name, value in machine.state_dict().items():
        assert torch.equal(value, silent.state_dict()[name])


def test_rows_are_redrawn_only_where_asked():
    generator = torch.Generator().manual_seed(0)
    for memory in ("redrawn", "blank", "distinct", "constant"):
        machine = machine_of(initial_memory=memory)
        before = machine.M_0.clone()
        machine.redraw(generator)
        assert torch.equal(before, machine.M_0) == (memory != "redrawn")
    assert torch.equal(machine_of(initial_memory="blank").M_0, torch.full((128, 20), 0.1))


def test_redrawn_rows_follow_the_generator():
    machine, drawn = machine_of(initial_memory="redrawn"), []
    for seed in (1, 1, 2):
        machine.redraw(torch.Generator().manual_seed(seed))
        drawn.append(machine.M_0.clone())
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert 0.09 < drawn[0].mean() < 0.11 and 0.09 < drawn[0].std() < 0.11


def test_a_controller_of_ones_own_is_left_as_it_is():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.output_size, self.layer = 7, nn.Linear(10 + 20, 7)

        def initial(self, batch):
            return ()

        def forward(self, x, state):
            return torch.relu(self.layer(x)), state

    own = Own()
    before = own.layer.weight.clone()
    machine = NTM(10, 8, own, start="tape")
    machine(shown())
    assert torch.equal(own.layer.weight, before)


wrong = [(dict(start="rolling"), "start is 'rolling'"), (dict(shift_range=0), "shift_range is 0")]


@pytest.mark.parametrize("wrong, message", wrong)
def test_what_cannot_be_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        NTM(10, 8, **dict(start="tape") | wrong)


def test_repeat_copy_counts_in_marks():
    """The variant of repeat copy for a tape: 2 vectors, 3 marks, go, then the answer."""
    task = tasks.RepeatCopy(count="marks")
    x, y, mask = task.sample(1, length=2, repeats=3, generator=torch.Generator().manual_seed(0))
    assert x.shape == (14, 1, task.inputs) and task.inputs == 9
    assert x[:, 0, 6:].nonzero().tolist() == [[0, 0], [3, 1], [4, 1], [5, 1], [6, 2]]
    assert mask[:, 0].tolist() == [0] * 7 + [1] * 7 and y[:, 0, 6].tolist() == [0] * 13 + [1]
    for repeat in range(3):
        assert torch.equal(y[7 + 2 * repeat : 9 + 2 * repeat, 0, :6], x[1:3, 0, :6])


def test_marks_tell_length_and_repeats():
    task = tasks.RepeatCopy(count="marks")
    batch = task.sample(50, generator=torch.Generator().manual_seed(1))
    L, n = task.lengths_and_repeats(batch)
    assert (torch.equal(batch.mask.sum(0), (L * n + 1).float())
            and torch.equal(batch.mask.argmax(0), L + n + 2))
    assert len(L.unique()) == len(n.unique()) == 10


def test_marks_show_the_same_data_as_the_number():
    number, marks = (tasks.RepeatCopy(count=c).sample(8, generator=torch.Generator().manual_seed(1))
                     for c in ("number", "marks"))
    assert torch.equal(number.x[:11, :, :6], marks.x[:11, :, :6]) and number.x[:11, :, :6].any()
    with pytest.raises(ValueError, match="count is 'words'"):
        tasks.RepeatCopy(count="words")
