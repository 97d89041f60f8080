# `make demo` and `make test` work from a bare checkout: they need Python 3.11 or newer, nothing else.
PYTHON ?= python3
BIN := .venv/bin
STEMS ?= stems

.PHONY: demo test test-web lint format web bench train clean

demo: .venv/installed
	$(BIN)/unbraid separate demo/lithium-demo.flac -o $(STEMS)

test: .venv/developing
	$(BIN)/python -m pytest --ignore=tests/web

test-web: .venv/developing
	$(BIN)/python -m pytest tests/web

lint: .venv/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/developing
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

web: .venv/serving
	$(BIN)/unbraid web

bench: .venv/developing
	$(BIN)/python -m benchmarks.separate

train: .venv/developing
	$(BIN)/unbraid train unbraid --resume --data runs/corpus/train --valid runs/corpus/valid --minutes $(or $(MINUTES),120)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/python:
	$(PYTHON) -m venv .venv
	@touch $@

.venv/installed: .venv/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/serving: .venv/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/developing: .venv/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@
