"""Every live figure in a real browser, opened from disk: quiet, reachable by keyboard and pointer,
and true to torch.

Needs Chromium (apt install chromium) and Playwright's Python package; without them these tests are
skipped, and the page is not tested.
"""

import json
import re
import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch

from ntm import live, programs
from ntm.addressing import address
from ntm.live import at_work
from ntm.memory import add, erase, read

playwright = pytest.importorskip("playwright.sync_api",
                                 reason="NO BROWSER TESTS: playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright",
                          reason="NO BROWSER TESTS: axe-playwright-python is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])),
                None)
pytestmark = [
    pytest.mark.skipif(not CHROMIUM,
                       reason="NO BROWSER TESTS: there is no Chromium (apt install chromium)"),
    # a browser on a busy machine may miss a frame or a second; what is wrong fails three times
    pytest.mark.flaky(reruns=2),
]

spec = spec_from_file_location("live_page", Path(__file__).with_name("page.py"))
pages = module_from_spec(spec)
spec.loader.exec_module(pages)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    pages.write(folder)
    return folder


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=CHROMIUM,
                                     args=["--no-sandbox", "--disable-renderer-backgrounding",
                                           "--disable-backgrounding-occluded-windows"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser, site):
    """visit(name): the page with that figure. When the test ends it must have said nothing to the
    console, asked for nothing from afar."""
    said, contexts = [], []

    def go(name, state="", wait=True, file=None, **options):
        context = browser.new_context(**{"viewport": {"width": 800, "height": 900},
                                         "reduced_motion": "reduce"} | options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text)
                if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: None
                if request.url.startswith(("file:", "data:", "blob:"))
                else said.append(request.url))
        page.goto(f"file://{file or site / f'{name}.html'}{state}")
        if wait:
            page.wait_for_function("document.querySelector('.ntm-says')?.textContent.length > 5",
                                   polling=100)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not said


def says(page):
    return page.locator(".ntm-says").inner_text()


def says_soon(page, words, **options):
    """Wait until the figure says these words."""
    said = "document.querySelector('.ntm-says').textContent"
    page.wait_for_function(f"{said}.includes({json.dumps(words)})", **options)


def pictures(page):
    return page.evaluate("[...document.querySelectorAll('.ntm-live canvas')].map(c => "
                         "c.toDataURL()).join()")


def changed(page, before):
    """Whether the pictures become others than `before`; a worker's take a while."""
    try:
        now = "[...document.querySelectorAll('.ntm-live canvas')].map(c => c.toDataURL()).join()"
        return bool(page.wait_for_function(f"before => {now} !== before", arg=before,
                                           timeout=20_000))
    except playwright.TimeoutError:
        return False


def settled(page):
    """Two frames later, when what was set has been drawn."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => "
                  "requestAnimationFrame(done))))")


def slide(page, label, value):
    page.get_by_label(label,
                      exact=True).evaluate("(e, v) => { e.value = v; e.dispatchEvent(new "
                                           "Event('input')); }", str(value))
    settled(page)


def within_its_room(page):
    """Whether the figure is no taller than the room that is kept for it (and not much less)."""
    tall = "[...box.children].reduce((all, e) => all + e.offsetHeight + 10, 0)"
    least = "parseFloat(getComputedStyle(box).minHeight)"
    tall, room = page.evaluate(f"(box => [{tall}, {least}])(document.querySelector('.ntm-live'))")
    print(f"{tall} px in a room of {room}")
    return room * 0.8 - 20 <= tall <= room + 24


def weightings(page):
    """The weightings as the pictures' labels tell them to a screen reader: {title: numbers}."""
    labels = page.eval_on_selector_all(".ntm-live canvas",
                                       "all => all.map(c => c.getAttribute('aria-label'))")
    told = [label.replace("−", "-") for label in labels if "slot 0" in label]
    return {label.split(",")[0]: torch.tensor([float(x)
                                               for x in re.findall(r"slot \d+ (-?[\d.]+)", label)])
            for label in told}


