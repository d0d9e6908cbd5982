# Every chore of the Client Area. `make` alone prints this list.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup chromium prometheus run reset test test-unit test-integration test-e2e \
        test-browser test-compose screenshots check format lint types imports generated migration \
        audit bench lock secrets upgrade

PY := .venv/bin/python
PYTEST := $(PY) -m pytest -q
CODE := chassis contracts services gateway deploy tests bench

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

setup: ## Make the virtual environment and install what the lock file names
	@sh deploy/setup.sh

chromium: setup
	@$(PY) -m deploy.local.chromium

prometheus: setup
	@$(PY) -m deploy.local.prometheus

run: setup ## Run everything here, with demo data (Ctrl-C stops it)
	@exec $(PY) -m deploy.local run

reset: setup ## Empty the data folder of `make run`
	@$(PY) -m deploy.local reset

test: setup chromium prometheus ## Run every test, on both cores
	@$(PYTEST) -n auto --dist worksteal tests

test-unit: setup prometheus ## Run the tests that need no server
	@$(PYTEST) -n auto tests/unit tests/tidy

test-integration: setup prometheus ## Run the tests of each part against real servers
	@$(PYTEST) -n auto tests/integration

test-e2e: setup ## Run the tests of the whole, through the gateway
	@$(PYTEST) -n auto tests/e2e

test-browser: setup chromium ## Run the tests of the portal, in a browser
	@$(PYTEST) -n auto --dist worksteal tests/browser

test-compose: setup ## Run the compose file in real containers, kill, scale, upgrade, restore
	@nice $(PYTEST) -x -p no:xdist tests/compose/whole.py

secrets: setup ## Make the secrets that docker-compose.yml mounts; keeps what is there
	@$(PY) -m deploy.compose.secretfiles

upgrade: setup ## Bring the running containers to this release, without a gap
	@$(PY) -m deploy.compose.upgrade

screenshots: setup chromium ## Picture every page of the portal, into screenshots/
	@$(PY) -m tests.browser.pictures screenshots

check: setup ## Format, lint, types, imports, and generated files up to date
	@.venv/bin/ruff format --check --quiet $(CODE) || \
		{ echo "run 'make format'"; exit 1; }
	@.venv/bin/ruff check --quiet $(CODE)
	@.venv/bin/basedpyright --level warning
	@.venv/bin/lint-imports --no-logo 2>&1
	@$(PY) -m deploy.references --check
	@echo "check: all is well"

format: setup ## Format the code
	@.venv/bin/ruff format $(CODE)
	@.venv/bin/ruff check --fix --quiet $(CODE)

lint: setup ## Lint alone
	@.venv/bin/ruff check $(CODE)

types: setup ## Types alone
	@.venv/bin/basedpyright --level warning

imports: setup ## Layering alone
	@.venv/bin/lint-imports

generated: setup ## Write the generated references anew
	@$(PY) -m deploy.references

migration: ## Begin a migration: make migration service=billing name=add_notes
	@sh deploy/migration.sh "$(service)" "$(name)"

audit: setup ## Prove the money and the messages of the running stack
	@$(PY) -m deploy.local audit

bench: setup ## Measure; the table also lands in bench/results.md
	@$(PY) -m bench

lock: setup ## Resolve the dependencies anew
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --upgrade \
		--group dev --group local -o requirements.lock pyproject.toml
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate \
		-c requirements.lock -o deploy/runtime.lock pyproject.toml
