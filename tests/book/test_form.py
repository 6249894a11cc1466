"""Every notebook keeps every rule of `form.py`; the table of contents holds every notebook."""

from functools import cache

import form
import pytest
import yaml
from check_pages import entries

NOTEBOOKS = sorted(form.BOOK.glob("*.ipynb"))
TOC = yaml.safe_load((form.ROOT / "_toc.yml").read_text(encoding="utf-8"))
WITH_EXERCISES = ["The memory", "The addressing", "The machine"]  # parts 1 to 3


@cache
def notebook(path):
    return form.read(path)


def applies(rule, page):
    return rule.__name__ not in form.REFERENCE.get(page, ())


@pytest.mark.parametrize("path, rule",
                         [(path, rule) for path in NOTEBOOKS for rule in form.RULES
                          if applies(rule, path.stem)],
                         ids=lambda value: getattr(value, "stem", None) or value.__name__)
def test_rule(path, rule):
    found = list(rule(notebook(path), path.stem))
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_exercises(path):
    part = next((part["caption"] for part in TOC["parts"] if f"book/{path.stem}" in entries(part)),
                None)
    found = list(form.exercises(notebook(path), at_least=4 if part in WITH_EXERCISES else 0))
    assert not found, "\n" + "\n".join(found)


def test_the_table_of_contents_holds_every_notebook_once_and_nothing_that_is_missing():
    listed = entries(TOC)
    assert len(listed) == len(set(listed))
    assert {f"book/{path.stem}" for path in NOTEBOOKS} <= set(listed)
    for entry in listed:
        assert any((form.ROOT / f"{entry}.{kind}").is_file() for kind in ("ipynb", "md")), entry


def test_only_notebooks_are_excused():
    assert form.REFERENCE.keys() <= {path.stem for path in NOTEBOOKS}
