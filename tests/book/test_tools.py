"""The tools that execute the book, and what nbval must notice, on tiny notebooks and a tiny
package."""

import ast
import inspect
import json
import random
import re
import subprocess
import sys
from types import SimpleNamespace

import check_browser
import check_pages
import checks
import docstrings
import executed
import fold
import house
import nbformat
import notation
import pins
import pytest
import readme
import references
import repository
import stamp
from docutils import nodes
from figures import execute
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import ntm
from ntm import pretrained, tasks

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
          "language_info": {"name": "python"}}


def notebook(path, *sources, tags=()):
    nb = new_notebook(cells=[new_markdown_cell("# Tiny"),
                             *(new_code_cell(source) for source in sources)], metadata=KERNEL)
    for cell in nb.cells[1:]:
        if tags:
            cell.metadata["tags"] = list(tags)
    nbformat.write(nb, path)
    return path


# --- the stamp

FILES = {
    "__init__.py": '"""The package."""\nfrom . import tasks\nfrom .machine import NTM\n',
    "memory.py": '"""Reading."""\n\ndef read(M, w):\n    """Equation (2)."""\n    return w @ M  '
                 '# a sum\n',
    "machine.py": "from . import fast\nfrom .memory import read\n\nclass NTM:\n    pass\n",
    "fast.py": 'KERNEL = "kernel.c"\n',
    "kernel.c": "int x;",
    "tasks.py": "def copy():\n    pass\n",
    "exercises/__init__.py": "def verdict():\n    pass\n",
    "exercises/reading.py": "from . import verdict\n",
    "exercises/writing.py": "from . import verdict\n",
    "pretrained/__init__.py": "from ..machine import NTM\n",
    "pretrained/copy.json": "{}",
}


