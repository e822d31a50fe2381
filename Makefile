# make demo   everything running with sample data, from a fresh clone
# make test   everything that can fail, in about a quarter of an hour
# make help   the rest

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILD := .build
NODE_DIRS := pixel tests/protocols/node tests/consent_strings
DATA ?= data
# pip compiles modules one after the other, these on all cores; what is left out is compiled if it is ever imported.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile
COMPILE := $(BIN)/python -m compileall -q -j 0 -x '/(tests?|sympy|networkx|moto|cfnlint|graphql|mpmath|mypyc?|pip|setuptools|pkg_resources|geodata|datastore|lexers)/' $(VENV)/lib tracker dashboard > /dev/null 2>&1 || true

.DEFAULT_GOAL := help
.PHONY: help demo up install dev test check format bench chaos fuzz histories pixel chromium firefox tools clean

help:  ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

demo: install  ## start everything with the sample shop's click-stream loaded; Ctrl-C stops it
	@$(BIN)/tracker demo --data $(DATA)

up: install  ## start everything on ./data
	@$(BIN)/tracker up --data $(DATA)

install: $(BUILD)/installed  ## .venv with what the product needs

dev: $(BUILD)/dev-python $(BUILD)/dev-node  ## .venv with what the tests need, node modules, a ClickHouse

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(BUILD)/installed: $(VENV)/pyvenv.cfg pyproject.toml
	$(PIP) --editable .
	$(COMPILE)
	@mkdir -p $(BUILD) && touch $@

# All in one go, so that pip looks at the product's packages once. Groups of pyproject.toml are read here, because pip reads
# them only from 25.1 on.
$(BUILD)/dev-python: $(VENV)/pyvenv.cfg pyproject.toml
	@mkdir -p $(BUILD)
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' > $(BUILD)/dev.txt
	$(PIP) --editable . --requirement $(BUILD)/dev.txt
	$(COMPILE)
	@touch $(BUILD)/installed $@

$(BUILD)/dev-node: $(foreach dir,$(NODE_DIRS),$(dir)/package-lock.json) scripts/clickhouse/package-lock.json
	@command -v npm > /dev/null || { echo "Node.js with npm is needed for the tests: install it and run make again" >&2; exit 1; }
	set -e; for dir in $(NODE_DIRS); do npm ci --loglevel=error --no-audit --no-fund --prefix $$dir; done
	$(PYTHON) -c 'import sys; sys.path.insert(0, "scripts"); import clickhouse_test_server as server; server.install()'
	@mkdir -p $(BUILD) && touch $@

chromium:
	@sh scripts/need_chromium.sh

firefox:
	@sh scripts/need_firefox.sh

tools: chromium  # what tests need of the system, one after the other: apt-get works for one at a time
	@sh scripts/need_firefox.sh
	@sh scripts/need_chaos_tools.sh

test:  ## format, lint, types, layers, and every test; prints totals
	@$(MAKE) --no-print-directory -j3 dev tools
	@$(BIN)/python scripts/run_tests.py

check: dev  ## format, lint, types, layers and rules, in under half a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/rules

format: dev  ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: dev  ## measure; prints figures and asserts nothing (wrk is needed for the collector's)
	set -e; for file in tests/bench/bench_*.py; do echo "== $$file"; $(BIN)/python $$file; done

chaos: dev tools  ## kill -9, failing disks, frozen servers, jumping clocks in full length: about 20 minutes, one table
	TRACKER_CHAOS=full $(BIN)/python -m pytest tests/chaos tests/browser/test_browser_reliability.py --timeout 3600

fuzz: dev  ## ten minutes of broken requests; prints what came of them
	TRACKER_FUZZ=600 $(BIN)/python -m pytest tests/chaos/test_chaos_fuzz.py -s

histories: dev  ## every report against its slow count on 304 random histories an engine, members on 200 batches, more seeds of rollups, audiences, funnels, paths and erasures
	TRACKER_HISTORIES=304 TRACKER_BATCHES=200 $(BIN)/python -m pytest tests/engines/test_many_histories.py \
		tests/engines/test_members_incremental.py tests/engines/test_rollups.py tests/engines/test_audiences_oracle.py \
		tests/engines/test_judged_together.py \
		tests/engines/test_funnel_random.py tests/engines/test_paths_random.py tests/engines/test_erase.py --timeout 1800

pixel: dev  ## build tracker/pixel/built from pixel/src
	npm run --silent --prefix pixel build

clean:  ## remove what make has made, never your data
	rm -rf $(VENV) $(BUILD) $(foreach dir,$(NODE_DIRS),$(dir)/node_modules)
