"""Run the tests of the package and note which of them execute which equation: writes executed.json.

    python book/tools/executed.py

Some minutes. A test of pytest counts once, however many cases it has, and only for what runs in its
own process and thread: not for a worker's, nor for the fast path, which computes the same in C.
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


def tree(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def equations():
    """(number, what it says, module, function) of every function whose docstring begins with an
    equation's number; figures, in ntm.live, are not what is tested here."""
    found = []
    for file in sorted((ROOT / "ntm").rglob("*.py")):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(tree(file) if not module.startswith("ntm.live") else ast.Module([])):
            doc = isinstance(node, ast.FunctionDef) and ast.get_docstring(node) or ""
            if said := re.match(r"Equation \((\d+)\): (.*)", doc):
                found.append((int(said[1]), said[2].rstrip("."), module, node.name))
    return sorted(found)


def files():
    """The files of tests that are asked: those of the package, not of the book and its figures."""
    found = sorted((ROOT / "tests").rglob("test_*.py"))
    return [file for file in found if file.parent.name not in ("book", "live")]


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
    pytest.main(["-q", "--no-header", "-p", "no:cacheprovider", *map(str, files)], plugins=[watch])
    return {name: {file: sorted(tests) for file, tests in sorted(found.items())}
            for name, found in watch.found.items()}


def kept():
    return json.loads(DATA.read_text(encoding="utf-8"))


def main():
    found = watched([f"{module}.{name}" for _, _, module, name in equations()], files())
    DATA.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.exit(main())
