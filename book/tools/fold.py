"""What stands folded in a notebook, wherever it is read: from one tag to all that Jupyter, Colab
and the book's pages ask for.

    prediction   code and output wait behind "Run it and see" until the reader has committed to
                 an answer
    imports      what the page needs, below the opening picture
    parameters   folded with them

`fold` is idempotent; figures.py applies it before it executes a notebook.
"""

# in Colab: the code folds away below this title
TITLE = '# @title Run it and see {display-mode: "form"}'
FOLDS = {  # tag: (tag of the page's fold, what is written on it)
    "prediction": ("hide-cell", "Run it and see"),
    "imports": ("hide-input", "Show the setup"),
    "parameters": ("hide-input", "Show the parameters"),
}


def tags(cell):
    return cell.metadata.get("tags", [])


def folded(cell):
    """What a cell's tag asks for, as (source, metadata)."""
    source, metadata = cell.source, dict(cell.metadata)
    for tag, (hide, prompt) in FOLDS.items():
        if tag in tags(cell):
            metadata["tags"] = [*tags(cell), *([] if hide in tags(cell) else [hide])]
            metadata["mystnb"] = {"code_prompt_show": prompt, "code_prompt_hide": "Hide it again"}
    if "prediction" in tags(cell):
        source = source if source.startswith(TITLE) else f"{TITLE}\n{source}"
        # Colab; the notebook format's word for a closed output
        metadata |= {"cellView": "form", "collapsed": True}
        metadata["jupyter"] = {"source_hidden": True, "outputs_hidden": True}  # JupyterLab
    return source, metadata


def fold(nb):
    """Fold the cells of a notebook, in place, and return it. Parameters fold where the imports do:
    on pages that begin with a picture."""
    picture_first = any("imports" in tags(cell) for cell in nb.cells)
    for cell in nb.cells:
        if cell.cell_type == "code" and (picture_first or "parameters" not in tags(cell)):
            cell.source, metadata = folded(cell)
            cell.metadata.update(metadata)
    return nb