@pytest.fixture
def package(tmp_path):
    for name, text in FILES.items():
        (tmp_path / "ntm" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ntm" / name).write_text(text)
    return tmp_path / "ntm"


@pytest.mark.parametrize("code, files", [
    ("import torch", ""),
    ("from ntm.memory import read", "memory.py"),
    ("from ntm import memory", "memory.py"),
    ("from ntm import NTM, tasks", "machine.py fast.py kernel.c memory.py tasks.py"),
    ("from ntm.exercises import reading", "exercises/reading.py exercises/__init__.py"),
    ("from ntm import exercises\nexercises.reading.one(1)",
     "exercises/reading.py exercises/__init__.py"),
    ("from ntm import exercises\nprint(exercises)", "exercises/__init__.py"),
    ("from ntm import pretrained",
     "pretrained/__init__.py pretrained/copy.json machine.py fast.py kernel.c memory.py"),
    ("import ntm", " ".join(FILES)),
    ("from ntm import *", " ".join(FILES)),
    ("from ntm import whatever", " ".join(FILES)),
])
def test_what_a_notebook_depends_on(package, code, files):
    found = {str(file.relative_to(package))
             for file in stamp.dependencies(ast.parse(code), package)}
    assert found == set(files.split())


def stale_after(package, path, change):
    nb = nbformat.read(notebook(path, "from ntm import NTM\nprint(1)"), 4)
    nb.cells[1].execution_count = 1
    nb.metadata["ntm"] = {"stamp": stamp.stamp(nb, package)}
    assert not stamp.is_stale(nb, package)
    change(nb)
    return stamp.is_stale(nb, package)


def edit(package, name, old, new):
    def change(nb):
        assert old in (package / name).read_text()
        (package / name).write_text((package / name).read_text().replace(old, new))
    return change


def test_what_makes_a_notebook_stale(package, tmp_path):
    def stale(change):
        return stale_after(package, tmp_path / "tiny.ipynb", change)

    assert stale(lambda nb: nb.cells[1].update(source="print(2)"))
    assert stale(lambda nb: nb.cells[1].update(execution_count=None))
    assert stale(lambda nb: nb.metadata.pop("ntm"))
    assert stale(edit(package, "memory.py", "w @ M", "M @ w"))  # by way of machine.py
    assert stale(edit(package, "kernel.c", "x", "y"))
    assert not stale(lambda nb: nb.cells[0].update(source="# Another title"))
    assert not stale(edit(package, "memory.py", "# a sum", "# the sum"))
    assert not stale(edit(package, "memory.py", "Equation (2)", "Equation two"))
    assert not stale(edit(package, "tasks.py", "copy", "paste"))


# --- figures.py

def test_a_good_notebook_is_executed_in_its_folder_and_stamped(tmp_path):
    path = notebook(tmp_path / "good.ipynb", "from pathlib import Path\nprint(Path.cwd().name)",
                    "1 + 1")
    assert stamp.is_stale(nbformat.read(path, 4))
    assert execute(path) == []
    nb = nbformat.read(path, 4)
    assert not stamp.is_stale(nb)
    assert (nb.cells[1].outputs[0].text == f"{tmp_path.name}\n"
            and [cell.execution_count for cell in nb.cells[1:]] == [1, 2])
    assert "papermill" not in nb.metadata and not any(cell.metadata for cell in nb.cells)
    once = path.read_bytes()
    assert execute(path) == [] and path.read_bytes() == once


def test_an_answer_is_folded_for_jupyter_colab_and_the_page_before_it_is_executed(tmp_path):
    path = notebook(tmp_path / "asks.ipynb", "print('an answer')", tags=["prediction"])
    assert execute(path) == []
    nb = nbformat.read(path, 4)
    answer = nb.cells[1]
    assert (answer.source == fold.TITLE + "\nprint('an answer')"
            and answer.outputs[0].text == "an answer\n")
    assert (answer.metadata["cellView"] == "form"
            and answer.metadata["jupyter"] == {"source_hidden": True, "outputs_hidden": True})
    assert answer.metadata["tags"] == ["prediction", "hide-cell"]
    assert answer.metadata["mystnb"]["code_prompt_show"] == "Run it and see"
    assert not stamp.is_stale(nb) and fold.fold(nbformat.read(path, 4)) == nb


def test_a_failing_notebook_is_left_alone(tmp_path):
    for source, says in [("1 / 0", "ZeroDivisionError"),
                         ("import sys; print('oh', file=sys.stderr)", "stderr")]:
        path = notebook(tmp_path / "bad.ipynb", source, "print(1)")
        before = path.read_bytes()
        found = execute(path)
        assert says in found[0] and path.read_bytes() == before


def test_an_error_that_is_the_lesson_passes(tmp_path):
    assert execute(notebook(tmp_path / "lesson.ipynb", "1 / 0", tags=["raises-exception"])) == []


# --- nbval: what `make test` runs on every notebook

def nbval(path, seconds=30):
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                           "--nbval", "--nbval-current-env",
                           f"--nbval-cell-timeout={seconds}",
                           f"--nbval-sanitize-with={stamp.ROOT}/book/tools/nbval.cfg", path],
                          capture_output=True, text=True, cwd=path.parent)


def test_nbval_notices_a_changed_output_and_a_cell_over_its_time(tmp_path):
    path = notebook(tmp_path / "checked.ipynb", "import time; time.sleep(1)",
                    "print('bits wrong:', 0)", "object()")
    assert execute(path) == []
    assert nbval(path).returncode == 0
    text = path.read_text()
    path.write_text(text.replace("bits wrong: 0", "bits wrong: 1"))
    result = nbval(path)
    assert result.returncode == 1, result.stdout
    assert "bits wrong: 1" in result.stdout and "1 failed" in result.stdout, result.stdout
    path.write_text(text.replace("sleep(1)", "sleep(9)"))
    result = nbval(path, seconds=1)
    assert result.returncode == 1 and "Timeout of 1 seconds" in result.stdout, result.stdout


# --- check_pages.py

HEAD = ('<meta name="description" content="What this page is about."><meta property="og:image" '
        'content="https://example.org/a.png">'
        '<link rel="icon" href="../_static/favicon.svg">')
ONE = ('<article><div><img alt="Figure 1: what to see" src="../one.png"></div><p><em>Figure 1: '
       'what to see.</em></p></article>')


