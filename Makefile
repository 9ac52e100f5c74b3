# Everything runs in .venv, which each target makes where it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CPYTHON := $(VENV)/cpython
ENGINE := $(VENV)/engine
GATEWAY := $(VENV)/gateway
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo demo-rollback test trials conformance coverage test-wheel test-engine test-gateway fuzz chaos siege modules serve lint bench bench-contexts bench-providers bench-page picture pins clean
.DEFAULT_GOAL := help

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-19s %s\n", $$1, $$2 }'

demo: $(VENV)/.runtime  ## the questions of demo/questions/ with their truth (KEEP=1: leave the server up)
	@$(BIN)/python demo/demo.py

demo-rollback: $(VENV)/.rivals  ## an endless loop, a memory and a recursion bomb, here and in two other systems
	@$(BIN)/python -m orchestrator build-guest
	@$(BIN)/python demo/rollback.py

test: $(VENV)/.dev  ## all tests
	@$(BIN)/python -m orchestrator build-guest
	@$(BIN)/python -m pytest -q

coverage: $(VENV)/.dev  ## all tests, and which lines and branches of orchestrator/ they reach (a floor is in pyproject.toml)
	@$(BIN)/python -m orchestrator build-guest
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest -q -n 0
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage report

test-wheel: $(VENV)/.dev  ## build the wheel, install it in an empty environment, use it (WHEEL_PYTHONS="python3.12 ...": in one of each)
	@$(BIN)/python -m pytest -q -n 0 -m wheel tests/wheel

test-engine: $(VENV)/.dev $(ENGINE)/ready  ## a real model of a real server behind both protocols (the first time it is compiled, which takes minutes)
	@$(BIN)/python -m orchestrator build-guest
	@$(BIN)/python -m pytest -v -n 0 -m engine tests/engine

test-gateway: $(VENV)/.dev $(GATEWAY)/.installed  ## install a real LiteLLM proxy beside the tests, ask models through it
	@$(BIN)/python -m orchestrator build-guest
	@$(BIN)/python -m pytest -q -n 0 -m gateway tests/gateway

trials: $(VENV)/.dev  ## tasks of ten kinds asked of a model (MODEL=ollama/qwen3:32b; or MODEL=NAME MODEL_URL=...; or MAILBOX=FOLDER)
	@PYTHONPATH=.:tests/trials $(BIN)/python tests/trials/trials.py $(if $(MODEL),--model "$(MODEL)") $(if $(MODEL_URL),--url "$(MODEL_URL)") \
		$(if $(MAILBOX),--mailbox "$(MAILBOX)") $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED)) $(if $(WINDOW),--window $(WINDOW))

conformance: $(VENV)/.dev $(if $(TESTS),,$(CPYTHON)/version)  ## CPython's own tests in the guest; modules beside re, csv, json (ONLY="test_re test_json"; WRITE=1: write the table)
	@$(BIN)/python -m orchestrator build-guest
	@PYTHONPATH=.:guest_sdk/python $(BIN)/python tests/conformance/cpython.py $(or $(TESTS),$(CPYTHON)/usr/lib/python3.14/test) \
		$(if $(TESTS),,--version "$$(cat $(CPYTHON)/version)") $(if $(WRITE),--write) $(if $(ONLY),--only $(ONLY))
	@$(if $(ONLY)$(WRITE),,PYTHONPATH=.:tests:guest_sdk/python $(BIN)/python tests/conformance/agreement.py --seed $(or $(SEED),1))

fuzz: $(VENV)/.dev  ## 100,000 hostile requests, contexts and modules (SEED=2: others)
	@$(BIN)/python -m orchestrator build-guest
	@PYTHONPATH=.:tests $(BIN)/python tests/fuzz.py --cases 100000 --seed $(or $(SEED),1)

chaos: $(VENV)/.dev  ## 300 queries while model servers fail and are killed; detached runs while their own server is (SEED=2: other faults)
	@$(BIN)/python -m orchestrator build-guest
	@$(BIN)/python tests/chaos/chaos.py --seed $(or $(SEED),1)
	@$(BIN)/python tests/chaos/kills.py --seed $(or $(SEED),1)
	@$(BIN)/python tests/chaos/kills.py --seed $(or $(SEED),1) --kills 5 --trouble locked
	@$(BIN)/python tests/chaos/kills.py --seed $(or $(SEED),1) --kills 5 --trouble full
	@$(BIN)/python tests/chaos/kills.py --seed $(or $(SEED),1) --kills 10 --trouble two
	@$(BIN)/python tests/chaos/kills.py --seed $(or $(SEED),1) --kills 5 --trouble upgrade
	@$(BIN)/python tests/chaos/kills.py --seed $(or $(SEED),1) --kills 10 --trouble postgresql

