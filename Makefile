# `make help` lists what there is; `make demo` and `make test` are all that a newcomer needs.
#
# Python packages come from the locked files in requirements/ only, each checked by its hash.
# A stamp in .venv says that a step was done, so that a second run is quick.

# Debian's own Python first: tests run programs as other users, who cannot enter a home folder.
PYTHON ?= $(shell command -v /usr/bin/python3.11 || command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
INSTALL_PACKAGES := tests/tools/install-packages

# Each program that the tests start, with the Debian package that brings it.
TEST_PACKAGES := clamd:clamav-daemon clamdscan:clamdscan spamd:spamd spamc:spamc \
    spamassassin:spamassassin tcpserver:ucspi-tcp smtpfront-qmail:mailfront swaks:swaks \
    qpsmtpd-forkserver:qpsmtpd cc:gcc bsdtar:libarchive-tools lsar:unar \
    logrotate:logrotate unshare:util-linux \
    nsenter:util-linux useradd:passwd systemd-analyze:systemd

.PHONY: help setup demo test lint types contracts tests lock bench fuzz corpus deb clean
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

help:
	@echo 'make setup        make the environment in .venv (demo and test call it)'
	@echo 'make demo         the whole system on this machine; KEEP=1 leaves it up'
	@echo 'make test         install what the tests need, then lint, types, contracts, every test'
	@echo 'make lint types contracts tests   one of these alone'
	@echo 'make bench        measure the gate (ARGS="--help" says how)'
	@echo 'make fuzz         fuzz every reader of foreign bytes (SECONDS=60 each, TARGET=open/zip)'
	@echo 'make corpus       compare with a test corpus (CORPUS=folder, ../shared/corpus)'
	@echo 'make deb          build the Debian package into dist/'
	@echo 'make lock         renew the locked requirements'
	@echo 'make clean        remove .venv and everything that was made'

setup: $(STAMPS)/package
	@echo 'ready         make demo shows it at work'

demo: $(STAMPS)/package
	@$(BIN)/mailwarden demo $(if $(KEEP),--keep)

test: packages $(STAMPS)/dev
	@$(MAKE) lint types contracts tests

.PHONY: packages
packages:
	@$(INSTALL_PACKAGES) $(TEST_PACKAGES)

$(STAMPS)/uv: requirements/uv.txt
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or later is missing: apt-get install python3' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "$(PYTHON) is older than 3.11: name another one, make PYTHON=... " >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(INSTALL_PACKAGES) :python3-venv
	@echo "environment   $(VENV), $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@echo 'installer     uv and the build backend'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r $<
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/runtime: requirements/runtime.txt $(STAMPS)/uv
	@echo 'libraries     $<'
	@$(UV) --require-hashes -r $<
	@touch $@

# Editable: changed sources are seen at once, a changed client is compiled again.
$(STAMPS)/package: pyproject.toml $(wildcard client/*) $(STAMPS)/runtime
	@echo 'mailwarden    commands in $(BIN)'
	@$(UV) --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/package
	@echo 'test tools    $<'
	@$(UV) --require-hashes -r $<
	@touch $@

lint: $(STAMPS)/dev
	@echo '== lint'
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { $(BIN)/ruff format --check; exit 1; }

types: $(STAMPS)/dev
	@echo '== types'
	@MYPYPATH=src:tests:bench:client:fuzz $(BIN)/mypy --explicit-package-bases \
	    src/mailwarden tests bench client fuzz agreement

contracts: $(STAMPS)/dev
	@echo '== contracts'
	@$(BIN)/lint-imports
	@$(BIN)/deptry src

tests: $(STAMPS)/dev
	@echo '== tests'
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q -n 2
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

bench: $(STAMPS)/dev packages
	@$(BIN)/python bench/queue_bench.py $(ARGS)

# Two at a time; what is found stays in .fuzz, where the next run goes on. SEEDS names a folder of
# further files to begin with.
SECONDS ?= 60
fuzz: $(STAMPS)/dev packages
	@$(BIN)/python fuzz/run.py --seconds $(SECONDS) $(if $(SEEDS),--seeds $(SEEDS)) $(TARGET)

# Agreement with the expectations of other programs; nothing of the corpus is in the repository.
CORPUS ?= ../shared/corpus
corpus: $(STAMPS)/package packages
	@$(BIN)/python -m agreement "$(CORPUS)" $(ARGS)

deb: $(STAMPS)/package
	@packaging/build-deb dist

COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11
lock: $(STAMPS)/uv
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) pyproject.toml --extra pdf --extra uvloop -o requirements/runtime.txt
	$(COMPILE) pyproject.toml requirements/dev.in --extra pdf --extra uvloop -o requirements/dev.txt

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache \
	    .hypothesis .import_linter_cache .fuzz
