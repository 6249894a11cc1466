"""Compile the kernel for the page: ntm/kernel.c to WebAssembly, as base64 in the plain script
ntm/live/kernel.js.

A page opened from disk may fetch nothing, so the bytes stand in a script. The compiler comes from
PyPI (the package ziglang, at the pin of environment.yml): the same compiler makes the same bytes
anywhere.
"""

import base64
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT, SOURCE = ROOT / "ntm/live/kernel.js", ROOT / "ntm/kernel.c"
FLAGS = ["-target", "wasm32-wasi", "-O3", "-msimd128", "-ffast-math", "-fno-finite-math-only",
         "-DREAL=float",
         "-std=gnu11", "-mexec-model=reactor", "-s", "-Wl,-z,stack-size=65536",
         # fmt: skip
         *(f"-Wl,--export={name}" for name in ("update", "update_room", "__heap_base"))]


def compiled(source=SOURCE):
    """The kernel as WebAssembly, as bytes; raises CalledProcessError where ziglang is not
    installed."""
    with tempfile.TemporaryDirectory() as folder:
        wasm = Path(folder) / "kernel.wasm"
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, str(source), "-o", str(wasm)]
        subprocess.run(command, check=True, capture_output=True, text=True)
        return wasm.read_bytes()


def script(wasm):
    """The text of kernel.js."""
    return (
        "// ntm/kernel.c as WebAssembly, in base64; made by `make live` (book/tools/kernel_js.py), "
        "not by hand.\n"
        "globalThis.NTM = globalThis.NTM || {};\n"
        f'NTM.kernel = "{base64.b64encode(wasm).decode()}";\n'
    )


if __name__ == "__main__":
    wasm = compiled()
    SCRIPT.write_text(script(wasm), encoding="utf-8")
    print(f"{SCRIPT.relative_to(ROOT)}: {len(wasm)} bytes of WebAssembly")
