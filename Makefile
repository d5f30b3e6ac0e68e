# Everything runs in .venv, made from the lock file. Needs CPython 3.11 to 3.13, pip and make; nothing else.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help

.PHONY: help conformance test prove notebooks pictures lint lock clean

help:  ## say what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

conformance: .venv/.ready  ## judge every recorded version of Mattermost, and make a page of what was seen
	$(BIN)/pytest --target recorded:all; run=$$?; $(BIN)/mmconform report && exit $$run

test: .venv/.ready lint  ## the project's own tests, then the suites on the newest tape
	$(BIN)/pytest tests -n 2
	$(BIN)/pytest

prove: .venv/.ready  ## run the suites on servers with one flaw each, beside plain Schemathesis
	$(BIN)/mmconform prove --baseline schemathesis
	$(BIN)/python benchmarks/fidelity.py

notebooks: .venv/.ready  ## look at the records, and ask them questions of your own
	$(BIN)/jupyter lab --notebook-dir notebooks

pictures: .venv/.ready conformance  ## make the README's pictures and the notebooks' outputs anew
	$(BIN)/python docs/pictures.py

lint: .venv/.ready  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "$(PYTHON) is no CPython 3.11 to 3.13; name one: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

lock:  ## choose the newest versions that pyproject.toml allows
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --extra dev --extra notebooks --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
	  --no-emit-trusted-host --no-emit-find-links --no-header --output-file requirements.lock pyproject.toml

clean:  ## take away what was made, records and environment too
	rm -rf .venv reports/*/ reports/index.html .pytest_cache .mypy_cache .ruff_cache
