# Every target sets up what it needs in .venv and .local; nothing has to be installed, activated or started before.
#   make demo ARGS="--port 9000"      options for the command
#   make demo PYTHON=python3.12       another Python than python3
#   DATABASE_URL=postgresql://...     a server of yours (15 to 18) instead of the embedded one
PY := .venv/bin/python
ARGS ?=
export PYTHON
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME DJANGO_SETTINGS_MODULE
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo smoke test check soak bench lock clean ready

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

demo: ready ## set everything up and run it, until Ctrl-C
	@exec $(PY) manage.py demo $(ARGS)

smoke: ready ## the same without a web server, once, and check what arrived
	@exec $(PY) manage.py smoke $(ARGS)

test: ready ## run the tests
	@exec $(PY) -m pytest --quiet --numprocesses auto --maxprocesses 4 --dist loadgroup $(ARGS)

check: ready ## format, lint, import layers, types, migrations, settings, tests
	@echo "check: format"
	@$(PY) -m ruff format --check --quiet .
	@echo "check: lint"
	@$(PY) -m ruff check --quiet .
	@echo "check: import layers"
	@.venv/bin/lint-imports
	@echo "check: types"
	@$(PY) -m mypy .
	@echo "check: migrations and settings"
	@$(PY) manage.py makemigrations --check --dry-run
	@$(PY) manage.py check
	@echo "check: tests"
	@$(MAKE) test

soak: ready ## break everything for two minutes, and check that no message was lost or doubled
	@exec $(PY) -m tests.chaos $(ARGS)

bench: ready ## measure, and print each figure beside its limit
	@exec $(PY) -m benchmarks $(ARGS)

lock: ready ## compile requirements/*.in into pinned, hashed *.txt (ARGS=--upgrade: newer ones)
	@for name in base prod dev; do \
	    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	        --custom-compile-command "make lock" requirements/$$name.in -o requirements/$$name.txt $(ARGS) || exit 1; \
	done

clean: ## remove what these targets made: databases, logs, caches, .venv
	@if [ -x $(PY) ]; then for data in .local/postgres .local/postgres-test; do \
	    $(PY) -m config.embedded_postgres remove $$data || exit 1; \
	done; fi
	rm -rf .local .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache staticfiles test-artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The tests' server keeps clear of the demo's, and need not survive a power cut.
test check: export POSTROOM_EMBEDDED = postgres-test

ready:
	@sh requirements/install.sh
