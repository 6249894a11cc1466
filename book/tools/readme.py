"""Write the table of README.md from the runs that the package ships.

    python book/tools/readme.py

A test fails when the README is not what this would write.
"""

import sys

from checks import row
from stamp import ROOT

from ntm import ledger

PAGE = ROOT / "README.md"
BEGIN, END = "<!-- written by book/tools/readme.py -->", "<!-- to here -->"
HEAD = ("task: what is measured", "machine, its start", "sequences to 0.1 bit: the paper", "ours",
        "learned, of seeds",
        "measured: the paper", "ours", "seeds", "minutes")


def table():
    """The rows: both machines on every task, with the start that the book uses."""
    lines = [row(*HEAD), row(*["---"] * len(HEAD))]
    for task in ledger.MEASURES:
        for model in ("ntm-feedforward", "ntm-lstm"):
            found = ledger.against_the_paper(task, model)
            lines.append(row(f"**{found['task']}**: {found['measure']}",
                             f"{found['machine']}, {found['start']}",
                             found["the paper, first under"], found["first under"],
                             found["learned"], found["the paper"], found["ours"],
                             found["seeds"], found["minutes"].split(" ")[0]))
    return "\n".join(lines)


def page():
    """The README, its table written anew."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


def main():
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
