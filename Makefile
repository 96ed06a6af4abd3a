.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
REAL := on_kafka or on_ray or on_kubernetes
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/ready  ## make the environment: exact versions, checked hashes
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; say which with make PYTHON=…")'
	$(PYTHON) -m venv .venv
	@# by uv, which takes seconds where pip takes minutes
	@awk '/^uv==/ {own = 1} own {print} own && !/\\$$/ {exit}' requirements.lock >.venv/uv.txt
	$(PIP) --require-hashes -r .venv/uv.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock \
		|| $(PIP) --require-hashes -r requirements.lock  # which knows what was set for pip alone
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

test: setup check  ## everything that CI runs: style, types, all tests with real brokers
	@# An API server is built beside the tests that need no broker, which run on up to four cores; the others run one by one. What
	@# fails of the first hides nothing of the second.
	@$(BIN)/python -m tests.kuberay.control_plane 2>/dev/null & building=$$!; trap 'kill $$building 2>/dev/null' EXIT; trap 'exit 130' INT TERM; \
	$(MAKE) --no-print-directory fast; fast=$$?; $(BIN)/pytest tests -m "$(REAL)"; real=$$?; exit $$((fast | real))

fast: setup  ## the tests that need no Ray, no JVM and no Kubernetes
	$(BIN)/pytest tests -m "not ($(REAL))" -n auto --maxprocesses 4

check: setup  ## style, types, the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## rewrite the code in the house's style
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

demo: setup  ## see what this is, in a few minutes, on a local Kafka and a local Ray
	$(BIN)/marathon try

bench: setup  ## CPU time per record beside the usual tools, written to benchmarks/README.md
	$(BIN)/python -m benchmarks

lock: setup  ## choose the newest versions that fit pyproject.toml, with hashes
	$(BIN)/uv pip compile --quiet --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade pyproject.toml -o requirements.lock

.PHONY: help setup test fast check format demo bench lock
