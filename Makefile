# `make run` and `make test` set up all they need; nothing else has to be installed by hand.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
export CXW_HOME ?= $(CURDIR)/data
export DO_NOT_TRACK := 1

# The demo's files end on 2026-10-31: judged by today's clock they would be stale.
DEMO_CLOCK := 2026-11-01T06:00:00Z

.DEFAULT_GOAL := help
.PHONY: help setup run ui probabilistic test test-febrl test-spark spark-up spark-down bench lint format lock clean

help: ## Show the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

INSTALL_LOCKED = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-compile --progress-bar on

# pip works with one processor: each of two installs every other package of the lock (no package looks
# for another), and all modules are compiled at once afterwards. Compiling has to be done:
# where PYTHONDONTWRITEBYTECODE is set, as in many images, every process would compile them anew.
# Files that do not compile are templates of code, of which no process ever imports one; nor does
# one import packages' own tests, or tables of the world's telephone numbers.
setup: $(VENV)/.installed ## Create the environment from the hashed lock (no more than once per lock)

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed: install one (Debian: apt install python3 python3-venv) or run make PYTHON=/path/to/python"; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON): less than a minute"
	@$(PYTHON) -m venv --clear $(VENV) || { echo "venv is missing (Debian, Ubuntu: apt install python3-venv)"; exit 1; }
	@awk '/^[^ #]/ { package++ } { print > ("$(VENV)/" (package % 2 ? "odd" : "even") ".lock") }' requirements.lock
	@$(INSTALL_LOCKED) -r $(VENV)/odd.lock & other=$$!; $(INSTALL_LOCKED) -r $(VENV)/even.lock; status=$$?; wait $$other && exit $$status
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests/|/phonenumbers/(geodata|carrierdata|tzdata)/' $(VENV)/lib || true
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## Generate the demo retailer (once) and run the whole job
	@$(BIN)/cxw demo
	@CXW_NOW=$${CXW_NOW:-$(DEMO_CLOCK)} $(BIN)/cxw run

ui: setup ## Open the Dagster web UI on the same instance (http://localhost:3000)
	@$(BIN)/cxw ui

probabilistic: $(VENV)/.probabilistic-installed ## Install what CXW_IDENTITY_PROBABILISTIC=show needs

$(VENV)/.probabilistic-installed: requirements-probabilistic.lock $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-probabilistic.lock
	@touch $@

test: setup $(VENV)/duckdb-1/.installed probabilistic ## Run all tests, two at a time
	@CXW_DUCKDB_1=$(CURDIR)/$(VENV)/duckdb-1 $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder

# The gold sets come with a package that needs pandas 2: it writes them down in an environment of its
# own, and the product's own code reads the files.
test-febrl: probabilistic $(VENV)/febrl/.exported ## Measure the probable links on the FEBRL gold sets (installs them)
	@$(BIN)/python -m pytest -s tests/febrl

$(VENV)/febrl/.exported: tests/febrl/febrl.lock tests/febrl/export.py $(VENV)/.installed
	@$(PYTHON) -m venv --clear $(VENV)/febrl
	@$(VENV)/febrl/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --progress-bar on -r tests/febrl/febrl.lock
	@$(VENV)/febrl/bin/python tests/febrl/export.py $(VENV)/febrl/sets
	@touch $@

# Spark is half a gigabyte and needs Java 17: only who tests it, or runs on it, installs it.
test-spark: $(VENV)/.spark-installed ## Run the tests of the models on Apache Spark (installs it)
	@$(BIN)/python -m pytest -m spark tests/spark

WORKERS ?= 2

spark-up: $(VENV)/.spark-installed ## Start a Spark cluster on this machine for CXW_TARGET=spark_cluster
	@$(BIN)/python -m orchestration.spark_cluster up --workers $(WORKERS)

spark-down: $(VENV)/.spark-installed ## Stop it
	@$(BIN)/python -m orchestration.spark_cluster down

$(VENV)/.spark-installed: requirements-spark.lock $(VENV)/.installed
	@command -v java >/dev/null || { echo "Java 17 or newer is needed: install one (Debian: apt install openjdk-17-jre-headless)"; exit 1; }
	@echo "Installing Spark into $(VENV): half a gigabyte"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-build-isolation --progress-bar on -r requirements-spark.lock
	@touch $@

# BI tools still ship 1.x drivers: the tests read the published file with one.
$(VENV)/duckdb-1/.installed: tests/end_to_end/duckdb-1.lock $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --require-hashes --no-deps --target $(VENV)/duckdb-1 -r tests/end_to_end/duckdb-1.lock
	@touch $@

# Millions of GA4 events; a size takes about 0.3 GB of disk per million while it is measured.
SIZES ?= 1

bench: setup ## Measure full builds, one more day, ingestion, audit (SIZES="1 10"); results in data/benchmarks
	@$(BIN)/python -m tests.benchmarks --sizes $(SIZES)

lint: setup ## Check style, types and SQL
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint --processes 2 dbt_project/models

format: setup ## Apply the formatter
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: ## Resolve the lock anew (needs uv)
	UV_PYTHON_DOWNLOADS=never uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --excludes .ci/lock-excludes.txt --custom-compile-command "make lock" --group dev pyproject.toml --output-file requirements.lock
	UV_PYTHON_DOWNLOADS=never uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --excludes .ci/lock-excludes.txt --custom-compile-command "make lock" --group spark --constraints requirements.lock --output-file requirements-spark.lock
	$(PYTHON) -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['probabilistic'])" | UV_PYTHON_DOWNLOADS=never uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --constraints requirements.lock - --output-file requirements-probabilistic.lock

clean: ## Remove the demo's data (CXW_HOME) and the environment
	rm -rf $(VENV) data
