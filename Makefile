# Baton: one command each. `make help` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
# The first of these that is new enough; name another one with make PYTHON=/path/to/python3.12
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
RASA_VENV := .venv-rasa
PIP_QUIET := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

export RASA_TELEMETRY_ENABLED := false
export HF_HUB_OFFLINE := 1
export BATON_PYTHON310

.PHONY: help setup run test check bench faults screenshots clean

help: ## List the commands.
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 22

setup: $(VENV)/.ready $(RASA_VENV)/.ready ## Make both environments (the other commands do it themselves).

run: setup ## Start everything; Ctrl-C stops it.
	@exec $(VENV)/bin/baton run

test: setup $(VENV)/.dev ## Run every test, with the real models, the real Rasa server and a real browser.
	@./tests/ensure_browser.sh
	@./tests/ensure_servers.sh
	@$(VENV)/bin/python -m pytest

check: $(VENV)/.dev ## Format, lint, types, import ladder, sizes.
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/python -m pytest -q tests/structure

bench: setup $(VENV)/.dev ## Measure, side by side in one run.
	@$(VENV)/bin/python -m tests.bench

faults: $(VENV)/.dev ## Kill, cut and starve the real servers while everybody talks; count what is lost (20 minutes).
	@./tests/ensure_servers.sh
	@$(VENV)/bin/python -m tests.faults

screenshots: setup $(VENV)/.dev ## Take README's screenshots from the running product.
	@./tests/ensure_browser.sh
	@$(VENV)/bin/python -m tests.screenshots

clean: ## Remove environments and everything that can be made again; databases in var/ stay.
	rm -rf $(VENV) $(RASA_VENV) var/models *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis

# A stamp is written last, so that a step that was interrupted is repeated; an environment without a working pip is made anew.
$(VENV)/.ready: pyproject.toml constraints.txt
	@[ -n "$(PYTHON)" ] || { \
	  echo "Baton needs Python 3.11 or later and found none. Install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || { \
	  echo "Making Baton's environment with $(PYTHON) ..."; $(PYTHON) -m venv --clear $(VENV); } || { \
	  echo "Install Debian's package python3-venv, then run make again."; exit 1; }
	@echo "Installing Baton's dependencies (a minute or two) ..."
	@$(PIP_QUIET) $(VENV)/bin/python -m pip install -qq -c constraints.txt torch==2.13.0
	@echo "  torch is in; now the rest ..."
	@$(PIP_QUIET) $(VENV)/bin/python -m pip install -qq -c constraints.txt -e .
	@$(PIP_QUIET) $(VENV)/bin/python -m pip check
	@echo "Quantising the embedding model ..."
	@$(VENV)/bin/python -m knowledge_base.quantisation || \
	  echo "onnxruntime cannot run it here (see above): PyTorch encodes, more slowly."
	@touch $@

$(VENV)/.dev: $(VENV)/.ready
	@echo "Installing what tests and checks need ..."
	@$(PIP_QUIET) $(VENV)/bin/python -m pip install -qq -c constraints.txt -e '.[dev]'
	@$(PIP_QUIET) $(VENV)/bin/python -m pip check
	@touch $@

$(RASA_VENV)/.ready: bot/requirements.txt bot/find_python.sh | $(VENV)/.ready
	@$(RASA_VENV)/bin/python -m pip --version >/dev/null 2>&1 || { \
	  python=$$(./bot/find_python.sh) && echo "Making Rasa's environment with $$python ..." && \
	  "$$python" -m venv --clear $(RASA_VENV); }
	@echo "Installing Rasa (about two minutes) ..."
	@$(PIP_QUIET) $(RASA_VENV)/bin/python -m pip install -qq -r bot/requirements.txt
	@$(PIP_QUIET) $(RASA_VENV)/bin/python -m pip check
	@touch $@
