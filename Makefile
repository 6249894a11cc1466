# make book      the book, as a website in _build/html        make test      every equation, every notebook
# make figures   execute the stale notebooks again            make clean     remove what these commands wrote, .venv excepted
#
# Each installs first what it needs into .venv, at the pins of environment.yml. Settings, after the target's name:
#   PYTHON=python3.12     which Python makes .venv
#   PIP_TORCH="--index-url https://download.pytorch.org/whl/cpu"     where torch comes from (smaller than PyPI's build on Linux)
#   PY=python             use this Python, with what it has installed, instead of .venv
#   FORCE=1               make figures: execute all notebooks, not only the stale ones
#   JOBS=2                make test: run files side by side
#   SECONDS=600           make fuzz, make fuzz-asan: for how long
# There are also: lint, unit (the package's tests alone), executed (which tests execute which equation,
# for the page of checks: minutes), fuzz, fuzz-asan, live (the pages' kernel, compiled again), colab
# (all notebooks as in Colab), links (those of the book, over the network).

PYTHON ?= python3
PIP_TORCH ?=
PY = .venv/bin/python
JUPYTER_BOOK = $(PY) -c "from jupyter_book.cli.main import main; main()"
READY = $(if $(filter .venv/bin/python,$(PY)),.venv/ready)
JOBS ?= 1
CELL_TIMEOUT ?= 60

# with two threads torch's small steps are many times slower on a busy machine
export OMP_NUM_THREADS = 1
export PIP_TORCH
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: book test lint unit executed fuzz fuzz-asan figures live colab links clean

book: $(READY)
	$(JUPYTER_BOOK) build -W -n --keep-going . || { rm -rf _build/.doctrees; exit 1; } # else a second call would be silent
	$(PY) book/tools/check_pages.py
	$(PY) book/tools/check_browser.py

# One run of pytest for the tests and for the notebooks: nbval executes them and compares what they print with what is committed.
test: lint
	$(PY) -m pytest -q $(if $(filter-out 1,$(JOBS)),-n $(JOBS) --dist loadfile) --nbval --nbval-current-env \
	  --nbval-sanitize-with=book/tools/nbval.cfg --nbval-cell-timeout=$(CELL_TIMEOUT) tests book

lint: $(READY)
	$(PY) -m ruff check .

# The package alone, without the notebooks: for other versions of Python and torch, whose last digits may differ.
unit: $(READY)
	$(PY) -m pytest -q tests --ignore=tests/book

executed: $(READY)
	$(PY) book/tools/executed.py
	$(PY) book/tools/checks.py

# Random machines, states, types and layouts: the fast path against the clear one. SECONDS=600 for longer; fuzz-asan: its kernel under
# AddressSanitizer, for what it may read or write beyond.
SECONDS ?= 60
fuzz: $(READY)
	$(PY) tests/fuzz.py --seconds $(SECONDS)

fuzz-asan: $(READY)
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libstdc++.so)" ASAN_OPTIONS=detect_leaks=0 $(PY) tests/fuzz.py --seconds $(SECONDS) --asan

figures: $(READY)
	$(PY) book/tools/figures.py $(if $(FORCE),--force)
	$(PY) book/tools/checks.py
	$(PY) book/tools/notation.py
	$(PY) book/tools/references.py
	$(PY) book/tools/readme.py

# The kernel that trains in the page: ntm/kernel.c as WebAssembly, in ntm/live/kernel.js; a test finds it current.
live: $(READY)
	$(PY) book/tools/kernel_js.py

# Every notebook as Colab would run it: the package installed from a wheel, nothing of the repository around.
colab: $(READY)
	$(PY) book/tools/colab.py $(if $(HERE),--here)

links: $(READY)
	$(JUPYTER_BOOK) build --builder linkcheck .

.venv/ready: environment.yml pyproject.toml
	$(PYTHON) book/tools/pins.py > /dev/null
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -q $(PIP_TORCH) $$(.venv/bin/python book/tools/pins.py torch)
	.venv/bin/python -m pip install -q $$(.venv/bin/python book/tools/pins.py rest)
	.venv/bin/python -m pip install -q --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf _build build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path "./.venv/*" -prune -exec rm -rf {} +
