"""How fast and how heavy the live figures are: the numbers that a note about them needs, in one go.

    python tests/live/speed.py [--site _build/html] [--sequences 1000] [--rounds 1] [--seconds 4]

Sizes of the scripts and of some built pages; frames while the hero and the playground play; tasks
of more than 50 ms, of the clock and of the processor; what jumps; what axe finds; and how many
sequences a second ntm.train, node and Chromium learn, in turns. Copy at the paper's size, one
sequence at a time: seconds of the processor where it can be asked (ntm.train, node), so that a busy
machine does not count; Chromium's are those of the clock, beside the clock's of the other two. All
else of the clock counts only on a machine at rest.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, unquote, urlparse

os.environ.setdefault("OMP_NUM_THREADS", "1")
import page as pages  # noqa: E402
from nodes import node  # noqa: E402
from stretches import stretches  # noqa: E402

from ntm import NTM, live, tasks, train  # noqa: E402
from ntm.live import at_work  # noqa: E402

ENGINE = ["equations", "machine", "tasks", "kernel", "training"]
BUILT = ["book/index", "book/shift", "book/copy", "book/playground", "book/train_a_machine"]
SORT = {"machine": "priority_sort/ntm-feedforward", "text": "the quick brown fox."}
LEARN = """(controller, sequences) => {
  const task = NTM.tasks().copy, settings = NTM.settings(task, { controller });
  const trainer = new NTM.Trainer({ task, settings });
  for (let i = 0; i < 200; i++) trainer.learn();
  const begun = performance.now();
  let sum = 0;
  for (let i = 0; i < sequences; i++) sum += trainer.learn();
  return { seconds: (performance.now() - begun) / 1000, last: sum };
}"""
# From the start of the page: long tasks and what jumps.
WATCH = """globalThis.seen = { longtask: [], "layout-shift": [] };
for (const type in seen) {
  new PerformanceObserver((list) => seen[type].push(...list.getEntries().map(
    ({ startTime, duration, value = 0 }) => ({ startTime, duration, value }))))
    .observe({ type, buffered: true });
}"""
# Milliseconds between frames, for so many seconds.
FRAMES = """(seconds) => new Promise((done) => {
  const times = [];
  const frame = (now) => {
    times.push(now);
    if (now - times[0] < 1000 * seconds) requestAnimationFrame(frame);
    else done(times.slice(1).map((time, i) => time - times[i]));
  };
  requestAnimationFrame(frame);
})"""


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


def learning(ways, sequences, rounds):
    """Sequences a second of every way, each beside the native kernel's."""
    for controller in ("feedforward", "lstm"):
        runs = {way: [] for way in ways}
        for _ in range(rounds):
            for way, run in ways.items():
                runs[way].append(run(controller, sequences))
        ours = statistics.median(clock for clock, _ in runs["ntm.train"])
        for way, found in runs.items():
            clock, processor = zip(*found)
            seconds = statistics.median(clock)
            told = [f"{sequences / seconds:6.0f} sequences a second of the clock "
                    f"({ours / seconds:.2f} of ntm.train)"]
            if processor[0] is not None:
                learned = sequences + 200 * (way == "node")
                told.append(f"{learned / statistics.median(processor):6.0f} of the processor")
            print(f"{controller:12} {way:10} {', '.join(told)}", flush=True)


def scripts():
    """Bytes of every script, as they are and compressed, and of the machines' weights."""
    for file in sorted([*live.HERE.glob("*.js"), *live.HERE.glob("*.css")]):
        data = file.read_bytes()
        print(f"{file.name:14} {len(data) / 1000:7.1f} kB, gzip "
              f"{len(gzip.compress(data)) / 1000:6.1f} kB")
    for name in at_work.machines():
        data = at_work.weights(name).encode()
        print(f"{name:36} {len(data) / 1000:7.1f} kB, gzip "
              f"{len(gzip.compress(data)) / 1000:6.1f} kB")


def opened(browser, address, watch=True):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    if watch:
        page.add_init_script(WATCH)
    loaded = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(address)
    page.wait_for_timeout(2000)
    return page, loaded


