# Every target makes what it needs; `make test` on a fresh clone is the whole truth.
PYTHON ?= python3
BIN := .venv/bin
PYTEST_ARGS ?=
DEMO_ARGS ?=
# How many tests at a time. Many of those that need no cluster wait, so there are more of them than
# cores; a real cluster waits a third of the time, and each worker has one of its own (about 1 GB).
WORKERS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))
CLUSTERS ?= 3
PYTEST := $(BIN)/python -m pytest --dist loadgroup
# Each worker compiles all tests where nothing is kept of it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check unit packaging e2e packages cluster format lock bench archive clean help

help:            ## show this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: .venv/demo     ## try the plugin on a cluster that is only emulated; needs nothing else
	@.venv/demo/bin/kubectl-nodedns demo $(DEMO_ARGS)

# What it takes to run, without what it takes to develop: a fresh clone shows the screen in a minute.
.venv/demo: pyproject.toml
	@echo "making $@ once, which takes half a minute or so"
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

test: .venv/ready    ## all checks and all tests; the e2e tests need Linux, root and Go
	$(MAKE) --jobs 2 check packages
	$(PYTEST) -n $(CLUSTERS) $(PYTEST_ARGS)

check: .venv/ready   ## formatting, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: .venv/ready    ## the tests that need neither a cluster nor a package
	$(PYTEST) -n $(WORKERS) -m 'not e2e and not packaging' $(PYTEST_ARGS)

packaging: .venv/ready ## the tests of the wheel, of krew's archive and of a fresh clone
	$(PYTEST) -n $(WORKERS) -m packaging $(PYTEST_ARGS)

# All of them use several clusters; a part of them uses the one that `tests.cluster up` has started.
e2e: cluster         ## the tests on a real Kubernetes
	$(PYTEST) $(if $(PYTEST_ARGS),,-n $(CLUSTERS)) -m e2e $(PYTEST_ARGS)

packages: .venv/ready
	$(BIN)/python -m tests.cluster prepare

cluster: .venv/ready ## make ready what the test cluster runs (about 10 minutes the first time)
	$(BIN)/python -m tests.cluster prepare --build

format: .venv/ready  ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/ready    ## write both locks anew, with hashes and without URLs
	$(PYTHON) -m venv .venv/lock && .venv/lock/bin/pip install --quiet uv
	.venv/lock/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock' \
	  --quiet --output-file requirements.lock
	.venv/lock/bin/uv pip compile --group release --universal --python-version 3.10 \
	  --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock' \
	  --quiet --output-file .github/release.lock

bench: .venv/ready   ## every figure that the documentation quotes
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit; done

archive: .venv/ready ## krew's archive for this platform, in dist/ (a minute or two)
	$(BIN)/python scripts/build_krew_archive.py

clean:               ## remove what was made here; end the test cluster first
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