siege: $(VENV)/.dev  ## attacks on a real server, one after the other: held or not, freezes, memory, a neighbour's answers (ONLY="words of its name")
	@$(BIN)/python -m orchestrator build-guest
	@$(BIN)/python tests/siege/siege.py $(if $(ONLY),--only "$(ONLY)")

modules:  ## build wasm_modules/dist/*.wasm again, with Debian 12's Rust
	@wasm_modules/build.sh

serve: $(VENV)/.runtime  ## start the server with config.toml
	@$(BIN)/python -m orchestrator serve

lint: $(VENV)/.dev  ## formatting, lint, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(VENV)/.bench  ## measure the sandbox beside native CPython and pydantic-monty; writes tests/bench/README.md
	@XDG_DATA_HOME=$$(mktemp -d) PYTHONPATH=.:tests $(BIN)/python tests/bench/bench.py

bench-contexts: $(VENV)/.dev  ## the part of it about large contexts alone (SIZES="1 10": gigabytes; 10 take 3 minutes and 30 GB of disk)
	@$(BIN)/python -m orchestrator build-guest
	@PYTHONPATH=.:tests $(BIN)/python tests/bench/contexts.py $(SIZES)

bench-providers: $(VENV)/.dev  ## the part of it about model calls alone
	@PYTHONPATH=.:tests $(BIN)/python tests/bench/providers.py

bench-page: $(VENV)/.dev  ## the page of a run of 1,000 turns and 5,000 sub-calls in Chromium: frames, scripting, memory
	@$(BIN)/python -m orchestrator build-guest
	@PYTHONPATH=.:tests:tests/web $(BIN)/python tests/bench/page.py

picture: $(VENV)/.dev  ## draw README's picture of the page anew
	@PICTURE=1 $(BIN)/python -m pytest -q -n 0 tests/web/test_page_picture.py

pins:  ## compile requirements*.txt from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --extra build pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --extra build --extra dev --extra otel --extra postgresql -c requirements.txt pyproject.toml -o requirements-dev.txt
	uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --extra build --extra bench -c requirements.txt pyproject.toml -o requirements-bench.txt
	uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --extra build --extra rivals -c requirements.txt -c requirements-dev.txt -c requirements-bench.txt pyproject.toml -o requirements-rivals.txt
	uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --group pyproject.toml:engine -o requirements-engine.txt
	uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --group gateway -o requirements-gateway.txt

clean:  ## remove .venv
	rm -rf $(VENV)

$(VENV)/.python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is missing; install Python 3.11 or later (Debian: apt-get install python3 python3-venv)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; install a newer one and run: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: $(PYTHON) has no venv module (Debian: apt-get install python3-venv)"; exit 1; }
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.python requirements.txt pyproject.toml
	@echo "installing what the server needs into $(VENV)"
	@$(INSTALL) -r requirements.txt
	@$(INSTALL) --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	@echo "installing what the tests need into $(VENV)"
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

$(CPYTHON)/version: $(VENV)/.python tests/conformance/fetch.sh
	@echo "fetching CPython's tests into $(CPYTHON)"
	@tests/conformance/fetch.sh $(CPYTHON)

$(ENGINE)/ready: $(VENV)/.python requirements-engine.txt tests/engine/install.sh
	@tests/engine/install.sh $(BIN)/python $(ENGINE)

$(GATEWAY)/.installed: $(VENV)/.python requirements-gateway.txt
	@echo "installing LiteLLM's proxy into $(GATEWAY), an environment of its own"
	@$(PYTHON) -m venv --clear $(GATEWAY)
	@$(GATEWAY)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-gateway.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.runtime requirements-bench.txt
	@echo "installing what the benchmark needs into $(VENV)"
	@$(INSTALL) -r requirements-bench.txt
	@touch $@

$(VENV)/.rivals: $(VENV)/.runtime requirements-rivals.txt
	@echo "installing the other systems into $(VENV)"
	@$(INSTALL) -r requirements-rivals.txt
	@touch $@
