"""Move the book to another address: rewrite every badge, link and install cell.

    python book/tools/repository.py https://github.com/OWNER/NAME

_config.yml says what the address is now.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = {".ipynb", ".md", ".toml", ".yml", ".cff", ".py"}


def address(root=ROOT):
    """(owner, name) of the repository, from _config.yml."""
    return re.search(r"^  url: https://github\.com/([\w.-]+)/([\w.-]+)$",
                     (root / "_config.yml").read_text(encoding="utf-8"), re.M).groups()


def move(root, url):
    """Rewrite the address in every text file that git tracks below root. Returns the changed
    files."""
    match = re.fullmatch(r"https://github\.com/([\w-]+)/([\w.-]+?)(\.git)?/?", url)
    if not match:
        raise ValueError(f"the address is {url!r}; it must be like https://github.com/OWNER/NAME, "
                         "since Colab opens nothing else")
    (owner, name), (new_owner, new_name) = address(root), match.groups()[:2]
    changed = []
    for file in subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True,
                               check=True).stdout.splitlines():
        path = root / file
        if path.suffix in TEXT and path.is_file():
            old = path.read_text(encoding="utf-8")
            # its website
            new = old.replace(f"{owner}.github.io/{name}", f"{new_owner}.github.io/{new_name}")
            new = re.sub(rf"(?<![\w-]){re.escape(owner)}/{re.escape(name)}(?![\w-])",
                         f"{new_owner}/{new_name}", new)
            if new != old:
                path.write_text(new, encoding="utf-8")
                changed.append(file)
    return changed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print("\n".join(move(ROOT, sys.argv[1])))
