"""Print the pins of environment.yml that pip installs: `pins.py torch` that of torch, `pins.py
rest` all others.

Runs before anything is installed, so it needs nothing but Python itself.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def pins(text):
    """{package: version} of the lines `- package==version` below `- pip:`."""
    below = text.split("- pip:\n", 1)[1]
    return dict(re.findall(r"^ +- ([\w.-]+)==([\w.+]+)$", below, flags=re.M))


def main():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    oldest = tuple(map(int, re.search(r"python=(\d+)\.(\d+)", text).groups()))
    if sys.version_info < oldest:
        sys.exit(f"this is Python {sys.version.split()[0]}; the pins of environment.yml need "
                 f"Python {'.'.join(map(str, oldest))} or newer. "
                 f"Name another one: make PYTHON=python3.12 ...")
    found = pins(text)
    torch = f"torch=={found.pop('torch')}"
    print(torch if sys.argv[1:] == ["torch"]
          else " ".join(f"{name}=={version}" for name, version in found.items()))


if __name__ == "__main__":
    main()
