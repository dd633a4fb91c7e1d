# Two commands: `make run` does the main job, `make test` passes the tests. Both set everything up in .venv first.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run reduce window test lint format bench tour soak clean

BIN := .venv/bin
READY := .venv/.ready
# One test process more than cores, for each waits a third of its time; at most four, for each takes up to 1.2 GB.
TEST_WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); n=$$((n + 1)); [ "$$n" -gt 4 ] && n=4; echo $$n)
# Kernels that tests compile stay with the project, not in the user's cache.
KERNELS := $(CURDIR)/.cache/kernels

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  variables: NIGHT=folder OUT=folder (run), T='-k word' (test), B='--only name --size 1024' (bench), ONLY=demo (tour), PYTHON=path"

setup: $(READY) ## put the program and its makers' tools into .venv

$(READY): pyproject.toml setup.py constraints.txt .ci/setup
	@sh .ci/setup
	@touch $@

run: $(READY) ## open NIGHT=folder, or a demo night made here, in the window; without a screen: make reduce
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" = Darwin ]; then $(MAKE) --no-print-directory window NIGHT="$(or $(NIGHT),demo_night)"; \
	else $(MAKE) --no-print-directory reduce; fi

reduce: $(READY) $(if $(NIGHT),,demo_night) ## reduce NIGHT=folder, or a demo night made here, and say where the results lie
	$(BIN)/astep reduce "$(or $(NIGHT),demo_night)" $(if $(OUT),-o "$(OUT)")

demo_night: | $(READY)
	$(BIN)/astep demo demo_night

window: $(READY) $(if $(filter demo_night,$(NIGHT)),demo_night) ## open the window, on NIGHT=folder if one is named
	$(BIN)/astep-gui $(if $(NIGHT),"$(NIGHT)") $(if $(OUT),-o "$(OUT)")

test: $(READY) ## pass the tests (those on real data too, where ../shared/data or ASTEP_REAL_DATA is)
	NUMBA_CACHE_DIR="$(KERNELS)" $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile $(T)

lint: $(READY) ## what the linters say: style, types, import directions
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## write the code as the formatter would
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY) ## time our work beside its peers, one table
	$(BIN)/python -m tests.bench.run $(B)

tour: $(READY) ## walk through the whole window on a screen of its own; pictures in build/tour/index.html
	$(BIN)/python -m tests.tour.run $(if $(ONLY),--only $(ONLY))

soak: $(READY) ## use the window at random for MINUTES=30 and watch memory, threads, faults, stalls
	nice $(BIN)/python -m tests.tour.soak --minutes $(or $(MINUTES),30) --seed $(or $(SEED),1)

clean: ## remove all that was made here: .venv, caches, builds and the demo night
	rm -rf .venv .cache build dist *.egg-info demo_night .demo_night.unfinished demo_night_reduced
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
