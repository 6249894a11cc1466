"""The tests of the page's JavaScript are seen failing: each of these breaks one thing in a copy of
the scripts."""

import shutil

import kernel_js
import pytest


@pytest.fixture
def copied(tmp_path):
    live = tmp_path / "live"
    shutil.copytree(kernel_js.SCRIPT.parent, live)
    return live


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


ROOM = ("const room = this.place(4 * this.wasm.update_room(this.struct)); // before the view is "
        "made\n    ")
PLACE = "this.longs(this.struct + 4 * 58, 1)[0] = "
BROKEN = [
    pytest.param("equations.js", "w_g[(i - j + N) % N]", "w_g[(i + j + N) % N]",
                 "equations (2) to (9)", id="the direction of the shift"),
    pytest.param("machine.js", "const row = (_, i) =>", "all[7] += 1e-6; const row = (_, i) =>",
                 "a whole sequence", id="one weight, by a millionth"),
    pytest.param("training.js", "0.95, 0.9, 1e-4", "0.95, 0.9, 1e-3",
                 "100 updates", id="a constant of the optimiser"),
    pytest.param("training.js", f"{ROOM}{PLACE}room;",
                 f"{PLACE}this.place(4 * this.wasm.update_room(this.struct));",
                 "memory grows", id="a view of the kernel's memory that is made too early"),
    pytest.param("equations.js", "Number(i === 0)) : w_prev", "Number(i === 1)) : w_prev",
                 "a whole sequence of", id="home, a slot off"),
    pytest.param("tasks.js", "x[0][8] = x[L + 1][9] = 1", "x[0][8] = x[L][9] = 1",
                 "sequences of every task", id="the end mark, a step early"),
]


@pytest.mark.parametrize("file, old, new, named", BROKEN)
def test_one_line_of_javascript(in_node, copied, file, old, new, named):
    replace(copied / file, old, new)
    ran = in_node(copied, named)
    assert ran.returncode, "nothing failed"
    assert any(named in line for line in ran.stdout.splitlines()
               if line.lstrip().startswith(("not ok", "✖"))), ran.stdout[-3000:]


def test_one_line_of_the_kernel(in_node, copied, tmp_path):
    pytest.importorskip("ziglang")
    for source in (kernel_js.SOURCE, kernel_js.SOURCE.with_name("algebra.c")):
        shutil.copy(source, tmp_path)
    replace(tmp_path / "kernel.c", "d_c[j] = d_cj * f[j];", "d_c[j] = d_cj * i[j];")
    (copied / "kernel.js").write_text(kernel_js.script(kernel_js.compiled(tmp_path / "kernel.c")),
                                      encoding="utf-8")
    ran = in_node(copied, "100 updates")
    assert ran.returncode and "the gradient of" in ran.stdout, ran.stdout[-3000:]
