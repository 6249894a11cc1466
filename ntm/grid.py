"""A grid of runs, side by side, on any concurrent.futures.Executor; what is done is kept, what is missing is run."""

import json
import multiprocessing
import os
import re
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import torch
from tqdm.auto import tqdm


def grid(function, jobs, folder, *, executor=None, progress=True):
    """Call function(**job) for every job, and keep each result, a dict, as a JSON file in `folder`.

    jobs: a list of dicts of strings and numbers; the file is named after their values. A job whose file exists is not run again, so a
    grid that was interrupted, or had failing jobs, goes on with what is missing. executor: where to run, by default a pool of one process
    a core with one thread each; Dask's Client.get_executor() or MPI's will do. function must then be importable there.

    Returns (results, failures): results in the order of jobs, None where one failed; and the exception of each failed job, by the name of
    its file.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = [re.sub(r"[^\w.+-]", "_", "-".join(map(str, job.values()))) for job in jobs]
    if len(set(names)) < len(names):
        raise ValueError(f"jobs has {len(names)} entries with {len(set(names))} different names; every job must differ in its values")
    paths = {name: folder / f"{name}.json" for name in names}
    missing = {name: job for name, job in zip(names, jobs) if not paths[name].exists()}
    own = executor is None and missing
    if own:  # spawned: a forked copy of a process that has used torch's threads can hang
        executor = ProcessPoolExecutor(
            min(len(missing), os.cpu_count() or 1), multiprocessing.get_context("spawn"), torch.set_num_threads, (1,)
        )
    failures, waiting = {}, {}
    try:
        waiting = {executor.submit(function, **job): name for name, job in missing.items()}
        for future in tqdm(as_completed(waiting), total=len(waiting), unit="run", disable=not progress):
            name = waiting[future]
            try:
                result = json.dumps(future.result())
            except Exception as error:
                failures[name] = error
                continue
            part = paths[name].with_suffix(".part")
            part.write_text(result)
            os.replace(part, paths[name])
    finally:
        for future in waiting:
            future.cancel()
        if own:
            executor.shutdown(cancel_futures=True)
    return [json.loads(path.read_text()) if path.exists() else None for path in paths.values()], failures
