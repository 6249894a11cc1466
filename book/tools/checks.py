"""Write book/checks.md, the page "What this book checks", from the code, the tests and the
notebooks.

    python book/tools/checks.py [--check]

--check writes nothing and exits with 1 if the page is not what it would be.
"""

import ast
import re
import sys

import nbformat
import yaml
from check_pages import entries, figures
from executed import equations, files, kept, tree
from stamp import ROOT

PAGE = ROOT / "book/checks.md"


def tests():
    """(file, function node) of every test."""
    return [(file, node) for file in sorted((ROOT / "tests").rglob("test_*.py"))
            for node in ast.walk(tree(file))
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def chapters():
    """(name, notebook, path) in the order of the book."""
    listed = [ROOT / f"{entry}.ipynb"
              for entry in entries(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))]
    return [(path.stem, nbformat.read(path, 4), path) for path in listed if path.is_file()]


def compared(cell):
    """Whether nbval holds a printed output of this cell to what is committed."""
    printed = any(output.output_type == "stream" or list(output.get("data", {})) == ["text/plain"]
                  for output in cell.outputs)
    return printed and "nbval-ignore-output" not in cell.metadata.get("tags", [])


def code_lines(folder=ROOT / "ntm/live"):
    """Of every script that is written by hand: how many of its lines are neither blank nor a
    comment."""
    return {file.stem: sum(bool(line.strip()) and not line.strip().startswith("//")
                           for line in file.read_text(encoding="utf-8").splitlines())
            for file in sorted(folder.glob("*.js")) if file.stem != "kernel"}


def live_figures(all_tests):
    """What holds the live figures true: lines of Markdown."""
    script = (ROOT / "tests/live/equal.test.js").read_text(encoding="utf-8")
    in_node = [re.sub(r"\$\{[^}]*\}", "…", said)
               for said in re.findall(r"^ *test\([\"`](.*?)[\"`],", script, re.M)]
    others = [node.name.removeprefix("test_").replace("_", " ") for file, node in all_tests
              if file.parent.name == "live" and file.stem != "test_live_fails"]
    lines = code_lines()
    fails = (ROOT / "tests/live/test_live_fails.py").read_text(encoding="utf-8")
    broken = [*re.findall(r'id="(.*?)"', fails), "one line of the kernel, compiled again"]
    return ["## Live figures", "",
            "The pages run and train machines in JavaScript and WebAssembly (`ntm/live`): "
            f"{len(lines)} scripts with {sum(lines.values()):,} lines of code. In node, against "
            "what torch computes in float64:", "",
            *(f"- {said}" for said in in_node), "",
            "And in pytest, most of it in a real browser with the pages opened from disk:", "",
            *(f"- {said}" for said in others), "",
            "Each of these is broken in a copy of the scripts, and a test must fail:", "",
            *(f"- {what}" for what in broken), ""]


def row(*cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def page():
    """The page, as Markdown."""
    books, all_tests, all_equations = chapters(), tests(), equations()
    cells = {name: [cell for cell in nb.cells if cell.cell_type == "code"] for name, nb, _ in books}
    tagged = {(name, tag) for name in cells for cell in cells[name]
              for tag in cell.metadata.get("tags", []) if tag.startswith("function:")}
    titles = {name: re.match(r"# (.*)", nb.cells[0].source)[1] for name, nb, _ in books}
    lines = [
        "# What this book checks", "",
        "Written by `book/tools/checks.py` from the code, the tests and the notebooks, not by "
        "hand. `make test` runs all that it lists.",
        "",
        f"{len(all_tests)} test functions, many of them run on several cases; {len(books)} "
        "notebooks with "
        f"{sum(map(len, cells.values()))} code cells, each executed again, and of "
        f"{sum(compared(c) for cs in cells.values() for c in cs)} "
        "of them what they print compared with what you see; "
        f"{len({tag for _, tag in tagged})} functions shown in a chapter and held equal to the "
        "package's.", "",
        "## Equations", "",
        row("equation", "it says", "function", "chapter", "tests that execute it"),
        row(*["---"] * 5),
    ]
    details, executed = [], kept()
    for _, label, says, module, function in all_equations:
        full, users = f"{module}.{function}", executed[f"{module}.{function}"]
        shown = sorted({name for name, tag in tagged if tag == f"function:{full}"})
        count = sum(map(len, users.values()))
        lines.append(row(label, says, f"`{full}`",
                         ", ".join(f"[{name}]({name}.ipynb)" for name in shown), count))
        names = ["; ".join(test.removeprefix("test_").replace("_", " ") for test in found)
                 for found in users.values()]
        details += [f"<details><summary>{label} <code>{function}</code>: {count} tests"
                    "</summary>", "", *(f"- `{file}`: {said}" for file, said in zip(users, names)),
                    "", "</details>", ""]
    lines += ["",
              "Equation (1) has no function: it computes nothing, it says what every weighting "
              "keeps (shares that sum to 1), and the tests of (5) to (9) hold it wherever a "
              "weighting is made.", "",
              "Counted are the tests that *execute* a function, seen while they ran "
              f"(`book/tools/executed.py`, {len(files())} files of tests were asked), not those "
              "that name it. The fast path computes the same in C and does not count; a test that "
              "holds it to the equations does. By name:", "", *details,
              "## Chapters", "",
              "Cells are executed by nbval, which runs notebooks as tests; *compared* are those "
              "whose printed output must equal "
              "what is committed.", "",
              row("chapter", "cells", "compared", "figures", "exercises"), row(*["---"] * 5)]
    for name, nb, path in books:
        exercises = sum(len(re.findall(r"^### Exercise \d", cell.source, re.M)) for cell in nb.cells
                        if cell.cell_type == "markdown")
        lines.append(row(f"[{titles[name]}]({name}.ipynb)", len(cells[name]),
                         sum(map(compared, cells[name])), figures(path), exercises))
    lines += ["", *live_figures(all_tests)]
    rules = [node for node in tree(ROOT / "tests/book/form.py").body
             if isinstance(node, ast.FunctionDef) and node.decorator_list]
    lines += ["## Form", "",
              f"Every notebook keeps {len(rules)} rules; each rule is broken once in the tests, "
              "and noticed:", "",
              *(f"- {' '.join(ast.get_docstring(node).split())}" for node in rules), "",
              "## Tests", "", row("file", "tests"), row("---", "---")]
    where = [file for file, _ in all_tests]
    lines += [row(f"`{file.relative_to(ROOT)}`", where.count(file)) for file in sorted(set(where))]
    return "\n".join(lines) + "\n"


def main():
    new = page()
    if "--check" in sys.argv[1:]:
        return not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != new
    PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
