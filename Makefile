# Everything a user or a developer of passaat runs often. `make help` lists it.
# Needs GNU make and one Python 3.11, 3.12 or 3.13; without make, see "Without make" in README.md.

.DEFAULT_GOAL := help
SHELL := /bin/sh

# The interpreter: the first supported one that really runs. Choose another with `make test PYTHON=python3.12`.
PYTHON ?= $(shell sh .ci/find-python)
VENV ?= .venv
WORKERS ?= 2
RESULTS ?= results
# What `make test-all` tests, all of it when empty: make test-all SETTINGS="3.11-lowest 3.13-newest"
SETTINGS ?=
OPTIONS ?= stricter-selection go-no-go follow-up sme-focus

BIN := $(VENV)/bin

# An editable install reads src/passaat/, which links to the top-level folders. In a checkout without
# links a plain install is made instead; run `make clean` there after a change.
INSTALL := $(if $(wildcard src/passaat/model/.),-e .,.)

.PHONY: help demo test test-slow test-all lint format generated bench lock clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1	\2/p' Makefile | expand -t 18

demo: $(VENV)/.installed ## set up and compare the four options with PIB 2026-2030; writes to results/
	@mkdir -p "$(RESULTS)"
	@$(BIN)/passaat compare pib-next --options $(OPTIONS) --study "$(RESULTS)/pib-next.db"

test: $(VENV)/.installed-dev ## set up and run the tests on one Python, without the slow ones
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(PYTEST)

test-slow: $(VENV)/.installed-dev ## set up and run the slow tests only, on one Python
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m slow $(PYTEST)

test-all: ## test what versions can change on each Python found, lowest and newest packages, and the guards once; store the results
	@sh .ci/test-all "$(WORKERS)" "$(INSTALL)" $(SETTINGS)

lint: $(VENV)/.installed-dev ## check style, layers, types, and whether generated files are fresh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/mypy
	$(BIN)/python .ci/generated.py --check

format: $(VENV)/.installed-dev ## repair what can be repaired by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generated: $(VENV)/.installed-dev ## write all that follows from code and tables; CHECK=1 only compares
	$(BIN)/python .ci/generated.py $(if $(CHECK),--check)

bench: $(VENV)/.installed-dev ## measure the drivers against each other and against plain Mesa
	$(BIN)/python -m benchmarks.run

lock: $(VENV)/.installed-dev ## write requirements.lock from the newest environments of `make test-all` (run that first)
	$(BIN)/python .ci/lock.py .venv-3.11-newest .venv-3.12-newest .venv-3.13-newest

clean: ## remove environments, caches and builds (results/ stays)
	rm -rf .venv .venv-3.* dist build
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: an environment is made anew only when what it is made from has changed.
$(VENV)/.installed: pyproject.toml requirements.lock .ci/install
	@sh .ci/install "$(PYTHON)" "$(VENV)" "$(INSTALL)"
	@touch $@

$(VENV)/.installed-dev: pyproject.toml requirements.lock .ci/install
	@sh .ci/install "$(PYTHON)" "$(VENV)" "$(INSTALL)[dev]"
	@touch $(VENV)/.installed $@
