"""Every rule can fail: a small notebook that keeps them all is broken in one place at a time, and
the rule notices."""

import copy

import form
import pytest
import repository
from fold import fold
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from stamp import stamp

OWNER, REPO = repository.address()
SETUP = f"""import sys
if "google.colab" in sys.modules:
    %pip install -q --no-deps "ntm-book @ git+https://github.com/{OWNER}/{REPO}@main"
from ntm.openings.reading import draw

draw()"""
PICTURE = new_output("display_data",
                     {"image/png": "", "text/plain": "<Figure size 1x1 with 1 Axes>"})


def code(source, count, *tags, outputs=()):
    cell = new_code_cell(source, execution_count=count, outputs=list(outputs))
    if tags:
        cell.metadata["tags"] = list(tags)
    return cell


def good():
    """A notebook called `tiny` that keeps every rule."""
    nb = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"},
                                "language_info": {"name": "python"}})
    colab = f"https://colab.research.google.com/github/{OWNER}/{REPO}/blob/main/book/tiny.ipynb"
    badge = f"[Open in Colab]({colab}) · 2 min to read"
    nb.cells = [
        new_markdown_cell(f"# A title\n\n**The sentence that says the idea.**\n\n{badge}"),
        code(SETUP, 1, "setup", "hide-input", outputs=[PICTURE]),
        new_markdown_cell("*Figure 1: the opening picture.*"),
        code("import torch", 2, "imports"),
        code("seed: int = 0  # of nothing", 3, "parameters"),
        code("def read(M, w):\n    return w @ M", 4, "function:ntm.memory.read"),
        new_markdown_cell("**Predict:** what does it show?"),
        code("draw()", 5, "prediction", outputs=[PICTURE]),
        new_markdown_cell("*Figure 2: what to see.*"),
        new_markdown_cell("## Exercises\n\n### Exercise 1 · easy · 5 minutes\n\nDo it."),
        code("answer = ...", 6),
        code("# @title Solution\nanswer = 1", 7, "hide-cell", "solution"),
    ]
    return stamped(fold(nb))


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


def inserted(number, *cells):
    def change(nb):
        nb.cells[number:number] = copy.deepcopy(cells)
    return change


def printed(text):
    return new_output("stream", name="stdout", text=text)


def output(number, *outputs):
    return lambda nb: nb.cells[number].outputs.extend(outputs)


def test_the_good_notebook_keeps_every_rule():
    for rule in form.RULES:
        assert list(rule(good(), "tiny")) == [], rule.__name__
    assert list(form.exercises(good(), at_least=1)) == []


