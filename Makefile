# make run: the demo plant and the bridge. make test: everything that must hold. Both make .venv first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test bench lint

run: .venv/.ready
	$(BIN)/uatwin demo

test: lint
	$(BIN)/pytest --numprocesses 2 --dist worksteal

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.ready
	$(BIN)/uatwin bench

.venv/.ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch .venv/.ready