@pytest.fixture
def built(tmp_path):
    (tmp_path / "_toc.yml").write_text("root: book/index\nparts:\n- chapters:\n  - file: "
                                       "book/one\n")
    (tmp_path / "book").mkdir()
    nb = new_notebook(
        cells=[
            new_code_cell(
                "draw()", outputs=[nbformat.v4.new_output("display_data", {"image/png": ""})]
            )
        ]
    )
    nbformat.write(nb, tmp_path / "book/one.ipynb")
    pages = {"index.html": "", "book/index.html": f"{HEAD}<article></article>",
             "book/one.html": HEAD + ONE, "one.png": "",
             "_static/icons.css": ".fa-bars { --icon: none; }", "_static/favicon.svg": "<svg/>"}
    (tmp_path / "_build/html/_static").mkdir(parents=True)
    (tmp_path / "_build/html/book").mkdir()
    for name, text in pages.items():
        (tmp_path / "_build/html" / name).write_text(text)
    return tmp_path


def test_pages(built):
    html = built / "_build/html"
    assert list(check_pages.problems(built)) == []
    (html / "one.png").unlink()
    assert "missing" in " ".join(check_pages.problems(built))
    (html / "book/one.html").write_text("<article>nothing</article>")
    assert "0 figures" in " ".join(check_pages.problems(built))
    (html / "book/one.html").write_text(
        '<script src="https://cdn.example.org/x.js"></script><article><svg></svg></article>')
    assert "loads from elsewhere" in " ".join(check_pages.problems(built))
    (html / "book/one.html").write_text('<link href="//cdn.example.org/x.css" '
                                        'rel="stylesheet"><article><svg></svg></article>')
    assert "loads from elsewhere" in " ".join(check_pages.problems(built))
    (html / "book/one.html").write_text(HEAD
                                        + '<link rel="canonical" '
                                          'href="https://example.org/"><article><svg></svg><a '
                                          'href="https://x.org"></a></article>')
    assert list(check_pages.problems(built)) == []
    (html / "book/one.html").unlink()
    (html / "index.html").unlink()
    assert len(list(check_pages.problems(built))) == 2


@pytest.mark.parametrize("old, new, says", [
    ('alt="Figure 1: what to see" ', "", "without words"),
    ('alt="Figure 1: what to see"', 'alt="../_images/0123abcd.png"', "without words"),
    ('alt="Figure 1: what to see"', 'alt="Another figure: not this"', "not the alternative text"),
    ("<article>", '<article><i class="fa-solid fa-rocket"></i>', "the icon rocket"),
    ("<article>", '<article><span class="fa-solid fa-rocket"></span>', "the icon rocket"),
    ("<article>", '<article><span class="math">x</span>', "KaTeX"),
    ("<article>", '<script src="katex.min.js"></script><article>', "KaTeX"),
    ("What this page is about.", "", "description"),
    ("https://example.org/a.png", "a.png", "og:image"),
    ('rel="icon"', 'rel="other"', "icon"),
    ("<article>", '<script src="../big.js"></script><article>', "1.20 MB"),
    ("<article>", '<link rel="stylesheet" href="../style.css"><article>', "1.20 MB"),
])
def test_what_a_page_lacks_is_noticed(built, old, new, says):
    html = built / "_build/html"
    noise = random.Random(0).randbytes(1_200_000)  # what gzip makes no smaller
    (html / "big.js").write_bytes(noise)
    (html / "big.woff2").write_bytes(noise)
    (html / "style.css").write_text('@font-face { src: url("big.woff2"); }')
    assert old in HEAD + ONE and list(check_pages.problems(built)) == []
    (html / "book/one.html").write_text((HEAD + ONE).replace(old, new))
    assert says in " ".join(check_pages.problems(built))


def test_an_icon_that_is_there_and_a_light_page_pass(built):
    page = built / "_build/html/book/one.html"
    page.write_text((HEAD + ONE).replace("<article>",
                                         '<article><i class="fa-solid fa-bars fa-lg"></i>'))
    assert list(check_pages.problems(built)) == [] and check_pages.weight(page) < 1000


# --- house.py

def test_the_icons_of_the_theme_are_small():
    icons = (stamp.ROOT / "book/assets/icons.css").read_text(encoding="utf-8")
    assert len(icons) < 15_000 and "http:" not in icons.replace("http://www.w3.org/2000/svg", "")


