"""Programs by hand are exact; the interpreter does what the symbols say."""

import pytest
import torch

from ntm import memory, programs, tasks
from ntm.addressing import address
from ntm.programs import Instruction, read, run, write


def wrong(y, batch, columns):
    """Wrong bits of what was read, thresholded at 1/2."""
    return int(tasks.wrong_bits(y[:, None, :columns] - 0.5, batch).sum())


# Values


@pytest.mark.parametrize("N", [2, 5, 20, 128])
def test_copy_is_exact_up_to_N_minus_1_vectors(N):
    task, generator = tasks.Copy(), torch.Generator().manual_seed(N)
    for length in sorted({1, N // 2, N - 2 or 1, N - 1}):
        for _ in range(3):
            batch = task.sample(1, length=length, generator=generator)
            y, _ = run(programs.copy, batch.x[:, 0], N, 10)
            assert wrong(y, batch, 8) == 0
            answer = batch.mask[:, 0] > 0
            # not only after thresholding: to the last digit
            assert torch.equal(y[answer, :8], batch.y[answer, 0])


def test_copy_breaks_when_the_sequence_does_not_fit():
    batch = tasks.Copy().sample(1, length=16, generator=torch.Generator().manual_seed(0))
    y, _ = run(programs.copy, batch.x[:, 0], 16, 10)
    assert wrong(y, batch, 8) > 0


@pytest.mark.parametrize("length, repeats",
                         [(1, 1), (1, 10), (2, 3), (7, 4), (10, 10), (20, 10), (10, 20), (30, 2)])
def test_repeat_copy_is_exact_end_mark_and_all(length, repeats):
    for seed in range(3):
        batch = tasks.RepeatCopy().sample(1, length=length, repeats=repeats,
                                          generator=torch.Generator().manual_seed(seed))
        y, _ = run(programs.repeat_copy, batch.x[:, 0], 32, 8)
        assert wrong(y, batch, 7) == 0


@pytest.mark.parametrize("length, repeats",
                         [(1, 1), (1, 10), (2, 3), (7, 4), (20, 10), (10, 40), (3, 100), (100, 3)])
def test_a_count_of_marks_is_read_off_the_tape(length, repeats):
    task = tasks.RepeatCopy(count="marks")
    for seed in range(3):
        batch = task.sample(1, length=length, repeats=repeats,
                            generator=torch.Generator().manual_seed(seed))
        y, _ = run(programs.repeat_copy_marks, batch.x[:, 0], length + repeats + 1, 9, read_heads=3)
        assert wrong(y, batch, 7) == 0


@pytest.mark.parametrize("items", [2, 3, 6, 10, 20])
def test_associative_recall_is_exact(items):
    for seed in range(5):
        batch = tasks.AssociativeRecall().sample(1, items=items,
                                                 generator=torch.Generator().manual_seed(seed))
        y, _ = run(programs.associative_recall, batch.x[:, 0], 4 * items, 18)
        assert wrong(y, batch, 6) == 0


@pytest.mark.parametrize("vectors, highest", [(20, 16), (1, 1), (5, 5), (31, 31)])
def test_priority_sort_is_exact_where_heads_are_sharp(vectors, highest):
    for seed in range(3):
        batch = tasks.PrioritySort(vectors=vectors, highest=highest).sample(
            1, generator=torch.Generator().manual_seed(seed))
        y, trace = run(programs.priority_sort, batch.x[:, 0], 32, 10, β=1000, γ=100)
        assert tasks.wrong_bits(y[:, None, :8], batch).sum() == 0
        slots = batch.x[:vectors, 0, 8].topk(highest).indices + 1  # vector t lies in slot t + 1
        assert torch.equal(trace.w_read[vectors + 1 :, 0, 0].argmax(-1), slots)
        assert torch.equal(trace.w_write[vectors + 1 :, 0, 0].argmax(-1), slots)


def test_priority_sort_follows_the_priorities_alone():
    batch = tasks.PrioritySort().sample(1, generator=torch.Generator().manual_seed(1))
    x, order = batch.x[:, 0].clone(), torch.randperm(20, generator=torch.Generator().manual_seed(2))
    x[:20] = x[order]  # the same vectors with the same priorities, in another order of coming
    first, second = (run(programs.priority_sort, inputs, 32, 10, β=1000, γ=100)[0]
                     for inputs in (batch.x[:, 0], x))
    torch.testing.assert_close(first[21:], second[21:], atol=1e-4, rtol=0)


def test_priority_sort_mixes_two_vectors_whose_priorities_are_too_close():
    batch = tasks.PrioritySort(vectors=3, highest=3).sample(
        1, generator=torch.Generator().manual_seed(0)
    )
    x = batch.x[:, 0].clone()
    x[:3, 8] = torch.tensor([0.9, 0.9, -0.5])
    y, trace = run(programs.priority_sort, x, 8, 10, β=1000, γ=100)
    torch.testing.assert_close(y[4, :8], 0.2 * x[:2, :8].mean(0) - 0.1)
    torch.testing.assert_close(trace.w_read[4, 0, 0, 1:3], torch.tensor([0.5, 0.5]))
    x[1, 8] = 0.899
    y, _ = run(programs.priority_sort, x, 8, 10, β=1000, γ=100)
    torch.testing.assert_close(y[4:, :8], 0.2 * x[:3, :8] - 0.1, atol=1e-4, rtol=0)


def test_the_trace_is_that_of_the_real_functions():
    batch = tasks.Copy().sample(1, length=4, generator=torch.Generator().manual_seed(0))
    _, trace = run(programs.copy, batch.x[:, 0], 8, 10, β=3.0, γ=1.5, leak=0.2)
    w = address(trace.M_prev[7], trace.k[7], trace.β[7], trace.g[7], trace.s[7], trace.γ[7],
                trace.w_prev[7])
    torch.testing.assert_close(trace.w[7], w)
    torch.testing.assert_close(trace.r[7], memory.read(trace.M_prev[7], w[:, :1]))
    erased = memory.erase(trace.M_prev[7], w[:, 1:], trace.e[7])
    torch.testing.assert_close(trace.M[7], memory.add(erased, w[:, 1:], trace.a[7]))


def test_an_instruction_is_its_symbols():
    _, trace = run([read(jump=[0.0, 1.0], move=-1), write([2.0], move=+1)], None, 5, 3, β=7, γ=2,
                   leak=0.2)
    assert (trace.k[0, 0].tolist() == [[0, 1, 0], [0, 0, 0]]
            and trace.g[:, 0].tolist() == [[1, 0], [0, 0]])
    torch.testing.assert_close(trace.s[0, 0], torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]))
    torch.testing.assert_close(trace.s[1, 0], torch.tensor([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]))
    assert (trace.β == 7).all() and (trace.γ == 2).all()
    assert (trace.e[:, 0, 0].tolist() == [[0, 0, 0], [1, 1, 1]]
            and trace.a[1, 0, 0].tolist() == [2, 0, 0])


