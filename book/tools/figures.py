"""Execute the stale notebooks of the book with papermill, at their default parameters, and
commit-ready.

    python book/tools/figures.py [--force] [--check] [NOTEBOOK ...]

Without notebooks: all of book/. A notebook is stale when its code, or what it imports from ntm, is
not what was executed (see stamp.py). The file is replaced only when every cell succeeded. --check
lists the stale ones and exits with 1 if there are any.
"""

import argparse
import copy
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import papermill
from fold import fold
from nbstripout import strip_output
from papermill.exceptions import PapermillExecutionError
from papermill.execute import remove_error_markers
from stamp import ROOT, is_stale, stamp

from ntm.live import INLINED

EXTRA_KEYS = ["metadata.widgets", "metadata.papermill", "metadata.language_info.version",
              "cell.metadata.papermill", "cell.metadata.execution"]


def normalise(nb):
    """Keep outputs, counts and ids; remove what differs between executions, and what a static page
    cannot show; number the figures."""
    strip_output(nb, keep_output=True, keep_count=True, keep_id=True, extra_keys=EXTRA_KEYS)
    for cell in nb.cells:
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]  # papermill adds an empty list
        if "remove-output" in cell.metadata.get("tags", []):
            cell.outputs = []  # an explorer: nothing without a kernel
        for output in cell.get("outputs", []):
            # a live figure: the book's pages have its scripts themselves
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = INLINED.sub("", output.data["text/html"])
        whole = []  # what a cell prints may arrive in pieces, and be cut within a line
        for output in cell.get("outputs", []):
            if (whole and whole[-1].output_type == output.output_type == "stream"
                and whole[-1].name == output.name):
                whole[-1].text += output.text
            else:
                whole.append(output)
        if cell.cell_type == "code":
            cell.outputs = whole
    fold(nb)
    captions = (cell for cell in nb.cells if cell.cell_type == "markdown"
                and cell.source.startswith("*Figure"))
    for number, cell in enumerate(captions, 1):
        cell.source = re.sub(r"^\*Figure( \d+)?:", f"*Figure {number}:", cell.source)
    return nb


def text(output):
    """An output as the text a person would read."""
    return (re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output.get("traceback", [])))
            or output.get("text", ""))


def problems(nb):
    """What keeps an executed notebook out of the book, as sentences."""
    for number, cell in enumerate(nb.cells):
        if cell.cell_type != "code":
            continue
        first = cell.source.strip().split("\n")[0]
        if cell.source.strip() and not cell.execution_count:
            yield f"cell {number} was not executed: {first}"
        for output in cell.outputs:
            if (output.output_type == "error"
                and "raises-exception" not in cell.metadata.get("tags", [])):
                yield f"cell {number} failed: {first}\n{text(output)}"
            if output.output_type == "stream" and output.name == "stderr":
                yield f"cell {number} wrote to stderr: {first}\n{text(output)}"
            if any("widget" in kind for kind in output.get("data", {})):
                yield (f"cell {number} shows a widget, which is dead without a kernel (tag it "
                       f"remove-output): {first}")


def execute(path, package=ROOT / "ntm"):
    """Execute one notebook and replace it. Returns the problems; with any, the file is left as it
    was."""
    path = Path(path).resolve()
    nb = fold(nbformat.read(path, 4))
    mark = stamp(nb, package)  # before: a module edited meanwhile leaves the notebook stale
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "folded.ipynb", Path(folder) / path.name
        nbformat.write(nb, source)
        try:
            # papermill would otherwise run in the folder it was started from, Jupyter and nbval in
            # the notebook's own
            papermill.execute_notebook(source, result, cwd=path.parent, kernel_name="python3",
                                       progress_bar=False,
                                       request_save_on_cell_execute=False, execution_timeout=1800)
        except PapermillExecutionError:
            # judged by `problems`: papermill also stops for a cell in which the error is the lesson
            pass
        except Exception as error:
            return [f"{type(error).__name__}: {error}"]
        nb = normalise(remove_error_markers(nbformat.read(result, 4)))
    found = list(problems(nb))
    if not found:
        nb.metadata["ntm"] = {"stamp": mark}
        new = path.with_name(path.name + ".new")
        nbformat.write(nb, new)
        new.replace(path)
    return found


def is_folded(nb):
    return fold(copy.deepcopy(nb)) == nb


def main():
    # two threads are many times slower on steps as small as an NTM's
    os.environ["OMP_NUM_THREADS"] = "1"
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path,
                        default=sorted((ROOT / "book").glob("*.ipynb")))
    parser.add_argument("--force", action="store_true", help="execute them all")
    parser.add_argument("--check", action="store_true", help="execute nothing, list the stale ones")
    arguments = parser.parse_args()
    read = {path: nbformat.read(path, 4) for path in arguments.notebooks}
    stale = [path for path, nb in read.items()
             if arguments.force or is_stale(nb) or not is_folded(nb)]
    if arguments.check:
        print("\n".join(f"stale: {path}" for path in stale) or "every notebook is fresh")
        return bool(stale)
    failed = 0
    for path in stale:
        begin = time.perf_counter()
        found = execute(path)
        print(f"{path.name}: {'FAILED, left as it was' if found else 'executed'} "
              f"({time.perf_counter() - begin:.0f} s)", flush=True)
        print("".join(f"  {problem}\n" for problem in found), end="", flush=True)
        failed += bool(found)
    print(f"{len(arguments.notebooks)} notebooks, {len(stale)} stale, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
