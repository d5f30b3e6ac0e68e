# Everything runs in .venv, made from lock files: what judging needs, and what developing and notebooks need beside it.
# Needs CPython 3.11 to 3.13, pip and make; nothing else.
PYTHON ?= python3
BIN := .venv/bin
#: Per cent of the lines of the package that its own tests have to run, in their own process (89 on 2026-11-27).
COVERED := 86
# Compiled modules are kept, whatever the shell says: without them each start of pytest takes twice as long, and tests start many.
export PYTHONDONTWRITEBYTECODE :=
#: JupyterLab refuses to be root's unless it is told; in a container everybody is.
AS_ROOT = $(if $(filter 0,$(shell id -u)),--allow-root)
.DEFAULT_GOAL := help

.PHONY: help install develop conformance test prove notebooks pictures lint lock clean

help:  ## say what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.ready  ## make .venv, with what judging needs and nothing more

develop: .venv/.dev  ## add what notebooks and developing need, and open nothing

conformance: .venv/.ready  ## judge every recorded version of Mattermost, and make a page of what was seen
	$(BIN)/mmconform campaign recorded:all; run=$$?; $(BIN)/mmconform report && exit $$run

# Three processes, since on two cores two of them wait for others, and for the servers that they start, a quarter of the time.
test: .venv/.dev lint  ## the project's own tests, then the suites on the newest tape
	$(BIN)/pytest tests -n 3 --dist loadgroup --cov=mmconform --cov-report=
	$(BIN)/coverage report --fail-under=$(COVERED) --format=total
	$(BIN)/pytest -n 2

prove: .venv/.ready  ## run the suites on servers with one flaw each, beside plain Schemathesis
	$(BIN)/mmconform prove --baseline schemathesis
	$(BIN)/python benchmarks/fidelity.py

notebooks: .venv/.dev  ## look at the records, and ask them questions of your own
	$(BIN)/jupyter lab --notebook-dir notebooks $(AS_ROOT)

pictures: .venv/.dev conformance  ## make the README's pictures and the notebooks' outputs anew
	$(BIN)/python docs/pictures.py

lint: .venv/.dev  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2

# The locks name everything: --no-deps, since pip would look for a newer coverage for "coverage[toml]" and then refuse it.
.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "$(PYTHON) is no CPython 3.11 to 3.13; name one: make PYTHON=python3.12 …"; exit 1; }
	@echo "making .venv of the packages that requirements.lock names: once, some minutes, nothing outside this folder"
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip --disable-pip-version-check check
	@touch $@

# Not compiled beforehand, which takes as long as the rest: of most of these packages nobody imports more than a few modules.
.venv/.dev: .venv/.ready requirements-dev.lock requirements-dask.lock
	@echo "adding the packages that requirements-dev.lock and requirements-dask.lock name: once, some minutes, into .venv only"
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile --no-deps --require-hashes -r requirements-dask.lock
	$(BIN)/python -m pip --disable-pip-version-check check
	@touch $@

LOCK := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host \
  --no-emit-find-links --no-header

lock:  ## choose the newest versions that pyproject.toml allows
	$(BIN)/python -m pip --disable-pip-version-check install --quiet pip-tools
	$(LOCK) --extra dev --extra notebooks --output-file requirements-dev.lock pyproject.toml
	$(LOCK) --extra dask --constraint requirements-dev.lock --output-file requirements-dask.lock pyproject.toml
	$(LOCK) --build-deps-for editable --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml

clean:  ## take away what was made, records and environment too
	rm -rf .venv build reports/*/ reports/index.html .pytest_cache .mypy_cache .ruff_cache
