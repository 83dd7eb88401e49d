# make demo: train on the bundled digits.   make test: every check.   Both set up .venv first, once.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test check clean

demo: .venv/sparring
	rm -rf runs/demo
	$(BIN)/spar train digits --steps 2000 --out runs/demo
	$(BIN)/spar evaluate runs/demo
	$(BIN)/spar sample runs/demo -n 100 --out runs/demo/samples.png
	@echo "samples: runs/demo/samples.png   grids as it trained: runs/demo/samples/   figures: runs/demo/evaluation.json"

# One thread a process: two processes that each take both cores get in each other's way.
test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: .venv/develop
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "Sparring needs Python 3.11 or newer, this is %d.%d: make PYTHON=python3.12 ..." % v[:2])'
	$(PYTHON) -m venv .venv
	touch $@

.venv/sparring: .venv/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --editable . --constraint constraints.txt
	touch $@

.venv/develop: .venv/sparring
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	touch $@

clean:
	rm -rf .venv
