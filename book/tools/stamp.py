"""The stamp of a notebook: a hash of its code and of all that the code imports from `ntm`, stored
when it was executed.

What cannot change an output does not count: Markdown cells, tags, the line that installs ntm in
Colab, comments, and docstrings of the package. Data files count with the modules that read them:
those beside a module in a subpackage (ntm/pretrained/*), and those that a string names.
"""

import ast
import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def parse_cell(source):
    """The syntax tree of a code cell, its magics and shell lines left out."""
    return ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.M))


def without_docstrings(tree):
    """Remove every docstring of the tree, in place."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            if (node.body and isinstance(node.body[0], ast.Expr)
                and isinstance(getattr(node.body[0].value, "value", None), str)):
                del node.body[0]
    return tree


def dump(node):
    """A syntax tree as text. Unlike ast.dump it is the same in every Python version, since empty
    fields are left out."""
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node)
                  if value is not None and value != []]
        said = ", ".join(f"{name}={dump(value)}" for name, value in fields)
        return f"{type(node).__name__}({said})"
    if isinstance(node, list):
        return f"[{', '.join(map(dump, node))}]"
    return repr(node)


def module_file(package, parts):
    """The file of the module ntm.<parts>, or None."""
    path = package.joinpath(*parts)
    return next((f for f in (path.with_suffix(".py") if parts else path, path / "__init__.py")
                 if f.is_file()), None)


def imported(tree, package, inside=()):
    """The files of the package that a tree imports; `inside` is the package, as parts below ntm,
    that holds the tree."""
    found, everything = set(), set(package.rglob("*.py"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            if any(alias.name.split(".")[0] == "ntm" for alias in node.names):
                return everything  # anything can be reached through the name `ntm`
        elif isinstance(node, ast.ImportFrom):
            names = node.module.split(".") if node.module else []
            if node.level:
                names = [*inside[: len(inside) - node.level + 1], *names]
            elif names[:1] == ["ntm"]:
                names = names[1:]
            else:
                continue
            for alias in node.names:
                files = resolve(alias, tree, package, names)
                if files is None:
                    return everything
                found |= files
    return found


def resolve(alias, tree, package, parts):
    """The files that `from ntm.<parts> import alias` brings into a tree; None if that cannot be
    told."""
    file = module_file(package, [*parts, alias.name])
    # a subpackage: only those of its modules that the tree names
    if file is not None and file.name == "__init__.py":
        name, nodes = alias.asname or alias.name, list(ast.walk(tree))
        uses = sum(isinstance(n, ast.Name) and n.id == name for n in nodes)
        attributes = [n.attr for n in nodes if isinstance(n, ast.Attribute)
                      and isinstance(n.value, ast.Name) and n.value.id == name]
        modules = [module_file(package, [*parts, alias.name, attribute])
                   for attribute in attributes]
        if modules and uses == len(modules) and all(modules):
            return set(modules)
    if file is not None:
        return {file}
    source = module_file(package, parts)
    if source is None:
        return None
    if source.name != "__init__.py":
        return {source}
    # a re-export: follow it to where it is defined
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            for exported in node.names:
                if (exported.asname or exported.name) == alias.name:
                    return resolve(exported, tree, package,
                                   [*parts, *(node.module.split(".") if node.module else [])])
    return {source} if parts and alias.name != "*" else None


def data_files(module, tree, package):
    """The data files that belong to a module; scripts and styles of live figures are the page's,
    and in no committed output."""
    folder = module.parent
    found = set(folder.rglob("*")) if folder != package else set()
    for node in ast.walk(tree):
        if (isinstance(node, ast.Constant) and isinstance(node.value, str)
            and re.fullmatch(r"[\w./-]+", node.value)):
            path = folder / node.value
            if package in path.resolve().parents:
                found |= {path, *path.rglob("*")} if path.is_dir() else {path}
    return {f for f in found
            if f.is_file() and f.suffix not in (".py", ".pyc", ".so", ".js", ".css")}


def dependencies(tree, package):
    """Every file of the package that a notebook's code depends on, as {path: what counts of it}."""
    package = Path(package).resolve()
    counted, waiting = {}, imported(tree, package)
    while waiting:
        file = waiting.pop()
        if file in counted:
            continue
        module = without_docstrings(ast.parse(file.read_text(encoding="utf-8")))
        counted[file] = dump(module).encode()
        for data in data_files(file, module, package):
            counted[data] = data.read_bytes()
        waiting |= imported(module, package,
                            file.parent.relative_to(package).parts) - counted.keys()
    return counted


def stamp(nb, package=ROOT / "ntm"):
    """The hash of a notebook (an nbformat node) and of what it imports from the package."""
    sources = [re.sub(r"^\s*%pip.*$", "", cell.source, flags=re.M) for cell in nb.cells
               if cell.cell_type == "code"]
    tree = ast.Module([statement for cell in nb.cells if cell.cell_type == "code"
                       for statement in parse_cell(cell.source).body], [])
    digest = hashlib.sha256("\0".join(sources).encode())
    for file, content in sorted(dependencies(tree, package).items()):
        digest.update(f"\0{file.relative_to(Path(package).resolve())}\0".encode() + content)
    return digest.hexdigest()


def is_stale(nb, package=ROOT / "ntm"):
    """Whether a notebook has to be executed again: its stamp is not that of its code, or a cell was
    not executed."""
    unexecuted = any(cell.cell_type == "code" and cell.source.strip() and not cell.execution_count
                     for cell in nb.cells)
    return unexecuted or nb.metadata.get("ntm", {}).get("stamp") != stamp(nb, package)
