# Needs python3 (3.11 or later, with venv), make and git. Everything else comes from the package registries.

BENCHES = intake delivery live chaos inbox replies webhooks

.PHONY: demo test lint fmt bench docs texts setup clean

demo:             # A demo shop on a fresh folder, with a sandbox to write to it as a customer.
	@scripts/demo

# More than there are cores, since many tests wait for a page or a process; tests/schedule.py says what they take when.
# Bytecode is kept: some hundred processes of tests would each compile the same thousand files.
WORKERS = $(shell python3 -c 'import os; print(len(os.sched_getaffinity(0)) + 3)')

test: setup       # All tests, on every core; ARGS="tests/cli -k kill" runs some.
	PYTHONDONTWRITEBYTECODE= .venv/bin/pytest $(or $(ARGS),-n $(WORKERS))

lint: setup       # What CI checks besides the tests.
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

fmt: setup        # Put the code into shape.
	.venv/bin/ruff check --fix-only --exit-zero .
	.venv/bin/ruff format .

bench: setup      # Every benchmark; ARGS="chaos --seed 7" runs one, with its options.
	$(if $(ARGS),.venv/bin/python -m bench.$(ARGS),set -e; for name in $(BENCHES); do .venv/bin/python -m bench.$$name; done)

docs: setup       # The tables of settings in docs/operating.md.
	.venv/bin/python scripts/document_settings.py

texts: setup      # The catalogues brought up to the sources; says what is left to translate.
	.venv/bin/python scripts/texts.py
	.venv/bin/python scripts/catalogues.py

setup:            # Packages as locked, and compiled interface texts.
	@scripts/setup

clean:            # What can be made again. Data folders are left alone.
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
