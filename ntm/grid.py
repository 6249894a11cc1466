"""A grid of runs, side by side, on any concurrent.futures.Executor; what is done is kept, what is
missing is run."""

import json
import multiprocessing
import os
import pickle
import re
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

import torch
from tqdm.auto import tqdm

from .weights import to_json, write


def grid(function, jobs, folder, *, executor=None, progress=True, made=None):
    """Call function(**job) for every job, and keep each result, a dict, as a JSON file in `folder`.

    jobs: a list of dicts of strings and numbers; the file is named after their values. A job whose
    file exists is not run again, so a grid that was interrupted, or had failing jobs, goes on with
    what is missing; the bar says how many were there. Each file says what made it: the function,
    its arguments, and `made`, a dict of whatever else the result depends on (a version, a hash of
    the code).
    executor: where to run, by default a pool of one process a core with one thread each, whose
    workers stop when this process stops; Dask's Client.get_executor() or MPI's will do. function
    must be importable there, from a module.

    Returns (results, failures): results in the order of jobs, None where one failed; and the
    exception of each failed job, by the name of its file. Raises ValueError for jobs or a function
    that cannot be run so, and for a file that something else has made.
    """
    folder = Path(folder).expanduser()
    names = [re.sub(r"[^\w.+-]", "_", "-".join(map(str, job.values()))) for job in jobs]
    # some file systems do not tell A from a
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError(f"jobs has {len(names)} entries with "
                         f"{len({name.casefold() for name in names})} different names; "
                         "every job must differ in its values")
    if any(not 0 < len(name.encode()) <= 200 for name in names):
        raise ValueError("a job has no values, or too many to name a file after; its name must "
                         "have from 1 to 200 bytes")
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.json" for name in names}
    asked = {name: json.loads(to_json(_made(function, job, folder, made)))
             for name, job in zip(names, jobs)}
    for name, path in paths.items():
        if path.exists():
            _check(path, asked[name])
    missing = {name: job for name, job in zip(names, jobs) if not paths[name].exists()}
    own, stop = executor is None and missing, None
    if own:
        _check_importable(function)
        # a forked copy of a process that has used torch's threads can hang
        context = multiprocessing.get_context("spawn")
        stop = context.Event()
        executor = ProcessPoolExecutor(min(len(missing), os.cpu_count() or 1), context,
                                       _begin_worker, (stop,))
        function = partial(_unless_stopped, function)
    failures, waiting = {}, {}
    try:
        waiting = {executor.submit(function, **job): name for name, job in missing.items()}
        bar = tqdm(total=len(jobs), initial=len(jobs) - len(missing), unit="run",
                   disable=not progress)
        for future in as_completed(waiting):
            name = waiting[future]
            try:
                result = to_json(future.result() | {"made": asked[name]})
            except Exception as error:
                failures[name] = error
            else:
                write(paths[name], result)
            bar.update()
        bar.close()
    # Ctrl-C among others: the workers are told, finish their step and keep their checkpoints
    except BaseException:
        if stop is not None:
            stop.set()
        raise
    finally:
        for future in waiting:
            future.cancel()
        if own:
            executor.shutdown(cancel_futures=True)
    return [_read(path) if path.exists() else None for path in paths.values()], failures


def _made(function, job, folder, made):
    """What makes a result: the function, all its arguments but the folder, and what the caller
    adds."""
    positional, keywords = (), {}
    while isinstance(function, partial):
        positional, keywords, function = ((*function.args, *positional),
                                          {**function.keywords, **keywords}, function.func)
    arguments = {k: v for k, v in {**keywords, **job}.items()
                 if not (k == "folder" and Path(v) == folder)}
    qualname = getattr(function, "__qualname__", type(function).__qualname__)
    name = f"{getattr(function, '__module__', '')}.{qualname}"
    return {"function": name, "arguments": _plain([*positional, arguments]), **(made or {})}


def _plain(value):
    """A value as far as JSON can say it."""
    try:
        return json.loads(to_json(value))
    except TypeError:
        return [_plain(v) for v in value] if isinstance(value, list) else repr(value)


def _check(path, asked):
    """Raise ValueError unless what the file says of itself is what is asked for."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8")).get("made", {})
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}; remove it, or give another folder") from None
    for name in sorted(stored.keys() | asked.keys()):
        if stored.get(name) != asked.get(name):
            raise ValueError(f"{path} holds a result with {name}={stored.get(name)!r}; this call "
                             f"asks for {asked.get(name)!r}: "
                             "give another folder, or remove the file")


def _read(path):
    result = json.loads(path.read_text(encoding="utf-8"))
    del result["made"]
    return result


def _check_importable(function):
    """Raise ValueError unless a new process can import the function."""
    inner = function
    while isinstance(inner, partial):
        inner = inner.func
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ValueError("grid is called while a worker imports this script; the call must stand "
                         "under: if __name__ == '__main__':")
    try:
        pickle.dumps(function)
        reachable = getattr(inner, "__module__", None) != "__main__"
    except Exception:
        reachable = False
    if not reachable:
        raise ValueError(f"function is {inner!r}; it must be importable from a module: put it "
                         "into a file of its own")


_stops = []  # in a worker: the event that says that no job is wanted any more


def _unless_stopped(function, **job):
    if _stops[0].is_set():  # a pool hands its workers a job or two ahead
        raise KeyboardInterrupt
    return function(**job)


def _begin_worker(stop):
    """One thread; SIGTERM as Ctrl-C; and no life after that of the process that started this
    one."""
    _stops.append(stop)
    torch.set_num_threads(1)
    terminate_is_ctrl_c()
    threading.Thread(target=_watch, args=(stop,), daemon=True).start()


def _watch(stop):
    parent = multiprocessing.parent_process()
    while not stop.wait(0.5) and parent.is_alive():
        pass
    stop.set()
    os.kill(os.getpid(), signal.SIGTERM)  # train finishes its step and writes its checkpoint
    if not parent.is_alive():
        threading.Event().wait(10)
        os._exit(1)  # no one is there to take the result


def terminate_is_ctrl_c():
    """SIGTERM, as batch systems and `timeout` send it, interrupts this process as Ctrl-C does, even
    in the background, where a shell lets Ctrl-C be ignored."""

    def interrupt(*_):
        # train's own, or the one that raises KeyboardInterrupt
        handler = signal.getsignal(signal.SIGINT)
        (handler if callable(handler) else signal.default_int_handler)(signal.SIGINT, None)

    signal.signal(signal.SIGTERM, interrupt)
