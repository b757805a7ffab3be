# Each target sets up what it needs in .venv; PYTHON chooses the interpreter (3.11 or newer).
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-learning test-rest long slow all-learning all-rest lint bench docs pages lock clean

demo: .venv/run.stamp  ## rank bidders on a small market and write a report
	$(BIN)/equibid demo

# About half of what the tests take.
HALF := tests/learning tests/envs tests/simulation tests/bidders

test: .venv/dev.stamp  ## the fast tests, in two parts side by side
	@echo "Two parts run side by side; each is shown when it ends, after some minutes."
	@$(MAKE) --no-print-directory --jobs 2 --output-sync test-learning test-rest

test-learning: .venv/dev.stamp
	$(BIN)/pytest $(HALF)

test-rest: .venv/dev.stamp
	$(BIN)/pytest $(addprefix --ignore=,$(HALF))

long: .venv/dev.stamp  ## the tests of tests/long_tests.txt
	$(BIN)/pytest -m long

slow: .venv/dev.stamp  ## the slow tests
	$(BIN)/pytest -m slow

# Every test, in two parts: those of a part use each other's programs.
all-learning: .venv/dev.stamp
	$(BIN)/pytest -m "" --durations=12 $(HALF)

all-rest: .venv/dev.stamp
	$(BIN)/pytest -m "" --durations=12 $(addprefix --ignore=,$(HALF))

lint: .venv/dev.stamp  ## style, types, import direction, docs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/zensical build --clean --strict

bench: .venv/dev.stamp  ## the measurements of docs/benchmarks.md
	for bench in day import_log parallel value_table generate rlbidder_tick response "equilibria reliability" "equilibria table" predictor learning "learning training" environments; do set -- $$bench; $(BIN)/python benchmarks/$$1.py $$2 || exit 1; done

docs: .venv/dev.stamp  ## the documentation at http://127.0.0.1:8000
	$(BIN)/zensical serve --dev-addr 127.0.0.1:8000

pages: .venv/dev.stamp  ## write the pages of the documentation that are made from the code
	$(BIN)/python .ci/pages.py

lock: .venv/dev.stamp  ## write requirements/*.txt anew
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
		--quiet --upgrade --group build pyproject.toml --output-file requirements/run.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
		--quiet --upgrade --group dev pyproject.toml --output-file requirements/dev.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
		--quiet --upgrade --extra mlflow --extra wandb --constraint requirements/run.txt \
		pyproject.toml --output-file requirements/loggers.txt

.venv/run.stamp: requirements/run.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.venv/dev.stamp: requirements/dev.txt .venv/run.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

clean:
	rm -rf .venv .cache site runs
