"""How the records of these chapters are made: jobs side by side, and a hash of the code behind
them."""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch

from .. import runs
from ..grid import grid, terminate_is_ctrl_c


def source(*files):
    """A hash of all the code that makes a result: that of ntm.runs, and these files of the package
    besides, as "beyond/heads.py"."""
    digest = hashlib.sha256(runs.source().encode())
    for name in files:
        digest.update((Path(__file__).parents[1] / name).read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:12]


def side_by_side(*grids, workers=1, **how):
    """`grid` for each (function, jobs, folder), in so many processes of one thread each; says which
    jobs failed. how: of `grid`. Returns (the results of each grid that there are, whether any
    failed)."""
    terminate_is_ctrl_c()
    with ProcessPoolExecutor(workers, get_context("spawn"), torch.set_num_threads,
                             (1,)) as executor:
        made = [grid(*one, executor=executor, **how) for one in grids]
    failures = {name: error for _, failed in made for name, error in failed.items()}
    for name, error in failures.items():
        print(f"{name} failed: {error!r}")
    return [[r for r in results if r is not None] for results, _ in made], bool(failures)
