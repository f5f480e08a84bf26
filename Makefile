# Two commands on a fresh machine: `make demo` and `make test`. Each makes its own environment.

PYTHON ?= python3
DEMO := .venv-demo
DEV := .venv-dev
BENCH := .venv-bench
# Tests that build models by the dozen run side by side; BLAS threads would fight over the cores.
JOBS ?= 2

.PHONY: demo test bench bench-quick matrix lint types units format clean

demo: $(DEMO)/ready
	$(DEMO)/bin/python examples/speakers.py

test: lint types units

# Everything that benchmarks/RESULTS.md states, and what the cost model is made of.
bench: $(BENCH)/ready
	cd benchmarks && ../$(BENCH)/bin/python -m speed
	$(BENCH)/bin/python benchmarks/conversion_time.py
	$(BENCH)/bin/python benchmarks/quantization.py
	$(BENCH)/bin/python benchmarks/loop_costs.py

# The ratios over a small grid, in three minutes.
bench-quick: $(BENCH)/ready
	cd benchmarks && ../$(BENCH)/bin/python -m speed --quick

# Files on every runtime since TFLite 2.9; writes docs/RUNTIMES.md. Wheels are kept in .matrix.
matrix: $(DEV)/ready
	cd benchmarks && OMP_NUM_THREADS=1 ../$(DEV)/bin/python -m runtimes

lint: $(DEV)/ready
	$(DEV)/bin/ruff check src tests examples benchmarks
	$(DEV)/bin/ruff format --check src tests examples benchmarks

types: $(DEV)/ready
	$(DEV)/bin/mypy

units: $(DEV)/ready
	OMP_NUM_THREADS=1 $(DEV)/bin/python -m pytest -n $(JOBS) --dist worksteal

format: $(DEV)/ready
	$(DEV)/bin/ruff check --fix src tests examples benchmarks
	$(DEV)/bin/ruff format src tests examples benchmarks

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
	rm -rf $(DEMO) $(DEV) $(BENCH) .matrix demo-output .hypothesis .mypy_cache .pytest_cache .ruff_cache
