# Kouan's commands. Everything they make stays in this folder: .venv, node_modules, .kouan.
# What each one needs is set up first, and only again when what decides it has changed.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup run test faults check fuzz format messages docs bench lock clean

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -qq install --no-deps

# The first Python that is new enough and can make a virtual environment; PYTHON=... overrides.
PYTHON = $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { command -v $$python; break; }; done)

# mypy and the message tools read Django's settings, which read a node's: tools/node.toml is nobody's node.
TOOLS := env KOUAN_NODE=tools/node.toml KOUAN_SECRET_KEY=only-for-tools-that-read-the-settings-not-secret

PYTEST = $(PY) -m pytest -n auto --maxprocesses 8 --dist loadgroup

# A copied checkout brings an environment whose programs still point at the place it was made in.
ifneq ($(shell grep -s '^command = ' $(VENV)/pyvenv.cfg | grep -v ' $(CURDIR)/$(VENV)$$'),)
$(info The environment in $(VENV) was made in another folder: making it anew.)
$(shell rm -rf $(VENV))
endif

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.runtime $(VENV)/.messages $(VENV)/.bytecode ## install what the node needs into this folder
	@$(PY) tools/assets.py

run: setup ## start both sides: http://127.0.0.1:8100 and :8200 (RESET=1 starts clean)
	@exec $(VENV)/bin/kouan up $(if $(RESET),--reset)

test: setup $(VENV)/.dev ## run all tests, on PostgreSQL too if it is there (T="tests/core -k wire" narrows)
	@$(PY) tools/assets.py --tests
	$(if $(T),$(PYTEST) $(T),@$(PY) tools/passes.py $(PYTEST))

faults: setup $(VENV)/.dev ## 200 faults by chance, then the proof that nothing was lost (FAULTS=… SEED=…; needs root)
	FAULTS=$(or $(FAULTS),200) SEED=$(SEED) $(PY) -m pytest -n 0 -s tests/faults/test_faults.py

check: setup $(VENV)/.dev ## format, lint, types, structure, translations, generated pages
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(TOOLS) $(PY) -m mypy
	$(VENV)/bin/lint-imports --no-logo
	$(TOOLS) $(PY) tools/messages.py check
	$(TOOLS) $(PY) tools/docs.py check

fuzz: setup $(VENV)/.dev ## feed the parsers of a peer's bytes (FUZZ_SECONDS, FUZZ_INPUTS, ONLY)
	@$(PIP) --only-binary :all: "atheris>=3,<4" 2>/dev/null || true
	@$(PY) tests/fuzz/run.py

format: $(VENV)/.dev ## format the code and mend what ruff can mend
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix-only .

messages: $(VENV)/.runtime ## collect the texts to translate into the .po files
	$(TOOLS) $(PY) tools/messages.py extract
	$(TOOLS) $(PY) tools/messages.py update

docs: setup ## write the pages that are made from the program: openapi.json, catalogue.md
	@$(TOOLS) $(PY) tools/docs.py

bench: setup $(VENV)/.dev ## measure (ONLY=channel measures one thing)
	@set -e; for name in $(or $(ONLY),$(patsubst benchmarks/%.py,%,$(wildcard benchmarks/[a-z]*.py))); do \
		$(PY) benchmarks/$$name.py; done

# Locks name no index, so that a closed network's own mirror serves; see docs/decisions.
COMPILE = $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header $(if $(UPGRADE),--upgrade) pyproject.toml

lock: $(VENV)/.dev ## bring the locks up to pyproject.toml (UPGRADE=1 takes the newest versions)
	$(COMPILE) --group build --output-file requirements.lock
	$(COMPILE) --extra otel --constraint requirements.lock --output-file requirements-otel.lock
	$(COMPILE) --extra otel --group build --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove what setup made; the nodes in .kouan stay
	rm -rf $(VENV) node_modules src/kouan/web/static/vendor dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src -name '*.mo' -delete

$(PY):
	@test -n "$(PYTHON)" || { echo "Kouan needs Python 3.11 or newer with venv (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(PY)
	@echo "Installing what the node needs ..."
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip --default-pip >/dev/null
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing what the tests need ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

# Every command starts a third sooner, also where Python may write no bytecode itself.
$(VENV)/.bytecode: $(shell find src -name '*.py') $(VENV)/.runtime
	@$(PY) -m compileall -q src
	@touch $@

$(VENV)/.messages: tools/messages.py $(shell find src -name '*.po') $(VENV)/.runtime
	@$(TOOLS) $(PY) tools/messages.py compile
	@touch $@
