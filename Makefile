# Every target makes what it needs; make, Python 3.11+ with venv, and for tests git, must be there.

PYTHON ?= python3
STORE ?=
PRODUCE_STORE ?= stores/fashion-mnist

READER := .venv-report
FULL := .venv
# Any pip installs uv, and uv everything else: old ones take hours to resolve what is pinned.
PIP_INSTALL := -m pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt
UV_INSTALL = $(@D)/bin/uv pip install --quiet --python $(@D) --constraint constraints.txt --build-constraint constraints.txt
NEED = $(FULL)/bin/python tests/helpers/prerequisites.py

STUDY ?= planted
PROCESSES ?= 2

# Of the analysis half alone: torch of a version is gigabytes.
VERSIONS ?= lowest-direct highest
VERSION_TESTS := tests/storage/test_manifest.py tests/importing/test_tables.py \
	tests/sql/test_catalogue.py tests/analysis/test_intervals.py
COVERED ?= tests
LEAST_COVERAGE := 95

.PHONY: report test lint reference api controls torture licences versions coverage bench bench-gpu produce study results notebooks clean

report: $(READER)/installed
	$(READER)/bin/memanalysis report $(STORE) --out report.html

# Whole modules go to each process, whose numerical libraries keep to one thread: together the
# processes fill the cores.
test: $(FULL)/installed
	$(NEED) browser data
	OMP_NUM_THREADS=1 $(FULL)/bin/python -m pytest --quiet -n $(PROCESSES) --dist loadscope --no-loadscope-reorder

lint: $(FULL)/installed
	$(FULL)/bin/ruff check .
	$(FULL)/bin/ruff format --check .
	$(FULL)/bin/mypy
	$(FULL)/bin/lint-imports

# Every rule of the findings in worlds whose answer is known: minutes the first time, then kept in
# the user's cache folder. `make controls CONTROLS='--rates cf --models 400 --halves'`; worlds that
# somebody else made up to break the rules: `make controls CONTROLS='--attacks --worlds 20'`.
controls: $(FULL)/installed
	$(FULL)/bin/python -m memanalysis.experiments.controls $(CONTROLS)

# Kills, damage, hostile input, edges and size: one table whose last two columns must be 0. Some of
# it: `make torture TORTURE='--size 0.1 --seed 3 files kills'`.
torture: $(FULL)/installed
	OMP_NUM_THREADS=1 $(FULL)/bin/python tests/torture $(TORTURE)

# Of everything that is installed; fails on one that is not permissive.
licences: $(FULL)/installed
	$(FULL)/bin/python tests/helpers/licences.py

# The oldest versions that pyproject.toml allows, and the newest: a report and some tests with each.
versions: $(VERSIONS:%=versions-%)

versions-%: $(READER)/installed
	$(READER)/bin/uv venv --quiet --clear --python $(READER)/bin/python build/versions/$*
	$(READER)/bin/uv pip install --quiet --python build/versions/$* --resolution $* --editable .
	$(READER)/bin/uv pip install --quiet --python build/versions/$* pytest hypothesis
	build/versions/$*/bin/memanalysis report --out build/versions/$*/report.html
	OMP_NUM_THREADS=1 build/versions/$*/bin/python -m pytest --quiet -W default $(VERSION_TESTS)

# Branches that the tests take; fails below the least share of all tests. Of some, a table alone:
# `make coverage COVERED=tests/sql`.
coverage: $(FULL)/installed
	rm -rf build/coverage
	mkdir -p build/coverage
	OMP_NUM_THREADS=1 $(FULL)/bin/coverage run -m pytest --quiet -n $(PROCESSES) --dist loadscope \
		--no-loadscope-reorder $(COVERED)
	$(FULL)/bin/coverage combine --quiet
	$(FULL)/bin/coverage report --fail-under $(if $(filter tests,$(COVERED)),$(LEAST_COVERAGE),0)

# All parts, or one: `make bench PART=training`.
bench: $(FULL)/installed
	$(NEED) browser
	$(FULL)/bin/python tests/bench $(PART)

# On a machine with a GPU: does it agree with a processor, and which ensembles fill it?
bench-gpu: $(FULL)/installed
	$(FULL)/bin/python tests/bench/gpu.py

produce: $(FULL)/installed
	$(NEED) data
	$(FULL)/bin/memanalysis produce data/fashion-mnist/study.toml --out $(PRODUCE_STORE)

# One of the reference studies of data/: `make study STUDY=depth`. Hours; it continues where it was
# stopped.
study: $(FULL)/installed
	$(FULL)/bin/memanalysis produce data/$(STUDY)/study.toml --out stores/$(STUDY)

# The tables of data/results/README.md, and its figures anew. With the published files, CIFAR-10
# against them as well: `make results CSCORES=cifar10-cscores-orig-order.npz HUMAN=human.npz`.
results: $(FULL)/installed
ifneq ($(CSCORES)$(HUMAN),)
	$(FULL)/bin/python data/results/outside.py --cscores "$(CSCORES)" --human "$(HUMAN)"
endif
	$(FULL)/bin/python data/results/results.py

# The reference pages, from what declares things: study file, formats, relations, commands.
reference: $(READER)/installed
	$(READER)/bin/python -m memanalysis.cli.reference

# The API reference of the public names, from their docstrings.
api: $(FULL)/installed
	$(FULL)/bin/python tests/helpers/api_pages.py build/api

notebooks: $(FULL)/installed
	$(FULL)/bin/jupyter lab notebooks

clean:
	rm -rf $(READER) $(FULL) build dist report.html

# The analysis half: no torch, no notebooks, nothing for tests.
$(READER)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(READER)
	$(READER)/bin/python $(PIP_INSTALL) uv
	$(UV_INSTALL) --editable .
	touch $@

$(FULL)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(FULL)
	$(FULL)/bin/python $(PIP_INSTALL) uv
	$(UV_INSTALL) --editable '.[producer,ray,notebooks,test]'
	touch $@
