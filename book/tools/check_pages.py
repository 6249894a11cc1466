"""Check the built book: every page of the table of contents is there with all its figures, and no page asks a remote server for anything.

    python book/tools/check_pages.py [ROOT]

Exits with 1 and says what is wrong. (A build can be green and have produced nothing.)
"""

import re
import sys
from pathlib import Path

import nbformat
import yaml

HIDDEN = {"remove-cell", "remove-output"}


def entries(toc):
    """Every `file` and `root` of a table of contents, at any depth."""
    if isinstance(toc, dict):
        return [toc[key] for key in ("root", "file") if key in toc] + [e for value in toc.values() for e in entries(value)]
    return [e for value in toc for e in entries(value)] if isinstance(toc, list) else []


def figures(notebook):
    """How many pictures a notebook's outputs show."""
    return sum(any(kind.startswith("image/") for kind in output.get("data", {}))
               for cell in nbformat.read(notebook, 4).cells if cell.cell_type == "code" and not HIDDEN & set(cell.metadata.get("tags", []))
               for output in cell.outputs)


def remote(page):
    """The scripts, styles, pictures and frames that a page loads from elsewhere."""
    tags = re.findall(r"<(?:script|img|iframe|source|video|link)\b[^>]*>", page)
    loading = [tag for tag in tags if not tag.startswith("<link") or re.search(r'rel="(?:[^"]* )?(stylesheet|preload|icon|prefetch)', tag)]
    return [tag for tag in loading if re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag)]


def problems(root):
    """What is wrong with the book built from `root`, as sentences."""
    html = root / "_build/html"
    if not (html / "index.html").is_file():
        yield "_build/html/index.html is missing"
    for entry in entries(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))):
        page, notebook = html / f"{entry}.html", root / f"{entry}.ipynb"
        if not page.is_file():
            yield f"{entry}.html is missing"
            continue
        text = page.read_text(encoding="utf-8")
        article = text[text.find("<article"):text.rfind("</article>")]
        sources = re.findall(r'<img\b[^>]*?\bsrc="([^"]+)"', article)
        shown, wanted = len(sources) + len(re.findall(r"<svg\b", article)), figures(notebook) if notebook.is_file() else 0
        if shown < wanted:
            yield f"{entry}.html shows {shown} figures; its notebook has {wanted}"
        for source in sources:
            if not source.startswith("data:") and "//" not in source and not (page.parent / source.split("?")[0]).is_file():
                yield f"{entry}.html shows {source}, which is missing"
        for tag in remote(text):
            yield f"{entry}.html loads from elsewhere: {tag}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2])
    found = list(problems(root))
    pages = len(entries(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))))
    print("\n".join(found) or f"{pages} pages, every figure in its place: {root / '_build/html/index.html'}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
