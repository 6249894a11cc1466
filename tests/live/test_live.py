"""The JavaScript that lives in the book's pages, held to torch: golden vectors in node, files that
pass between the two, and the compiled kernel, which must be that of ntm/kernel.c."""

import importlib.metadata
import json

import checks
import golden
import kernel_js
import pytest
import torch

from ntm import NTM, live
from ntm.start import tape


@pytest.fixture(scope="module")
def ran(vectors, in_node):
    return in_node()


def test_javascript_is_torch(ran):
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
    tests = {line.split()[1]: int(line.split()[2]) for line in ran.stdout.splitlines()
             if line[:2] in ("# ", "ℹ ")
             and line.split()[1:2] in (["tests"], ["pass"], ["skipped"])}  # fmt: skip
    assert (tests["pass"] == tests["tests"] >= len(golden.FILES) + len(golden.MACHINES) + 7
            and not tests["skipped"])


@pytest.mark.parametrize("controller", ["feedforward", "lstm"])
def test_a_machine_that_learned_in_javascript_answers_the_same_in_torch(ran, vectors, controller):
    machine = NTM.load(vectors / f"learned-{controller}.safetensors").double()
    answer = json.loads((vectors / f"learned-{controller}.json").read_text())
    with torch.no_grad():
        logits, _ = machine.repeat(torch.tensor(answer["x"]).double()[:, None],
                                   machine.initial_state(1))
    assert torch.allclose(logits[:, 0], torch.tensor(answer["logits"]).double(), atol=1e-10)


@pytest.mark.parametrize("controller", ["feedforward", "lstm"])
def test_a_tape_in_javascript_is_ours(ran, vectors, controller):
    """The same draw, bare and begun as a tape: what lies between them is ntm.start.tape."""
    bare, theirs = (NTM.load(vectors / f"{start}-{controller}.safetensors")
                    for start in ("bare", "tape"))
    tape(bare)
    for (name, ours), (_, p) in zip(bare.named_parameters(), theirs.named_parameters()):
        assert torch.allclose(ours, p, atol=1e-6), name
    fresh = NTM(10, 8, controller, read_heads=2, write_heads=2, start="tape", seed=0)
    for (name, ours), (_, p) in zip(fresh.named_buffers(), theirs.named_buffers()):
        assert torch.equal(ours, p), name
    # another draw of the same law
    for (name, ours), (_, p) in zip(fresh.named_parameters(), theirs.named_parameters()):
        error = 5 * ours.std() * (2 / ours.numel()) ** 0.5 + 1e-6
        assert abs(ours.mean() - p.mean()) < error, name
        assert ours.numel() < 100 or abs(ours.std() - p.std()) < error, name


def test_the_compiled_kernel_is_current():
    try:
        version = importlib.metadata.version("ziglang")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("ntm/live/kernel.js IS NOT COMPARED with ntm/kernel.c: pip install ziglang")
    pinned = (kernel_js.ROOT
              / "environment.yml").read_text(encoding="utf-8").split("ziglang==")[1].split()[0]
    if version != pinned:
        pytest.skip(f"ntm/live/kernel.js IS NOT COMPARED with ntm/kernel.c: ziglang {version} is "
                    f"installed, not {pinned}")
    script = kernel_js.SCRIPT.read_text(encoding="utf-8")
    assert script == kernel_js.script(kernel_js.compiled()), "make live"


def test_the_page_s_javascript_is_read_in_an_evening():
    """Fewer than 1,500 lines of code, and none too long to read."""
    most, lines = 1500, checks.code_lines()
    assert set(lines) >= {"equations", "machine", "training"} and "kernel" not in lines
    assert sum(lines.values()) < most, lines
    long = [(name, line) for name in lines
            for line in live.script(name).splitlines() if len(line) > 100]
    assert not long


def test_lines_of_code_are_those_that_are_neither_blank_nor_a_comment(tmp_path):
    source = "// why\n\nconst b = 1; // and\n  // more\n}\n"
    (tmp_path / "a.js").write_text(source, encoding="utf-8")
    (tmp_path / "kernel.js").write_text("NTM.kernel = 1;\n", encoding="utf-8")
    assert checks.code_lines(tmp_path) == {"a": 2}