def weight(browser, site, name):
    """What a built page loads from the site, in bytes, MathJax aside."""
    page, loaded = opened(browser, f"file://{site / name}.html", watch=False)
    page.close()
    files = {Path(unquote(urlparse(url).path)) for url in loaded if url.startswith("file:")}
    sizes = [file.stat().st_size for file in files
             if file.is_file() and "mathjax" not in str(file).lower()]
    print(f"{name:22} {sum(sizes) / 1e6:5.2f} MB in {len(sizes)} files", flush=True)


def smooth(browser, folder, name, button, seconds, state=None):
    """Frames and long tasks of a figure that plays, or learns, after a press on `button`."""
    linked = f"#live:{name}={quote(json.dumps(state))}" if state else ""
    page, _ = opened(browser, f"file://{folder}/{name}.html{linked}")
    page.wait_for_function("document.querySelector('.ntm-says').textContent.length > 5")
    if button:
        page.get_by_role("button", name=button, exact=True).click()
    begun = page.evaluate("performance.now()")
    frames = page.evaluate(FRAMES, seconds)
    long = [task["duration"] for task in page.evaluate("seen.longtask")
            if task["startTime"] > begun]
    late = 100 * sum(ms > 17 for ms in frames) / len(frames)
    print(f"{name:12} median {statistics.median(frames):5.1f} ms a frame, worst "
          f"{max(frames):5.1f}, {late:4.1f} % over 17 ms; tasks over 50 ms: {len(long)}"
          f"{f', worst {max(long):.0f} ms' if long else ''}", flush=True)
    page.close()


def manners(browser, folder, axe):
    """What jumps while a figure begins, its long tasks then, and what axe finds."""
    for name in pages.FIGURES:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(WATCH)
        worked = stretches(page, lambda: page.goto(f"file://{folder}/{name}.html"))  # noqa: B023
        jumped = sum(entry["value"] for entry in page.evaluate("seen['layout-shift']"))
        long = page.evaluate("seen.longtask.map(({ duration }) => duration)")
        found = axe.run(page, ".ntm-live", {"preload": False}).response if axe else None
        told = "not asked" if found is None else ", ".join(
            f"{fault['id']} ({fault['impact']})" for fault in found["violations"]) or "nothing"
        print(f"{name:15} layout shift {jumped:.3f}; tasks over 50 ms as it begins: {len(long)}"
              f"{f', worst {max(long):.0f} ms' if long else ''}, of the processor "
              f"{sum(ms > 50 for ms in worked)}, worst {worked[0]:.0f} ms; axe: {told}", flush=True)
        page.close()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--site", type=Path, default=Path("_build/html"))
    arguments.add_argument("--sequences", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--seconds", type=float, default=4)
    asked = arguments.parse_args()
    scripts()
    ways = {"ntm.train": native, "node": in_node}
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("NO BROWSER: playwright is not installed; ntm.train and node alone")
        return learning(ways, asked.sequences, asked.rounds)
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        Axe = None
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as player:
        pages.write(folder)
        engine = "".join(f'<script src="live/{name}.js"></script>' for name in ENGINE)
        (Path(folder) / "speed.html").write_text(f"<!doctype html><meta charset=utf-8>{engine}",
                                                 encoding="utf-8")
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        built = [name for name in BUILT if (asked.site / f"{name}.html").is_file()]
        for name in built:
            weight(browser, asked.site.resolve(), name)
        if not built:
            print(f"NO PAGES are weighed: there is no built site in {asked.site}")
        smooth(browser, folder, "hero", None, asked.seconds)
        smooth(browser, folder, "playground", "play", asked.seconds, SORT)
        smooth(browser, folder, "training", "train", asked.seconds)
        manners(browser, folder, Axe and Axe())
        page, _ = opened(browser, f"file://{folder}/speed.html", watch=False)
        ways["Chromium"] = lambda *given: in_chromium(page, *given)
        learning(ways, asked.sequences, asked.rounds)


if __name__ == "__main__":
    main()
