# Everything a developer runs. Each target works on a fresh clone: .venv is made from the hashed lock files once,
# and a stamp file makes the next call fast.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
CONFIG ?= config.yaml
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-stamp
DEV := $(VENV)/.dev-stamp
PEERS := .venv-bench/.stamp
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
# No index address may reach the lock files: they are for everybody.
COMPILE := $(BIN)/pip-compile --quiet --upgrade --allow-unsafe --generate-hashes --strip-extras \
  --no-emit-find-links --no-emit-index-url --no-emit-trusted-host
# `make check` and .ci/run set it; tests are faster without.
COVERAGE :=
# Half of the time goes into waiting for real components; a file's tests stay together for their fixtures.
PARALLEL := -n auto --dist loadfile
# The state of accounts and the rules of the exchanges: where a wrong branch means a wrong balance.
COVERED := exporter/core/*,exporter/exchanges/*
NOT_COVERED := */simulator.py,*/sim_*.py,*/venue.py

export PYTHONPATH := $(CURDIR)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: demo
demo: $(RUNTIME) ## watch simulated exchanges; no keys, no network
	@exec $(BIN)/python -m exporter demo $(ARGS)

.PHONY: run
run: $(RUNTIME) ## serve the accounts of config.yaml (CONFIG=other.yaml for another file)
	@exec $(BIN)/python -m exporter run --config.file=$(CONFIG) $(ARGS)

.PHONY: test
test: $(DEV) ## run the tests (ARGS="-k words" to choose)
	@$(BIN)/python -m pytest $(PARALLEL) $(COVERAGE) $(ARGS)

.PHONY: check
check: COVERAGE := --cov --cov-report=
check: lint types test floor docs-check wheel-check ## everything CI demands

.PHONY: fmt
fmt: $(DEV) ## format and mend what ruff can mend
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

.PHONY: lint
lint: $(DEV)
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check

.PHONY: types
types: $(DEV)
	@$(BIN)/mypy

.PHONY: floor
floor: $(DEV) # judges the tests' last run with --cov
	@$(BIN)/coverage report --include='$(COVERED)' --omit='$(NOT_COVERED)' --fail-under=90

.PHONY: docs
docs: $(RUNTIME) ## write anew what is generated: docs/metrics.md, dashboards, Kubernetes rules
	@$(BIN)/python -m exporter.exposition.document
	@$(BIN)/python -m grafana.source
	@$(BIN)/python prometheus/build.py

.PHONY: docs-check
docs-check: $(RUNTIME)
	@$(BIN)/python -m exporter.exposition.document --check
	@$(BIN)/python -m grafana.source --check
	@$(BIN)/python prometheus/build.py --check

.PHONY: wheel-check
wheel-check: $(DEV)
	@.ci/wheel $(BIN)/python

.PHONY: lock
lock: $(DEV) ## renew requirements/*.txt from pyproject.toml and dev.in
	@$(COMPILE) --output-file=requirements/runtime.txt pyproject.toml
	@$(COMPILE) --output-file=requirements/build.txt requirements/build.in
	@$(COMPILE) --output-file=requirements/dev.txt requirements/dev.in

.PHONY: bench
bench: $(DEV) bench-peers ## measure against peers and limits (ARGS="queued.* --rounds 3" to choose)
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-quick
bench-quick: $(DEV) ## the same in two minutes, with what is there
	@$(BIN)/python -m benchmarks --quick $(ARGS)

# A peer that cannot be had is missing in the table; nothing else fails for it.
.PHONY: bench-peers
bench-peers: $(PEERS)
	@if command -v npm >/dev/null && [ ! -d benchmarks/node/node_modules ]; then \
	  npm ci --prefix benchmarks/node --silent --no-audit --no-fund || echo "make: no peers on Node.js" >&2; fi

.PHONY: bench-lock
bench-lock: $(DEV) # renews benchmarks/peers.txt
	@$(COMPILE) --output-file=benchmarks/peers.txt benchmarks/peers.in

$(PEERS): benchmarks/peers.txt | $(VENV)/bin/python
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip --quiet --disable-pip-version-check --no-input install --require-hashes -r $< \
	  && touch $@ || echo "make: no peers for Python" >&2

.PHONY: clean
clean: ## remove everything that is not in the repository's files, .venv included
	@rm -rf $(VENV) .venv-bench .bench benchmarks/node/node_modules build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "make: $(PYTHON) is $$($(PYTHON) --version 2>&1 || true); Python 3.11 or newer is needed," \
	    "for example: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements/runtime.txt | $(VENV)/bin/python
	@$(PIP) install --require-hashes -r $<
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	@$(PIP) install --require-hashes -r $<
	@touch $@
