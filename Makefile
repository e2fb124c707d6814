# Facet. `make run` starts everything on this machine, `make test` proves it; `make help` lists the rest.
# Needs Python 3.11 and nothing else: everything goes into .venv/, all data into .facet/.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
UV := $(BIN)/uv
MEMBERS := libs/contracts libs/kit services/customer services/sales services/project services/service-desk \
	services/marketing services/analytics services/gateway local
PACKAGES := facet-contracts facet-kit facet-customer facet-sales facet-project facet-service-desk \
	facet-marketing facet-analytics facet-gateway facet-local
DESCRIPTORS := libs/contracts/src/facet_contracts/facet.binpb
PROTOS := $(shell find proto)
PIN := $(UV) pip compile --quiet --universal --generate-hashes --no-header $(addprefix --no-emit-package ,$(PACKAGES))
FACET := $(BIN)/python -m facet_local
VERIFY := $(BIN)/python -m facet_local.testrun

.PHONY: help env contracts run stop restart status logs clean test unit integration e2e lint format capabilities \
	migration requirements

help:  ## show this list
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

# --- what everything needs

# uv follows the settings made for pip where it has none of its own.
UV_TARGETS := .venv/.environment requirements
ifdef PIP_INDEX_URL
ifeq ($(UV_DEFAULT_INDEX)$(UV_INDEX_URL),)
$(UV_TARGETS): export UV_DEFAULT_INDEX := $(PIP_INDEX_URL)
endif
endif
ifdef PIP_CERT
ifndef SSL_CERT_FILE
$(UV_TARGETS): export SSL_CERT_FILE := $(PIP_CERT)
endif
endif

env: .venv/.environment  ## make the virtual environment out of the pinned requirements

.venv/.environment: requirements/dev.txt pyproject.toml $(addsuffix /pyproject.toml,$(MEMBERS))
	@test -n "$(PYTHON)" || { echo "Facet needs Python 3.11: install it, or name it: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "environment: $(PYTHON)"
	@mkdir -p .venv && touch $@.begun  # what changes while this runs is newer than the stamp
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(MEMBERS))
	@mv $@.begun $@

contracts: .venv/.contracts  ## make Python and descriptors from proto/, and lint it

.venv/.generated: .venv/.environment libs/contracts/codegen.py $(PROTOS) $(if $(wildcard $(DESCRIPTORS)),,missing)
	@touch $@.begun
	$(BIN)/python libs/contracts/codegen.py
	@mv $@.begun $@

.venv/.contracts: .venv/.generated buf.yaml
	$(BIN)/buf lint $(DESCRIPTORS) --config buf.yaml
	@touch $@

.PHONY: missing
missing:

# --- the platform on this machine

run: env contracts  ## start everything and stay until Ctrl-C; the address and sign-ins are printed
	@exec $(FACET) run $(ARGS)

stop: env  ## stop everything
	@$(FACET) stop

restart: env contracts  ## stop everything and start it again
	@exec $(FACET) restart $(ARGS)

status: env  ## show every process with its state and id
	@$(FACET) status

logs: env  ## show a log: make logs S=sales [ARGS=--follow]
	@$(FACET) logs $(S) $(ARGS)

clean: env  ## stop everything and remove its data
	@$(FACET) clean

migration: env contracts  ## write a migration from changed models: make migration S=sales M="add rebates"
	@$(FACET) migration "$(S)" "$(M)"

# --- tests and checks

test: env contracts  ## run every tier of checks and tests, with a summary
	@$(VERIFY)

unit: env contracts  ## run the unit tests only
	@$(VERIFY) unit

integration: env contracts  ## run the tests of single services on real servers only
	@$(VERIFY) integration

e2e: env contracts  ## run the end-to-end tests only
	@$(VERIFY) e2e

lint: env contracts  ## run the static checks only: types, format, lint, imports, dependencies, contracts
	@$(VERIFY) quality

format: env  ## format the code and mend what can be mended
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

capabilities: env  ## list the capabilities that are claimed, with the tests that prove them
	@$(BIN)/python -m facet_local.capabilities

requirements: env  ## pin the dependencies of all members anew, with hashes
	$(PIN) pyproject.toml --group dev -o requirements/dev.txt
	$(PIN) $(addsuffix /pyproject.toml,$(filter-out local,$(MEMBERS))) -c requirements/dev.txt -o requirements/runtime.txt
	@! grep -nE '://' requirements/*.txt || { echo "an address got into requirements/"; exit 1; }
