PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PYTHONPATH := src
# compiled modules are kept, even where the machine says otherwise: hundreds of processes import the same ones
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install browser demo test lint bench fuzz scenarios clean

help:  ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## ?/  make \1\t/' | expand -t 18

install: $(STAMP)  ## make .venv from the locked, hashed requirements (only when they changed)

$(STAMP): requirements/lock.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

demo: install  ## take a sample PEO through a whole benefits year
	$(BIN)/python -m openbenefits.cli demo

browser:
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
		|| echo 'No Chromium: install it (Debian: apt-get install chromium), for the tests of pages' >&2

# a file's tests go to one of the three processes, which so fills its databases once, long files first (tests/conftest.py);
# each process computes on one core
test: install browser  ## run all tests
	POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

lint: install  ## check style, types and the floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install  ## print the figures of the benchmark
	$(BIN)/python -m bench

fuzz: install  ## run the generated cases longer
	OPENBENEFITS_FUZZ=1 $(BIN)/python -m pytest -q -n 2 --hypothesis-profile=fuzz tests/laws tests/oracle tests/programs/test_laws.py tests/programs/test_waits.py tests/carriers/enrollment/test_laws.py tests/carriers/test_mutations.py tests/carriers/test_acknowledgements.py tests/carriers/test_conformance.py tests/carriers/test_differences.py tests/carriers/test_renderings.py tests/carriers/test_reports.py tests/carriers/test_x12_writer.py tests/payroll/test_apart.py tests/payroll/test_generated.py tests/payroll/test_laws.py tests/rating/test_group_term_life.py tests/enrollment/test_timeline.py tests/repair/test_hindsight.py tests/repair/test_histories.py tests/repair/test_machine.py tests/repair/test_one_by_one.py tests/repair/test_poisoned.py tests/repair/test_undone.py tests/runs/test_killed.py
	OPENBENEFITS_API_EXAMPLES=25 $(BIN)/python -m pytest -q tests/api/test_schema.py

scenarios: install  ## play the stories in scenarios/
	$(BIN)/python -m openbenefits.cli scenario run scenarios

clean:  ## remove the environment and everything made
	rm -rf $(VENV) demo-output bench-output .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
