# make run   the app, on http://127.0.0.1:8501 (PORT changes it)
# make test  lint, types, unit tests, page tests, browser tests
# Both do all set-up themselves, from the lock files. Also: lint, lock, wheel, bench, models, results, clean.

PORT ?= 8501
BENCHES ?= run_overhead read_speed reading_time draw_latency stroke_cost first_point web_memory compare_digit compare_open
PYTHON ?= python3
BUNDLE_PYTHON ?= 3.12
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint lock wheel bench models results detector detector-bundle readers-bundle chromium clean

run: $(VENV)/.app
	@echo "digitrec: http://127.0.0.1:$(PORT)"
	@exec $(BIN)/python -m digitrec app --port $(PORT)

test: $(VENV)/.dev
	@$(MAKE) --no-print-directory --jobs=2 lint chromium # Chromium is fetched meanwhile
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder # those in Chromium first: they take longest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests/conftest.py # one at a time: the conftest.py files share a name
	$(BIN)/mypy tests/pages/conftest.py

# What `make run` and `make test` install: each library in one version, with the hashes of its files, for all
# platforms and for Python from 3.11. UPGRADE=--upgrade takes newer versions where the plain lists allow them.
lock: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv~=0.13.9"
	@for name in requirements requirements-dev; do \
	  $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 $(UPGRADE) \
	    --custom-compile-command "make lock" --output-file $$name.lock $$name.txt || exit 1; \
	done

wheel: $(VENV)/.dev
	$(BIN)/python -m hatchling build --target wheel --directory build/dist

bench: $(VENV)/.dev chromium
	@for bench in $(BENCHES); do echo "== $$bench"; $(BIN)/python -m tests.bench.$$bench || exit 1; done

models: $(VENV)/.app
	$(BIN)/python -m digitrec.tools.ship $(RECIPES)
	$(BIN)/python -m digitrec.tools.results_table

results: $(VENV)/.app
	$(BIN)/python -m digitrec.tools.results_table

detector: $(VENV)/.app
	$(BIN)/python -m digitrec.training.detector_training
	$(BIN)/python -m digitrec.training.detector_training --export models/detector

# What a machine with a GPU and without network lacks to train the detector; see deploy/train_detector.sh.
detector-bundle: $(VENV)/.app
	rm -rf build/bundle && mkdir -p build/bundle/unipen build/bundle/fonts build/bundle/wheels
	cp "$${DIGITREC_STROKES:-data/unipen}"/*.jsonl.gz build/bundle/unipen/
	$(BIN)/python -m digitrec.datasets.fonts build/bundle/fonts
	$(BIN)/python -m pip download --quiet --no-deps --only-binary=:all: --dest build/bundle/wheels \
	  --python-version $(BUNDLE_PYTHON) --platform manylinux2014_x86_64 --platform manylinux_2_28_x86_64 \
	  keras~=3.15.0 optree namex
	du -sh build/bundle

# The same for the readers, beside the wheels of the detector's; see deploy/train_readers.sh.
readers-bundle: $(VENV)/.app
	DIGITREC_HOME=$(CURDIR)/build/bundle/home $(BIN)/python -c "from digitrec.datasets import glyph_bank; glyph_bank.bank()"
	du -sh build/bundle

chromium: $(VENV)/.dev
	@$(BIN)/python tests/browser/chromium.py

$(VENV)/.app: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "digitrec needs Python 3.11 or newer: PYTHON=python3.12 make run")'
	$(PYTHON) -m venv $(VENV)
	@$(BIN)/python deploy/install.py requirements
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.app
	@$(BIN)/python deploy/install.py requirements-dev
	@touch $@

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis
