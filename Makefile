PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
MEMBERS := libs/contracts libs/kit services/customer services/sales services/project services/service-desk services/marketing services/analytics services/gateway local

.PHONY: env contracts requirements

env: .venv/.stamp  ## make the virtual environment from the pinned requirements

.venv/.stamp: requirements/dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/pip install --quiet uv
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(MEMBERS))
	touch $@

contracts:  ## regenerate Python and descriptors from proto/
	$(BIN)/python libs/contracts/codegen.py
	$(BIN)/buf lint libs/contracts/src/facet_contracts/facet.binpb --config buf.yaml

requirements:  ## pin the dependencies of all members, with hashes
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header $(addprefix --no-emit-package ,facet-contracts facet-kit facet-customer facet-sales facet-project facet-service-desk facet-marketing facet-analytics facet-gateway facet-local) pyproject.toml --group dev -o requirements/dev.txt