@pytest.mark.parametrize("name", pages.FIGURES)
def test_every_figure_is_quiet_sound_for_screen_readers_and_answers_keys_and_pointer(name, visit):
    page = visit(name)
    total = "list.getEntries().reduce((all, e) => all + e.value, 0)"
    shift = f"new Promise(done => new PerformanceObserver(list => done({total}))" \
            ".observe({ type: 'layout-shift', buffered: true }))"
    jumped = page.evaluate(f"Promise.race([{shift}, new Promise(done => setTimeout(() => done(0), "
                           "200))])")
    assert jumped < 0.1, "the page jumps when the figure begins"
    found = axe.Axe().run(page, ".ntm-live",
                          {"preload": False, "resultTypes": ["violations"]}).response["violations"]
    assert not [(v["id"], v["nodes"][0]["html"]) for v in found
                if v["impact"] in ("serious", "critical")]
    before = pictures(page)
    slider = page.locator(".ntm-wide input[type=range], .ntm-bar, .ntm-grid input").first
    slider.focus()
    page.keyboard.press("ArrowLeft")
    settled(page)
    at_its_end = slider.input_value() == slider.get_attribute("min")
    assert at_its_end or changed(page, before), "the keyboard changes nothing"
    before, box = pictures(page), slider.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.up()
    settled(page)
    assert changed(page, before), "the pointer changes nothing"
    before = pictures(page)
    page.get_by_role("button", name="reset").click()
    assert changed(page, before), "reset changes nothing"
    assert within_its_room(page)

    page.set_viewport_size({"width": 390, "height": 844})  # a phone
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    right = ("[...document.querySelectorAll('.ntm-live *')].filter(e => "
             "e.getBoundingClientRect().right > 391).map(e => e.outerHTML)")
    assert not page.evaluate(right), "it does not fit on a phone"
    assert within_its_room(page)


def test_a_dragged_stage_gives_the_numbers_of_torch(visit):
    page = visit("sharpening")
    values = {"key, column 0": 0.7, "key, column 1": -0.4, "β, strength": 11, "g, gate": 0.35,
              "head was on": 7, "γ, sharpening": 3.2}
    for label, value in values.items():
        slide(page, label, value)
    slide(page, "s, shift by, +1", 0.5)
    # 0.3 of s was the others' share: it is scaled to 0.5
    k, s = torch.tensor([[[0.7, -0.4]]]), torch.tensor([[[0.0, 0.5, 0.5]]])
    β, g, γ = (torch.tensor([[value]]) for value in (11.0, 0.35, 3.2))
    w = address(pages.COMPASS[None], k, β, g, s, γ, torch.eye(8)[7].view(1, 1, 8))
    assert torch.allclose(weightings(page)["w"], w[0, 0], atol=0.0051)
    most = int(w.argmax())
    assert says(page).startswith(f"Most on slot {most}: {float(w.max()):.3f}.")


def test_a_shift_goes_round_the_ring_in_the_direction_of_equation_8(visit):
    page = visit("shift")
    page.get_by_label("head was on").focus()
    page.keyboard.press("End")  # slot 15
    for label, value in {"s, shift by, +1": 1, "how often": 1}.items():
        slide(page, label, value)
    assert says(page).startswith("Most on slot 0: 1.000")


def test_shares_stay_a_distribution_and_reading_and_writing_are_those_of_torch(visit):
    M = torch.tensor([pages.ROWS])
    page = visit("reading")
    slide(page, "w, the read head's shares, slot 2", 0.6)
    w = torch.tensor([[[0.7, 0.1, 0.0, 0.1]]]) * 0.4 / 0.9
    w[0, 0, 2] = 0.6
    wanted = ", ".join(f"{v:.2f}".replace("-", "−") for v in read(M, w)[0, 0].tolist())
    assert says(page) == f"w sums to 1.00; read: {wanted}"

    page = visit("writing")
    for label, value in {"e, what to erase of each column, column 0": 0.35,
                         "a, what to add to each column, column 1": 0.8}.items():
        slide(page, label, value)
    w, e, a = (torch.tensor([[[0.1, 0.7, 0.1, 0.1]]]), torch.tensor([[[0.35, 1.0, 0.0]]]),
               torch.tensor([[[0.5, 0.8, 1.0]]]))
    label = page.get_by_role("img", name=re.compile("^after adding")).get_attribute("aria-label")
    label = label.replace("−", "-")
    told = torch.tensor([[float(x) for x in row.split()]
                         for row in label.split(": ")[1].split("; ")])
    assert torch.allclose(told, add(erase(M, w, e), w, a)[0], atol=0.0051)