@pytest.mark.parametrize("rule, change", [
    (form.executed, lambda nb: nb.cells[7].update(execution_count=None)),
    (form.executed, lambda nb: nb.cells[7].update(execution_count=7)),
    (form.executed, output(7, new_output("error", ename="ValueError", evalue="", traceback=[]))),
    (form.executed, output(7, new_output("stream", name="stderr", text="a warning"))),
    (form.executed, output(7, new_output("display_data",
                                         {"application/vnd.jupyter.widget-view+json": {}}))),
    (form.fresh, source(4, "= 0", "= 1")),
    (form.fresh, lambda nb: nb.metadata.pop("ntm")),
    (form.normalised, lambda nb: nb.metadata.update(widgets={})),
    (form.normalised, lambda nb: nb.metadata.update(papermill={})),
    (form.normalised, output(7, *[new_output("stream", name="stdout", text=piece)
                                  for piece in ("half a line,", " and its end\n")])),
    (form.normalised, lambda nb: nb.cells[7].metadata.update(execution={"start": "12:00"})),
    (form.normalised, lambda nb: nb.cells[7].update(id=nb.cells[5].id)),
    (form.normalised, lambda nb: nb.cells[7].metadata.update(tags=["injected-parameters"])),
    (form.equations_are_functions, source(5, "w @ M", "M @ w")),
    (form.equations_are_functions,
     lambda nb: nb.cells[5].metadata.update(tags=["function:ntm.memory.reed"])),
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
    (form.first_cells, source(4, "  # of nothing", "")),
    (form.first_cells, source(4, ": int", "")),
    (form.quiet_endings, added(code("check(answer);", 7))),
    (form.imports, added(code("import papermill", 7))),
    (form.captions, source(8, "*Figure", "Figure")),
    (form.labels, source(7, "draw()", "draw(fontsize=9)")),
    (form.labels, source(7, "draw()", "draw().set_fontsize(9)")),
    (form.labels, source(7, "draw()", "draw(figsize=(9, 3))")),
    (form.explorers, added(code("interact(explore)", 7))),
    (form.symbols_are_known, added(new_markdown_cell("so $w = \\omega$"))),
    (form.nothing_of_this_machine, output(7, new_output("stream", text="/home/me"))),
    (form.read_in_time, source(0, "2 min to read", "5 min to read")),
    (form.read_in_time, source(0, "2 min to read", "2 min")),
    (form.read_in_time, added(new_markdown_cell("## More\n\n" + "word " * 400))),
    (form.read_in_time, added(new_markdown_cell("## More\n\n<details><summary>Our answer</summary>"
                                                + "word " * 400 + "</details>"))),
    (form.read_in_time, inserted(6, *[code("x = 1\n" * 80, 7)])),
    (form.read_in_time, inserted(6, *[code("draw()", 7, outputs=[PICTURE])] * 6)),
    (form.one_idea, inserted(6, *[code("draw()", 7, outputs=[PICTURE])] * 6)),
    (form.one_idea, added(new_markdown_cell("## More\n\n" + "| a |\n|---|\n| 1 |\n\n" * 3))),
    (form.one_idea, inserted(6, *[code("say()", 7, outputs=[printed("1.5 " * 21)])] * 3)),
    (form.no_walls, inserted(6, code("say()", 7, outputs=[printed("0.1, -2 " * 21)]))),
    (form.code_fits, added(code("x = " + "1" * 89, 7))),
    (form.picture_first, lambda nb: nb.cells[1].outputs.clear()),
    (form.picture_first, source(1, "draw()", "draw()" + "\nx = 1" * 6)),
    (form.picture_first, lambda nb: nb.cells.insert(6, nb.cells.pop(3))),
    (form.not_spoiled, source(6, "Predict", "Think")),
    (form.not_spoiled, lambda nb: nb.cells[7].metadata.update(tags=["hide-cell"])),
    (form.not_spoiled, lambda nb: nb.cells[7].metadata.pop("jupyter")),
    (form.not_spoiled, lambda nb: nb.cells[7].metadata.update(tags=["prediction"])),
    (form.not_spoiled, source(7, "# @title Run it and see", "# See")),
    (form.not_spoiled, inserted(6,
                                new_markdown_cell("<details><summary>Our "
                                                  "answer</summary>\n\nSeven.\n\n</details>"))),
    (form.short_title, source(0, "A title", "A title that says all that there is to be said")),
    (form.short_title, source(0, "**The sentence that says the idea.**\n\n", "")),
    (form.leading_zeros, added(new_markdown_cell("about .5 of it"))),
    (form.leading_zeros, output(7, printed("[.5, 1]"))),
    (form.checks_hold, inserted(6, code("say()", 7, outputs=[printed("the same: False\n")]))),
    (form.numbered_in_brackets, added(new_markdown_cell("by equation 5"))),
    (form.plain_words, added(new_markdown_cell("figure 16, in kind"))),
    (form.plain_words, output(5, printed("it writes 1 steps"))),
    (form.plain_words, added(new_markdown_cell("We had aimed for more."))),
    (form.colours, source(7, "draw()", 'draw("#c2452d")')),
    (form.colours, source(7, "draw()", 'draw(color="gold")')),
], ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_notebook_is_noticed(rule, change):
    assert broken_by(rule, change)


@pytest.mark.parametrize("change", [
    source(9, "Exercise 1", "Exercise 2"),
    source(9, " · 5 minutes", ""),
    source(11, "# @title Solution", "# it"),
    lambda nb: nb.cells.pop(10),
    lambda nb: nb.cells.pop(11),
], ids=["number", "minutes", "title", "stub", "solution"])
def test_a_broken_exercise_is_noticed(change):
    nb = good()
    change(nb)
    assert list(form.exercises(nb, at_least=1))


def test_every_rule_is_broken_above():
    broken = {mark.args[1][i][0] for mark in test_a_broken_notebook_is_noticed.pytestmark
              for i in range(len(mark.args[1]))}
    assert broken == set(form.RULES)
