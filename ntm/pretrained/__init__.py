"""What the long runs of the book left behind, shipped with the package: curves, scores and weights;
and the paper's own curves.

`<task>/runs.json` holds every run of that task as ntm.runs.run returned it;
`<task>/<model>.safetensors` the weights of the median seed. (The LSTM's are shipped for copy and
N-grams only.) `<task>/looked_at/` are weights of other seeds that its chapter takes apart.
`long.json` holds single runs at the paper's own budget, of which no weights are shipped.
`paper/*.csv` are the learning curves of the paper, digitised from its figures.
"""

import csv
import json
from pathlib import Path

from ..baseline import LSTMBaseline
from ..machine import NTM

HERE = Path(__file__).parent


def runs(task, model=None, start=None):
    """All runs of `task`, or those of one model, as a list of dicts: seed, recipe, bits (the
    curve), scores, minutes and so on.

    start: "tape" or "bare"; by default, of each model, those of a tape's start where there are any.
    """
    found = [run for run in json.loads((HERE / task / "runs.json").read_text(encoding="utf-8"))
             if model in (None, run["model"])]
    # a tape's come first in the file
    latest = {run["model"]: (run.get("start") or "bare") for run in reversed(found)}
    return [run for run in found if (run.get("start") or "bare") == (start or latest[run["model"]])]


def long_runs(task):
    """The single runs of `task` at the paper's own budget, a list as `runs` gives."""
    found = json.loads((HERE / "long.json").read_text(encoding="utf-8"))
    return [run for run in found if run["task"] == task]


def load(task, model):
    """The trained machine of the median seed. model: "ntm-lstm", "ntm-feedforward" or "lstm"."""
    # they travel in float16
    return (LSTMBaseline if model == "lstm"
            else NTM).load(HERE / task / f"{model}.safetensors").float()


def paper(figure):
    """The paper's digitised curves of a figure, by its number: {series: (sequences, bits)}; of
    figure 11 {series: (items, bits)}."""
    (path,) = (HERE / "paper").glob(f"fig{figure:02d}_*.csv")
    curves = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            x, y = curves.setdefault(row["series"], ([], []))
            x.append(float(row["x"]) * (1 if figure == 11 else 1000))
            y.append(float(row["cost_bits"]))
    return curves
