"""Write book/notation.md: the book's symbols and, from the notebooks, the chapters that use them.

    python book/tools/notation.py

A test fails when a chapter's mathematics uses a letter that stands in neither table below.
"""

import re
import sys

from checks import chapters
from stamp import ROOT

PAGE = ROOT / "book/notation.md"

# letter in a formula: (as written, name in the code, shape, what it is and where it may lie)
SYMBOLS = {
    "M": (r"$M_t$, $\mathbf{M}_t$; $M_t(i)$", "`M`", "`[B, N, width]`",
          "the memory after step $t$; its slot $i$"),
    "w": (r"$w_t$; $w_t(i)$", "`w`", "`[B, heads, N]`",
          "a weighting, one share a slot, none negative, together 1"),
    "w^c": (r"$w^c$", "`w_c`", "`[B, heads, N]`", "the weighting by content, equation (5)"),
    "w^g": (r"$w^g$", "`w_g`", "`[B, heads, N]`", "after interpolation, equation (7)"),
    "~w": (r"$\tilde w$", "`w_s`", "`[B, heads, N]`", "after the shift, equation (8)"),
    "~M": (r"$\tilde{\mathbf{M}}_t$", "", "`[B, N, width]`",
           "the memory after the erase, before the add"),
    "r": (r"$r_t$", "`r`", "`[B, heads, width]`", "what a read head reads"),
    "k": (r"$k_t$", "`k`", "`[B, heads, width]`",
          "the key: what a head looks for; ours lies in $(-1, 1)$"),
    "β": (r"$\beta_t$", "`β`", "`[B, heads]`", "the key strength: how firmly; positive"),
    "g": (r"$g_t$", "`g`", "`[B, heads]`",
          "the gate between content and the previous weighting; in $(0, 1)$"),
    "s": (r"$s_t$; $s_t(j)$", "`s`", "`[B, heads, 2 shift_range + 1]`",
          "the shift weighting; its share on offset $j$; sums to 1"),
    "γ": (r"$\gamma_t$", "`γ`", "`[B, heads]`", "the sharpening exponent; at least 1"),
    "e": (r"$e_t$", "`e`", "`[B, heads, width]`",
          "the erase vector of a write head; in $(0, 1)$. In $e^x$ it is Euler's number"),
    "a": (r"$a_t$", "`a`", "`[B, heads, width]`",
          "the add vector of a write head; ours lies in $(-1, 1)$"),
    "K": (r"$K[u, v]$", "`similarity`", "", "the cosine of two vectors, equation (6)"),
    "ε": (r"$\varepsilon$", "`ε`", "",
          "the small number inside each length, so that an empty slot does no harm"),
    "x": (r"$x_t$", "`x`", "`[T, B, channels]`",
          "the input at step $t$; elsewhere any number given to a function"),
    "y": (r"$y_t$", "`y`", "`[T, B, channels]`",
          "the output at step $t$, and the target it is compared with"),
    "h": (r"$h_t$", "`h`", "`[B, hidden_size]`", "what the controller hands to the heads"),
    "c": (r"$c_t$", "`c`", "",
          "the controller's own state; $w^c$ is another matter, and in N-grams $c$ is the context"),
    "W": (r"$W$", "", "", "a matrix of learned weights"),
    "b": (r"$b$", "", "", "learned biases; in code an index over the batch"),
    "B": (r"$B$", "`B`", "", "sequences in a batch"),
    "T": (r"$T$", "`T`", "", "steps of a sequence"),
    "N": (r"$N$", "`N`", "", "slots of the memory"),
    "H": (r"$H$", "`hidden_size`", "", "units of a layer of the controller"),
    "t": (r"$t$", "`t`", "", "a step"),
    "i": (r"$i$", "`i`", "", "a slot; in an LSTM the input gate"),
    "j": (r"$j$", "`j`", "", "another slot, or an offset"),
    "σ": (r"$\sigma$", "", "",
          "the logistic sigmoid $1 / (1 + e^{-x})$; $\\sigma^2$ is a variance"),
}

