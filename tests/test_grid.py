"""A grid of runs: what is done is kept, what fails is told, what is missing is run; on any
executor."""

import json
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import torch

from ntm.grid import grid

jobs = [dict(task="copy", seed=0), dict(task="copy", seed=1), dict(task="recall", seed=0)]


def run(task, seed):
    return dict(task=task, seed=seed, threads=torch.get_num_threads())


def fails_on_recall(task, seed):
    if task == "recall" and not mended:
        raise FloatingPointError("the cost is not finite")
    return run(task, seed)


mended = []  # not empty once the fault of fails_on_recall is mended


def dies_on_recall(task, seed):
    if task == "recall":
        os._exit(1)  # as if the system had killed it
    return run(task, seed)


class Here:
    """An executor that runs in this process, at once, and remembers what it ran."""

    def __init__(self):
        self.ran = []

    def submit(self, function, **job):
        self.ran.append(job)
        future = Future()
        try:
            future.set_result(function(**job))
        except Exception as error:
            future.set_exception(error)
        return future


def test_a_local_pool_of_processes_with_one_thread_each(tmp_path):
    results, failures = grid(run, jobs, tmp_path, progress=False)
    assert results == [dict(job, threads=1) for job in jobs] and not failures
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy-0.json", "copy-1.json",
                                                                "recall-0.json"]
    assert json.loads((tmp_path / "copy-1.json").read_text())["seed"] == 1


def test_a_failing_run_leaves_the_others_and_is_run_again(tmp_path, monkeypatch):
    results, failures = grid(fails_on_recall, jobs, tmp_path, executor=Here(), progress=False)
    assert [r and r["task"] for r in results] == ["copy", "copy", None]
    assert list(failures) == ["recall-0"] and isinstance(failures["recall-0"], FloatingPointError)
    again = Here()
    monkeypatch.setitem(globals(), "mended", [True])
    results, failures = grid(fails_on_recall, jobs, tmp_path, executor=again, progress=False)
    assert again.ran == [jobs[2]] and not failures and all(results)
    again.ran.clear()
    assert (grid(fails_on_recall, jobs, tmp_path, executor=again, progress=False)[0] == results
            and not again.ran)
    # with nothing to do, no pool is started
    assert grid(fails_on_recall, jobs, tmp_path, progress=False)[0] == results


def test_a_process_that_dies_is_a_failure(tmp_path):
    results, failures = grid(dies_on_recall, jobs[2:], tmp_path, progress=False)
    assert results == [None] and list(failures) == ["recall-0"]


def test_a_result_that_json_cannot_hold_is_a_failure(tmp_path):
    results, failures = grid(lambda **job: torch.zeros(2), jobs[:1], tmp_path, executor=Here(),
                             progress=False)
    assert (results == [None] and isinstance(failures["copy-0"], TypeError)
            and not list(tmp_path.iterdir()))


def test_an_interrupted_grid_keeps_what_is_done(tmp_path):
    interrupting = [True]

    def interrupt(task, seed):
        if seed == 1 and interrupting:
            while not (tmp_path / "copy-0.json").exists():
                time.sleep(0.01)
            raise KeyboardInterrupt
        return run(task, seed)

    with ThreadPoolExecutor(1) as executor, pytest.raises(KeyboardInterrupt):
        grid(interrupt, jobs, tmp_path, executor=executor, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["copy-0.json"]
    rest = Here()
    interrupting.clear()
    results, failures = grid(interrupt, jobs, tmp_path, executor=rest, progress=False)
    assert rest.ran == jobs[1:] and all(results) and not failures


def test_threads(tmp_path):
    with ThreadPoolExecutor(2) as executor:
        results, failures = grid(run, jobs, tmp_path, executor=executor, progress=False)
    assert [r["seed"] for r in results] == [0, 1, 0] and not failures


def test_dasks_executor(tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(processes=False, n_workers=1, threads_per_worker=1,
                            dashboard_address=None) as client:
        results, failures = grid(fails_on_recall, jobs, tmp_path, executor=client.get_executor(),
                                 progress=False)
    assert [r and r["seed"] for r in results] == [0, 1, None] and list(failures) == ["recall-0"]


def test_jobs_that_cannot_be_told_apart_are_refused(tmp_path):
    with pytest.raises(ValueError, match="jobs has 2 entries with 1 different names"):
        grid(run, [jobs[0], dict(jobs[0])], tmp_path, executor=Here(), progress=False)


def test_names_of_files_are_made_of_harmless_characters(tmp_path):
    grid(lambda **job: job, [dict(task="a/b c", rate=1e-4)], tmp_path / "new", executor=Here(),
         progress=False)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a_b_c-0.0001.json"]
