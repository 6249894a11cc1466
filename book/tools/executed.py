"""Run tests of the package and note which of them execute which equation: writes executed.json.

    python book/tools/executed.py

Some minutes of a free core. A test counts once, however many cases it has, and only for what runs
in its own process and thread: not for a worker's, nor for the fast path, which computes the same in
C. So the files that train and draw are not asked, only ASKED.
"""

import ast
import importlib
import json
import os
import re
import sys

import pytest
from stamp import ROOT

DATA = ROOT / "book/tools/executed.json"
ASKED = ["addressing", "memory", "heads", "machine", "tasks", "programs", "disassembler", "start",
         "ablation", "checks", "fuzz", "fast"]


def tree(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def equations():
    """(place, label, what it says, module, function) of every function whose docstring begins with
    the number of one of the NTM's equations, or with its name in the DNC's paper, where they have
    none. Figures, in ntm.live, are not tested here; ntm.kin has its own papers' numbers."""
    found, paper = [], re.compile(r"(?:Equation (\((\d+)\))|(DNC, [\w -]+)): (.*?)\.(\s|$)", re.S)
    elsewhere = {file for room in ("live", "kin") for file in (ROOT / "ntm" / room).glob("*.py")}
    for file in sorted({*(ROOT / "ntm").rglob("*.py")} - elsewhere):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(tree(file)):
            doc = isinstance(node, ast.FunctionDef) and ast.get_docstring(node) or ""
            if said := paper.match(doc):
                place = int(said[2]) if said[2] else 100 + node.lineno
                found.append((place, said[1] or said[3], " ".join(said[4].split()), module,
                              node.name))
    return sorted(found)


def files():
    """The files of tests that are asked, as paths from the root."""
    others = ["exercises/test_checkers", "focus/test_allocator", "focus/test_reading",
              "beyond/test_dnc"]
    return [f"tests/{name}.py" for name in [*(f"test_{name}" for name in ASKED), *others]]


class Watch:
    """A plugin of pytest. Python calls `_called` for every function that begins, and for nothing
    in it: so little costs next to nothing."""

    def __init__(self, names):
        functions = {name: getattr(importlib.import_module(name.rpartition(".")[0]),
                                   name.rpartition(".")[2]) for name in names}
        self.codes = {function.__code__: name for name, function in functions.items()}
        self.found, self.test = {name: {} for name in names}, None

    def _called(self, frame, event, argument):
        name = self.codes.get(frame.f_code)
        if name:
            file, test = self.test
            self.found[name].setdefault(file, set()).add(test)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        self.test = (item.path.relative_to(ROOT).as_posix(), item.originalname)
        before = sys.gettrace()
        sys.settrace(self._called)
        try:
            return (yield)
        finally:
            sys.settrace(before)


def watched(names, files):
    """{function: {file: the tests in it that execute the function}}. Whether the tests pass is
    asked by make test, not here."""
    watch = Watch(names)
    files = [str(ROOT / file) for file in files]
    # the tests of the benchmark time what others execute
    options = ["-q", "--no-header", "-p", "no:cacheprovider", "-k", "not benchmark"]
    pytest.main([*options, *files], plugins=[watch])
    return {name: {file: sorted(tests) for file, tests in sorted(found.items())}
            for name, found in watch.found.items()}


def kept():
    """What was found: as `watched` returns it."""
    return json.loads(DATA.read_text(encoding="utf-8"))


def main():
    found = watched([f"{module}.{name}" for *_, module, name in equations()], files())
    DATA.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.exit(main())
