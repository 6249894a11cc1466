"""One function for the numbers of all pages: never counts, the end is the last thousand."""

import math
from statistics import median

import pytest

from ntm import ledger, pretrained


def test_a_spread_counts_never():
    found = ledger.spread([3, math.inf, 1])
    assert found == (3, 1, math.inf) and str(found) == "3 (1 to never)"
    assert str(ledger.spread([5650, 9200, math.inf, math.inf])) == "never (5,650 to never)"
    assert (str(ledger.spread([0.0042])) == "0.0042"
            and str(ledger.spread([0.5, 0.1])) == "0.3 (0.1 to 0.5)")


def test_first_and_last():
    run = dict(every=100, bits=[5.0, 0.05, 3.0, *[0.2] * 9, 0.0])
    assert ledger.first_touched(run, 0.1) == 200 and math.isinf(ledger.first_touched(run, 0))
    assert ledger.at_the_end(run) == pytest.approx(0.18)  # the last ten points
    assert ledger.at_the_end(dict(every=1000, bits=[4.0, 2.0])) == 2


@pytest.mark.parametrize("model", ["ntm-lstm", "ntm-feedforward"])
def test_summary_is_what_the_records_hold(model):
    runs, found = pretrained.runs("copy", model), ledger.summary("copy", model)
    assert found["seeds"] == len(runs) == 10
    assert found["touched"] == sum(min(run["bits"]) < 0.1 for run in runs)
    assert found["learned"] == sum(sum(run["bits"][-10:]) < 1 for run in runs) <= found["touched"]
    assert found["scores"]["length 120"]["bits"].median == median(
        run["scores"]["length 120"]["bits"] for run in runs)


def test_the_paper_is_read_off_its_curves():
    assert [ledger.the_paper("copy", model) for model in ledger.SERIES] == [
        (25_000, 184), (55_000, 184), (math.inf, 431)]
    assert ledger.the_paper("ngrams", "ntm-feedforward") == (None, pytest.approx(1.74, abs=0.02))
    assert ledger.the_paper("priority_sort", "lstm") == (None, pytest.approx(56.5, abs=0.1))


@pytest.mark.parametrize("task", ledger.MEASURES)
def test_a_row_against_the_paper_is_what_the_records_hold(task):
    row, runs = ledger.against_the_paper(task, "ntm-lstm"), pretrained.runs(task, "ntm-lstm")
    assert (row["machine"] == "NTM-LSTM" and row["start"] in ("tape", "bare")
            and int(row["seeds"]) == len(runs))
    scores = [run["scores"][ledger.MEASURES[task].question] for run in runs]
    value = {"copy": lambda s: s["wrong_bits"],
             "repeat_copy": lambda s: 100 * s["wrong_data_bits"] / 1200,
             "ngrams": lambda s: s["bits"] - s["bayes"]}.get(task, lambda s: s["bits"])
    assert row["ours"] == str(ledger.spread(map(value, scores)))
    under = {"copy": 0.1, "associative_recall": 0.1, "repeat_copy": 1}.get(task)
    assert row["learned"] == (f"{sum(ledger.at_the_end(run) < under for run in runs)} of "
                              f"{len(runs)}" if under else "")


def test_what_there_is_not_is_said():
    with pytest.raises(ValueError, match="there is no such run"):
        ledger.summary("copy", "ntm-lstm", start="upside down")
