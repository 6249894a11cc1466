"""The family tree: which work took which operation from whom, as we read the papers.

WORKS: {short name: (year, lane, {an earlier work: what was taken from it})}; lanes run from what
writes a memory of fixed size, at the bottom, to what keeps everything, at the top.
"""

WORKS = {
    "Fast weights": (1992, 0, {}),
    "NTM": (2014, 1, {}),
    "Bahdanau's attention": (2014, 4, {}),
    "Memory Networks": (2014, 7, {}),
    "MemN2N": (
        2015,
        7,
        {"Memory Networks": "hops over stored facts", "NTM": "a soft read by content"},
    ),
    "Show, Attend and Tell": (2015, 5, {"Bahdanau's attention": "soft weights over places"}),
    "DNC": (2016, 1, {"NTM": "content, erase and add"}),
    "Transformer": (
        2017,
        4,
        {"Bahdanau's attention": "a softmax over steps", "MemN2N": "dot products, layers as hops"},
    ),
    "Set Transformer": (2018, 3, {"Transformer": "learned queries over a set"}),
    "Compressive": (2019, 5, {"Transformer": "a memory of past states"}),
    "Linear attention": (2020, 0, {"Transformer": "queries, keys, values"}),
    "Slot Attention": (2020, 2, {"Transformer": "dot products, normalised the other way"}),
    "Perceiver (IO)": (2021, 3, {"Set Transformer": "few askers, many inputs"}),
    "Delta rule": (
        2021,
        0,
        {"Linear attention": "a written matrix", "Fast weights": "outer products as memory"},
    ),
    "Memorizing": (2022, 5, {"Transformer": "the same keys, looked up"}),
    "DeltaNet": (2024, 0, {"Delta rule": "erase along the key, in parallel"}),
    "Kimi Linear": (2025, 1, {"DeltaNet": "and a rate for each slot"}),
}
