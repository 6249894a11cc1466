"""The form of a notebook of the book: one function per rule, each of which yields what is wrong, as
sentences.

`test_form.py` holds every notebook to every rule; `test_form_fails.py` breaks each rule once and
sees it noticed.
"""

import ast
import colorsys
import copy
import functools
import json
import math
import re
import sys
from pathlib import Path

import nbformat
import notation
import repository
import yaml
from check_pages import HIDDEN, entries
from figures import normalise
from figures import problems as problems_of_execution
from fold import fold
from stamp import ROOT, dump, is_stale, module_file, parse_cell, without_docstrings

BOOK = ROOT / "book"
RULES = []
# A page to look things up in, or to play with, is no chapter: it is not read from top to bottom,
# asks nothing, and may begin without a picture.
REFERENCE = {
    "recipes": {"read_in_time", "picture_first", "not_spoiled", "short_title"},
    "playground": {"read_in_time", "picture_first", "not_spoiled"},
    "train_a_machine": {"read_in_time", "picture_first", "not_spoiled"},
}
WORDS, LINES = 120, 25  # in a Markdown cell; in a code cell that teaches
# what Colab has, and ntm itself
ALLOWED = {"torch", "numpy", "matplotlib", "ipywidgets", "IPython", "tqdm", "safetensors",
           "distributed", "ntm"}
FORBIDDEN = r"/work/|/tmp/|/root/|/home/|\bfarm-\w+|\bsubagents?\b"
STUMBLED = re.compile(r"\bin kind\b|\bbeside other work\b|\bComes it\b|\b1 steps\b"
                      r"|\b(?:we|had|have) aimed\b")
EXERCISE = re.compile(r"^### Exercise (\d+) · .*\bminutes?$", re.M)


def rule(function):
    RULES.append(function)
    return function


def tags(cell):
    return cell.metadata.get("tags", [])


def code_cells(nb):
    return [(number, cell) for number, cell in enumerate(nb.cells) if cell.cell_type == "code"]


def markdown_cells(nb):
    """(number, text without its code) of each Markdown cell."""
    fenced = re.compile(r"^```.*?^```$", re.M | re.S)
    return [(number, re.sub(r"`[^`\n]+`", "`code`", fenced.sub("", cell.source)))
            for number, cell in enumerate(nb.cells) if cell.cell_type == "markdown"]


