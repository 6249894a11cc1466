"""Every rule can fail: a small notebook that keeps them all is broken in one place at a time, and the rule notices."""

import copy

import form
import pytest
import repository
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from stamp import stamp

OWNER, REPO = repository.address()
SETUP = f"""import sys
if "google.colab" in sys.modules:
    %pip install -q --no-deps "ntm-book @ git+https://github.com/{OWNER}/{REPO}@main"
import torch"""
PICTURE = new_output("display_data", {"image/png": "", "text/plain": "<Figure size 1x1 with 1 Axes>"})


def code(source, count, *tags, outputs=()):
    cell = new_code_cell(source, execution_count=count, outputs=list(outputs))
    if tags:
        cell.metadata["tags"] = list(tags)
    return cell


def good():
    """A notebook called `tiny` that keeps every rule."""
    nb = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}})
    badge = f"[Open in Colab](https://colab.research.google.com/github/{OWNER}/{REPO}/blob/main/book/tiny.ipynb) · 1 min"
    nb.cells = [
        new_markdown_cell(f"# A title\n\n{badge}"),
        code(SETUP, 1, "setup", "hide-input"),
        code("seed: int = 0  # of nothing", 2, "parameters"),
        code("def read(M, w):\n    return w @ M", 3, "function:ntm.memory.read"),
        code("draw()", 4, outputs=[PICTURE]),
        new_markdown_cell("*Figure 1: what to see.*"),
        new_markdown_cell("## Exercises\n\n### Exercise 1 · easy · 5 minutes\n\nDo it."),
        code("answer = ...", 5),
        code("# @title Solution\nanswer = 1", 6, "hide-cell", "solution"),
    ]
    return stamped(nb)


def stamped(nb):
    nb.metadata["ntm"] = {"stamp": stamp(nb)}
    return nb


def broken_by(rule, change):
    nb = good()
    change(nb)
    if rule is not form.fresh:
        stamped(nb)
    return list(rule(copy.deepcopy(nb), "tiny"))


def source(number, old, new):
    def change(nb):
        assert old in nb.cells[number].source
        nb.cells[number].source = nb.cells[number].source.replace(old, new)
    return change


def added(cell):
    return lambda nb: nb.cells.append(cell)


def output(number, *outputs):
    return lambda nb: nb.cells[number].outputs.extend(outputs)


def test_the_good_notebook_keeps_every_rule():
    for rule in form.RULES:
        assert list(rule(good(), "tiny")) == [], rule.__name__
    assert list(form.exercises(good(), at_least=1)) == []


@pytest.mark.parametrize("rule, change", [
    (form.executed, lambda nb: nb.cells[4].update(execution_count=None)),
    (form.executed, lambda nb: nb.cells[4].update(execution_count=7)),
    (form.executed, output(4, new_output("error", ename="ValueError", evalue="", traceback=[]))),
    (form.executed, output(4, new_output("stream", name="stderr", text="a warning"))),
    (form.executed, output(4, new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}}))),
    (form.fresh, source(2, "= 0", "= 1")),
    (form.fresh, lambda nb: nb.metadata.pop("ntm")),
    (form.normalised, lambda nb: nb.metadata.update(widgets={})),
    (form.normalised, lambda nb: nb.metadata.update(papermill={})),
    (form.normalised, output(4, *[new_output("stream", name="stdout", text=piece) for piece in ("half a line,", " and its end\n")])),
    (form.normalised, lambda nb: nb.cells[4].metadata.update(execution={"start": "12:00"})),
    (form.normalised, lambda nb: nb.cells[4].update(id=nb.cells[3].id)),
    (form.normalised, lambda nb: nb.cells[4].metadata.update(tags=["injected-parameters"])),
    (form.equations_are_functions, source(3, "w @ M", "M @ w")),
    (form.equations_are_functions, lambda nb: nb.cells[3].metadata.update(tags=["function:ntm.memory.reed"])),
    (form.plain_markdown, added(new_markdown_cell(":::{note}\nNo.\n:::"))),
    (form.plain_markdown, added(new_markdown_cell("see {eq}`read`"))),
    (form.plain_markdown, added(new_markdown_cell("![a](https://example.org/a.png)"))),
    (form.plain_markdown, added(new_markdown_cell("$$ a \\\\ b \\tag{1} $$"))),
    (form.short_texts, added(new_markdown_cell("word " * 121))),
    (form.short_code, added(code("x = 1\n" * 26, 7))),
    (form.links_resolve, added(new_markdown_cell("[there](nowhere.ipynb)"))),
    (form.headings, added(new_markdown_cell("# Another title"))),
    (form.headings, added(new_markdown_cell("##### Too deep"))),
    (form.first_cells, source(0, "tiny.ipynb", "other.ipynb")),
    (form.first_cells, source(1, "--no-deps", "")),
    (form.first_cells, source(2, "  # of nothing", "")),
    (form.first_cells, source(2, ": int", "")),
    (form.quiet_endings, added(code("check(answer);", 7))),
    (form.imports, added(code("import papermill", 7))),
    (form.captions, source(5, "*Figure", "Figure")),
    (form.labels, source(4, "draw()", "draw(fontsize=9)")),
    (form.labels, source(4, "draw()", "draw(figsize=(9, 3))")),
    (form.explorers, added(code("interact(explore)", 7))),
    (form.symbols_are_known, added(new_markdown_cell("so $w = \\omega$"))),
    (form.nothing_of_this_machine, output(4, new_output("stream", text="/home/me"))),
], ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_notebook_is_noticed(rule, change):
    assert broken_by(rule, change)


@pytest.mark.parametrize("change", [
    source(6, "Exercise 1", "Exercise 2"),
    source(6, " · 5 minutes", ""),
    source(8, "# @title Solution", "# it"),
    lambda nb: nb.cells.pop(7),
    lambda nb: nb.cells.pop(8),
], ids=["number", "minutes", "title", "stub", "solution"])
def test_a_broken_exercise_is_noticed(change):
    nb = good()
    change(nb)
    assert list(form.exercises(nb, at_least=1))


def test_every_rule_is_broken_above():
    broken = {mark.args[1][i][0] for mark in test_a_broken_notebook_is_noticed.pytestmark for i in range(len(mark.args[1]))}
    assert broken == set(form.RULES)
