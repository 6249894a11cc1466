"""The fuzz of tests/fuzz.py for some seconds; `make fuzz SECONDS=600` for as long as you like."""

import os
import time

import fuzz
import pytest
import torch

from ntm import fast

pytestmark = pytest.mark.skipif(fast.library(torch.float32) is None,
                                reason="no C compiler here: there is only the clear path")


def test_both_paths_agree_on_random_cases(monkeypatch):
    monkeypatch.setenv("NTM_FAST", "1")
    started, raised, number = time.monotonic(), 0, 0
    while number < 60 or (number < 250 and time.monotonic() - started < 12):
        raised += fuzz.check(number)
        number += 1
    assert 0 < raised < number / 2  # some cases are mistakes, most are not


def test_a_difference_is_noticed(monkeypatch):
    """A kernel that reads its sequence the wrong way round is caught."""
    real = fast.unroll
    monkeypatch.setattr(fast, "unroll", lambda machine, x, state: real(machine, x.flip(0), state))
    with pytest.raises(AssertionError, match="case"):
        for number in range(100):
            fuzz.check(number)
    assert os.environ["NTM_FAST"] in "01"
