# `make demo` and `make test` install the Python packages that they need. The other targets are for
# contributors.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 5000
VENV ?= .venv
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check
# The folders of tests that need only Python.
UNIT := $(addprefix tests/,unit click page callback cli check)
# Run tests in parallel, with one process per processor.
PARALLEL := --numprocesses auto --dist worksteal
# More options for pytest. With --strict-skips, a test run with skipped tests fails.
OPTIONS ?=

.PHONY: demo test test-unit test-all programs databases firefox mutants docs translations catalogs bench fuzz load versions styles screenshots dist lock lint format clean

demo: $(VENV)/demo.stamp
	$(BIN)/flask --app demo_app run --host $(HOST) --port $(PORT)

# Tests are skipped if they need a program that is missing.
NPM_PACKAGES := $(if $(shell command -v npm),.venv/npm/stamp)
test: $(VENV)/tests.stamp $(NPM_PACKAGES)
	$(BIN)/python -m pytest $(PARALLEL) $(OPTIONS)

test-unit: $(VENV)/tests.stamp
	$(BIN)/python -m pytest $(PARALLEL) $(UNIT)

# Run all tests, including the slow ones in tests/deep.
test-all: $(VENV)/tests.stamp $(NPM_PACKAGES) docs
	$(BIN)/python -m pytest $(PARALLEL) $(OPTIONS) tests

# Install the programs and npm packages for `make test`. `make test-all` also needs those of
# `make databases` and `make firefox`.
programs:
	@$(call install,chromium,chromium fonts-noto-cjk)
	@PATH="$$PATH:/usr/sbin"; $(call install,nginx,nginx-light)
	@$(call install,npm,npm)
	@$(MAKE) --silent .venv/npm/stamp
databases:
	@PATH="$$PATH:$$(echo /usr/lib/postgresql/*/bin)"; $(call install,initdb,postgresql)
	@PATH="$$PATH:/usr/sbin"; $(call install,mariadbd,mariadb-server)
firefox:
	@command -v firefox >/dev/null || { $(call install,firefox-esr,firefox-esr); }

# Run mutation tests: put one fault after another into the package, and check that tests fail.
mutants: $(VENV)/tools.stamp
	$(BIN)/python -m tests.tools.mutants $(MUTANTS)

# Build the manual into build/docs/en and build/docs/zh. Warnings are errors.
docs: $(VENV)/docs.stamp .venv/docs/stamp
	$(call manual,en,en)
	$(call manual,zh,zh-cn)