def test_a_page_is_polished_once():
    page = ('<script defer src="../_static/scripts/fontawesome.js?digest=1"></script>'
            'localStorage.getItem("theme") || "auto"; '
            '<img alt="one" src="../_images/a1.png" /><img alt="two" src="../_images/b2.png" '
            '/><img src="c.png">')
    new = house.polish(page, {"a1": (30, 20), "b2": (3, 2)})
    assert "fontawesome" not in new and 'matchMedia("(prefers-color-scheme: dark)")' in new
    assert re.findall(r"<img[^>]*>", new) == [
        '<img alt="one" src="../_images/a1.webp" width="30" height="20"  />',
        '<img alt="two" src="../_images/b2.webp" width="3" height="2" loading="lazy"  />',
        '<img src="c.png">']
    assert house.polish(new, {"a1": (30, 20), "b2": (3, 2)}) == new


def paragraph(*children):
    return nodes.paragraph("", "", nodes.emphasis("", "", *children))


def cell(*pictures, tag="any"):
    return nodes.container("", *(nodes.image(uri=name, alt=name) for name in pictures),
                           classes=["cell", f"tag_{tag}"])


def test_a_figure_is_described_by_its_caption():
    below = paragraph(nodes.Text("Figure 2: the head\nleaves "),
                      nodes.math("", r"\gamma_t = w^{c}"), nodes.Text(" dark."))
    one, two, alone, solution = (cell("a.png"), cell("b.png", "c.png"), cell("d.png"),
                                 cell("e.png", tag="solution"))
    nodes.section("", one, below, two, paragraph(nodes.Text("Figure 3: both.")), alone,
                  nodes.paragraph("", "Text."), solution)
    house.describe_figures(None, one.parent, "page")
    alts = [picture["alt"] for picture in one.parent.findall(nodes.image)]
    assert alts == ["Figure 2: the head leaves γ_t = wc dark.", "Figure 3: both., part 1 of 2",
                    "Figure 3: both., part 2 of 2", "d.png",
                    "The figure that the solution draws"]
    assert below["classes"] == ["names-a-tone"] and one.parent[3]["classes"] == []


def test_a_page_is_described_by_its_first_words():
    long = "A sentence about memory, and about those who read and write it. " * 9
    page = nodes.section("", nodes.paragraph("",
                                             "Open in Colab · 15 min to read, and some more "
                                             "words, so that it is long enough"),
                         paragraph(nodes.Text("Figure 1: a caption that is long enough to be "
                                              "taken for a paragraph of the text.")),
                         nodes.paragraph("", long))
    found = house.description(page)
    assert (found.startswith("A sentence about memory") and len(found) <= 204
            and found.endswith(" ..."))
    assert house.description(nodes.section()) == ""


# --- docstrings.py and api.md

def test_a_docstring_has_a_line_for_every_argument():
    lines = ["Train it. Note: not an argument.", "", "seed: of the data,",
             "drawn in order. batch, clip: two: of them.", "",
             "    code: 1", ""]
    assert docstrings.with_list(lines, ["seed", "batch", "clip"]) == [
        "Train it. Note: not an argument.", "", "- **seed**: of the data, drawn in order.",
        "- **batch, clip**: two: of them.", "",
        "    code: 1", "", ""]
    assert docstrings.with_list(["Only prose."], []) == ["Only prose.", ""]
    for thing, skipped in [(tasks.Batch.mask, True), (tasks.Batch, None)]:
        assert docstrings.without_fields(None, "", "", thing, False, {}) is skipped


def test_the_package_is_listed_name_by_name():
    page = (stamp.ROOT / "book/api.md").read_text(encoding="utf-8")
    for name in ntm.__all__:
        thing = getattr(ntm, name)
        wanted = [f"ntm.{name}"] if inspect.isclass(thing) or inspect.isfunction(thing) else [
            f"ntm.{name}.{public}" for public, value in vars(thing).items()
            if getattr(value, "__module__", "") == thing.__name__ and not public.startswith("_")]
        for full in wanted:
            assert re.search(rf"{re.escape(full)}$|pyobject: {name}$", page, re.M), full
    for module in ("addressing", "memory", "heads", "controllers", "weights", "pretrained",
                   "plots"):
        assert f"automodule:: ntm.{module}\n" in page
    assert "ntm.grid.grid\n" in page and "pyobject: State\n" in page


