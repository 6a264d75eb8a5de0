# Two commands for a newcomer: make conformance, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Compiled modules spare each start of the suite two seconds.
unexport PYTHONDONTWRITEBYTECODE
INSTALLED := $(VENV)/installed

.PHONY: help conformance test browser docs fuzz lint types targets lock outdated clean

help: ## show these lines
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

conformance: $(INSTALLED) ## build a model, start the reference server, run the suite against it
	$(BIN)/python -m targets.walkthrough --report-json report.json --report-html report.html

# Three processes for two cores: some tests wait for servers that are slow or dead. One that hangs fails after ten
# minutes, with where it stood.
HANGS := -o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true
test: $(INSTALLED) ## run every test of this project
	$(BIN)/python -m pytest -n 3 --dist worksteal $(HANGS)

browser: ## install Chromium for the tests of pages, where there is none (Debian)
	command -v chromium chromium-browser google-chrome || apt-get install --yes --quiet chromium

docs: $(INSTALLED) ## make the documents as pages: build/docs/index.html
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs

fuzz: $(INSTALLED) ## send 200,000 malformed and hostile requests to the reference server
	$(BIN)/python -m tests.fuzz.guided
	$(BIN)/python -m tests.fuzz

lint: $(INSTALLED) ## check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## check types
	$(BIN)/mypy

targets: $(INSTALLED) ## run the suite against the reference server, MLflow and MLServer
	$(BIN)/python -m targets run reference -q
	$(BIN)/python -m targets run mlflow -q
	$(BIN)/python -m targets run mlserver -q

lock: $(INSTALLED) ## pin what is installed for the targets (targets/*/constraints.txt)
	$(BIN)/python -m targets lock

outdated: $(INSTALLED) ## say which of these pins have newer versions
	$(BIN)/python -m targets outdated

clean: ## remove what was installed and built
	rm -rf $(VENV) .cache .tox build *.egg-info report.json report.html
