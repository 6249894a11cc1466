"""The disassembler gives known answers on traces made by hand, and on those of programs."""

import torch

from ntm import NTM, programs, tasks
from ntm.disassembler import content_share, decode, disassemble, names, scores
from ntm.programs import read, run, write
from ntm.trace import Trace


def hand_made(w, *, k=None, g=None, s=None, e=None, a=None, M=None, read_heads=1):
    """A Trace with B = 1 of weightings w [T, heads, N] (the first of which is w_0), and whatever
    else a test is about."""
    w = torch.as_tensor(w, dtype=torch.float).unsqueeze(1)
    T, _, heads, N = w[1:].shape
    M = torch.eye(N) if M is None else M
    fill = dict(
        M=M.expand(T, 1, N, N), r=torch.zeros(T, 1, read_heads, N), k=torch.zeros(T, 1, heads, N),
        β=torch.full((T, 1, heads), 50.0),
        g=torch.zeros(T, 1, heads), s=torch.tensor([0.0, 1.0, 0.0]).expand(T, 1, heads, 3),
        γ=torch.ones(T, 1, heads),
        e=torch.zeros(T, 1, heads - read_heads, N), a=torch.zeros(T, 1, heads - read_heads, N),
    )
    given = dict(k=k, g=g, s=s, e=e, a=a)
    fill |= {name: torch.as_tensor(value, dtype=torch.float).unsqueeze(1)
             for name, value in given.items() if value is not None}
    return Trace(M[None], w[0], read_heads, w=w[1:], **fill)


def one_hot(*slots, N=8):
    return torch.eye(N)[list(slots)]


def test_the_copy_program_comes_back():
    batch = tasks.Copy().sample(1, length=5, generator=torch.Generator().manual_seed(0))
    _, trace = run(programs.copy, batch.x[:, 0], 8, 10)
    assert disassemble(trace) == """\
read head
  t=0 to 5      stay, read slot 0  × 6
  t=6           jump by content to slot 0, read slot 0
  t=7 to 11     move +1, read slots 1 to 5  × 5
write head
  t=0           stay, write slot 0
  t=1 to 5      move +1, write slots 1 to 5  × 5
  t=6 to 11     stay, idle at slot 5  × 6"""


def test_loops_are_counted():
    batch = tasks.RepeatCopy().sample(1, length=3, repeats=4,
                                      generator=torch.Generator().manual_seed(0))
    _, trace = run(programs.repeat_copy, batch.x[:, 0], 8, 8)
    assert disassemble(trace).splitlines()[2:6] == [
        "  t=5 to 16     4 times:",
        "    jump by content to slot 0, move +1, read slot 1",
        "    move +1, read slots 2, 3  × 2",
        "  t=17          move +1, read slot 4",
    ]


def test_every_instruction_of_a_random_program_comes_back():
    """Random moves and jumps, with a leak that the sharpening takes back, are decoded to the
    letter."""
    generator, N = torch.Generator().manual_seed(3), 9
    steps, at, expected = [write([float(i == j) for j in range(N)], move=+1)
                           for i in range(N)], 0, []
    for _ in range(60):
        move, slot, jumps = (int(torch.randint(low, high, (1,), generator=generator))
                             for low, high in [(-1, 2), (0, N), (0, 2)])
        steps.append(read(move, jump=[float(slot == j) for j in range(N)] if jumps else None))
        source = (slot + 1) % N if jumps else at  # value i lies in slot i + 1
        at = (source + move) % N
        expected.append(("jump" if jumps else "move", move, source, at, "read"))
    _, trace = run(steps, None, N, N, leak=0.1, γ=5.0)
    assert [step[:5] for step in decode(trace)["read head"][N:]] == expected


def test_blurred_steps_are_called_blurred():
    w = torch.stack([one_hot(0)] + [torch.full((1, 8), 1 / 8)] * 3).expand(-1, 2, -1)
    text = disassemble(hand_made(w))
    assert text.splitlines()[1] == "  t=0 to 2      blurred over about 8 slots, read  × 3"