# --- check_browser.py

@pytest.mark.skipif(not check_browser.browser(), reason="no Chromium here")
def test_a_browser_notices(tmp_path):
    good = "<!doctype html><head></head><body style='margin: 0'><article>{}</article></body>"
    pre = ("<div class=cell_input><pre style='margin: 0; font: {}px monospace; max-width: 100%; "
           "width: {}px; overflow: auto'></pre></div>")
    pages = {
        "good": pre.format(14, 900) + "<button>Copy</button>",
        "console": "<script>console.error('oh no')</script>",
        "exception": "<script>nowhere()</script>",
        "missing": "<img src=nowhere.png alt=a>",
        "remote": "<img src='http://127.0.0.1:9/a.png' alt=a>",
        "wide": "<div style='width: 1500px'>x</div>",
        "table": "<table style='display: block; width: 300px; overflow: auto'><tr><td><div "
                 "style='width: 900px'>x</div></td></tr></table>",
        "columns": pre.format(14, 600),
        "small": pre.format(12, 900),
        "fold": "<details><summary>more</summary>of it</details>",
        "button": "<button class=copybtn></button>",
        "unset": "<span class=math>x</span>",
        "stop": "<span class=math><span class=katex tabindex=0>x</span></span>",
        "error": "<span class=math><span class=katex><span "
                 "class=katex-error>x^</span></span></span>",
        "number": "<div class=math><div class='katex katex-html'><span class=base>wide</span>"
                  "<span class=tag style='position: absolute; left: 0'><span "
                  "class=mord>(1)</span></span></div></div>",
    }
    for name, body in pages.items():
        (tmp_path / f"{name}.html").write_text(good.format(body))
    found = check_browser.problems(tmp_path, list(pages), seconds=60)
    assert {line.split(" at ")[0] for line in found} == pages.keys() - {"good"}, "\n".join(found)


# --- pins.py and repository.py

def test_pins():
    text = ("dependencies:\n  - python=3.11\n  - pip:\n      - torch==2.13.0\n      # why\n      "
            "- a-b==1.0.post1\n      - -e .\n")
    assert pins.pins(text) == {"torch": "2.13.0", "a-b": "1.0.post1"}


def test_the_book_can_move(tmp_path):
    (tmp_path / "_config.yml").write_text("repository:\n  url: https://github.com/old/name\n")
    cell = '"ntm-book @ git+https://github.com/old/name@main"'
    (tmp_path / "a.ipynb").write_text(
        json.dumps({"source": [cell, "colab.research.google.com/github/old/name/blob"]})
    )
    (tmp_path / "README.md").write_text("https://old.github.io/name/ and "
                                        "https://github.com/old/name-of-another")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    assert set(repository.move(tmp_path, "https://github.com/new/book.git")) == {
        "_config.yml", "a.ipynb", "README.md"}
    assert repository.address(tmp_path) == ("new", "book")
    everything = "".join((tmp_path / name).read_text()
                         for name in ("a.ipynb", "README.md", "_config.yml"))
    assert (len(re.findall("new/book", everything)) == 3 and "new.github.io/book" in everything
            and "old/name-of-another" in everything)
    with pytest.raises(ValueError):
        repository.move(tmp_path, "https://example.org/new/book")


# --- checks.py, notation.py, references.py and readme.py

@pytest.mark.parametrize("tool", [checks, notation, references, readme],
                         ids=["checks", "notation", "references", "readme"])
def test_a_generated_page_is_up_to_date(tool):
    assert tool.PAGE.read_text(encoding="utf-8") == tool.page(), "make figures writes it again"


def test_the_readmes_table_changes_with_the_records(monkeypatch):
    def fewer(task, model, start=None):
        runs = pretrained.runs(task, model, start)
        return runs[:-1] if (task, model) == ("copy", "ntm-lstm") else runs

    monkeypatch.setattr(readme.ledger, "pretrained",
                        SimpleNamespace(runs=fewer, paper=pretrained.paper))
    changed = [new for old, new in zip(readme.PAGE.read_text(encoding="utf-8").split("\n"),
                                       readme.page().split("\n")) if old != new]
    assert len(changed) == 1 and "NTM-LSTM, tape" in changed[0] and "of 9 |" in changed[0]


