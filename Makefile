# The few commands of daily life, the same in continuous integration. Needed beforehand: make, and Python 3.11 or later.
#   make demo      set up, then play the demonstration on http://127.0.0.1:8000
#   make test      set up, then linters and every test
#   make check     linters only          make rerender  compare every row with its last photograph
#   make setup     packages only         make bench     the measured ratios
#   make faults    the long fault tests  make sbom      the bill of materials (CycloneDX)
#   make mutants   whether the tests of access, booking and audit see small changes
#   make site      the documentation, offline    make ladder    the long rungs of the simulation
#   make sweep     every page of every role in a browser, with and without JavaScript; takes the pictures of the documentation
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

UV_VERSION := 0.13.9
BIN := .venv/bin
PYTHON ?= $(shell sh tools/find_python.sh)
PYTEST_ARGS ?=

# A company's certificate authority: one bundle, told to every client in the variable that it reads.
CA_BUNDLE := $(firstword $(SSL_CERT_FILE) $(PIP_CERT) $(REQUESTS_CA_BUNDLE) $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt))
ifneq ($(CA_BUNDLE),)
export SSL_CERT_FILE := $(CA_BUNDLE)
export PIP_CERT := $(CA_BUNDLE)
export NODE_EXTRA_CA_CERTS := $(CA_BUNDLE)
endif
# An account without a home of its own still sets up.
ifneq ($(shell test -d "$$HOME" && test -w "$$HOME" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/.setup/cache/uv
export PIP_NO_CACHE_DIR := 1
export npm_config_cache := $(CURDIR)/.setup/cache/npm
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo test check rerender bench ladder faults sweep mutants sbom site clean
help:
	@sed -n '2,9s/^# *//p' Makefile

setup: .setup/packages .setup/vendor .setup/browser .setup/simulation

demo: .setup/packages .setup/vendor .setup/simulation
	@$(BIN)/maillage demo

test: setup check
	@$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

check: .setup/packages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml src
	@$(BIN)/python tools/lint.py

rerender: .setup/packages .setup/vendor
	@$(BIN)/maillage rerender --data $(if $(wildcard data/demo),data/demo,data)

bench: .setup/packages .setup/vendor
	@$(BIN)/python -m bench

# Long rungs of the simulation's ladder: generated shifts, coverage of fifty calibrations.
ladder: .setup/packages .setup/simulation
	@$(BIN)/python -m pytest -m nightly -p no:randomly $(PYTEST_ARGS) tests/simulation

faults: .setup/packages .setup/vendor
	@$(BIN)/python -m pytest -m nightly -p no:randomly $(PYTEST_ARGS) tests/faults

# Every page of the web door, found by links: axe, three widths, no foreign request; then without JavaScript.
# It keeps what it sees: the pictures of the documentation, those of the journeys too.
sweep: setup
	@MAILLAGE_SCREENSHOTS=1 $(BIN)/python -m pytest -m "nightly or browser" -p no:randomly $(PYTEST_ARGS) tests/journeys

mutants: .setup/packages .setup/vendor
	@$(BIN)/python tools/mutate.py $(MUTANTS)

site: .setup/packages
	@$(BIN)/python tools/docsite.py

sbom: .setup/packages
	@$(BIN)/python tools/sbom.py > sbom.cdx.json && echo sbom.cdx.json

clean:
	rm -rf .venv .setup src/maillage/_vendor

# --- set-up, done again only when its input changed --------------------------
$(BIN)/uv-$(UV_VERSION):
	@test -n "$(PYTHON)" || { echo "maillage needs Python 3.11 or later with its venv module (on Debian: apt-get install python3 python3-venv)." >&2; exit 1; }
	@echo "-- virtual environment ($$($(PYTHON) --version))"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	@ln -sf uv $@

.setup/packages: $(BIN)/uv-$(UV_VERSION) pyproject.toml uv.lock
	@echo "-- packages"
	@VIRTUAL_ENV= $(BIN)/uv sync --frozen --quiet
	@mkdir -p .setup && touch $@

.setup/vendor: .setup/packages $(wildcard tools/vendor.py tools/r4_*.py vendor.lock.json)
	@if [ -f tools/vendor.py ]; then echo "-- definitions and front-end"; $(BIN)/python tools/vendor.py; fi
	@touch $@

# Machine code of the simulation, compiled once here: nobody waits for a compiler later, and test workers share it.
.setup/simulation: .setup/packages $(wildcard src/maillage/simulation/*.py)
	@echo "-- simulation"
	@$(BIN)/python -m maillage.simulation
	@touch $@

.setup/browser: .setup/packages tools/browser.py
	@echo "-- browser for the tests"
	@$(BIN)/python tools/browser.py $@
