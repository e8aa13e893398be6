# Two commands from a fresh clone: `make book` and `make test`. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
INSTALLED := $(VENV)/.installed
PORT ?= 8000
WORKERS ?= 2

# uv reads the folder of local wheels under its own name. Where there is none, uv picks the build of torch that fits
# the machine: without a GPU that saves 3 GB of CUDA packages.
ifdef PIP_FIND_LINKS
export UV_FIND_LINKS := $(PIP_FIND_LINKS)
else
export UV_TORCH_BACKEND ?= auto
endif
export UV_LINK_MODE ?= copy

# Python keeps what it compiled, even where the machine asks it not to: importing torch and transformers anew from
# source takes three times as long, in each of the processes that chapters and tests start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup book pdf test test-gpu lint serve reproduce clean lock newest links pairs study real paper bench bench-gpu

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED)  ## Create .venv with everything pinned and the ttsi command in it, and fetch the real model

$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed, found $$($(PYTHON) --version); try: make PYTHON=python3.12 ..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --python $(BIN)/python -r requirements.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	$(BIN)/ttsi agent fetch agents/smollm2-tools
	touch $@

book: setup  ## Execute the chapters that changed and build the book into _build/html
	$(BIN)/ttsi book

pdf: book  ## Print the built book into one file, _build/pdf/book.pdf, with a Chromium that is found or can be installed
	$(BIN)/python -m ttsi_book.making.pdf --chromium "$$($(BIN)/python tests/chromium.py)"

# A thread for each worker: threads that wait for each other lose far more on a busy core than they gain.
test: setup  ## Run the tests, with the browser tests where a Chromium is found or can be installed
	$(BIN)/python tests/chromium.py
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

test-gpu: setup  ## Run the proofs that need a GPU, in under three minutes
	$(BIN)/python -m pytest -m gpu tests/backends/test_gpu.py

lint: setup  ## Check style, types, and which room imports which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

serve: setup  ## Show the book at http://127.0.0.1:8000 (PORT=8000), built anew on every save, the page reloaded
	$(BIN)/python -m ttsi_book.making.serving --port $(PORT)

reproduce: setup  ## Build the book twice from fresh clones and compare every number on every page: half an hour
	$(BIN)/python -m ttsi_book.making.reproducing

links: book  ## Ask every link of the book whether it still leads somewhere; needs the network
	$(BIN)/jupyter-book build _build/work/source --builder linkcheck --config _config.yml \
		--toc "$(CURDIR)/_build/work/source/_toc.yml" --path-output _build/links

clean:  ## Remove what was built: executed chapters and the book; .venv stays
	rm -rf _build book/notebooks

pairs: setup  ## Take over what was edited in notebooks/*.ipynb, then write each anew from its source, notebooks/*.py
	$(BIN)/python -m ttsi_book.making.pairs

study: setup  ## Compute the published runs anew in _build/studies, two at a time, and gather them in data/
	for name in selection results sweeps; do \
		$(BIN)/ttsi study run $$name --out _build/studies/$$name --shard 0/2 & \
		$(BIN)/ttsi study run $$name --out _build/studies/$$name --shard 1/2; wait $$!; \
	done
	$(BIN)/ttsi study run timing --out _build/studies/timing
	for name in selection results sweeps timing; do $(BIN)/ttsi study collect _build/studies/$$name --out data/$$name; done

# On a GPU: make real REAL="--device cuda --dtype bfloat16", which is how the published rows were computed.
REAL ?=
real: setup  ## Run the real model on the paper's benchmarks: days on a CPU, an hour on a GPU; goes on where it stopped
	$(BIN)/ttsi benchmarks fetch all --data-dir data/benchmarks
	$(BIN)/ttsi benchmarks fetch sealtool --subset validation --data-dir data/benchmarks
	$(BIN)/ttsi benchmarks fetch apibank --subset train --data-dir data/benchmarks
	for name in real-selection real; do \
		$(BIN)/ttsi study run $$name --data-dir data/benchmarks --out _build/studies/$$name $(REAL); \
		$(BIN)/ttsi study collect _build/studies/$$name --data-dir data/benchmarks --out data/$$name; \
	done

bench: setup  ## Measure the ways to compute an adaptation on this CPU, for the chapter on speed; leave the machine alone
	$(BIN)/ttsi bench cpu --repeats 3 --out data/speed/cpu.parquet
	$(BIN)/ttsi bench default --repeats 3 --out data/speed/default.parquet

# Unsloth changes the classes of transformers for its whole process, and so has one of its own. Needs the extra gpu.
MINUTES ?= 4
bench-gpu: setup  ## The same on a GPU, on the architecture of Qwen2.5-1.5B with random weights (MINUTES=4); goes on when called again
	$(BIN)/ttsi bench gpu --repeats 3 --minutes $(MINUTES) --out data/speed/gpu.parquet
	$(BIN)/ttsi bench unsloth --repeats 3 --minutes $(MINUTES) --out data/speed/unsloth.parquet

# On several machines: `make paper SHARD=0/4`, `make paper SHARD=1/4`, …, then gather the folders of all and
# `ttsi study collect`. TT-D: `make paper TEACHER="--teacher-url URL --teacher-model NAME"`, the key in OPENAI_API_KEY.
SHARD ?= 0/1
TEACHER ?=
paper: setup  ## Run the paper's models on the paper's benchmarks on a GPU; goes on where it stopped
	$(BIN)/ttsi benchmarks fetch all --data-dir data/benchmarks
	$(BIN)/ttsi study run paper --data-dir data/benchmarks --out _build/studies/paper --shard $(SHARD) $(TEACHER)
	$(BIN)/ttsi study collect _build/studies/paper --data-dir data/benchmarks --out data/paper-results

# The accelerator packages that torch asks for on Linux are left out: they are many gigabytes and of no use without a GPU.
lock: setup  ## Resolve pyproject.toml into requirements.txt
	env -u UV_TORCH_BACKEND $(BIN)/uv pip compile pyproject.toml --extra chapters --extra book --extra dev --quiet \
		--universal --python-version 3.11 --annotation-style line --custom-compile-command "make lock" \
		| sed -E '/^(cuda|nvidia|triton)/d' > requirements.new
	mv requirements.new requirements.txt

newest: setup  ## Move every pin to the newest version that .ci/allowed.txt allows, and lock
	$(BIN)/python .ci/newest.py
	$(MAKE) lock
