# Everything that is done to this project, as one command each. `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8025
# Options of the measurements: BENCH="--count 10000 --only floor --only dagster_run"; `--help` lists them.
BENCH ?=
PIP_QUIET := --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo dev test check lint bench bench-workers clean

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## /make \1	/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.installed ## Export sample segments to a local Klaviyo, refresh them, export again, and print what happened
	$(BIN)/python -m demo.run

dev: $(VENV)/.installed ## Start the local Klaviyo and Dagster's web page, to click through the same
	$(BIN)/python -m demo.dev --port $(PORT)

test: $(VENV)/.installed-dev ## Run the tests
	$(BIN)/python -m pytest

check: lint test ## Format, lint, types, architecture and tests: what CI runs

lint: $(VENV)/.installed-dev ## Format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.installed-dev ## Measure beside what one would use instead, as ratios in one run, and write docs/benchmarks.md
	$(BIN)/python -m benchmarks.run $(BENCH)

bench-workers: $(VENV)/.installed-dev ## Measure several exports at once, by one, two and four workers, and write it into docs/scale.md
	$(BIN)/python -m benchmarks.workers

clean: ## Remove what the other commands made
	rm -rf $(VENV) .bench build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache demo/.home demo/data

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install $(PIP_QUIET) --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install $(PIP_QUIET) --constraint constraints.txt --editable '.[dev]'
	@touch $@