# $(call manual,FOLDER,LANGUAGE) builds a language of the manual. Read the Docs defines the language
# codes.
manual = READTHEDOCS_LANGUAGE=$(2) $(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going \
  --jobs auto --fresh-env --write-all --conf-dir docs docs/$(1) build/docs/$(1)

# List untranslated texts of the Chinese manual, and update the catalogs of its docstrings.
translations: $(VENV)/tools.stamp .venv/docs/stamp
	$(BIN)/python docs/translate.py

# Add new texts of the demo to its Chinese catalog, and compile the catalog. Translate the new texts
# in messages.po, and run this again.
CATALOGS := demo_app/translations
catalogs: $(VENV)/tests.stamp
	mkdir -p build
	$(BIN)/pybabel --quiet extract --mapping-file demo_app/babel.cfg --keywords lazy_gettext \
	  --no-location --sort-output --no-wrap --output-file build/demo.pot demo_app
	$(BIN)/pybabel --quiet update --input-file build/demo.pot --output-dir $(CATALOGS) --locale zh \
	  --ignore-obsolete --ignore-pot-creation-date --no-fuzzy-matching --no-wrap
	$(BIN)/pybabel --quiet compile --directory $(CATALOGS)

# Build static/xiebao.css from styles/xiebao.css.
styles: $(VENV)/tests.stamp
	$(BIN)/python -m tests.tools.stylesheet

screenshots: $(VENV)/tests.stamp
	$(BIN)/python -m tests.tools.screenshots

bench: $(VENV)/bench.stamp
	$(BIN)/python -m tests.tools.benchmarks

fuzz: $(VENV)/tests.stamp
	$(BIN)/python -m tests.tools.fuzz

load: $(VENV)/tests.stamp
	$(BIN)/python -m tests.tools.load
	$(BIN)/python -m tests.tools.load.notifications

# Run the tests on all installed versions of Python, or in one tox environment, for example with
# TOXENV=main.
versions: $(VENV)/tools.stamp .venv/npm/stamp
	$(BIN)/tox run

# Build the release from the last commit. The links in its README are absolute, because package
# indexes do not show the linked files. Test the wheel with the quick start in an empty environment,
# and test the unpacked source. The tests fail if a text for visitors has no Chinese translation. The Chinese
# manual may lag, because a security fix must not wait for a translation. The last lines of the output
# list the lagging pages.
HUB := github.com/flask-xiebao/flask-xiebao
VERSION = $(shell sed -n 's/^version = //p' setup.cfg)
dist: $(VENV)/tools.stamp docs programs firefox
	$(BIN)/python -m pytest --quiet tests/tools/parity.py
	rm -rf build/release build/empty build/source dist && mkdir -p build/release build/source
	git -c safe.directory='*' archive HEAD | tar -xC build/release
	sed -Ei 's#\]\(([^:)]+\.md)\)#](https://$(HUB)/blob/$(VERSION)/\1)#g; s#src="#&https://$(HUB)/raw/$(VERSION)/#' \
	  build/release/README.md
	$(BIN)/python -m build --no-isolation --outdir dist build/release
	$(BIN)/twine check --strict dist/*
	$(PYTHON) -m venv build/empty
	build/empty/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	build/empty/bin/python tests/tools/quickstart.py README.md
	$(BIN)/cyclonedx-py environment --output-reproducible --output-file dist/sbom.cdx.json build/empty
	PATH="$$PATH:/usr/sbin" $(BIN)/python -m tests.tools.versions >dist/tested-with.txt
	tar -xzf dist/*.tar.gz -C build/source --strip-components 1
	cd build/release && find * -type f | (cd ../source && xargs ls) >/dev/null
	cd build/source && $(CURDIR)/$(BIN)/python -m pytest --quiet $(PARALLEL) $(UNIT)
	$(BIN)/python docs/translate.py --check

# Lock the newest versions of all requirements, for all versions of Python and all systems.
lock: $(BIN)/python
	$(PIP) install uv
	for name in tests tools docs bench demo; do $(BIN)/uv pip compile --quiet --upgrade \
	  --universal --generate-hashes --python-version 3.11 --no-emit-package flask-xiebao \
	  --output-file requirements/$$name.txt requirements/$$name.in || exit; done
	for folder in docs tests/browser; do rm $$folder/package-lock.json; \
	  npm install --prefix $$folder --package-lock-only --silent || exit; done

lint: $(VENV)/tools.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/bandit --quiet --recursive flask_xiebao
	$(BIN)/mypy --strict flask_xiebao demo_app tests docs
	$(BIN)/python -m tests.tools.mutants --validate
	$(call schema,github-workflows) .github/workflows/*.yml
	$(call schema,github-issue-forms) $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(call schema,github-issue-config) .github/ISSUE_TEMPLATE/config.yml
	$(call schema,dependabot) .github/dependabot.yml
	$(call schema,readthedocs) .readthedocs.yaml
schema = $(BIN)/check-jsonschema --quiet --builtin-schema vendor.$(1)

format: $(VENV)/tools.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf .venv $(VENV) build dist *.egg-info

# The locked files contain hashes, so pip refuses to install other files. They are complete, and old
# versions of pip would choose other versions of some packages, so pip must not add requirements.
$(VENV)/%.stamp: requirements/%.txt setup.cfg pyproject.toml | $(BIN)/python
	$(PIP) install --no-deps --requirement $<
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(PIP) check
	@touch $@

# .venv/docs has the search of the manual. .venv/npm has CSS and JavaScript frameworks for the tests
# in browsers, and a type checker.
.venv/docs/stamp: docs/package.json docs/package-lock.json
.venv/npm/stamp: tests/browser/package.json tests/browser/package-lock.json
.venv/docs/stamp .venv/npm/stamp:
	@$(call need,npm,npm)
	@mkdir -p $(@D)
	@cp $^ $(@D)
	npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(BIN)/python:
	@$(call need,$(PYTHON),python3 python3-venv)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is missing. Set its command, for example: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(call missing,python3-venv); }
	$(PYTHON) -m venv $(VENV)

# $(call need,COMMAND,PACKAGES) ends with a message if a command is missing.
need = command -v $(1) >/dev/null || { $(call missing,$(2)); }

# $(call install,COMMAND,PACKAGES) installs Debian packages if a command is missing.
install = command -v $(1) >/dev/null || \
  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; \
  then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $(2) >/dev/null; \
  else $(call missing,$(2)); fi

missing = echo "Missing packages: $(1). Install them, on Debian with: sudo apt-get install $(1)"; exit 1
