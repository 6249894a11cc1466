"""What the repository promises around the book: pins and ranges agree, addresses agree, commands
exist, the package ships its data."""

import ast
import os
import re
import subprocess
import sys

import form
import nbformat
import pins
import pytest
import repository
import stamp
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = form.ROOT
tomllib = pytest.importorskip("tomllib")  # Python 3.11 and newer
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
PINS = {
    name.lower(): Version(version)
    for name, version in pins.pins((ROOT / "environment.yml").read_text(encoding="utf-8")).items()
}
LEADING = re.compile(r"(?<![\w.)\]:=])\.\d+(?![\w%])")  # .5, but not the .3g of a format
COLAB = {"torch": "2.11.0", "numpy": "2.1.3", "matplotlib": "3.10.0", "ipywidgets": "7.7.1",
         "tqdm": "4.67.3", "safetensors": "0.8.0"}


def requirements(*groups):
    listed = PROJECT["project"]["optional-dependencies"] | {"": PROJECT["project"]["dependencies"]}
    return [Requirement(line) for group in groups for line in listed[group]]


def tracked():
    return subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True,
                          check=True).stdout.splitlines()


def test_environment_pins_all_that_pyproject_names_within_its_ranges():
    for requirement in requirements("", "book", "test"):
        if (requirement.marker is not None
            and not requirement.marker.evaluate({"sys_platform": "linux"})):
            continue
        assert requirement.name in PINS, f"{requirement.name} is not pinned"
        assert PINS[requirement.name] in requirement.specifier, requirement
    listed = next(entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict))
    assert all("==" in line or line == "-e ." for line in listed) and len(PINS) == len(listed) - 1
    python = next(entry for entry in ENVIRONMENT["dependencies"] if str(entry).startswith("python"))
    assert re.fullmatch(r"python=3\.\d+", python)  # the one form that every tool understands
    assert python.removeprefix("python=") in SpecifierSet(PROJECT["project"]["requires-python"])
    assert ENVIRONMENT["channels"][0] == "conda-forge"


def test_the_package_is_light_and_replaces_nothing_in_colab():
    intel_mac = {"sys_platform": "darwin", "platform_machine": "x86_64"}
    assert [str(r.specifier) for r in requirements("")
            if r.name == "numpy" and r.marker.evaluate(intel_mac)] == ["<2,>=1.26"]
    everywhere = [r for r in requirements("")
                  if r.marker is None or r.marker.evaluate({"sys_platform": "linux"})]
    names = [requirement.name for requirement in everywhere]
    assert sorted(names) == ["matplotlib", "numpy", "safetensors", "torch", "tqdm"]
    for requirement in [*everywhere, *requirements("book")]:
        if requirement.name in COLAB:
            assert COLAB[requirement.name] in requirement.specifier, requirement
    assert not any("<" in str(r.specifier) or "=" in str(r.specifier).replace(">=", "")
                   for r in everywhere)


def test_the_distribution_is_ntm_book_wherever_it_is_installed():
    """`ntm` on PyPI is another project: under that name `pip install -U ntm` would replace ours by
    it."""
    name = PROJECT["project"]["name"]
    assert name == "ntm-book" == ENVIRONMENT["name"]
    found = []
    for file in tracked():
        if (file.endswith((".py", ".md", ".yml", ".toml", ".ipynb", "Makefile", "run"))
            and not file.startswith("tests/book/test_house")):
            found += re.findall(r"([\w-]+)(?:\[[\w,]*\])? @ git\+",
                                (ROOT / file).read_text(encoding="utf-8"))
            assert not re.search(r"pip install (?:-\S+ )*[\"']?ntm(?![\w-])",
                                 (ROOT / file).read_text(encoding="utf-8")), file
    assert len(found) >= 20 and set(found) == {name}


def test_the_package_ships_its_data():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["ntm"]
    data = {ROOT / file for file in tracked()
            if file.startswith("ntm/") and not file.endswith(".py")}
    matched = {file for pattern in patterns for file in (ROOT / "ntm").glob(pattern)}
    assert data <= matched, f"not in package-data: {sorted(map(str, data - matched))}"
    assert sum((ROOT / file).stat().st_size for file in tracked() if file.startswith("ntm/")) < 15e6


def test_one_address_everywhere():
    owner, name = repository.address()
    for file in ("README.md", "CITATION.cff", "pyproject.toml"):
        text = (ROOT / file).read_text(encoding="utf-8")
        ours = re.findall(
            r"git\+https://github\.com/([\w-]+/[\w.-]+)@"
            r"|colab\.research\.google\.com/github/([\w-]+/[\w.-]+)/blob"
            r"|(?:repository-code: |Repository = )\"https://github\.com/([\w-]+/[\w.-]+)\"",
            text,
        )
        assert ours and {"".join(found) for found in ours} == {f"{owner}/{name}"}, file
    assert f"https://{owner}.github.io/{name}/" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_the_readme_and_the_workflows_call_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, re.M))
    workflows = sorted((ROOT / ".github/workflows").glob("*.yml"))
    assert len(workflows) >= 3
    for file in [ROOT / "README.md", ROOT / ".ci/run", *workflows]:
        text = file.read_text(encoding="utf-8")
        called = set(re.findall(r"(?:^|run: |`)make (\w+)", text, re.M))
        assert called <= targets, f"{file.name}: {called - targets}"
        for path in re.findall(r"\]\(((?!https?:|#)[^)]+)\)", text) if file.suffix == ".md" else []:
            assert (ROOT / path).exists(), f"{file.name} links to {path}"
    for file in workflows:
        assert yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]


