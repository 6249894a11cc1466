"""One thread, few examples and the same random numbers in every run: the suite must stay quick on
one slow core."""

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("ntm", deadline=None, max_examples=15, derandomize=True, database=None)
settings.load_profile("ntm")


def pytest_runtest_setup(item):
    torch.manual_seed(0)
