"""Look at the built book with Chromium, where there is one: every page at 1280 and at 390 px.

    python book/tools/check_browser.py [ROOT]

Nothing may be written to the console, asked of another server, or lie outside its box at 1280 px;
92 columns of code must be in sight there; formulas must be set, and be no stops for the tabulator;
buttons must have names; print must open what is folded. Exits with 1 and says what is wrong;
without a browser it says so and exits with 0.
"""

import functools
import html
import http.server
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import yaml
from check_pages import entries

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome"]
COLUMNS = 92
# Put into every page before its own scripts: the log of a headless Chromium does not tell an error
# from a message.
LISTEN = """<script>
window.said = [];
for (const kind of ["error", "warn"])
  console[kind] = (...words) => said.push(`console.${kind}: ${words.join(" ")}`);
const lost = e => `not found: ${e.target.src || e.target.href}`;
addEventListener("error", e => said.push(e.message || lost(e)), true);
addEventListener("unhandledrejection", e => said.push(String(e.reason)));
</script>"""
# In a frame per page and width, one after the other; the answers stand in the page that holds the
# frames, for --dump-dom to print.
MEASURE = """<!doctype html><body><pre id=answers></pre><script>
const pages = PAGES, answers = [];
const wait = ms => new Promise(done => setTimeout(done, ms));
function look(page, width, w) {
  const d = w.document, found = [], style = e => w.getComputedStyle(e);
  const say = (what, n = 1) => n && found.push(`${page} at ${width} px: ${what}`);
  for (const words of w.said) say(words);
  const all = d.documentElement.scrollWidth;
  say(`the page is ${all} px wide`, all > width);
  const wrong = [...d.querySelectorAll(".katex-error")].map(e => e.textContent);
  say(`KaTeX cannot set ${wrong.join(" and ")}`, wrong.length);
  const formulas = [...d.querySelectorAll(".math")];
  say("a formula is not set", formulas.filter(e => !e.querySelector(".katex")).length);
  const stops = d.querySelectorAll(".math [tabindex], .math[tabindex]");
  say("a formula is a stop for the tabulator", stops.length);
  for (const e of d.querySelectorAll(".katex-html > .tag")) {
    const boxes = (from, selector) =>
      [...from.querySelectorAll(selector)].map(x => x.getBoundingClientRect());
    const number = Math.min(...boxes(e, ".mord").map(box => box.left));
    const formula = Math.max(...boxes(e.parentNode, ":scope > .base").map(box => box.right));
    say(`the number ${e.textContent.trim()} lies upon its formula`, formula > number + 1);
  }
  const names = e => e.getAttribute("aria-label") || e.title || e.textContent.trim();
  const nameless = [...d.querySelectorAll("button, a[href]")]
    .filter(e => !names(e) && !e.querySelector("img[alt]"));
  const classes = nameless.map(e => e.className).join(", ");
  say(`a button or link without a name: ${classes}`, nameless.length);
  for (const e of performanceOf(w)) say(`asks for ${e}`);
  for (const e of d.querySelectorAll("article img"))
    say(`no picture: ${e.src}`, e.complete && !e.naturalWidth && e.loading !== "lazy");
  const live = d.querySelector(".ntm-live"), root = d.documentElement, theme = root.dataset.theme;
  if (live) {
    root.dataset.theme = "dark";
    const card = style(live.closest(".text_html")).backgroundColor;
    say("a live figure lies on a light card in the dark", card !== "rgba(0, 0, 0, 0)");
    root.dataset.theme = theme;
  }
  if (width > 1000) {
    for (const e of d.querySelectorAll("article table, article div.math")) {
      const over = e.scrollWidth - e.clientWidth, begins = e.textContent.trim().slice(0, 40);
      say(`${e.tagName.toLowerCase()} wider than its box by ${over} px: ${begins}`,
          e.clientWidth && over > 1);
    }
    w.dispatchEvent(new w.Event("beforeprint"));
    say("something is printed folded", d.querySelectorAll("article details:not([open])").length);
    w.dispatchEvent(new w.Event("afterprint"));
    const pre = [...d.querySelectorAll(".cell_input pre")].find(e => e.clientWidth);
    if (pre) {
      const c = style(pre), pen = document.createElement("canvas").getContext("2d");
      pen.font = `${c.fontSize} ${c.fontFamily}`;
      const padding = parseFloat(c.paddingLeft) + parseFloat(c.paddingRight);
      const room = (pre.clientWidth - padding) / pen.measureText("0").width;
      say(`code of ${c.fontSize}`, parseFloat(c.fontSize) < 14);
      say(`${Math.floor(room)} columns of code in sight`, room < COLUMNS);
    }
  }
  return found;
}
function performanceOf(w) {
  const own = e => e.startsWith(location.origin) || e.startsWith("data:");
  return w.performance.getEntriesByType("resource").map(e => e.name).filter(e => !own(e));
}
(async () => {
  for (const width of [1280, 390]) for (const page of pages) {
    const frame = document.createElement("iframe");
    frame.style.cssText = `width: ${width}px; height: 900px; border: 0`;
    frame.src = `/${page}.html`;
    document.body.append(frame);
    await new Promise(done => frame.onload = done);
    await wait(150);
    answers.push(...look(page, width, frame.contentWindow));
    frame.remove();
  }
  document.getElementById("answers").textContent = JSON.stringify({ done: true, answers });
})();
</script>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """The built book, with the measuring page beside it, and nothing written about it."""

    def __init__(self, *args, pages, **kwargs):
        self.pages = pages
        super().__init__(*args, **kwargs)

    def do_GET(self):
        page = Path(self.translate_path(self.path))
        if self.path == "/measure":
            content = MEASURE.replace("PAGES", json.dumps(self.pages))
            content = content.replace("COLUMNS", str(COLUMNS)).encode()
        elif page.suffix == ".html" and page.is_file():
            content = page.read_text(encoding="utf-8")
            content = content.replace("<head>", "<head>" + LISTEN, 1).encode()
        else:
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


def browser():
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def problems(site, pages, seconds=300):
    """What a browser finds wrong with these pages of the site, as sentences."""
    handler = functools.partial(Quiet, directory=str(site), pages=pages)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/measure"
    try:
        with tempfile.TemporaryDirectory() as profile:
            shown = subprocess.run(
                [browser(), "--headless", "--no-sandbox", "--disable-gpu",
                 "--disable-background-networking", f"--user-data-dir={profile}",
                 "--window-size=1400,1000", f"--timeout={seconds * 1000}",
                 f"--virtual-time-budget={seconds * 1000}", "--dump-dom", address],
                capture_output=True, text=True, timeout=seconds + 60)
    finally:
        server.shutdown()
    answers = re.search(r'<pre id="answers">(.*?)</pre>', shown.stdout, re.S)
    if not answers or not answers[1]:
        return [f"the browser did not come to an end: {shown.stderr[-500:]}"]
    return json.loads(html.unescape(answers[1]))["answers"]


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2])
    if not browser():
        print("no Chromium here: the pages were not looked at")
        return 0
    pages = entries(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8")))
    found = problems(root / "_build/html", pages)
    print("\n".join(found)
          or f"{len(pages)} pages looked at, at 1280 and 390 px: nothing in the console, nothing "
             "outside its box")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