@rule
def executed(nb, name):
    """Every code cell ran, in order, once; without errors (save where one is the lesson), stderr or
    dead widgets."""
    yield from problems_of_execution(nb)
    counts = [cell.execution_count for _, cell in code_cells(nb)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"the execution counts are {counts}; they must be 1, 2, 3, ..."


@rule
def fresh(nb, name):
    """What it shows is what its code does today."""
    if is_stale(nb):
        yield "it is stale: make figures"


@rule
def normalised(nb, name):
    """Nothing in the file differs from one execution to the next."""
    if json.dumps(normalise(copy.deepcopy(nb)), sort_keys=True) != json.dumps(nb, sort_keys=True):
        yield "it is not normalised: make figures"
    extra = set(nb.metadata) - {"kernelspec", "language_info", "ntm"}
    if extra:
        yield f"its metadata has {sorted(extra)}"
    if nb.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "its kernel is not python3"
    ids = [cell.id for cell in nb.cells]
    if len(ids) != len(set(ids)):
        yield "two cells have the same id"
    else:
        nbformat.validate(nb)
    if any("injected-parameters" in tags(cell) for cell in nb.cells):
        yield "it holds parameters that papermill injected"


@rule
def equations_are_functions(nb, name):
    """A cell tagged function:ntm.module.name is that function, as a syntax tree without
    docstrings."""
    for number, cell in code_cells(nb):
        for tag in tags(cell):
            if tag.startswith("function:"):
                *module, function = tag.removeprefix("function:ntm.").split(".")
                file = module_file(ROOT / "ntm", module)
                tree = ast.parse(file.read_text(encoding="utf-8")) if file else ast.Module([], [])
                found = [without_docstrings(node) for node in ast.walk(tree)
                         if isinstance(node, (ast.FunctionDef, ast.ClassDef))
                         and node.name == function]
                shown = without_docstrings(parse_cell(cell.source)).body
                if not found:
                    yield f"cell {number}: {tag} names nothing in the package"
                elif dump(shown) != dump(found[:1]):
                    yield f"cell {number} is not {tag}, as the package has it"


@rule
def plain_markdown(nb, name):
    """What Colab and GitHub show as raw text, or would fetch from elsewhere, is not used."""
    for number, cell in enumerate(nb.cells):
        if cell.cell_type != "markdown":
            continue
        if re.search(r"^(:::|```\{)", cell.source, re.M) or re.search(r"\{[\w:-]+\}`", cell.source):
            yield f"cell {number} holds a MyST directive or role"
        if re.search(r"!\[[^\]]*\]\((https?:)?//|<(script|iframe)\b|<img[^>]+src=\"(https?:)?//",
                     cell.source):
            yield f"cell {number} holds a script, a frame or a remote picture"
        for block in re.findall(r"\$\$(.*?)\$\$", cell.source, re.S):
            if r"\tag" in block and "\\\\" in block and r"\begin" not in block:
                yield (f"cell {number}: an equation with \\tag and \\\\; the book would put it "
                       "into `split`, which takes no tag")


@rule
def short_texts(nb, name):
    """Markdown cells stay short. Tables, display equations, folded texts, exercises and references
    do not count."""
    left_out = [r"(?s)\$\$.*?\$\$", r"(?s)<details.*?</details>", r"(?m)^\|.*$",
                r"(?m)^\[Open in Colab.*(\n\S.*)*"]
    for number, text in markdown_cells(nb):
        if EXERCISE.search(text) or "## References" in text:
            continue
        for pattern in left_out:
            text = re.sub(pattern, "", text)
        text = re.sub(r"\]\([^)]*\)", "]", re.sub(r"\$[^$]+\$", "x", text))
        words = len(re.findall(r"[^\W_][\w’'.-]*", text))
        if words > WORDS:
            yield f"cell {number} has {words} words; {WORDS} are allowed"


@rule
def short_code(nb, name):
    """Code cells that are shown stay short."""
    for number, cell in code_cells(nb):
        lines = len(cell.source.split("\n"))
        folded = {"hide-input", "hide-cell", "remove-input", "remove-cell"} & set(tags(cell))
        if lines > LINES and not folded:
            yield f"cell {number} has {lines} lines; {LINES} are allowed"


@rule
def links_resolve(nb, name):
    """A link to a page of the book leads to a page of the book."""
    for number, text in markdown_cells(nb):
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path = target.split("#")[0]
            if path and not re.match(r"https?:|mailto:", target) and not (BOOK / path).is_file():
                yield f"cell {number} links to {target}, which does not exist"


@rule
def headings(nb, name):
    """One title, on top; no level is skipped."""
    levels = [len(marks) for _, text in markdown_cells(nb)
              for marks in re.findall(r"^(#+) ", text, re.M)]
    if levels[:1] != [1] or levels.count(1) != 1 or not nb.cells[0].source.startswith("# "):
        yield "it must begin with its one title"
    for above, below in zip(levels, levels[1:]):
        if below > above + 1:
            yield f"a heading of level {below} follows one of level {above}"


@rule
def first_cells(nb, name):
    """Title with the way to Colab, setup with the install line, then typed and commented parameters
    for papermill."""
    owner, repo = repository.address()
    colab = f"https://colab.research.google.com/github/{owner}/{repo}/blob/main/book/{name}.ipynb"
    if f"[Open in Colab]({colab})" not in nb.cells[0].source:
        yield "its first cell has no link that opens it in Colab"
    install = f'%pip install -q --no-deps "ntm-book @ git+https://github.com/{owner}/{repo}@main"'
    setup = [number for number, cell in code_cells(nb) if "setup" in tags(cell)]
    if setup != [1] or not {"hide-input", "remove-cell"} & set(tags(nb.cells[1])):
        yield "its second cell, and no other, must be tagged setup and hide-input (or remove-cell)"
    elif install not in nb.cells[1].source:
        yield "its setup cell does not install ntm in Colab"
    parameters = [cell for _, cell in code_cells(nb) if "parameters" in tags(cell)]
    if len(parameters) != 1:
        yield f"it has {len(parameters)} cells tagged parameters; papermill wants one"
    for cell in parameters:
        for line in cell.source.split("\n"):
            if line.strip() and not re.fullmatch(r"\w+: \w+ = .+  # .+", line):
                yield f"a parameter without type or comment: {line}"


@rule
def quiet_endings(nb, name):
    """No cell ends with a semicolon to hide a value: nbval's kernel shows it all the same."""
    for number, cell in code_cells(nb):
        if cell.source.rstrip().endswith(";") and "nbval-ignore-output" not in tags(cell):
            yield f"cell {number} ends with a semicolon; write `_ = ...`"


@rule
def imports(nb, name):
    """Imports only what a reader in Colab has."""
    for number, cell in code_cells(nb):
        for node in ast.walk(parse_cell(cell.source)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else \
                [node.module] if isinstance(node, ast.ImportFrom) else []
            for imported in names:
                top = imported.split(".")[0]
                if top not in ALLOWED and top not in sys.stdlib_module_names:
                    yield f"cell {number} imports {imported}"


@rule
def captions(nb, name):
    """Below every figure stands a sentence that says what to see."""
    for number, cell in code_cells(nb):
        drawn = any("image/png" in output.get("data", {}) for output in cell.outputs)
        if drawn and not HIDDEN & set(tags(cell)):
            below = nb.cells[number + 1] if number + 1 < len(nb.cells) else None
            if ("solution" not in tags(cell)
                and (below is None or not below.source.startswith(("*Figure", "*Live figure")))):
                yield f"cell {number} shows a figure without a caption below it"


@rule
def labels(nb, name):
    """What is written in a figure is at least 8 px high on a phone of 390 px."""
    for number, cell in code_cells(nb):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            width = max([float(w) for w in re.findall(r"figsize=\(([\d.]+)", cell.source)] or [7])
            written = re.findall(r"\b(?:(?:font|label)size=|set_fontsize\()([\d.]+)\b", cell.source)
            for size in [11, *map(float, written)]:  # 11: of the ticks
                if size * 390 / (72 * width) < 8:
                    yield (f"cell {number} writes with {size:g} points in {width:g} inches; "
                           f"{8 * 72 * width / 390:.1f} are wanted")


@rule
def explorers(nb, name):
    """What needs a kernel leaves nothing dead on the page."""
    for number, cell in code_cells(nb):
        if (re.search(r"\binteract(ive)?\b\(", cell.source)
            and not {"remove-output", "nbval-ignore-output"} <= set(tags(cell))):
            yield (f"cell {number} is an explorer; it must be tagged remove-output and "
                   "nbval-ignore-output")


@rule
def symbols_are_known(nb, name):
    """Every letter in a formula stands in the notation."""
    for letter in notation.unknown(nb):
        yield f"its formulas use {letter}, which the notation lacks (book/tools/notation.py)"


@rule
def nothing_of_this_machine(nb, name):
    """No paths or words of the place where it was made."""
    for number, cell in enumerate(nb.cells):
        shown = cell.source + "".join(str(output.get("text", ""))
                                      + str(output.get("data", {}).get("text/plain", ""))
                                      for output in cell.get("outputs", []))
        for word in re.findall(FORBIDDEN, shown):
            yield f"cell {number} holds {word}"


# How much a page asks of its reader. The text of an answer counts, although it waits in a fold: who
# predicts, opens it. Not counted are folded code (setup, parameters, drawing, the code of an
# answer), exercises, which state their own minutes, what is there to be looked up (what moved into
# ntm, references), and live figures: like the explorers they are there for whoever wants to play,
# for as long as that lasts, and show nothing that the page's own figures do not.

WORDS_A_MINUTE, LINES_A_MINUTE, FIGURES_A_MINUTE = 200, 40, 3
FIGURES, TABLES, COLUMNS, OPENING_LINES = 7, 2, 92, 10
# so many numbers in one printed output make a table; more than so many make a wall
NUMBERS_TABLE, NUMBERS_WALL = 20, 40
MINUTES = {"The memory": 15, "The addressing": 15, "The machine": 15}  # by part; 20 in all others
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell", "setup", "prediction",
          "solution"}
NOT_READ = re.compile(r"^## (Exercises|What moved into|References)", re.M)
PREDICT = re.compile(r"^\*\*Predict:\*\*", re.M)


def reading(nb):
    """The cells that are read, in order: (number, cell)."""
    counted = True
    for number, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown" and re.match(r"#{1,2} ", cell.source):
            counted = not NOT_READ.match(cell.source)
        played = (cell.source.startswith("*Live figure")
                  or ("live" in tags(cell) and "opening" not in tags(cell)))
        if counted and not played:
            yield number, cell


def words(text):
    """The words of a Markdown text. A formula within a line counts as one, a displayed one as ten,
    a link by what is shown of it."""
    text = re.sub(r"(?s)\$\$.*?\$\$", " x" * 10 + " ", re.sub(r"</?\w+>", " ", text))
    text = re.sub(r"\]\([^)]*\)", "]", re.sub(r"\$[^$]+\$|`[^`\n]+`", "x", text))
    return len(re.findall(r"[^\W_][\w’'.-]*", text))


def printed(cell):
    """What a code cell prints for all to see."""
    if {"hide-cell", "hide-output", *HIDDEN} & set(tags(cell)):
        return ""
    return "".join(output.get("text", "") for output in cell.outputs)


def numbers_in(text):
    return len(re.findall(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?", text))


def counts(nb):
    """What a page asks of its reader: words, lines of visible code, figures, tables (drawn up or
    printed)."""
    found = dict(words=0, lines=0, figures=0, tables=0)
    for _, cell in reading(nb):
        if cell.cell_type == "markdown":
            found["words"] += words(cell.source)
            found["tables"] += len(re.findall(r"^\|[\s:|-]*-[\s:|-]*\|$", cell.source, re.M))
        else:
            if not FOLDED & set(tags(cell)):
                found["lines"] += sum(bool(line.strip()) for line in cell.source.split("\n"))
            if not {"solution", *HIDDEN} & set(tags(cell)):
                found["figures"] += sum("image/png" in output.get("data", {})
                                        for output in cell.outputs)
            found["tables"] += numbers_in(printed(cell)) > NUMBERS_TABLE
    return found


def minutes(found):
    return (found["words"] / WORDS_A_MINUTE + found["lines"] / LINES_A_MINUTE + found["figures"]
            / FIGURES_A_MINUTE)


@functools.cache
def allowed(name):
    """The minutes that a page's part allows it."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    part = next((part["caption"] for part in toc["parts"] if f"book/{name}" in entries(part)), "")
    return MINUTES.get(part, 20)


@rule
def read_in_time(nb, name):
    """A page is read in the minutes that its first lines claim, and these are no more than its part
    allows."""
    needed, claim = minutes(counts(nb)), re.search(r"(\d+) min to read", nb.cells[0].source)
    if not claim:
        yield "its first cell does not say how many minutes it takes (15 min to read)"
    elif not math.ceil(needed) <= int(claim[1]) <= math.ceil(needed) + 2:
        yield f"it claims {claim[1]} minutes and takes {needed:.1f}: {counts(nb)}"
    if needed > allowed(name):
        yield f"it takes {needed:.1f} minutes; {allowed(name)} are allowed: {counts(nb)}"


@rule
def one_idea(nb, name):
    """Seven figures and two tables are enough for one idea."""
    found = counts(nb)
    for what, most in (("figures", FIGURES), ("tables", TABLES)):
        if found[what] > most:
            yield f"it has {found[what]} {what}; {most} are allowed"


@rule
def no_walls(nb, name):
    """Numbers in rows and rows belong into a figure, a table or a fold."""
    for number, cell in reading(nb):
        if cell.cell_type == "code" and numbers_in(printed(cell)) > NUMBERS_WALL:
            yield (f"cell {number} prints {numbers_in(printed(cell))} numbers; {NUMBERS_WALL} are "
                   "allowed")


@rule
def code_fits(nb, name):
    """No line of code is cut off at the right edge."""
    for number, cell in code_cells(nb):
        for line in cell.source.split("\n"):
            if len(line) > COLUMNS and "%pip" not in line:
                yield (f"cell {number} has a line of {len(line)} characters; {COLUMNS} are "
                       f"allowed: {line.strip()[:40]} ...")


@rule
def picture_first(nb, name):
    """Title, then the opening picture, then imports and parameters, folded; little code stands
    before it in Colab and on GitHub, too."""
    code = [cell for _, cell in code_cells(nb)]
    lines = sum(bool(line.strip()) for line in code[0].source.split("\n")) if code else 0
    if not code or not any("image/png" in output.get("data", {}) for output in code[0].outputs):
        yield "its first code cell does not show the opening picture"
    if lines > OPENING_LINES:
        yield f"{lines} lines of code stand before the opening picture; {OPENING_LINES} are allowed"
    if [tag for cell in code[1:3] for tag in ("imports", "parameters")
        if tag in tags(cell)] != ["imports", "parameters"]:
        yield "the cells tagged imports and parameters must come next"


@rule
def not_spoiled(nb, name):
    """A question ("**Predict:** ...") comes before its answer, and the answer is folded, by
    fold.py, wherever the notebook is read."""
    if not any("prediction" in tags(cell) for cell in nb.cells):
        yield "it asks for no prediction"
    if json.dumps(fold(copy.deepcopy(nb)), sort_keys=True) != json.dumps(nb, sort_keys=True):
        yield "a cell is not folded as its tag asks: python book/tools/figures.py"
    for number, cell in reading(nb):
        if cell.cell_type == "markdown" and re.search(r"<summary>[^<]*(answer|commit)", cell.source,
                                                      re.I) \
                and "prediction" not in tags(nb.cells[number - 1]):
            yield f"cell {number} gives an answer, and the cell above it is not tagged prediction"
    asked = None
    for number, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown" and PREDICT.search(cell.source):
            asked = number
        elif cell.cell_type == "code":
            if ("prediction" in tags(cell)) != (asked is not None):
                what = ("not below a question but" if asked is None
                        else "the answer to a question but not")
                yield f"cell {number} is {what} tagged prediction"
            asked = None


@rule
def short_title(nb, name):
    """A title fits the sidebar; the sentence stands below it."""
    title, *below = nb.cells[0].source.split("\n\n")
    if not 2 <= len(title.removeprefix("# ").split()) <= 4:
        yield f"its title has {len(title.removeprefix('# ').split())} words; two to four are wanted"
    if not below or not re.fullmatch(r"\*\*.+\*\*", below[0], re.S):
        yield "below its title stands no sentence, in bold, that says the idea"


@rule
def leading_zeros(nb, name):
    """0.1, not .1, in texts, formulas and in what is printed."""
    for number, cell in enumerate(nb.cells):
        text = (cell.source if cell.cell_type == "markdown"
                else "".join(output.get("text", "") for output in cell.outputs))
        for found in re.findall(r"(?<![\w.)\]])\.\d+", text):
            yield f"cell {number} says {found}; write 0{found}"


@rule
def checks_hold(nb, name):
    """A check that is printed holds: no cell says False and never True, save an answer."""
    for number, cell in code_cells(nb):
        said = set(re.findall(r": (True|False)$", printed(cell), re.M))
        if said == {"False"} and "prediction" not in tags(cell):
            yield f"cell {number} prints a check that fails"


@rule
def numbered_in_brackets(nb, name):
    """An equation is named as the paper names it: equation (5)."""
    for number, cell in enumerate(nb.cells):
        for found in re.findall(r"\b[Ee]quation \d+", cell.source):
            yield f"cell {number} says {found}; write the number in brackets"


@rule
def plain_words(nb, name):
    """Nothing that readers stumbled over, and nothing of what we ourselves had aimed for."""
    for number, cell in enumerate(nb.cells):
        text = printed(cell) if cell.cell_type == "code" else cell.source
        for found in STUMBLED.findall(text):
            yield f"cell {number} says {found!r}"


@rule
def colours(nb, name):
    """A colour is one of ntm.plots, a grey, or a shade of the read head's blue."""
    for number, cell in code_cells(nb):
        for found in strange_colours(cell.source):
            yield f"cell {number} draws in {found}"


def strange_colours(source):
    """The colours written out in a piece of code that are no grey and no shade of the blue."""
    for r, g, b in re.findall(r"\"#(\w\w)(\w\w)(\w\w)\"", source):
        hue, _, saturation = colorsys.rgb_to_hls(*(int(c, 16) / 255 for c in (r, g, b)))
        if saturation and not 195 <= 360 * hue <= 225:
            yield f"#{r}{g}{b}"
    named = r"\"(?:C\d|tab:\w+|red|green|blue|gold|orange|purple|brown)\""
    yield from re.findall(named, source)


def exercises(nb, at_least=4):
    """Enough exercises, numbered, each with a stub to fill in and a folded solution that was
    executed."""
    found = []
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            for number in EXERCISE.findall(cell.source):
                found.append([int(number), 0, 0])
        elif found:
            found[-1][2 if "solution" in tags(cell) else 1] += 1
            if ("solution" in tags(cell) and not (cell.source.startswith("# @title Solution")
                                                  and "hide-cell" in tags(cell))):
                yield (f"the solution of exercise {found[-1][0]} must be tagged hide-cell and "
                       "begin with # @title Solution")
    if len(found) < at_least:
        yield (f"it has {len(found)} exercises (### Exercise 1 · easy · 5 minutes); {at_least} are "
               "wanted")
    if [number for number, _, _ in found] != list(range(1, len(found) + 1)):
        yield f"its exercises are numbered {[number for number, _, _ in found]}"
    for number, stubs, solutions in found:
        if not stubs or not solutions:
            yield f"exercise {number} has {stubs} cells to fill in and {solutions} solutions"


def read(path):
    return nbformat.read(Path(path), 4)
