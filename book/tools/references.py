"""Write book/references.md from what stands under "References" in the chapters.

    python book/tools/references.py

An item there is `- Authors, *Title*, where it appeared. What to read it for.` Items with one arXiv
number, or one title, are one work.
"""

import re
import sys
from collections import defaultdict

from checks import chapters
from stamp import ROOT

PAGE = ROOT / "book/references.md"
# where a work lies that has no arXiv number, by its title in lower case
LINKS = {
    "an empirical exploration of recurrent network architectures":
        "https://proceedings.mlr.press/v37/jozefowicz15.html",
    "hybrid computing using a neural network with dynamic external memory":
        "https://doi.org/10.1038/nature20101",
    "incorporating second-order functional knowledge for better option pricing":
        "https://papers.nips.cc/paper_files/paper/2000",
    "long short-term memory": "https://doi.org/10.1162/neco.1997.9.8.1735",
    "megacontext": "https://github.com/brandf/MegaContext",
    "the context-tree weighting method: basic properties": "https://doi.org/10.1109/18.382012",
    "toeplitz and circulant matrices: a review": "https://doi.org/10.1561/0100000006",
}
ALSO = """\
- Kevin Murphy. *Machine Learning: A Probabilistic Perspective*, 2012. The source that the paper
  names for the optimal estimator of the N-gram task, equation (10).
- Hava Siegelmann, Eduardo Sontag. [*On the computational power of neural
  nets*](https://doi.org/10.1006/jcss.1995.1013), 1995. Why a recurrent network could in principle
  do all of this without a memory; the machine of this book is about learning it in practice.
- Adam Paszke and others. [*PyTorch: an imperative style, high-performance deep learning
  library*](https://arxiv.org/abs/1912.01703), 2019. What every cell runs on.
- Executable Books Community. [*Jupyter Book*](https://jupyterbook.org). What turns the notebooks
  into these pages."""


def items(nb):
    """(authors, title, where it appeared, what to read it for) of every item under a notebook's
    "References"."""
    for cell in nb.cells:
        if cell.cell_type == "markdown" and "## References" in cell.source:
            for item in re.findall(r"^- (.*(?:\n  .*)*)", cell.source.split("## References")[1],
                                   re.M):
                found = re.match(r"(.+?)[,:.]? \*(.+?)\*[.,]? *(.*)", " ".join(item.split()))
                if not found:
                    raise ValueError(f"a reference is `{item}`; it must be like `Authors, *Title*, "
                                     "where it appeared. Why to read it.`")
                authors, title, rest = found.groups()
                year = re.search(r" \((\d{4})\)$", authors)
                where, _, note = rest.partition(". ")
                where = (f"{year[1]}, " if year else "") + where.strip(" .,")
                yield authors.removesuffix(year[0] if year else ""), title.strip(" .,"), where, note


def link(title, where):
    """Where a work can be read."""
    arxiv, doi = re.search(r"arXiv:(\d{4}\.\d+)", where), re.search(r"doi:(\S+)", where)
    if not arxiv and not doi and title.lower() not in LINKS:
        raise ValueError(f"{title} has no arXiv number, no doi and no entry in LINKS of "
                         "book/tools/references.py")
    return (f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else f"https://doi.org/{doi[1]}" if doi
            else LINKS[title.lower()])


def year(where):
    """When it appeared, from what is said or from its arXiv number."""
    said, arxiv = re.search(r"\b(?:19|20)\d\d\b(?!\.)", where), re.search(r"arXiv:(\d\d)", where)
    return said[0] if said else f"20{arxiv[1]}" if arxiv else ""


def works(books):
    """{link: [(authors, title, year, chapter, chapter's title, note), ...]} of all chapters."""
    found = defaultdict(list)
    for name, nb, _ in books:
        heading = re.match(r"# ([^:\n]*)", nb.cells[0].source)[1]
        for authors, title, where, note in items(nb):
            found[link(title, where)].append((authors, title, year(where), name, heading, note))
    return found


def page():
    """The page, as Markdown: works in the order of their first authors, each with what the chapters
    read it for."""
    lines = []
    for address, uses in works(chapters()).items():
        authors, title = (max((use[0] for use in uses), key=len),
                          max((use[1] for use in uses), key=len))
        when = max(use[2] for use in uses)
        surname = re.split(r",| and | et al", authors)[0].split()[-1]
        entry = [f"- {authors.rstrip('.')}. [*{title}*]({address})"
                 + (f", {when}." if when else ".")]
        entry += [f"  - [{heading}]({name}.ipynb): {note}" for *_, name, heading, note in uses]
        lines.append((surname.lower(), when, entry))
    text = ["# References", "",
            f"The {len(lines)} works that the chapters name, each with what to read it for. "
            "Written by "
            "`book/tools/references.py` from the end of every chapter.", ""]
    text += [line for *_, entry in sorted(lines) for line in entry]
    return "\n".join([*text, "", "## And beside them", "", ALSO]) + "\n"


def main():
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
