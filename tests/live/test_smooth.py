"""The page answers while its figures begin, play and learn: no task of its thread is long, and a
figure begins only as the reader comes near it."""

import pytest
from stretches import stretches
from test_figures import browser, pages, pytestmark, says_soon, site, visit  # noqa: F401

# Milliseconds of the processor. 50 are felt, and on a core of a server the worst of all is 40: as
# the program begins. Twice the 50, since a core that others use as well computes more slowly.
MOST = 100
PLAYING = {"hero": "play", "playground": "play", "program": "backwards", "training": "train"}


@pytest.fixture
def page(browser):  # noqa: F811
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", pages.FIGURES)
def test_no_task_is_long_as_a_figure_begins_nor_while_it_plays(name, page, site):  # noqa: F811
    def begin():
        page.goto(f"file://{site / name}.html")
        says_soon(page, " ", timeout=60_000)

    found = stretches(page, begin)
    assert len(found) > 10 and found[0] < MOST, found[:5]
    if name in PLAYING:
        button = page.get_by_role("button", name=PLAYING[name], exact=True)
        found = stretches(page, lambda: button.dispatch_event("click"))
        assert found[0] < MOST, found[:5]


def test_no_task_is_long_as_the_largest_machine_comes(page, site):  # noqa: F811
    page.goto(f"file://{site}/playground.html")
    says_soon(page, "bits right", timeout=60_000)
    box = page.get_by_label("machine", exact=True)

    def choose():
        box.select_option("priority_sort/ntm-feedforward")
        says_soon(page, "in 16 vectors", timeout=60_000)

    found = stretches(page, choose)
    assert found[0] < MOST, found[:5]


def test_a_long_task_is_seen(page, site):  # noqa: F811
    """300 ms of work, by its amount: that is all this measure is for."""
    def block():
        page.goto(f"file://{site}/reading.html")
        page.evaluate("() => { let x = 0; for (let i = 0; i < 4e8; i++) x = (x + i) | 0; }")

    assert stretches(page, block)[0] > MOST


def test_a_figure_begins_as_the_reader_comes_near_and_nothing_jumps(visit, site):  # noqa: F811
    text = (site / "player.html").read_text(encoding="utf-8")
    below = site / "below.html"
    below.write_text(text.replace("</h1>", "</h1><p style='height: 4000px'>"), encoding="utf-8")
    page = visit("below", wait=False)
    page.wait_for_timeout(500)
    assert not page.locator(".ntm-on").count()
    page.evaluate("new PerformanceObserver((list) => { globalThis.jumped = list.getEntries()"
                  ".reduce((all, e) => all + e.value, globalThis.jumped || 0); })"
                  ".observe({ type: 'layout-shift' })")
    page.mouse.wheel(0, 3900)
    says_soon(page, "wrong", timeout=60_000)
    assert page.evaluate("globalThis.jumped || 0") < 0.1
    page = visit("below", "#live:player={\"t\":3}", wait=False)  # a link goes there
    page.wait_for_function("scrollY > 3000", timeout=60_000)


def test_a_figure_begins_though_its_script_is_late(page, site):  # noqa: F811
    """It comes after drawing.js, in a task of its own."""
    def late(route):
        page.wait_for_timeout(500)
        route.continue_()

    page.route("**/memory.js", late)
    page.goto(f"file://{site}/reading.html")
    says_soon(page, "sums to", timeout=10_000)