# letters that a chapter needs for itself, after it has said what they are
LOCAL = {
    "C": "what all the slots that do not match weigh together",
    "d": "an offset, or a distance; of a trained parameter its gradient",
    "f": "the forget gate of an LSTM, or any function; in the DNC the free gates, and $w^f$ the "
         "forward weighting",
    "L": "the length of a sequence, or a loss; in the DNC the links",
    "m": "a count, of outputs; in an optimiser a running mean of gradients",
    "n": "a count; in an optimiser a running mean of squared gradients",
    "o": "the output gate of an LSTM",
    "p": "a share or a probability; in the DNC the precedence",
    "q": "a probability",
    "Q": "queries, a row each",
    "S": "the shift written as a matrix; in priority sort how sharply a head reads",
    "u": "a vector that is compared; in an LSTM what may come in; in the DNC the usage",
    "v": "a vector that is compared or written; also the variance that a shift adds",
    "V": "values, a row each",
    "z": "all that a layer is given; in a softmax or a sigmoid its argument",
    "η": "a rate",
    "θ": "a parameter that is learned",
    "π": "3.14159...; in the DNC the read modes",
    "ψ": "what a slot keeps when read heads let go",
    "Δ": "a change",
}
GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "Delta": "Δ", "epsilon": "ε",
         "varepsilon": "ε", "eta": "η", "theta": "θ",
         "lambda": "λ", "mu": "μ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ",
         "psi": "ψ", "omega": "ω"}


def formulas(nb):
    """The mathematics of a notebook's Markdown, without code."""
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            source = re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.S)
            for display, inline in re.findall(r"\$\$(.*?)\$\$|(?<![\\$])\$([^$\n]+)\$", source,
                                              re.S):
                yield display or inline


def letters(formula):
    """The letters that a formula uses: single letters, Greek as characters; w^c, w^g, ~w and ~M as
    symbols of their own."""
    formula = re.sub(r"\\(text|mathrm|operatorname|begin|end|tag)\*?\s*\{[^{}]*\}", " ", formula)
    formula = re.sub(r"\\mathbf\s*\{?(\w)\}?", r"\1", formula)
    formula = re.sub(r"\\([A-Za-z]+)", lambda m: GREEK.get(m[1], "~" if m[1] == "tilde" else " "),
                     formula)
    formula = re.sub(r"~\s*\{?\s*([wM])\}?", r"~\1", formula)
    formula = re.sub(r"_\{?(prev|read|write|max|min)\}?|w_\{prev\}", " ", formula)
    found = set(re.findall(r"~[wM]", formula))
    formula = re.sub(r"~[wM]", " ", formula)
    found |= {"w^" + kind for kind in re.findall(r"w\^\{?([cg])\b", formula)
              + re.findall(r"w\^\{?([cg])_", formula)}
    formula = re.sub(r"w\^\{?[cg]", " ", formula)
    return found | set(re.findall(r"[^\W\d_]", formula))


def unknown(nb):
    """The letters of a notebook that the notation lacks."""
    return sorted({letter for formula in formulas(nb)
                   for letter in letters(formula)} - SYMBOLS.keys() - LOCAL.keys())


def page():
    used = [(name, {letter for formula in formulas(nb) for letter in letters(formula)})
            for name, nb, _ in chapters() if name != "index"]

    def where(letter):
        return ", ".join(f"[{number}]({name}.ipynb)" for number, (name, found) in enumerate(used, 1)
                         if letter in found)

    lines = ["# Notation", "",
             "The paper's symbols, in formulas and in code alike. The previous step's value is "
             "$w_{t-1}$ in a formula "
             "and `w_prev` in code. The paper writes M both for the memory and for the length of a "
             "slot; here the length is `width`. The "
             "last column is written by `book/tools/notation.py` from the chapters' formulas.", "",
             "| symbol | code | shape | what it is | in chapters |", "|---|---|---|---|---|"]
    lines += [f"| {shown} | {code} | {shape} | {meaning} | {where(letter)} |"
              for letter, (shown, code, shape, meaning) in SYMBOLS.items()]
    lines += ["",
              "Heads come in one order everywhere: read heads first, then write heads. `[T, B, "
              "...]` puts time first, for whole "
              "sequences; inside a step the batch comes first.", "",
              "## Letters with a local meaning", "",
              "What each means may change with the chapter, and is explained there.", "",
              "| letter | what it is | in chapters |", "|---|---|---|"]
    lines += [f"| ${letter}$ | {meaning} | {where(letter)} |" for letter, meaning in LOCAL.items()
              if where(letter)]
    return "\n".join(lines) + "\n"


def main():
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
