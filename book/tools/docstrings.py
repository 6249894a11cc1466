"""A Sphinx extension, named in _config.yml: shows the package's docstrings, which are prose, with a
line for every argument.

`seed: of the data stream. batch: sequences per update.` becomes a list of two, where seed and batch
are arguments of the function.
"""

import inspect
import re


def with_list(lines, arguments):
    """The lines of a docstring, its arguments in a list."""
    names = "|".join(map(re.escape, sorted(arguments, key=len, reverse=True)))
    begins = re.compile(rf"(?:^|(?<=[.;)\]] ))((?:{names})(?:, (?:{names}))*): ") if names else None
    result = []
    for paragraph in "\n".join(lines).split("\n\n"):
        flowing = " ".join(paragraph.split())
        pieces = (begins.split(flowing) if begins and not paragraph.startswith((" ", "-"))
                  else [flowing])
        if len(pieces) == 1:
            result += [*paragraph.split("\n"), ""]
            continue
        result += [pieces[0].strip(), ""] * bool(pieces[0].strip())
        for name, text in zip(pieces[1::2], pieces[2::2]):
            result.append(f"- **{name}**: {text.strip()}")
        result.append("")
    return result


def arguments(thing):
    try:
        return list(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return []


def process(app, what, name, thing, options, lines):
    lines[:] = [line.replace("(**", r"(\*\*") for line in with_list(lines, arguments(thing))]


def without_fields(app, what, name, thing, skip, options):
    """A NamedTuple's fields are said where it stands; "Alias for field number 0" says nothing."""
    return True if str(getattr(thing, "__doc__", "")).startswith("Alias for field") else None


def setup(app):
    app.connect("autodoc-process-docstring", process)
    app.connect("autodoc-skip-member", without_fields)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
