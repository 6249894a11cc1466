"""The tools that execute the book, and what nbval must notice, on tiny notebooks and a tiny package."""

import ast
import json
import re
import subprocess
import sys

import check_pages
import checks
import fold
import nbformat
import notation
import pins
import pytest
import repository
import stamp
from figures import execute
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, "language_info": {"name": "python"}}


def notebook(path, *sources, tags=()):
    nb = new_notebook(cells=[new_markdown_cell("# Tiny"), *(new_code_cell(source) for source in sources)], metadata=KERNEL)
    for cell in nb.cells[1:]:
        if tags:
            cell.metadata["tags"] = list(tags)
    nbformat.write(nb, path)
    return path


# --- the stamp

FILES = {
    "__init__.py": '"""The package."""\nfrom . import tasks\nfrom .machine import NTM\n',
    "memory.py": '"""Reading."""\n\ndef read(M, w):\n    """Equation (2)."""\n    return w @ M  # a sum\n',
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
    ("from ntm import exercises\nexercises.reading.one(1)", "exercises/reading.py exercises/__init__.py"),
    ("from ntm import exercises\nprint(exercises)", "exercises/__init__.py"),
    ("from ntm import pretrained", "pretrained/__init__.py pretrained/copy.json machine.py fast.py kernel.c memory.py"),
    ("import ntm", " ".join(FILES)),
    ("from ntm import *", " ".join(FILES)),
    ("from ntm import whatever", " ".join(FILES)),
])
def test_what_a_notebook_depends_on(package, code, files):
    found = {str(file.relative_to(package)) for file in stamp.dependencies(ast.parse(code), package)}
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
    path = notebook(tmp_path / "good.ipynb", "from pathlib import Path\nprint(Path.cwd().name)", "1 + 1")
    assert stamp.is_stale(nbformat.read(path, 4))
    assert execute(path) == []
    nb = nbformat.read(path, 4)
    assert not stamp.is_stale(nb)
    assert nb.cells[1].outputs[0].text == f"{tmp_path.name}\n" and [cell.execution_count for cell in nb.cells[1:]] == [1, 2]
    assert "papermill" not in nb.metadata and not any(cell.metadata for cell in nb.cells)
    once = path.read_bytes()
    assert execute(path) == [] and path.read_bytes() == once


def test_an_answer_is_folded_for_jupyter_colab_and_the_page_before_it_is_executed(tmp_path):
    path = notebook(tmp_path / "asks.ipynb", "print('an answer')", tags=["prediction"])
    assert execute(path) == []
    nb = nbformat.read(path, 4)
    answer = nb.cells[1]
    assert answer.source == fold.TITLE + "\nprint('an answer')" and answer.outputs[0].text == "an answer\n"
    assert answer.metadata["cellView"] == "form" and answer.metadata["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
    assert answer.metadata["tags"] == ["prediction", "hide-cell"]
    assert answer.metadata["mystnb"]["code_prompt_show"] == "Run it and see"
    assert not stamp.is_stale(nb) and fold.fold(nbformat.read(path, 4)) == nb


def test_a_failing_notebook_is_left_alone(tmp_path):
    for source, says in [("1 / 0", "ZeroDivisionError"), ("import sys; print('oh', file=sys.stderr)", "stderr")]:
        path = notebook(tmp_path / "bad.ipynb", source, "print(1)")
        before = path.read_bytes()
        found = execute(path)
        assert says in found[0] and path.read_bytes() == before


def test_an_error_that_is_the_lesson_passes(tmp_path):
    assert execute(notebook(tmp_path / "lesson.ipynb", "1 / 0", tags=["raises-exception"])) == []


# --- nbval: what `make test` runs on every notebook

def nbval(path, seconds=30):
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env",
                           f"--nbval-cell-timeout={seconds}", f"--nbval-sanitize-with={stamp.ROOT}/book/tools/nbval.cfg", path],
                          capture_output=True, text=True, cwd=path.parent)


def test_nbval_notices_a_changed_output_and_a_cell_over_its_time(tmp_path):
    path = notebook(tmp_path / "checked.ipynb", "import time; time.sleep(1)", "print('bits wrong:', 0)", "object()")
    assert execute(path) == []
    assert nbval(path).returncode == 0
    text = path.read_text()
    path.write_text(text.replace("bits wrong: 0", "bits wrong: 1"))
    result = nbval(path)
    assert result.returncode == 1 and "bits wrong: 1" in result.stdout and "1 failed" in result.stdout, result.stdout
    path.write_text(text.replace("sleep(1)", "sleep(9)"))
    result = nbval(path, seconds=1)
    assert result.returncode == 1 and "Timeout of 1 seconds" in result.stdout, result.stdout


