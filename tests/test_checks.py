"""What a user can get wrong: a ValueError that names the argument, its value and the range."""

import pytest
import torch

from ntm import NTM, LSTMBaseline

small = dict(inputs=3, outputs=2, hidden_size=4, N=5, width=3, seed=0)


@pytest.mark.parametrize("name",
                         ["inputs", "outputs", "hidden_size", "layers", "N", "width", "read_heads",
                          "write_heads"])
@pytest.mark.parametrize("value", [0, -1, 2.0, "3", None, True])
def test_sizes_of_the_machine(name, value):
    with pytest.raises(ValueError,
                       match=f"{name} is {value!r}; it must be an integer of at least 1"):
        NTM(**{**small, name: value})
    if name in ("inputs", "outputs", "hidden_size", "layers"):
        with pytest.raises(ValueError,
                           match=f"{name} is {value!r}; it must be an integer of at least 1"):
            LSTMBaseline(**{**dict(inputs=3, outputs=2, hidden_size=4), name: value})


@pytest.mark.parametrize("N, value, highest",
                         [(5, -1, 2), (5, 3, 2), (5, 1.0, 2), (5, None, 2), (6, 3, 2), (2, 1, 0),
                          (1, 1, 0)])
def test_the_shift_range_fits_the_memory(N, value, highest):
    with pytest.raises(ValueError,
                       match=f"shift_range is {value!r}; it must be an integer from 0 to "
                             f"{highest}"):
        NTM(**{**small, "N": N}, shift_range=value)
    NTM(**{**small, "N": N}, shift_range=highest)


@pytest.mark.parametrize("name, value, allowed", [
    ("controller", "gru", "'lstm', 'feedforward' or a module"),
    ("controller", None, "'lstm', 'feedforward' or a module"),
    ("controller", ["lstm"], "'lstm', 'feedforward' or a module"),
    ("initial_memory", "zero", "distinct, blank, redrawn, positions, constant, learned"),
    ("initial_weighting", "random", "focused, uniform, learned"),
])  # fmt: skip
def test_choices(name, value, allowed):
    with pytest.raises(ValueError) as caught:
        NTM(**{**small, name: value})
    one_of = "one of " * ("learned" in allowed)
    assert str(caught.value) == f"{name} is {value!r}; it must be {one_of}{allowed}"


x = torch.zeros(4, 2, 3)
holed = x.clone()
holed[2, 1, 0] = float("nan")
inputs = pytest.mark.parametrize("x, words", [
    (torch.zeros(4, 2, 5), r"x has shape \[4, 2, 5\]; it must be \[T, B, 3\]"),
    (torch.zeros(4, 3), r"x has shape \[4, 3\]; it must be \[T, B, 3\]"),
    (torch.zeros(0, 2, 3), "at least one step of one sequence"),
    (torch.zeros(4, 0, 3), "at least one step of one sequence"),
    (x.double(), "x has dtype torch.float64; the machine's is torch.float32"),
    (x.long(), "x has dtype torch.int64"),
    (x.to("meta"), "x is on meta; the machine is on cpu"),
    (holed, "x holds NaN or infinite values"),
    (x + float("inf"), "x holds NaN or infinite values"),
    (torch.tensor([1.0, -1.0, 0.0]).expand(4, 2, 3) * float("inf"),
     "x holds NaN or infinite values"),
    (x.tolist(), r"x is a list; it must be a tensor \[T, B, 3\]"),
    (None, "x is a NoneType"),
])  # fmt: skip


@inputs
@pytest.mark.parametrize("machine", [NTM(**small), LSTMBaseline(3, 2, hidden_size=4)],
                         ids=["ntm", "baseline"])
def test_inputs(machine, x, words):
    with pytest.raises(ValueError, match=words):
        machine(x)
    if isinstance(machine, NTM):
        with pytest.raises(ValueError, match=words):
            machine(x, trace=True)
        with pytest.raises(ValueError, match=words):
            machine.unroll(x)


def test_large_numbers_are_numbers():
    # their sum is not
    assert torch.isfinite(LSTMBaseline(3, 2, hidden_size=4)(torch.full((4, 2, 3), 3e38))).all()
