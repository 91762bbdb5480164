# `make demo` to see it, `make test` to trust it; `make help` lists the rest.
SHELL := /bin/sh
VENV ?= .venv
PORT ?= 8000
WORKERS ?= 2
BIN := $(VENV)/bin
RUN := $(BIN)/python -W error::DeprecationWarning:__main__
PYTEST := -m pytest -q -n $(WORKERS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo test test-sqlite test-postgresql test-till left-to-ci lint check worker beat bench sim chaos messages lock clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The first Python that is new enough makes the environment; uv installs where it is present, pip otherwise.
$(BIN)/python:
	@for name in python3.13 python3.12 python3.11 python3 python; do \
		if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
			echo "Making $(VENV) with $$($$name --version)"; \
			$$name -m venv $(VENV) && exit 0; \
			echo "This Python cannot make environments: install its venv module (Debian: python3-venv)." >&2; \
			rm -rf $(VENV); exit 1; \
		fi; \
	done; \
	echo "Quita needs Python 3.11 or newer on PATH." >&2; exit 1

define install_from
	@echo "Installing from $(1)"
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1); \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); \
	fi
endef

# A stamp is as old as its last installation: nothing is installed again until the pins change.
$(VENV)/.installed: requirements.txt | $(BIN)/python
	$(call install_from,requirements.txt)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt | $(BIN)/python
	$(call install_from,requirements-dev.txt)
	@touch $@ $(VENV)/.installed

install: $(VENV)/.installed ## Install what runs the project
install-dev: $(VENV)/.installed-dev ## Install the tools as well

demo: $(VENV)/.installed ## Migrate, seed and serve on 127.0.0.1:8000 (PORT=8010 for another)
	@exec $(BIN)/python manage.py demo --port $(PORT)

test: test-sqlite test-postgresql test-till left-to-ci ## Run all that Python alone can run, and the till's modules where Node is

test-sqlite: $(VENV)/.installed-dev
	@echo "== The suite on SQLite"
	@env -u DATABASE_URL -u REDIS_URL -u QUITA_SERVICES $(RUN) $(PYTEST)

test-postgresql: $(VENV)/.installed-dev
	@echo "== What uses the database, on PostgreSQL ($${DATABASE_URL:-an embedded server})"
	@$(RUN) -m tests.with_postgresql $(PYTEST) --only-database

test-till:
	@echo "== The till's modules"
	@if command -v node >/dev/null 2>&1; then node --test tests/till/; \
	else echo "left to CI: they need Node 18 or newer"; fi

left-to-ci: $(VENV)/.installed-dev
	@if [ "$$QUITA_SERVICES" != 1 ]; then \
		echo "== Left to CI (.ci/run, which sets QUITA_SERVICES=1): a real Redis, a Celery worker that is killed, a browser"; \
		QUITA_SERVICES=1 $(RUN) -m pytest --collect-only -q -m "services or browser" 2>/dev/null | grep '::' || echo "none"; \
	fi

lint: $(VENV)/.installed-dev ## Check style, imports, types, spelling, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/codespell
	env -u DATABASE_URL $(RUN) manage.py makemigrations --check --dry-run

check: lint test ## Everything that a commit must pass

worker: $(VENV)/.installed ## Run the Celery worker and its beat (needs REDIS_URL)
	@test -n "$$REDIS_URL" || grep -qs '^REDIS_URL=.' .env || { echo "Set REDIS_URL: without a broker tasks run in the process that asks for them." >&2; exit 1; }
	@exec $(BIN)/celery -A config worker --beat --schedule $(VENV)/celerybeat-schedule --loglevel INFO --concurrency $(WORKERS)

bench: $(VENV)/.installed-dev ## Measure, on PostgreSQL
	@if ls tests/bench/bench_*.py >/dev/null 2>&1; then \
		$(RUN) -m tests.with_postgresql -m pytest -q -s -o python_files='bench_*.py' -o python_functions='bench_* test_*' tests/bench; \
	else echo "There is nothing to measure yet: tests/bench holds no bench_*.py."; fi

# Everything is drawn from SEED, which is told when it is left out; --trace writes every event.
sim: $(VENV)/.installed-dev ## Simulate tills, faults and people (SEED=7 TILLS=20 DAYS=3)
	@env -u DATABASE_URL -u REDIS_URL $(RUN) -m tests.chaos.simulator --seed "$(SEED)" --tills $(or $(TILLS),20) --days $(or $(DAYS),3)

chaos: $(VENV)/.installed-dev ## Kill everything while tills work, then look for every cent (SEED, CHAOS_OPERATIONS, CHAOS_FAULTS, CHAOS_TILLS)
	@$(RUN) -m tests.chaos.real.run
	@env -u DATABASE_URL -u REDIS_URL $(RUN) -m pytest -q --hypothesis-profile=chaos --hypothesis-show-statistics tests/chaos/test_machine.py

messages: $(VENV)/.installed-dev ## Extract what the screens say into the catalogues and compile them (needs gettext)
	@command -v msgfmt >/dev/null || { echo "Install GNU gettext: it reads and compiles the catalogues (Debian: gettext)." >&2; exit 1; }
	$(RUN) manage.py makemessages --locale pt_BR --extension py,html --ignore 'tests/*' --ignore 'docs/*' --add-location file --no-obsolete
	$(RUN) manage.py compilemessages --locale pt_BR --ignore $(VENV)

lock: ## Pin and hash pyproject.toml's lists again (needs uv)
	uv pip compile --no-config --quiet --universal --generate-hashes --python-version 3.11 pyproject.toml -o requirements.txt
	uv pip compile --no-config --quiet --universal --generate-hashes --python-version 3.11 -c requirements.txt --group dev pyproject.toml -o requirements-dev.txt

clean: ## Remove what was made here, except the data in db.sqlite3
	rm -rf $(VENV) staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
