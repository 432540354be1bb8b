# Every target does its own set-up: a virtual environment in .venv, with everything in it.

BIN := .venv/bin
STAMP := .venv/installed
PROJECTS := shared/pyproject.toml client/pyproject.toml worker/pyproject.toml
# Tests start a Redis of their own; a queue that the user works with is none of their business.
OWN_QUEUE := env -u FITQ_REDIS_URL -u FITQ_STORE -u FITQ_OWNER -u FITQ_LEASE_SECONDS -u FITQ_LOSS_LIMIT \
	-u FITQ_SIGNING_KEY -u FITQ_SIGNING_CERT -u FITQ_SIGNING_CERTS -u FITQ_REDIS_PASSWORD_FILE \
	-u FITQ_HOST -u FITQ_DEVICE -u FITQ_CORES -u FITQ_CORE_COUNT -u FITQ_CORE_SHARE -u FITQ_GPUS \
	-u FITQ_GPU_SHARE -u FITQ_THREADS -u FITQ_CACHE -u FITQ_CACHE_BYTES
# Of `make soak`.
FAULTS ?= 200
SUMMARY ?= build/storm.json
# Empty where no Docker engine answers: then the soak leaves out what needs containers.
ENGINE = $(shell docker info >/dev/null 2>&1 && docker compose version 2>/dev/null)

.PHONY: help demo test compose lint soak clean
.DEFAULT_GOAL := help

help: ## Say what there is to make
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(STAMP) ## Start a stack, train a model, predict with it, stop the stack
	$(OWN_QUEUE) $(BIN)/python examples/getting_started.py

test: $(STAMP) ## Run the tests, report the coverage (ARGS=... goes to pytest)
	$(OWN_QUEUE) $(BIN)/python -m pytest -n 2 --dist loadfile -m 'not soak and not compose' --cov --cov-report=term $(ARGS)

compose: $(STAMP) ## Build the images and try them, where a Docker engine answers
	$(OWN_QUEUE) $(BIN)/python -m pytest -m 'compose and not soak' $(ARGS) tests/compose

lint: $(STAMP) ## Check style, types, who imports whom, Dockerfile and compose file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	FITQ_SECRETS=secrets $(BIN)/compose-lint --fail-on low --strict-config --skip-suppressed docker-compose.yml

soak: $(STAMP) ## Break things for most of an hour (FAULTS=200 SEED=... PLANT=... SUMMARY=...)
	$(OWN_QUEUE) PYTHONPATH=$(CURDIR)/tests $(BIN)/python -m storm --summary $(SUMMARY) \
		--faults $(FAULTS) $(if $(SEED),--seed $(SEED)) $(if $(PLANT),--plant $(PLANT))
	$(if $(PLANT),,$(OWN_QUEUE) $(BIN)/python -m pytest \
		-m 'soak$(if $(ENGINE),, and not compose)' $(ARGS))

clean: ## Remove .venv, caches and builds; the data of a stack (.fitq) stay
	@if [ -f .fitq/processes.json ] && [ -x $(BIN)/fitq ]; then $(BIN)/fitq down; fi
	rm -rf .venv .coverage .coverage.* htmlcov dist build
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find client shared worker tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(STAMP): constraints.txt dev-requirements.txt $(PROJECTS)
	.ci/make-venv .venv
	$(BIN)/python -m pip install -c constraints.txt -e shared -e 'client[local,monitor,webdav]' \
		-e 'worker[cpu,onnx,parquet]' -r dev-requirements.txt
	touch $@
