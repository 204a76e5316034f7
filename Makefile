# Every target sets up what it needs in .venv; nothing but make and a Python from 3.11 on has to be there before.

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
DEMO  := $(if $(wildcard $(READY)),$(VENV),.venv-demo)

# The first of these that is tested, else the first that is new enough. Recursive on purpose: looked for only when an
# environment is made.
PYTHON ?= $(shell for below in 15 99; do for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, $$below))" 2>/dev/null && echo $$python && exit; \
	done; done)

# Whoever calls may have set PYTHONPATH, PYTHONOPTIMIZE and the like for something else.
unexport $(filter PYTHON%,$(.VARIABLES)) VIRTUAL_ENV

PIP     = $(BIN)/python -m pip --disable-pip-version-check --no-input
LOCKED  = $(PIP) install --quiet --no-build-isolation --require-hashes --requirement
UV      := $(BIN)/uv --quiet --no-progress
UPGRADE := --upgrade
SHIPPED := reconciler/requirements
WORKFLOWS = $(wildcard .github/workflows/*.yml examples/*/.github/workflows/*.yml kits/github/*.yml \
	reconciler/cli/skeleton/github/*.yml)
LOCK     = $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock' $(UPGRADE)

# Wheels only: the lowest version is the lowest that this Python can have. PySpark comes as source alone.
define resolved
	@echo "setting up $(1)" >&2
	@$(PYTHON) -m venv --clear $(1)
	@$(UV) pip install --python $(1) --resolution $(2) --only-binary :all: --no-binary pyspark \
		--requirement pyproject.toml --all-extras --group setup --group dev
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@$(UV) pip list --python $(1) --format freeze
	@$(1)/bin/python -m pytest -n 4 --dist worksteal
endef

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup lock demo test test-lowest test-newest check lint-kits fmt goldens schemas bench instructions market soak cluster dist coverage mutants changelog browser pooler uv reference docs

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target does; do \
		printf '  make %-13s %s\n' "$$target" "$$does"; done

setup: $(READY)  ## the development environment, in .venv
	@echo "$(VENV) is ready"

lock: $(READY) uv  ## lock the newest versions in requirements/ (UPGRADE= changes only what pyproject.toml asks for)
	@$(LOCK) --group setup --output-file requirements/setup.txt
	@$(LOCK) pyproject.toml --all-extras --group dev --constraint requirements/setup.txt --output-file requirements/dev.txt
	@for group in docs bench lock release; do \
		$(LOCK) --group $$group --constraint requirements/dev.txt --output-file requirements/$$group.txt || exit 1; done
	@$(LOCK) pyproject.toml --group demo --constraint requirements/dev.txt --output-file requirements/demo.txt
	@$(LOCK) --group build --constraint requirements/setup.txt --output-file $(SHIPPED)/build.txt
	@$(LOCK) pyproject.toml --extra policies --constraint requirements/dev.txt --output-file $(SHIPPED)/run.txt
	@for extra in floors postgres; do \
		$(LOCK) pyproject.toml --extra policies --extra $$extra --constraint requirements/dev.txt \
			--output-file $(SHIPPED)/run-$$extra.txt || exit 1; done

demo: $(DEMO)/.ready  ## validate, plan, apply and drift against a sandbox of its own, under .demo
	@PATH="$(CURDIR)/$(DEMO)/bin:$$PATH" bash examples/demo/run.sh

# More at once than there are cores: tests of timeouts and of servers wait for most of their time.
test: $(READY) browser pooler  ## all tests
	@$(BIN)/python -m pytest -n 4 --dist worksteal

test-lowest: uv browser pooler  ## all tests with the lowest versions that pyproject.toml allows, in .venv-lowest
	$(call resolved,.venv-lowest,lowest-direct)

test-newest: uv browser pooler  ## all tests with the newest versions that there are, in .venv-newest
	$(call resolved,.venv-newest,highest)

# pytest comes last: its closing line is the last one, and its architecture tests hold layers and schemas.
check: $(READY) browser pooler  ## the one gate: format, lint, types, layers, schemas, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -n 4 --dist worksteal

coverage: $(READY) browser pooler  ## all tests with branch coverage
	@$(BIN)/python -m pytest -n 4 --dist worksteal --cov --cov-branch --cov-report=term:skip-covered

mutants: $(READY)  ## change the source at random places and see whether tests fail (ROOMS="diff plan", SAMPLE=40, SEED=1)
	@$(BIN)/python tools/mutants.py $(if $(ROOMS),--rooms $(ROOMS)) --sample $(or $(SAMPLE),40) --seed $(or $(SEED),1)

changelog: $(READY)  ## put the fragments of changelog.d/ into CHANGELOG.md (VERSION=0.2.0: as that release's)
	@$(BIN)/python tools/changelog.py $(VERSION)

# Findings that need the network (is a commit the one that its tag names?) are looked for with GH_TOKEN set. actionlint comes
# as source for Go, held to its hash by Go's checksum database, gitlab-ci-local from npm by its version.
lint-kits: $(READY)  ## lint workflows, action and image: zizmor, actionlint (with Go), shellcheck, hadolint, gitlab-ci-local (with npx)
	@$(BIN)/zizmor --no-progress --quiet $(if $(GH_TOKEN),,--offline) $(WORKFLOWS) action.yml
	@$(BIN)/hadolint Dockerfile
	@if command -v go >/dev/null; then \
		go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 -shellcheck $(BIN)/shellcheck $(WORKFLOWS); \
	else echo "make: no Go, so actionlint was not run" >&2; fi
	@if command -v npx >/dev/null; then bash tools/gitlab_jobs.sh $(BIN)/reconciler; \
	else echo "make: no Node.js, so gitlab-ci-local was not run" >&2; fi

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
	@$(BIN)/python -c 'import zensical' 2>/dev/null || $(LOCKED) requirements/docs.txt
	@$(BIN)/python -m zensical build --clean --strict
	@echo "site/ is ready: python3 -m http.server -d site"

bench: $(READY)  ## measure it against floors and peers (TABLES="start load": some of the tables; all take half an hour)
	@$(BIN)/python -c 'import matplotlib' 2>/dev/null || $(LOCKED) requirements/bench.txt
	@$(BIN)/python bench/run.py $(TABLES)

instructions: $(READY)  ## count the instructions of each stage of a plan, against what they were
	@$(BIN)/python bench/instructions.py

market: $(READY)  ## score floor suggestions against other rules, in markets whose best floors are known
	@$(BIN)/python bench/market/score.py --seeds 1-10 --rounds 12

soak: $(READY)  ## play 10,000 random fault histories (SOAK_HISTORIES=N), kill an apply at every point, draw other examples of laws (LAWS=N times)
	@$(BIN)/python bench/soak.py
	@for round in $$(seq $(or $(LAWS),1)); do $(BIN)/python -m pytest -n auto tests/laws --hypothesis-profile=others || exit 1; done

cluster: $(READY)  ## hold a Spark cluster on this machine to DuckDB's answers (SOAK_ROWS=N; ten million)
	@$(BIN)/python -m pytest -q --durations=0 tests/spark_cluster.py

dist: $(READY)  ## build the wheel and the source distribution in dist/, and check what an index would show of them
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist .
	@$(BIN)/python -m venv --clear build/release
	@build/release/bin/python -m pip --disable-pip-version-check --no-input install --quiet --no-build-isolation --require-hashes --requirement requirements/release.txt
	@build/release/bin/python -m twine check --strict dist/*

# Debian's packages, where none of the programs is there and one can be had without asking. Without them the tests that
# need them are skipped, but not in CI.
define debian
	@for name in $(2); do PATH="$$PATH:/usr/sbin" command -v $$name >/dev/null && exit 0; done; \
	command -v apt-get >/dev/null || exit 0; \
	if test "$$(id -u)" = 0; then root=; elif sudo -n true 2>/dev/null; then root=sudo; else exit 0; fi; \
	echo "installing $(1) for $(3)" >&2; \
	{ $$root apt-get update -qq && \
		$$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1); } >/dev/null 2>&1 \
		|| echo "make: $(1) could not be installed" >&2
endef

browser:  ## a Chromium for tests/browser, if there is none
	$(call debian,chromium,chromium chromium-browser google-chrome,tests/browser)

pooler:  ## a PgBouncer for the tests of the store, if there is none
	$(call debian,pgbouncer,pgbouncer,tests/unit/store)

uv: $(READY)
	@test -x $(BIN)/uv || $(LOCKED) requirements/lock.txt

# A half-made environment has no stamp, and is made again. Only what is locked is installed; that this is all that
# pyproject.toml asks for is what tests/architecture/test_lock.py holds.
$(READY): pyproject.toml $(VENV)/.locked
	@$(PIP) install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.locked: requirements/setup.txt requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "make: no Python from 3.11 on was found; set PYTHON=/path/to/one" >&2; exit 1; }
	@echo "setting up $(VENV)" >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(LOCKED) requirements/setup.txt
	@$(LOCKED) requirements/dev.txt
	@touch $@

# The demo alone needs none of what tests need. Where .venv is there already, it is taken.
.venv-demo/.ready: BIN := .venv-demo/bin
.venv-demo/.ready: pyproject.toml requirements/demo.txt
	@test -n "$(PYTHON)" || { echo "make: no Python from 3.11 on was found; set PYTHON=/path/to/one" >&2; exit 1; }
	@echo "setting up $(@D)" >&2
	@$(PYTHON) -m venv --clear $(@D)
	@$(LOCKED) requirements/demo.txt
	@$(PIP) install --quiet --no-build-isolation --no-deps --editable .
	@touch $@
