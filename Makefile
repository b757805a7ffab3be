# Each target sets up what it needs in .venv; PYTHON chooses the interpreter (3.11 or newer).
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-learning test-rest long long-learning long-rest slow slow-learning slow-commands slow-others lint bench docs pages lock clean

demo: .venv/run.stamp  ## rank bidders on a small market and write a report
	$(BIN)/equibid demo

LEARNING := tests/learning tests/envs tests/simulation
# About half of what the fast tests take, and of those that take seconds.
HALF := $(LEARNING) tests/bidders
COMMANDS := tests/cli tests/evaluation tests/logs tests/reports tests/runs

test: .venv/dev.stamp  ## the fast tests, in two parts side by side
	@echo "Two parts run side by side; each is shown when it ends, after some minutes."
	@$(MAKE) --no-print-directory --jobs 2 --output-sync test-learning test-rest

test-learning: .venv/dev.stamp
	$(BIN)/pytest $(HALF)

test-rest: .venv/dev.stamp
	$(BIN)/pytest $(addprefix --ignore=,$(HALF))

long: long-learning long-rest  ## the tests of tests/long_tests.txt

long-learning: .venv/dev.stamp
	$(BIN)/pytest -m long $(HALF)

long-rest: .venv/dev.stamp
	$(BIN)/pytest -m long $(addprefix --ignore=,$(HALF))

slow: slow-learning slow-commands slow-others  ## the slow tests

slow-learning: .venv/dev.stamp
	$(BIN)/pytest -m slow --durations=12 $(LEARNING)

slow-commands: .venv/dev.stamp
	$(BIN)/pytest -m slow --durations=12 --quickly-made $(COMMANDS)

slow-others: .venv/dev.stamp
	$(BIN)/pytest -m slow --durations=12 $(addprefix --ignore=,$(LEARNING) $(COMMANDS))

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