def test_symbols_of_an_instruction_win_over_those_of_the_run():
    _, trace = run([read()._replace(γ=1.0, s=[0.25, 0.5, 0.25]),
                    Instruction("write", 0, k=[1], β=2.0, g=0.5, e=[0.3], a=[-1])], None, 4, 2)
    assert trace.γ[0, 0].tolist() == [1, 30] and trace.s[0, 0, 0].tolist() == [0.25, 0.5, 0.25]
    torch.testing.assert_close(trace.w_read[0, 0, 0], torch.tensor([0.5, 0.25, 0, 0.25]))
    assert trace.β[1, 0].tolist() == [50, 2] and trace.g[1, 0].tolist() == [0, 0.5]
    torch.testing.assert_close(trace.e[1, 0, 0], torch.tensor([0.3, 0]))


def test_several_heads_and_bare_yields():
    def program(x):
        yield write([1.0], move=+1), write([2.0], move=-1, head=1)
        yield
        r = yield read(move=+1), read(move=-1, head=1)
        assert r.tolist() == [1, 0, 2, 0]
        # nothing was ever written there; both heads must still get an answer
        yield read(jump=[0.0, 1.0])

    y, trace = run(program, torch.zeros(6, 1), 6, 2, read_heads=2, write_heads=2)
    # heads stay after the last instruction
    assert y[2].tolist() == [1, 0, 2, 0] and y[4].tolist() == y[5].tolist()
    assert trace.w_write[2, 0].argmax(-1).tolist() == [1, 5]


def test_a_program_sees_what_its_read_heads_read():
    """Pointers: a slot holds the key of the next slot to go to."""
    chain = [[1.0, 0, 0, 0, 0, 1], [0, 1.0, 0, 0, 0, 0], [0, 0, 1.0, 0, 1, 0]]

    def program(x):
        for row in chain:
            yield write(row, move=+1)
        r = yield read(jump=[1.0, 0, 0])
        yield read(jump=torch.cat([torch.zeros(2), r[5:6]]))

    y, _ = run(program, torch.zeros(5, 1), 6, 6)
    assert y[3].tolist() == chain[0] and y[4].tolist() == chain[2]


def test_wider_shifts():
    y, trace = run([write([float(i)], move=+2) for i in range(3)] + [read(move=-2)] * 3, None, 8, 1,
                   shift_range=2)
    assert (trace.w_write[:3, 0, 0].argmax(-1).tolist() == [2, 4, 6]
            and trace.w_read[3:, 0, 0].argmax(-1).tolist() == [6, 4, 2])
    assert y[3:, 0].tolist() == [2, 1, 0]


# Errors


@pytest.mark.parametrize("step, settings, message", [
    (read(move=2), {}, "move is 2; it must be from -1 to 1"),
    (read(head=1), {}, "head is 1; there are 1 read heads"),
    (write([0.0] * 4), {}, "value has shape .4.; it must be a vector of at most 3 numbers"),
    (read(jump=1.0), {}, r"jump has shape \[\]"),
    (read()._replace(s=[0.5, 0.5]), {}, r"s has shape \[2\]; it must be \[3\]"),
    (3, {}, "a program yields 3; it must"),
    (("left",), {}, "a program yields 'left'; it must yield what read"),
    (read(), {"N": 0}, "N is 0"),
])
def test_what_the_machine_cannot_follow_is_refused(step, settings, message):
    with pytest.raises(ValueError, match=message):
        run([step], None, **{"N": 4, "width": 3, **settings})


def test_a_program_cannot_look_ahead():
    def program(x):
        everything = list(x)
        yield write(everything[-1])

    with pytest.raises(ValueError, match="looks at input 1 in step 0"):
        run(program, torch.zeros(3, 2), 4, 2)


def test_a_function_needs_inputs():
    with pytest.raises(ValueError, match="x is None"):
        run(programs.copy, None, 4, 2)
    with pytest.raises(ValueError, match="steps is 0"):
        run([], None, 4, 2)
