"""How fast a machine learns in the page: sequences a second of ntm.train, of node and of Chromium,
in turns.

    python tests/live/speed.py [--sequences 2000] [--rounds 3]

Copy at the paper's size, one sequence at a time. Seconds of the processor where it can be asked
(ntm.train, node), so that a busy machine does not count; Chromium's are those of the clock, beside
the clock's of the other two.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
from nodes import node  # noqa: E402

from ntm import NTM, live, tasks, train  # noqa: E402
from ntm.live import at_work  # noqa: E402

ENGINE = ["equations", "machine", "tasks", "kernel", "training"]
LEARN = """(controller, sequences) => {
  const task = NTM.tasks().copy, settings = NTM.settings(task, { controller });
  const trainer = new NTM.Trainer({ task, settings });
  for (let i = 0; i < 200; i++) trainer.learn();
  const begun = performance.now();
  let sum = 0;
  for (let i = 0; i < sequences; i++) sum += trainer.learn();
  return { seconds: (performance.now() - begun) / 1000, last: sum };
}"""


def native(controller, sequences):
    machine = NTM(10, 8, controller, start="tape", seed=0)
    train(machine, tasks.Copy(), 200, every=100, progress=False)
    clock, processor = time.perf_counter(), time.process_time()
    train(machine, tasks.Copy(), sequences, every=100, schedule=None, progress=False)
    return time.perf_counter() - clock, time.process_time() - processor


def in_node(controller, sequences):
    scripts = "".join(f"require({json.dumps(str(live.HERE / name))});" for name in ENGINE)
    program = (f"{scripts} const learn = {LEARN}; const before = process.cpuUsage().user;"
               f"const found = learn('{controller}', {sequences});"
               "console.log(found.seconds, (process.cpuUsage().user - before) / 1e6)")  # fmt: skip
    said = subprocess.run([node(), "-e", program], capture_output=True, text=True,
                          check=True).stdout
    return tuple(map(float, said.split()))


def in_chromium(page, controller, sequences):
    return (page.evaluate(f"([controller, sequences]) => ({LEARN})(controller, sequences)",
                          [controller, sequences])["seconds"], None)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--sequences", type=int, default=2000)
    arguments.add_argument("--rounds", type=int, default=3)
    asked = arguments.parse_args()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    with tempfile.TemporaryDirectory() as folder:
        at_work.site(folder)
        scripts = "".join(f'<script src="{name}.js"></script>' for name in ENGINE)
        (Path(folder) / "speed.html").write_text(f"<!doctype html><meta charset=utf-8>{scripts}",
                                                 encoding="utf-8")
        ways = {"ntm.train": native, "node": in_node}
        with sync_playwright() if sync_playwright else open(os.devnull) as player:
            if sync_playwright:
                page = player.chromium.launch(executable_path="/usr/bin/chromium",
                                              args=["--no-sandbox"]).new_page()
                page.goto(f"file://{folder}/speed.html")
                ways["Chromium"] = lambda *given: in_chromium(page, *given)
            for controller in ("feedforward", "lstm"):
                runs = {way: [] for way in ways}
                for _ in range(asked.rounds):
                    for way, run in ways.items():
                        runs[way].append(run(controller, asked.sequences))
                for way, found in runs.items():
                    clock, processor = zip(*found)
                    rates = [f"{asked.sequences / statistics.median(clock):6.0f} sequences a "
                             "second of the clock"]
                    if processor[0] is not None:
                        learned = asked.sequences + 200 * (way == "node")
                        rate = learned / statistics.median(processor)
                        rates.append(f"{rate:6.0f} of the processor")
                    print(f"{controller:12} {way:10} {', '.join(rates)}", flush=True)


if __name__ == "__main__":
    main()
