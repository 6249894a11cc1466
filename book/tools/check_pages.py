"""Check the built book: every page of the table of contents is there with all its figures, each
with words for those who do not see it; no page asks a remote server for anything, lacks an icon, or
weighs more than a megabyte.

    python book/tools/check_pages.py [--weights] [ROOT]

Exits with 1 and says what is wrong. (A build can be green and have produced nothing.) --weights
prints what each page weighs.
"""

import gzip
import html as markup
import re
import sys
from functools import cache
from pathlib import Path

import nbformat
import yaml

HIDDEN = {"remove-cell", "remove-output"}
LIMIT = 1_000_000  # bytes of a first visit, as a server sends them
PACKED = {".webp", ".png", ".woff2", ".jpg", ".gif"}  # what gzip makes no smaller
WANTED = ['name="description" content="[^"]{20,}"', 'property="og:image" content="https://[^"]+"',
          'rel="icon"']


def entries(toc):
    """Every `file` and `root` of a table of contents, at any depth."""
    if isinstance(toc, dict):
        return ([toc[key] for key in ("root", "file") if key in toc]
                + [e for value in toc.values() for e in entries(value)])
    return [e for value in toc for e in entries(value)] if isinstance(toc, list) else []


def figures(notebook):
    """How many pictures a notebook's outputs show."""
    return sum(any(kind.startswith("image/") for kind in output.get("data", {}))
               for cell in nbformat.read(notebook, 4).cells
               if cell.cell_type == "code" and not HIDDEN & set(cell.metadata.get("tags", []))
               for output in cell.outputs)


def remote(page):
    """The scripts, styles, pictures and frames that a page loads from elsewhere."""
    tags = re.findall(r"<(?:script|img|iframe|source|video|link)\b[^>]*>", page)
    loading = [tag for tag in tags if not tag.startswith("<link")
               or re.search(r'rel="(?:[^"]* )?(stylesheet|preload|icon|prefetch)', tag)]
    return [tag for tag in loading if re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag)]


@cache
def bytes_of(file):
    """What a server sends of a file."""
    content = file.read_bytes()
    return len(content if file.suffix in PACKED else gzip.compress(content, 6))


def loaded(page):
    """Every file that a page shows or runs, those that its styles name included (which a browser
    may not even ask for)."""
    text = page.read_text(encoding="utf-8")
    names = re.findall(r'<(?:script|img|source)\b[^>]*?\bsrc="([^"]+)"', text)
    names += [re.search(r'href="([^"]+)"', tag)[1]
              for tag in re.findall(r'<link\b[^>]*\brel="(?:stylesheet|icon)"[^>]*>', text)]
    files = {(page.parent / name.split("?")[0].split("#")[0]).resolve() for name in names
             if not re.match(r"data:|(https?:)?//", name)}
    for style in [file for file in files if file.suffix == ".css" and file.is_file()]:
        urls = re.findall(r"""url\(["']?([^"')]+)["']?\)""", style.read_text(encoding="utf-8"))
        files |= {(style.parent / url.split("?")[0].split("#")[0]).resolve() for url in urls
                  if not url.startswith(("data:", "#"))}
    return {page, *(file for file in files if file.is_file())}


def weight(page):
    """Bytes of the first visit to a page, all its figures looked at."""
    return sum(map(bytes_of, loaded(page)))


def undescribed(article):
    """The pictures of a page without words: no alternative text, or the name of a file in its
    place."""
    alts = [(tag, re.search(r'\balt="([^"]*)"', tag))
            for tag in re.findall(r"<img\b[^>]*>", article)]
    return [tag for tag, alt in alts if not alt or not re.search(r"\w \w", alt[1])
            or re.search(r"\.(png|svg|webp)$", alt[1])]


def uncaptioned(article):
    """The captions of a page that are nobody's alternative text."""
    alts = " ".join(markup.unescape(alt)
                    for alt in re.findall(r'<img\b[^>]*?\balt="([^"]*)"', article))
    drawn = re.findall(r'<img\b[^>]*>\s*(?:</div>\s*)+<p[^>]*><em>((?:Live figure|Figure \d+): '
                       r'[^<.,(“”’]{8,40})', article)
    return [caption for caption in drawn if " ".join(markup.unescape(caption).split()) not in alts]


def iconless(text, icons):
    """The icons of a page that the book's style sheet lacks."""
    shown = set(re.findall(r'<(?:i|span) class="[^"]*?\bfa-((?!solid|brands|regular|lg)[a-z-]+)',
                           text))
    return sorted(icon for icon in shown if f".fa-{icon} " not in icons)


def problems(root):
    """What is wrong with the book built from `root`, as sentences."""
    html = root / "_build/html"
    if not (html / "index.html").is_file():
        yield "_build/html/index.html is missing"
    style = html / "_static/icons.css"
    icons = style.read_text(encoding="utf-8") if style.is_file() else ""
    for entry in entries(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))):
        page, notebook = html / f"{entry}.html", root / f"{entry}.ipynb"
        if not page.is_file():
            yield f"{entry}.html is missing"
            continue
        text = page.read_text(encoding="utf-8")
        article = text[text.find("<article"):text.rfind("</article>")]
        sources = re.findall(r'<img\b[^>]*?\bsrc="([^"]+)"', article)
        shown = len(sources) + len(re.findall(r"<svg\b", article))
        wanted = figures(notebook) if notebook.is_file() else 0
        if shown < wanted:
            yield f"{entry}.html shows {shown} figures; its notebook has {wanted}"
        for source in sources:
            if (not source.startswith("data:") and "//" not in source
                and not (page.parent / source.split("?")[0]).is_file()):
                yield f"{entry}.html shows {source}, which is missing"
        for tag in remote(text):
            yield f"{entry}.html loads from elsewhere: {tag}"
        for tag in undescribed(article):
            yield f"{entry}.html shows a picture without words: {tag[:120]}"
        for caption in uncaptioned(article):
            yield (f"{entry}.html has a caption that is not the alternative text of its figure: "
                   f"{caption}")
        for icon in iconless(text, icons):
            yield f"{entry}.html shows the icon {icon}, which book/assets/icons.css lacks"
        for wanted in WANTED:
            if not re.search(wanted, text):
                yield f"{entry}.html lacks {wanted.split()[0]}"
        if ("katex.min.js" in text) != ('class="math' in text):
            yield f"{entry}.html must load KaTeX if it has a formula, and only then"
        if weight(page) > LIMIT:
            heaviest = ", ".join(f"{file.name[:40]} {bytes_of(file) / 1e3:.0f} kB"
                                 for file in sorted(loaded(page), key=bytes_of)[:-4:-1])
            yield (f"{entry}.html weighs {weight(page) / 1e6:.2f} MB compressed; {LIMIT / 1e6:.0f} "
                   f"are allowed: {heaviest}")


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--weights"]
    root = Path(arguments[0] if arguments else Path(__file__).parents[2])
    found, pages = (list(problems(root)),
                    entries(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))))
    weights = {entry: weight(root / f"_build/html/{entry}.html") for entry in pages
               if (root / f"_build/html/{entry}.html").is_file()}
    if "--weights" in sys.argv[1:]:
        print("\n".join(f"{entry:30} {size / 1e3:6.0f} kB" for entry, size in weights.items()))
    print("\n".join(found)
          or f"{len(pages)} pages, every figure in its place, none over "
             f"{max(weights.values()) / 1e6:.2f} MB: "
          f"{root / '_build/html/index.html'}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