def test_the_program_is_that_of_torch_and_its_failures_too(visit):
    page = visit("program")
    assert says(page) == "All 64 bits are right."
    for γ, leak, vectors in [(1, 0.1, 12), (1.5, 0.2, 12), (30, 0, 16)]:
        for label, value in {"γ, sharpening": γ, "leak": leak, "vectors": vectors}.items():
            slide(page, label, value)
        sample = f"NTM.sample(NTM.tasks().copy, NTM.random(0), {{ length: {vectors} }})"
        x, y = page.evaluate(f"(({{ x, y }}) => [x, y].map(rows => rows.map(row => "
                             f"[...row])))({sample})")
        r, _ = programs.run(programs.copy, torch.tensor(x), 16, width=10, γ=γ, leak=leak)
        wrong = int(((r[:, :8] > 0.5) != (torch.tensor(y) > 0.5))[vectors + 2 :].sum())
        assert says(page).startswith(f"{wrong} of {8 * vectors} bits are wrong" if wrong
                                     else "All"), (γ, leak)
    page.get_by_label("the program").fill("write(x)\nfor each vector: wirte(x)")
    settled(page)
    assert says(page) == "Line 2: “wirte(x)” is neither read(...) nor write(...) nor pass"


def finished(page):
    says_soon(page, "bits")
    settled(page)
    return says(page)


def test_the_playground_copies_what_is_typed_and_what_is_drawn(visit):
    page = visit("playground")
    finished(page)
    page.get_by_label("the pattern").first.fill("Turing, 1936")
    says_soon(page, "Turing")
    assert ("Wanted: “Turing, 1936”. Written: “Turing, 1936”. All 96 bits right in 12 vectors."
            == finished(page))
    canvas = page.get_by_role("img", name=re.compile("^the pattern")).bounding_box()
    # a bit of the first: T becomes U
    page.mouse.click(canvas["x"] + canvas["width"] / 24, canvas["y"] + canvas["height"] * 15 / 16)
    says_soon(page, "Wanted: “01010101")
    assert "Written: “01010101" in finished(page) and "All 96 bits right" in finished(page)


def test_the_hard_machine_copies_a_long_pattern_a_step_at_a_time(visit):
    text = "It has seen twenty vectors at most, and never stood between two slots. " + "So on. " * 7
    state = {"machine": at_work.HARD, "text": text, "head": "0"}
    page = visit("playground", "#live:playground=" + json.dumps(state))
    says_soon(page, "All 960 bits right in 120 vectors")
    assert "(1.00)" in page.locator(".ntm-side").inner_text()  # on one slot wholly


def test_the_playground_can_be_interfered_with_and_heals(visit):
    page = visit("playground")
    finished(page)
    slide(page, "step", 36)  # the answer begins
    page.get_by_label("which head").select_option("read head 0")
    page.get_by_role("button", name="do it").click()  # hold it still for three steps
    page.wait_for_function("document.querySelector('.ntm-live').dataset.wrong > 0")
    page.get_by_role("button", name=re.compile("^undo")).click()
    page.wait_for_function("document.querySelector('.ntm-live').dataset.wrong == 0")
    page.get_by_role("button", name="clear this row").click()  # slot 5, long written
    page.wait_for_function("document.querySelector('.ntm-live').dataset.wrong > 0")


def test_the_address_keeps_what_was_set_up(visit):
    state = "#live:stages=" + json.dumps({"γ": 20, "was": 1})
    page = visit("sharpening", state)
    assert (page.get_by_label("γ, sharpening").input_value() == "20"
            and page.get_by_label("head was on").input_value() == "1")
    slide(page, "β, strength", 2)
    page.wait_for_function("decodeURIComponent(location.hash).includes('β')")
    page.get_by_role("button", name="reset").click()
    page.wait_for_function("location.hash === ''")


def test_the_hero_copies_a_typed_word_and_stands_still_where_motion_is_not_wanted(visit):
    page = visit("hero")
    assert page.locator("button[aria-pressed=true]").count() == 0
    page.get_by_label("what the machine is to copy").fill("hello")
    says_soon(page, "“hello”")
    page = visit("hero", reduced_motion="no-preference")
    page.wait_for_selector("button[aria-pressed=true]")
    page.get_by_role("button", name="pause").click()
    assert page.locator("button[aria-pressed=true]").count() == 0


def test_without_javascript_there_is_no_empty_box(visit):
    page = visit("player", wait=False, java_script_enabled=False)
    assert not page.locator(".ntm-live").is_visible()


def test_in_a_notebook_the_figure_brings_its_scripts_and_takes_the_still_s_place(visit, tmp_path):
    figure = at_work.player("copy/ntm-feedforward", length=5)._repr_html_()
    head = ("<!doctype html><html lang=en><head><meta charset=utf-8><link rel=icon "
            "href='data:,'></head>")
    file = tmp_path / "output.html"
    file.write_text(f"{head}<body><div><img alt='the still' "
                    f"src='data:,'></div><div>{figure}</div></body></html>", encoding="utf-8")
    page = visit("", file=file)
    says_soon(page, "0 of 40 wrong")
    assert not page.locator("img").is_visible()
    assert live.INLINED.sub("", figure).count("<script") == 0