def test_the_ten_lines_of_the_readme_run(tmp_path):
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"),
                     re.S).group(1)
    assert "sequences=10_000" in code and "sequences=32" in code
    code = code.replace("sequences=10_000", "sequences=32, progress=False")
    code = code.replace("sequences=32, seed=1", "sequences=2, seed=1")
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True,
                            text=True)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "copy.safetensors").stat().st_size > 10_000


def test_code_in_the_readme_fits():
    code = re.findall(r"```.*?```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    lines = [line for block in code for line in block.split("\n")]
    assert lines and [line for line in lines if len(line) > form.COLUMNS] == []


def test_no_file_of_the_package_is_excused_from_its_width():
    rules = PROJECT["tool"]["ruff"]
    excused = [what for what, codes in rules["lint"]["per-file-ignores"].items() if "E501" in codes]
    assert rules["line-length"] == 100 and excused == ["*.ipynb"]


def test_a_number_has_a_leading_zero_in_texts_and_docstrings():
    found = []
    for file in tracked():
        text = (ROOT / file).read_text(encoding="utf-8") if file.endswith((".py", ".md")) else ""
        if file.startswith("ntm/") and file.endswith(".py"):
            words = [node.value for node in ast.walk(ast.parse(text))
                     if isinstance(node, ast.Constant) and isinstance(node.value, str)]
            text = "\n".join(words) if words else ""
        elif not re.fullmatch(r"README.md|book/(api|notation|references)\.md", file):
            continue
        found += [f"{file}: {number}" for number in LEADING.findall(text)]
    assert found == []


def test_a_missing_zero_is_noticed():
    assert LEADING.findall("about .5, or n ← .95 n, but not 0.5, v1.2 or {x:.3g}") == [".5", ".95"]
    assert LEADING.findall(".3g") == [] and LEADING.findall(".5") == [".5"]


def test_an_opening_draws_in_the_books_colours():
    for file in sorted((ROOT / "ntm/openings").glob("*.py")):
        assert list(form.strange_colours(file.read_text(encoding="utf-8"))) == [], file.name


def test_nothing_names_the_machine_where_this_was_made():
    for file in tracked():
        if file.endswith((".py", ".md", ".yml", ".toml", ".cff", ".cfg", ".css", "Makefile",
                          "run")) and not file.startswith("tests/book/"):
            found = re.findall(form.FORBIDDEN, (ROOT / file).read_text(encoding="utf-8"))
            assert not found, f"{file}: {found}"


def test_importing_the_package_costs_little_beside_torch():
    code = "import torch, time; t = time.perf_counter(); import ntm; print(time.perf_counter() - t)"
    seconds = min(float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                                       check=True).stdout) for _ in range(2))
    assert seconds < 2, f"import ntm takes {seconds:.1f} s after torch"


def test_no_text_is_read_or_written_in_the_encoding_of_the_place():
    """On Windows, or in a Latin-1 locale, "β" in a UTF-8 file would be read as "Î²" without a
    word."""
    sources = {file: (ROOT / file).read_text(encoding="utf-8") for file in tracked()
               if re.fullmatch(r"(ntm|book/tools)/.*\.py", file)}
    for file in filter(re.compile(r"book/\w+\.ipynb").fullmatch, tracked()):
        cells = nbformat.read(ROOT / file, 4).cells
        sources |= {f"{file} {cell.id}": cell.source for cell in cells if cell.cell_type == "code"}
    assert len(sources) > 500
    for name, source in sources.items():
        for node in ast.walk(stamp.parse_cell(source)):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                mode = next((a.value for a in [*node.args, *given.values()]
                             if isinstance(getattr(a, "value", 0), str)
                             and re.fullmatch("[rwax+]*b[rwax+]*", a.value)), None)
                # PIL opens pictures
                opens = (called in ("open", "fdopen") and mode is None
                         and "Image" not in ast.dump(node.func))
                text = called in ("read_text", "write_text") or opens
                place = f"{name}, line {node.lineno}: {called}"
                assert not text or "encoding" in given, f"{place} without an encoding"


def test_the_package_reads_its_data_in_any_locale():
    code = ("from ntm import pretrained, ledger; pretrained.runs('copy'); pretrained.paper(3); "
            "pretrained.load('copy', 'ntm-lstm')")
    done = subprocess.run([sys.executable, "-X", "warn_default_encoding", "-W",
                           "error::EncodingWarning:ntm", "-c", code],
                          env=dict(os.environ, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"),
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