def test_what_a_write_head_does():
    w = torch.stack([one_hot(0, 3)] * 5)
    e, a = torch.zeros(4, 1, 8), torch.zeros(4, 1, 8)
    e[1, 0, 2], a[2, 0, 1], e[3], a[3] = 0.9, -0.5, 1.0, 0.7
    steps = decode(hand_made(w, e=e, a=a))["write head"]
    assert ([step.does for step in steps] == ["idle", "erase", "write", "write"]
            and {step.slot for step in steps} == {3})


def test_content_decides_only_where_it_brought_most_of_the_peak():
    """w_prev on slot 2, the key at slot 5: with g the content brings g of the weight to 5."""
    k = torch.zeros(2, 2, 8)
    k[:, 0, 5] = 1
    g = torch.tensor([[0.8, 0.0], [0.3, 0.0]])
    trace = hand_made([one_hot(2, 2).tolist(), one_hot(5, 2).tolist(), one_hot(5, 2).tolist()], k=k,
                      g=g)
    torch.testing.assert_close(content_share(trace)[0, 0], torch.tensor([1.0, 0.0]))
    # at step 1 both ways lead to slot 5, and content's share there is g itself
    torch.testing.assert_close(content_share(trace)[1, 0], torch.tensor([0.3, 0.0]))
    assert [step.how for step in decode(trace)["read head"]] == ["jump", "move"]


def test_scores_of_a_path_known_by_heart():
    """0 → 1 → 2 → 3 → 3 → 7 → 6: three steps on, one still, one far away, one back."""
    s = torch.zeros(6, 1, 3)
    s[[0, 1, 2], :, 2] = 1  # the path is what counts, s matters to `content` alone
    path = one_hot(0, 1, 2, 3, 3, 7, 6).unsqueeze(1)
    found = scores(hand_made(path, s=s))["read head"]
    assert {name: round(value, 4) for name, value in found.items()} == {
        "sequential": 0.5, "still": round(1 / 6, 4), "local": round(5 / 6, 4), "sharp": 1,
        "spread": 1, "content": 0, "stable": 1}
    last = scores(hand_made(path, s=s), slice(3, None))["read head"]
    assert round(last["sequential"], 4) == round(1 / 3, 4)  # backwards counts as well
    assert scores(hand_made(path, s=s),
                  torch.tensor([True] * 3 + [False] * 3))["read head"]["sequential"] == 1


def test_scores_wrap_around_the_memory():
    assert scores(hand_made(one_hot(6, 7, 0, 1).unsqueeze(1)))["read head"]["sequential"] == 1
    assert scores(hand_made(one_hot(1, 0, 7, 6).unsqueeze(1)))["read head"]["sequential"] == 1


def test_sharp_and_spread():
    w = torch.zeros(2, 1, 8)
    w[0, 0, 0], w[1, 0, :2] = 1, 0.5
    found = scores(hand_made(w))["read head"]
    assert found["sharp"] == 0.5 and round(found["spread"], 5) == 2


def test_stable_counts_the_sequences_that_take_the_common_path():
    trace = hand_made(one_hot(0, 1, 2).unsqueeze(1))
    other = hand_made(one_hot(0, 1, 5).unsqueeze(1))
    both = Trace(*(torch.cat([a, a, b], dim=0 if i < 2 else 1) if isinstance(a, torch.Tensor) else a
                   for i, (a, b) in enumerate(zip(vars(trace).values(), vars(other).values()))))
    assert round(scores(both)["read head"]["stable"], 4) == round((1 + 2 / 3) / 2, 4)


def test_any_machine_can_be_disassembled():
    machine = NTM(10, 8, N=12, width=6, hidden_size=5, read_heads=2, write_heads=3, shift_range=2,
                  seed=0)
    batch = tasks.Copy().sample(4, generator=torch.Generator().manual_seed(0))
    _, trace = machine(batch.x, trace=True)
    text, found = disassemble(trace, b=3), scores(trace, batch.mask > 0)
    assert [line for line in text.splitlines() if "head" in line] == list(found) == names(trace)
    assert list(found)[:3] == ["read head 0", "read head 1", "write head 0"]
    for head in found.values():
        assert all(0 <= head[name] <= 1
                   for name in ("sequential", "still", "local", "sharp", "content", "stable"))
        assert (head["sequential"] + head["still"] <= head["local"] + 1e-6
                and 1 <= head["spread"] <= 12)
