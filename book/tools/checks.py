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
from stamp import ROOT

PAGE = ROOT / "book/checks.md"


def tree(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def equations():
    """(place, number or name, what it says, module, function) of every function whose docstring
    begins with an equation's number, or with its name in the DNC's paper, where they have none."""
    found = []
    for file in sorted((ROOT / "ntm").rglob("*.py")):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(tree(file)):
            said = (isinstance(node, ast.FunctionDef)
                    and re.match(r"(?:Equation (\(\d+\))|(DNC, [\w -]+)): (.*)",
                                 ast.get_docstring(node) or ""))
            if said:
                place = int(said[1][1:-1]) if said[1] else 100 + node.lineno
                found.append((place, said[1] or said[2], said[3].rstrip("."), module, node.name))
    return sorted(found)


def tests():
    """(file, function node, the same with the file's own helpers that it names, what the file
    imports from ntm: {name: full name})."""
    found = []
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        parsed = tree(file)
        names = {alias.asname or alias.name: f"{node.module}.{alias.name}"
                 for node in ast.walk(parsed)
                 if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ntm"
                 for alias in node.names}
        functions = [node for node in ast.walk(parsed) if isinstance(node, ast.FunctionDef)]
        helpers = {node.name: node for node in functions if not node.name.startswith("test_")}
        for test in functions:
            if test.name.startswith("test_"):
                called = {n.id for n in ast.walk(test) if isinstance(n, ast.Name)} & helpers.keys()
                found.append((file, test, [test, *(helpers[name] for name in sorted(called))],
                              names))
    return found


def mentions(nodes, names, full):
    """Whether one of these functions uses the function ntm.module.name."""
    for n in (n for node in nodes for n in ast.walk(node)):
        if isinstance(n, ast.Name) and names.get(n.id) == full:
            return True
        if (isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
            and f"{names.get(n.value.id)}.{n.attr}" == full):
            return True
    return False


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


def live_figures(all_tests):
    """What holds the live figures true: lines of Markdown."""
    script = (ROOT / "tests/live/equal.test.js").read_text(encoding="utf-8")
    in_node = [re.sub(r"\$\{[^}]*\}", "…", said)
               for said in re.findall(r"^ *test\([\"`](.*?)[\"`],", script, re.M)]
    others = [node.name.removeprefix("test_").replace("_", " ") for file, node, *_ in all_tests
              if file.parent.name == "live"]
    return ["## Live figures", "",
            "The pages run and train machines in JavaScript and WebAssembly (`ntm/live`). In node, "
            "against what torch "
            "computes in float64:", "",
            *(f"- {said}" for said in in_node), "",
            "And in pytest, most of it in a real browser with the pages opened from disk:", "",
            *(f"- {said}" for said in others), ""]


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
        row("equation", "it says", "function", "chapter", "tests"), row(*["---"] * 5),
    ]
    details = []
    for _, number, says, module, function in all_equations:
        users = [(file, node) for file, node, nodes, names in all_tests
                 if mentions(nodes, names, f"{module}.{function}")]
        shown = sorted({name for name, tag in tagged if tag == f"function:{module}.{function}"})
        lines.append(row(number, says, f"`{module}.{function}`",
                         ", ".join(f"[{name}]({name}.ipynb)" for name in shown), len(users)))
        names = [f"- `{file.name}`: {node.name.removeprefix('test_').replace('_', ' ')}"
                 for file, node in users]
        details += [f"<details><summary>{number} <code>{function}</code>: {len(users)} "
                    "tests</summary>", "",
                    *names, "", "</details>", ""]
    lines += ["",
              "Equation (1) has no function: it computes nothing, it says what every weighting "
              "keeps (shares that sum to 1), "
              "and the tests of (5) to (9) "
              "hold it wherever a weighting is made."]
    lines += ["",
              "The tests that call each function, themselves or through a helper in their file, by "
              "name:", "", *details,
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
    files = [file for file, *_ in all_tests]
    lines += [row(f"`{file.relative_to(ROOT)}`", files.count(file)) for file in sorted(set(files))]
    return "\n".join(lines) + "\n"


def main():
    new = page()
    if "--check" in sys.argv[1:]:
        return not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != new
    PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
