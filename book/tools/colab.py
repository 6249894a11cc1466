"""Run every notebook as Colab would: ntm installed from a wheel and without its dependencies, in an
empty folder, nothing compared.

    python book/tools/colab.py [--here] [NOTEBOOK ...]

By default in a fresh environment build/colab with only what the notebooks may use (and Colab's old
ipywidgets); --here in the environment of this Python, for Colab's own image.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLAB = ["numpy", "matplotlib", "tqdm", "safetensors", "distributed", "ipywidgets==7.7.1",
         "ipykernel", "nbclient", "setuptools"]
RUN = """
import sys, nbformat
from nbclient import NotebookClient
nb = nbformat.read(sys.argv[1], 4)
nb.cells = [cell for cell in nb.cells if "nbval-skip" not in cell.metadata.get("tags", [])]
NotebookClient(nb, timeout=600, kernel_name="python3").execute()
"""


def pip(python, *arguments):
    subprocess.run([python, "-m", "pip", "install", "-q", *arguments], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path,
                        default=sorted((ROOT / "book").glob("*.ipynb")))
    parser.add_argument("--here", action="store_true")
    arguments = parser.parse_args()
    python = sys.executable
    if not arguments.here:
        python = str(ROOT / "build/colab/bin/python")
        if not Path(python).exists():
            venv.create(ROOT / "build/colab", with_pip=True)
            torch = subprocess.run([sys.executable, ROOT / "book/tools/pins.py", "torch"],
                                   check=True, capture_output=True, text=True)
            pip(python, *os.environ.get("PIP_TORCH", "").split(), torch.stdout.strip())
            pip(python, *COLAB)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT],
                       check=True)
        pip(python, "--no-deps", "--force-reinstall", *map(str, Path(folder).glob("*.whl")))
    failed = 0
    for path in map(Path.resolve, arguments.notebooks):
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory() as empty:
            result = subprocess.run([python, "-c", RUN, path], cwd=empty, capture_output=True,
                                    text=True)
        print(f"{path.name}: {'FAILED' if result.returncode else 'ran'} "
              f"({time.perf_counter() - begin:.0f} s)", flush=True)
        if result.returncode:
            failed += 1
            print(result.stderr[-3000:])
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
