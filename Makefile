# Everything runs in .venv, which is made on first use from the hashes in requirements*.txt.
PYTHON ?= python3
ARGS   ?=
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check install
LOCKED := $(PIP) --require-hashes --only-binary :all:
LOCK   := $(BIN)/uv --quiet pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
          --no-header --no-annotate --no-strip-extras --no-emit-index-url --no-emit-find-links --group build

# Pyright would otherwise ask the network for a newer version of itself.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.PHONY: help run test coverage proof lint format bench bench-growth bench-local-time bench-pages lock clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1	/p' $(MAKEFILE_LIST)

run: .venv/.run ## start Contactory; ARGS="--port 9000" goes to `contactory serve`
	@exec $(BIN)/contactory serve $(ARGS)

test: lint ## check style, types and imports, then run every test; ARGS="-k tags" goes to pytest
	@tools/need chromium-headless-shell chromium chromium-browser google-chrome
	@for name in nginx haproxy pgbouncer openssl; do tools/need $$name; done
	$(BIN)/pytest -n logical --maxprocesses 8 --dist worksteal $(ARGS) </dev/null

coverage: ## run every test, and show the lines that none of them runs: twice as slow
	@$(MAKE) --no-print-directory test ARGS="--cov --cov-report term $(ARGS)"

proof: .venv/.dev ## prove the promises with many more cases, for half an hour; CONTACTORY_SEED=N repeats a run
	CONTACTORY_PROOF=1 $(BIN)/pytest tests/durability tests/writer tests/events/test_migration.py \
	  tests/jobs/test_crashes.py $(ARGS) </dev/null

lint: .venv/.dev ## check style, types, imports, dead code and migrations only
	$(BIN)/ruff check && $(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python && $(BIN)/lint-imports --no-logo
	$(BIN)/python tools/dead.py && $(BIN)/squawk contactory/database/migrations/*.sql

format: .venv/.dev ## lay the code out and fix what can be fixed without thought
	$(BIN)/ruff check --fix-only && $(BIN)/ruff format

bench: .venv/.dev ## measure, within ten minutes; ARGS=--quick takes three, ARGS=--help shows the rest
	@tools/need wrk
	$(BIN)/python -m bench $(ARGS)

bench-growth: .venv/.dev ## measure with few and many contacts and as history grows, within half an hour
	@tools/need wrk
	$(BIN)/python -m bench --growth $(ARGS)

bench-local-time: .venv/.dev ## measure verdicts, who may be contacted now, and the plan, within a quarter of an hour
	@tools/need wrk
	$(BIN)/python -m bench --local-time $(ARGS)

bench-pages: .venv/.dev ## measure the dashboard's pages, at the server and in a browser, within ten minutes
	@tools/need chromium-headless-shell chromium chromium-browser google-chrome
	$(BIN)/python -m bench --pages $(ARGS)

lock: ## bring requirements*.txt in line with pyproject.toml; ARGS=--upgrade takes newer versions
	@tools/need venv $(PYTHON)
	$(PIP) uv==0.13.9
	$(LOCK) --group dev --output-file requirements-dev.txt $(ARGS)
	$(LOCK) --constraint requirements-dev.txt --output-file requirements.txt $(ARGS)

clean: ## remove all that these commands made, but no data
	rm -rf .venv .coverage .coverage.* .hypothesis artefacts .import_linter_cache .pytest_cache .ruff_cache dist htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.run: requirements.txt pyproject.toml
	@tools/need venv $(PYTHON)
	$(LOCKED) -r requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.run
	$(LOCKED) -r requirements-dev.txt
	@touch $@