# --- check_pages.py

@pytest.fixture
def built(tmp_path):
    (tmp_path / "_toc.yml").write_text("root: book/index\nparts:\n- chapters:\n  - file: book/one\n")
    (tmp_path / "book").mkdir()
    nb = new_notebook(cells=[new_code_cell("draw()", outputs=[nbformat.v4.new_output("display_data", {"image/png": ""})])])
    nbformat.write(nb, tmp_path / "book/one.ipynb")
    pages = {"index.html": "", "book/index.html": "<article></article>",
             "book/one.html": '<article><img src="../one.png"></article>', "one.png": ""}
    (tmp_path / "_build/html/book").mkdir(parents=True)
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
    (html / "book/one.html").write_text('<script src="https://cdn.example.org/x.js"></script><article><svg></svg></article>')
    assert "loads from elsewhere" in " ".join(check_pages.problems(built))
    (html / "book/one.html").write_text('<link href="//cdn.example.org/x.css" rel="stylesheet"><article><svg></svg></article>')
    assert "loads from elsewhere" in " ".join(check_pages.problems(built))
    (html / "book/one.html").write_text('<link rel="canonical" href="https://example.org/"><article><svg></svg><a href="https://x.org"></a></article>')
    assert list(check_pages.problems(built)) == []
    (html / "book/one.html").unlink()
    (html / "index.html").unlink()
    assert len(list(check_pages.problems(built))) == 2


# --- pins.py and repository.py

def test_pins():
    text = "dependencies:\n  - python=3.11\n  - pip:\n      - torch==2.13.0\n      # why\n      - a-b==1.0.post1\n      - -e .\n"
    assert pins.pins(text) == {"torch": "2.13.0", "a-b": "1.0.post1"}


def test_the_book_can_move(tmp_path):
    (tmp_path / "_config.yml").write_text("repository:\n  url: https://github.com/old/name\n")
    cell = '"ntm-book @ git+https://github.com/old/name@main"'
    (tmp_path / "a.ipynb").write_text(json.dumps({"source": [cell, "colab.research.google.com/github/old/name/blob"]}))
    (tmp_path / "README.md").write_text("https://old.github.io/name/ and https://github.com/old/name-of-another")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    assert set(repository.move(tmp_path, "https://github.com/new/book.git")) == {"_config.yml", "a.ipynb", "README.md"}
    assert repository.address(tmp_path) == ("new", "book")
    everything = "".join((tmp_path / name).read_text() for name in ("a.ipynb", "README.md", "_config.yml"))
    assert len(re.findall("new/book", everything)) == 3 and "new.github.io/book" in everything and "old/name-of-another" in everything
    with pytest.raises(ValueError):
        repository.move(tmp_path, "https://example.org/new/book")


# --- checks.py and notation.py

@pytest.mark.parametrize("tool", [checks, notation], ids=["checks", "notation"])
def test_a_generated_page_is_up_to_date(tool):
    assert tool.PAGE.read_text(encoding="utf-8") == tool.page(), "make figures writes it again"


def test_the_letters_of_a_formula():
    for formula, letters in [
        (r"\tilde{\mathbf{M}}_t(i)", {"~M", "t", "i"}),
        (r"\tilde w_t(i) = \sum_{j=0}^{N-1} w^g_t(j)\, s_t(i - j) \tag{8}", {"~w", "w^g", "s", "i", "j", "t", "N"}),
        (r"w^{c} = \text{softmax}(\beta K[k, M(i)])", {"w^c", "β", "K", "k", "M", "i"}),
        (r"\gamma = 1 + \log(1 + e^x)", {"γ", "e", "x"}),
    ]:
        assert notation.letters(formula) == letters


def test_the_page_counts_equations_and_tests():
    numbers = [number for number, *_ in checks.equations()]
    assert set(range(2, 10)) <= set(numbers)
    node = ast.parse("def test_a():\n    memory.read(M, w)\n    assert add(1)").body[0]
    names = {"memory": "ntm.memory", "add": "ntm.memory.add"}
    assert checks.mentions([node], names, "ntm.memory.read") and checks.mentions([node], names, "ntm.memory.add")
    assert not checks.mentions([node], names, "ntm.memory.erase") and not checks.mentions([node], {}, "ntm.memory.add")
    users = {test.name for _, test, nodes, names in checks.tests() if checks.mentions(nodes, names, "ntm.addressing.interpolate")}
    assert "test_every_stage_equals_its_sum" in users  # which calls it through a helper
