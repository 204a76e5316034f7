# Every target sets up what it needs in .venv; nothing but make and a Python from 3.11 on has to be there before.

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready

# The first of these that is new enough. Recursive on purpose: looked for only when the environment is made.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup demo test check fmt goldens schemas bench instructions market soak browser reference docs

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target does; do \
		printf '  make %-13s %s\n' "$$target" "$$does"; done

setup: $(READY)  ## the development environment, in .venv
	@echo "$(VENV) is ready"

demo: $(READY)  ## validate, plan, apply and drift against a sandbox of its own, under .demo
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo/run.sh

test: $(READY) browser  ## all tests
	@$(BIN)/python -m pytest

# pytest comes last: its closing line is the last one, and its architecture tests hold layers and schemas.
check: $(READY) browser  ## the one gate: format, lint, types, layers, schemas, tests with branch coverage
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-branch --cov-report=term:skip-covered

fmt: $(READY)  ## format, and mend what ruff can mend by itself
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

goldens: $(READY)  ## write the expected files of tests/cases anew; read the diff before you commit it
	@REWRITE_GOLDENS=1 $(BIN)/python -m pytest tests/cases tests/faults/test_matrix.py

schemas: $(READY)  ## write schemas/ anew from the models
	@$(BIN)/reconciler schema --out schemas

reference: $(READY)  ## write docs/reference anew from models and commands
	@$(BIN)/python tools/reference.py

docs: $(READY) reference  ## the documentation as a site, in site/
	@$(BIN)/python -c 'import zensical' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --group docs
	@$(BIN)/python -m zensical build --clean --strict
	@echo "site/ is ready: python3 -m http.server -d site"

bench: $(READY)  ## measure it against floors and peers (TABLES="start load": some of the tables; all take half an hour)
	@$(BIN)/python -c 'import matplotlib' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	@$(BIN)/python bench/run.py $(TABLES)

instructions: $(READY)  ## count the instructions of each stage of a plan, against what they were
	@$(BIN)/python bench/instructions.py

market: $(READY)  ## score floor suggestions against other rules, in markets whose best floors are known
	@$(BIN)/python bench/market/score.py --seeds 1-10 --rounds 12

soak: $(READY)  ## play 10,000 random fault histories (SOAK_HISTORIES=N), and kill an apply at every point
	@$(BIN)/python bench/soak.py

# Debian's Chromium, where none is there and it can be had without asking. Without one tests/browser is skipped, but not in CI.
browser:  ## a Chromium for tests/browser, if there is none
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	test "$$(id -u)" = 0 && command -v apt-get >/dev/null || exit 0; \
	echo "installing chromium for tests/browser" >&2; \
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } \
		>/dev/null 2>&1 || echo "make: chromium could not be installed" >&2

# A half-made environment has no stamp, and is made again. The pip that a Python ships may not know --group.
$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python from 3.11 on was found; set PYTHON=/path/to/one" >&2; exit 1; }
	@echo "setting up $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@