def test_references_are_gathered_by_work():
    def chapter(name, text):
        return name, new_notebook(cells=[new_markdown_cell(f"# {name}: more"),
                                         new_markdown_cell("## References\n\n" + text)]), None

    found = references.works([
        chapter("one",
                "- Graves, Wayne, *Neural machines*, arXiv:1410.5401. Section 1,\n  and more.\n"
                       "- Ho and others (1997), *Long Short-Term Memory*, Neural 9. Gates."),
        chapter("two", "- Alex Graves (2014), *Neural Machines.* arXiv:1410.5401. Section 2."),
    ])
    assert found == {
        "https://arxiv.org/abs/1410.5401": [("Graves, Wayne", "Neural machines", "2014", "one",
                                             "one", "Section 1, and more."),
                                            ("Alex Graves", "Neural Machines", "2014", "two", "two",
                                             "Section 2.")],
        "https://doi.org/10.1162/neco.1997.9.8.1735": [("Ho and others", "Long Short-Term Memory",
                                                        "1997", "one", "one", "Gates.")]}
    with pytest.raises(ValueError, match="no arXiv number"):
        references.works([chapter("one", "- Nobody, *Nothing*, 2001. Why.")])
    with pytest.raises(ValueError, match="must be like"):
        references.works([chapter("one", "- Nobody, Nothing, 2001. Why.")])


def test_the_letters_of_a_formula():
    for formula, letters in [
        (r"\tilde{\mathbf{M}}_t(i)", {"~M", "t", "i"}),
        (r"\tilde w_t(i) = \sum_{j=0}^{N-1} w^g_t(j)\, s_t(i - j) \tag{8}",
         {"~w", "w^g", "s", "i", "j", "t", "N"}),
        (r"w^{c} = \text{softmax}(\beta K[k, M(i)])", {"w^c", "β", "K", "k", "M", "i"}),
        (r"\gamma = 1 + \log(1 + e^x)", {"γ", "e", "x"}),
    ]:
        assert notation.letters(formula) == letters


def test_what_executes_an_equation_is_known_and_there():
    """Whether the counts are today's is not asked: that takes minutes (book/tools/executed.py)."""
    kept = executed.kept()
    assert [f"{module}.{name}" for *_, module, name in executed.equations()] == list(kept)
    assert set(range(2, 11)) <= {place for place, *_ in executed.equations()}
    there = {(file.relative_to(stamp.ROOT).as_posix(), node.name)
             for file, node in checks.tests()}
    assert {file for file, _ in there} >= set(executed.files())
    for function, found in kept.items():
        assert found and found.keys() <= set(executed.files()), function
        assert {(file, test) for file in found for test in found[file]} <= there, function
    own = kept["ntm.addressing.interpolate"]["tests/test_addressing.py"]
    assert "test_every_stage_equals_its_sum" in own  # which calls it through a helper


def test_a_function_counts_for_the_tests_that_execute_it(tmp_path):
    (tmp_path / "toy_of_executed.py").write_text("def double(x):\n    return 2 * x\n")
    (tmp_path / "test_toy.py").write_text(
        "import pytest\nfrom toy_of_executed import double\n\ndef helper(x):\n"
        "    return double(x)\n\n@pytest.mark.parametrize('x', [1, 2])\ndef test_runs(x):\n"
        "    assert helper(x) == 2 * x\n\ndef test_names():\n    assert callable(double)\n")
    code = (f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(stamp.ROOT / 'book/tools')!r}]\n"
            "import executed, pathlib\n"
            f"executed.ROOT = pathlib.Path({str(tmp_path)!r})\n"
            "print(executed.watched(['toy_of_executed.double'], ['test_toy.py']))")
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True,
                          text=True).stdout
    assert said.rstrip().endswith("{'toy_of_executed.double': {'test_toy.py': ['test_runs']}}")
