"""Every checker of every chapter passes right answers, and refuses a stub and wrong answers.

The answers stand in the folder `answers`, a file a chapter, under the checker's name: a function
that returns rows. A row holds the arguments and then words that the checker must say of them; for
a right answer these begin with "Correct: ".
"""

import importlib
import inspect
from pathlib import Path

import pytest
import torch

from ntm import exercises, tasks
from ntm.exercises import fast, ngrams

# a chapter may bring a file of tests of its own instead
CHAPTERS = [
    file.stem
    for file in sorted(Path(exercises.__file__).parent.glob("[!_]*.py"))
    if not Path(__file__).with_name(f"test_{file.stem}.py").is_file()
]


def functions(module):
    """The public functions that this module defines, by name."""
    found = inspect.getmembers(importlib.import_module(module), inspect.isfunction)
    return {name: f for name, f in found if f.__module__ == module and name[0] != "_"}


def checkers(chapter):
    """The functions of a chapter that pass a verdict."""
    found = functions(f"ntm.exercises.{chapter}").items()
    return {name: f for name, f in found if "verdict" in inspect.unwrap(f).__code__.co_names}


def answers(chapter):
    return functions(f"exercises.answers.{chapter}")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_checker_has_answers(chapter):
    tables = {n for n, f in answers(chapter).items() if not inspect.signature(f).parameters}
    assert tables == set(checkers(chapter))


@pytest.mark.parametrize("chapter, name", [(c, name) for c in CHAPTERS for name in checkers(c)])
def test_checker(chapter, name, capsys):
    checker, rows = checkers(chapter)[name], answers(chapter)[name]()
    stub = [...] * len(inspect.signature(checker).parameters)
    assert {words.startswith("Correct: ") for *_, words in rows} == {True, False}
    for *answer, words in [(*stub, ""), *rows]:
        right = words.startswith("Correct: ")
        assert checker(*answer) is right, f"{answer}: {words}"
        said = capsys.readouterr().out
        assert said.startswith("Correct: " if right else "Not yet: ") and said.count("\n") == 1
        assert words.removeprefix("Correct: ") in said


# What some checkers stand on.


def test_an_operation_is_counted_and_a_view_is_not():
    with fast.Count() as count:
        (torch.ones(2, 3).T + 1).sum()
    assert count.calls == 3


def test_switching_sequences_are_two_of_the_task():
    batch = ngrams.switching(3, seed=0)
    assert batch.x.shape == (399, 3, 1) and torch.equal(batch.x[1:], batch.y[:-1])
    assert batch.mask.sum() == 3 * 395


def test_forgetting_nothing_is_equation_10():
    batch = ngrams.switching(3, seed=0)
    forgetting = answers("ngrams")["forgetting"]
    assert torch.allclose(forgetting(batch.x, keep=1), tasks.bayes(batch)[0], atol=1e-6)
