"""Training in the page, in a real browser: it learns in seconds, what it saves is torch's to read,
what it is given it takes or refuses."""

import json
import re

import pytest
import torch
from test_figures import browser, pytestmark, says, says_soon, site, slide, visit  # noqa: F401

from ntm import NTM, evaluate, pretrained, tasks


@pytest.fixture
def page(visit):  # noqa: F811
    return visit("training")


def learned(page, timeout=90_000):
    page.get_by_role("button", name="train", exact=True).click()
    says_soon(page, "first below 1 bit", timeout=timeout)


def test_copy_at_the_paper_s_size_is_under_1_bit_within_20_seconds(page):
    learned(page, timeout=20_000)
    page.get_by_role("button", name="stop").click()
    page.wait_for_selector("button:text-is('go on')")
    slide(page, "length", 20)
    page.get_by_role("button", name="ask it ten").click()
    says_soon(page, "sequences without")
    wrong = float(re.search(r"([\d.]+) of 160 bits wrong", says(page))[1])
    assert wrong < 10  # guessing is 80


def test_what_it_saves_answers_the_same_in_torch_and_goes_on_when_loaded(page, tmp_path):
    learned(page)
    page.get_by_role("button", name="stop").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="save it").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "copy-feedforward-seed-0.safetensors"
    machine, sample = (NTM.load(file),
                       tasks.Copy().sample(1, length=20,
                                           generator=torch.Generator().manual_seed(0)))
    theirs = page.evaluate("([bytes, x]) => NTM.load(Uint8Array.from(bytes)).run(x).map(({ logits "
                           "}) => [...logits])",
                           [list(file.read_bytes()), sample.x[:, 0].tolist()])  # fmt: skip
    with torch.no_grad():
        ours, _ = machine.double().repeat(sample.x.double(), machine.initial_state(1))
    assert torch.allclose(ours[:, 0], torch.tensor(theirs).double(), atol=1e-10)
    assert evaluate(machine.float(), tasks.Copy(), sequences=20, length=20).bits < 10

    page.get_by_role("button", name="start again").click()
    says_soon(page, "Nothing learned")
    page.get_by_label("load a machine").set_input_files(file)
    says_soon(page, "from a file")
    page.get_by_role("button", name="train", exact=True).click()
    # it knew it already
    says_soon(page, "after 25 sequences")


@pytest.mark.parametrize("file, said", [
    (pretrained.HERE / "associative_recall/ntm-lstm.safetensors",
     "this machine has 8 inputs and 6 outputs"),
    (pretrained.HERE / "copy/lstm.safetensors", "it must be written by NTM.save"),
    (pretrained.HERE / "copy/runs.json", "no safetensors file"),
])  # fmt: skip
def test_a_file_that_it_cannot_use_is_refused_in_words_and_the_figure_goes_on(page, file, said):
    page.get_by_label("load a machine").set_input_files(file)
    says_soon(page, said)
    learned(page)


def test_three_seeds_of_recall_from_a_link_and_a_task_brings_its_sizes(visit):  # noqa: F811
    state = dict(task="associative_recall", hidden_size=256, read_heads=4, size=6, lanes="3")
    page = visit("training", "#live:training=" + json.dumps(state))
    page.wait_for_function("document.querySelectorAll('.ntm-live canvas').length === 10")
    learned(page)
    assert page.locator("figcaption").first.inner_text().count("seed") == 3
    page.get_by_label("task", exact=True).select_option("copy")
    page.wait_for_function("document.querySelector('input[aria-label=units]').value === '100'")
    assert page.get_by_label("length", exact=True).input_value() == "20"
