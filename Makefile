# make demo: train on the bundled digits.   make test: every check.   Both set up .venv first, once.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test check clean

demo: .venv/sparring
	$(BIN)/spar train digits --recipe gan-mnist --steps 6000 --fresh --out runs/demo | tee .venv/demo.log
	run=$$(sed -n 's/^run: //p' .venv/demo.log) && $(BIN)/spar evaluate $$run && \
	$(BIN)/spar sample $$run -n 100 --out $$run/samples.png && \
	echo "samples: $$run/samples.png   grids as it trained: $$run/samples/   figures: $$run/evaluation.json"

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
