# `make help` lists what there is. Every target sets up what it needs first and
# skips what is there; `make setup` does nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Tools that web/setup.sh installs.
CARGO_HOME ?= $(HOME)/.cargo
export PATH := $(CARGO_HOME)/bin:$(PATH)

# On macOS browsers are not on PATH; web/setup.sh looks here too.
ifeq ($(shell uname),Darwin)
export CHROMIUM ?= /Applications/Google Chrome.app/Contents/MacOS/Google Chrome
export FIREFOX ?= /Applications/Firefox.app/Contents/MacOS/firefox
endif

PORT ?= 8080
WASM := --target wasm32-unknown-unknown

# $(call stage,2/8 fmt): names the stage and the time since the start.
START := $(shell date +%s)
minutes = $$(( ($$(date +%s) - $(START)) / 60 )) min $$(( ($$(date +%s) - $(START)) % 60 )) s
stage = @echo "== $(1)  [$(minutes)]"

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: ## Install what is missing: Rust for wasm32, Trunk, wasm-bindgen, wasm-opt, browsers, axe-core, etcd
	@web/setup.sh test

.PHONY: setup-rust setup-build
setup-rust:
	@web/setup.sh rust
setup-build:
	@web/setup.sh build

.PHONY: serve
serve: setup-build ## Build and serve on http://127.0.0.1:8080, rebuild on change (PORT=9000, PROFILE=dev)
	@echo "== http://127.0.0.1:$(PORT) once it is built; Ctrl-C ends it"
	@trunk serve $(if $(filter dev,$(PROFILE)),,--release) --port $(PORT) --dist target/serve

.PHONY: build
build: setup-build ## Release build into dist/, for any static file server and path
	@trunk build --release
	@echo "== dist/ is ready: $$(du -sh dist | cut -f1)"

.PHONY: test
test: ## Everything: format, lints, native tests, tests in browsers
	$(call stage,1/8 set-up)
	@web/setup.sh test
	$(call stage,2/8 format)
	@cargo fmt --all --check
	$(call stage,3/8 clippy (native))
	@cargo clippy --workspace --exclude tabraft-web --all-targets -- -D warnings
	$(call stage,4/8 clippy (wasm32))
	@cargo clippy -p tabraft-web --all-targets $(WASM) -- -D warnings
	$(call stage,5/8 native tests)
	@cargo test
	$(call stage,6/8 unit tests in Chromium)
	@$(MAKE) test-wasm
	$(call stage,7/8 release build)
	@trunk build --release
	$(call stage,8/8 browser tests)
	@cargo test -p tabraft-browser-tests
	$(call stage,all passed)

# The runner comes with wasm-bindgen-cli and takes web/webdriver.json.
.PHONY: test-wasm
test-wasm:
	@CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner \
	  CHROMEDRIVER="$${CHROMEDRIVER:-$$(command -v chromedriver)}" WASM_BINDGEN_TEST_TIMEOUT=120 \
	  cargo test -p tabraft-web $(WASM)

# tabraft-web is for browsers only, so native lints leave it out.
.PHONY: lint
lint: setup-rust ## Format check and clippy, native and wasm32
	@cargo fmt --all --check
	@cargo clippy --workspace --exclude tabraft-web --all-targets -- -D warnings
	@cargo clippy -p tabraft-web --all-targets $(WASM) -- -D warnings

.PHONY: fmt
fmt: setup-rust ## Format the code
	@cargo fmt --all

.PHONY: sim
sim: setup-rust ## Whole clusters under faults, until Enter (SEEDS=100000 for so many, SEED=17 for one)
	@cargo test --quiet --test sim -- --on

.PHONY: sim-mutants
sim-mutants: setup-rust ## Plant bugs, one at a time, and see that the checks find each
	@cargo test --quiet --features planted --test mutants

.PHONY: nemesis
nemesis: setup-build ## An hour of kills and cuts in a browser, then the judge (NEMESIS_SECONDS, NEMESIS_SEED)
	@trunk build --release
	@NEMESIS_SECONDS=$${NEMESIS_SECONDS:-3600} CASE_SECONDS=$$(( $${NEMESIS_SECONDS:-3600} + 900 )) \
	  cargo test -p tabraft-browser-tests -- nemesis

# Stable Rust has what libFuzzer needs, by its own flags. What a fuzzer finds stays in
# target/fuzz/<target>; a failure's input is named at the end: copy it into tests/fuzz/corpus/<target>.
FUZZ_TARGETS := wal snapshot envelope backup parameters
FUZZ_HOST = $(shell rustc -vV | sed -n 's/^host: //p')
FUZZ_FLAGS := --cfg fuzzing -Ccodegen-units=1 -Cpasses=sancov-module \
  $(addprefix -Cllvm-args=-sanitizer-coverage-,level=4 inline-8bit-counters pc-table trace-compares)
FUZZ_DIR := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/fuzz
.PHONY: fuzz
fuzz: setup-rust ## Fuzz what reads bytes from outside (FUZZ_SECONDS=60 a target, FUZZ_TARGETS=wal)
	@cd tests/fuzz && RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --release --target $(FUZZ_HOST) --target-dir $(FUZZ_DIR)
	@for target in $(FUZZ_TARGETS); do \
	  mkdir -p $(FUZZ_DIR)/$$target; \
	  echo "== $$target"; \
	  $(FUZZ_DIR)/$(FUZZ_HOST)/release/$$target -max_total_time=$${FUZZ_SECONDS:-60} -max_len=4096 \
	    -print_final_stats=1 -verbosity=0 -artifact_prefix=$(FUZZ_DIR)/$$target- \
	    $(FUZZ_DIR)/$$target tests/fuzz/corpus/$$target; \
	done

# Built as a release, but sooner: the client of etcd is part of what is measured.
.PHONY: bench
bench: ## Measure all, beside etcd, Dexie and plain IndexedDB (QUICK=1, PARTS="floor tabs")
	@web/setup.sh bench
	@[ -n "$${TABRAFT_DIST:-}" ] || trunk build --release
	@cargo run --profile measure -p tabraft-bench -- $(if $(QUICK),--quick) $(PARTS)

.PHONY: bench-core
bench-core: setup-rust ## Measure the core natively, part by part
	@cargo bench --bench core
