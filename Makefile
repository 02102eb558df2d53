# A newcomer's two commands are `make demo` and `make test`; both install what they need, from the lock, into .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
CORPUS ?= demo
CORES := $(shell nproc 2> /dev/null || getconf _NPROCESSORS_ONLN)
# One worker more than there are cores, because tests wait: for servers, for processes, and for what a source may take.
JOBS ?= $(shell expr 1 + $(CORES))

# Without compiled files, pytest rewrites every test, and each process that a test starts compiles the packages.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo up check test chromium quick coverage lint types bench chaos aws readers docs lock clean

demo: .venv/installed
	@$(BIN)/pokelake demo --corpus $(CORPUS) $(DEMO)

# A whole installation on this machine until Ctrl-C, whose deployments run every minute or two.
up: .venv/installed
	@$(BIN)/pokelake up --corpus $(CORPUS) $(UP)

test: .venv/cluster/installed chromium lint types
	@HYPOTHESIS_PROFILE=ci $(BIN)/python -m pytest -q -n $(JOBS) --no-loadscope-reorder

# The tests of a snapshot's page open it in a browser. Where there is none, root gets Debian's; others are told by the tests.
chromium:
	@command -v chromium > /dev/null || command -v google-chrome > /dev/null || \
		test "$$(id -u)" != 0 || ! command -v apt-get > /dev/null || { \
			echo "Installing Chromium, once …"; \
			{ apt-get -qq install -y --no-install-recommends chromium || { apt-get -qq update && \
				apt-get -qq install -y --no-install-recommends chromium; }; } > /dev/null 2>&1 || \
			echo "apt-get could not install it; the tests of pages will say so" >&2; }

# The loop while you work: lint, types, and all tests that need no server, cluster, browser or tool of others, with few
# examples of a law.
check: .venv/installed
	@$(MAKE) --no-print-directory -j 3 lint types quick

# These tests hardly wait, and every worker imports everything, so there are as many workers as cores.
quick: .venv/installed
	@$(BIN)/python -m pytest -q -n $(CORES) --no-loadscope-reorder \
		-m "not server and not corpus and not cluster and not browser and not kernel and not tool"

# The files with the most lines that no test reaches, and the share of all that some test does, child processes included.
coverage: .venv/cluster/installed
	@$(BIN)/python -m pytest -q -n $(JOBS) --no-loadscope-reorder --cov --cov-report= $(COVERAGE)
	@$(BIN)/coverage report --sort=-miss | sed -n 1,22p
	@echo "Reached of all: $$($(BIN)/coverage report --format=total) %"

lint: .venv/installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/installed
	@$(BIN)/mypy

bench: .venv/cluster/installed
	@$(BIN)/python -m bench $(BENCH)

# Kills, races, starves and deceives a lake, in parts of at most fifteen minutes: `make chaos CHAOS=kills` is one of them.
chaos: .venv/installed
	@$(BIN)/python -m tests.chaos $(CHAOS)

# Needs an AWS account, Docker and a Prefect API, and costs money, which it names before it starts: `make aws`.
aws: .venv/installed
	@$(BIN)/python -m tests.aws $(AWS)

# Reads one lake with the oldest packages that readers may have, the newest, and beside awswrangler: `make readers`.
readers: .venv/installed
	@$(BIN)/python -m tests.readers $(READERS)

# Writes the generated files of docs/ anew, the outputs of the page about sources, and those of the notebook.
docs: .venv/installed
	@$(BIN)/python -m tests.docs.generated
	@$(BIN)/python -m tests.docs.sources

# Writes the locks anew, of what this checkout needs, of what a run needs, and of what one on a cluster needs; needs uv.
# No registry is named in them, so they hold wherever packages come from.
COMPILE := uv pip compile --python-version 3.11 --universal --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --quiet pyproject.toml
lock:
	$(COMPILE) --extra flows --extra local --extra dev -o requirements.lock
	$(COMPILE) --extra flows --constraints requirements.lock -o requirements-run.lock
	$(COMPILE) --extra flows --extra dask --extra ray --constraints requirements.lock -o requirements-cluster.lock

# The package is `lake` alone; the .pth lets every process of .venv import this checkout's `flows` and `blocks` as well.
# Nothing is resolved, because the lock names everything. pip 23.2, which comes with Python 3.11.7, would fail: for a
# package with an extra, such as Prefect's `sqlalchemy[asyncio]`, it takes the newest version, and then refuses it
# because it is not pinned.
.venv/installed: requirements.lock pyproject.toml
	@echo "Installing into .venv, once …"
	@if command -v uv > /dev/null; then \
		uv venv --quiet --allow-existing --python $(PYTHON) .venv && \
		uv pip install --quiet --python $(BIN)/python --no-deps --compile-bytecode -r requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
		$(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" \
		| while read -r packages; do echo "$(CURDIR)" > "$$packages/pokelake-checkout.pth"; done
	@touch $@

# Dask and Ray, beside .venv and not in it, because they are large, and every process of Prefect's would import theirs.
# Whatever both locks name is in .venv already.
.venv/cluster/installed: .venv/installed requirements-cluster.lock
	@echo "Installing Dask and Ray into .venv/cluster, once …"
	@rm -rf .venv/cluster
	@awk 'NR == FNR { locked[$$1]; next } /^[^ #]/ { is_new = !($$1 in locked) } is_new' \
		requirements.lock requirements-cluster.lock > .venv/cluster.lock
	@if command -v uv > /dev/null; then \
		uv pip install --quiet --python $(BIN)/python --target .venv/cluster --no-deps --compile-bytecode \
			-r .venv/cluster.lock ; \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --target .venv/cluster --no-deps \
			-r .venv/cluster.lock ; \
	fi
	@touch $@

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache
