# Two commands on a fresh machine: `make demo` and `make test`. Each makes its own environment.

PYTHON ?= python3
DEMO := .venv-demo
DEV := .venv-dev
BENCH := .venv-bench
LITERT_JS := .browser/node_modules/@litertjs/core/package.json
# Tests that build models by the dozen run side by side, one on each of the usual two cores; BLAS threads
# would fight over the cores.
JOBS ?= 2

.PHONY: demo test bench bench-quick matrix browser browser-setup docs notebooks package lint types units format clean

demo: $(DEMO)/ready
	$(DEMO)/bin/python examples/speakers.py
	$(DEMO)/bin/python examples/speakers_exits.py

test: lint types units

# Everything that benchmarks/RESULTS.md states, and what the cost model is made of.
bench: $(BENCH)/ready
	cd benchmarks && ../$(BENCH)/bin/python -m speed
	$(BENCH)/bin/python benchmarks/conversion_time.py
	OMP_NUM_THREADS=1 $(BENCH)/bin/python benchmarks/sources.py
	$(BENCH)/bin/python benchmarks/quantization.py
	$(BENCH)/bin/python benchmarks/loop_costs.py

# The ratios over a small grid, in three minutes.
bench-quick: $(BENCH)/ready
	cd benchmarks && ../$(BENCH)/bin/python -m speed --quick

# Each op in each type, then files, on every runtime since TFLite 2.9; writes docs/RUNTIMES.md. Wheels
# are kept in .matrix.
matrix: $(DEV)/ready
	cd benchmarks && OMP_NUM_THREADS=1 ../$(DEV)/bin/python -m runtimes.kernels
	cd benchmarks && OMP_NUM_THREADS=1 ../$(DEV)/bin/python -m runtimes

# The demo's recogniser as a page on localhost; wants Node.
browser: $(DEMO)/ready $(LITERT_JS)
	test -e demo-output/speakers.keras || $(DEMO)/bin/python examples/speakers.py
	$(DEMO)/bin/python examples/browser/export.py
	node examples/browser/serve.mjs

# What the tests in the browser want (Debian; as root where Chromium is not there yet).
browser-setup: $(LITERT_JS)
	command -v chromium || (apt-get update && apt-get install -y chromium)

$(LITERT_JS):
	PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --no-save --no-audit --no-fund --prefix .browser \
		@litertjs/core@2.5.3 playwright-core@1.65.1

# The site, in docs/_build/html; a warning is an error.
docs: $(DEV)/ready
	$(DEV)/bin/python -m sphinx -W --keep-going -b html docs docs/_build/html

# The notebooks, made of the scripts beside them.
notebooks: $(DEV)/ready
	$(DEV)/bin/jupytext --to ipynb examples/notebooks/*.py

# What is uploaded, in dist/.
package: $(DEV)/ready
	rm -rf dist
	$(DEV)/bin/python -m build
	$(DEV)/bin/python -m twine check --strict dist/*

lint: $(DEV)/ready
	$(DEV)/bin/ruff check src tests examples benchmarks docs/*.py
	$(DEV)/bin/ruff format --check src tests examples benchmarks docs/*.py

types: $(DEV)/ready
	$(DEV)/bin/mypy

units: $(DEV)/ready
	OMP_NUM_THREADS=1 $(DEV)/bin/python -m pytest -n $(JOBS) --dist worksteal

format: $(DEV)/ready
	$(DEV)/bin/ruff check --fix src tests examples benchmarks docs/*.py
	$(DEV)/bin/ruff format src tests examples benchmarks docs/*.py

$(DEMO)/ready: pyproject.toml
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet --upgrade pip
	$(DEMO)/bin/python -m pip install --quiet -e '.[demo]'
	touch $@

$(BENCH)/ready: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --upgrade pip
	$(BENCH)/bin/python -m pip install --quiet -e '.[bench]'
	touch $@

$(DEV)/ready: pyproject.toml
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python -m pip install --quiet --upgrade pip
	$(DEV)/bin/python -m pip install --quiet -e '.[dev]'
	touch $@

clean:
	rm -rf $(DEMO) $(DEV) $(BENCH) .matrix .browser demo-output dist docs/_build .hypothesis .mypy_cache .pytest_cache .ruff_cache
