# `make help` lists what there is. Everything runs from .venv, which `make setup` fills once.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
JOBS   ?= 2
EXPORTERS ?= torch tensorflow qkeras_v3 hgq

.PHONY: help setup demo test test-long test-exporters lint bench clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(READY)  ## make .venv and install bitwright with all it needs

$(READY): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "missing: $(PYTHON); install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), but Bitwright needs Python 3.11 or newer: install one and run make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "missing: the venv module of $(PYTHON); install it (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@for tool in g++ perl; do command -v $$tool >/dev/null || { echo "missing: $$tool, which simulation needs; install it (Debian: apt-get install g++ make perl)" >&2; exit 1; }; done
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup  ## compile a network for a Pynq board, verify it on 10 samples, show the report
	$(BIN)/bitwright compile tests/models/tfc_2w2a.onnx --board pynq -o build/demo --verify 10
	$(BIN)/bitwright report build/demo

test: setup lint  ## lint, then every test that is not long
	$(BIN)/python -m pytest -n $(JOBS) -m "not long"

test-long: setup  ## the long tests
	$(BIN)/python -m pytest -n $(JOBS) -m long --hypothesis-profile=long

test-exporters: setup $(EXPORTERS:%=build/exporters/%/.ready)  ## files made by the exporters themselves (6 GB; Python 3.11; EXPORTERS=torch for one)
	$(BIN)/python -m pytest -n $(JOBS) tests/exporters

build/exporters/%/.ready: tests/exporters/%.txt
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

lint: setup  ## ruff and basedpyright
	$(BIN)/ruff check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python

bench: setup  ## the benchmarks
	$(BIN)/python -m benchmarks

clean:  ## remove what was built (.venv stays)
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find bitwright tests -name __pycache__ -type d -prune -exec rm -rf {} +
