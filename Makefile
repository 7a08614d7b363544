# Every target sets up what it needs on a bare machine, then builds with --locked.
# Compiled dependencies are kept outside the clone, so that a fresh clone reuses them.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/fairway/target
export CARGO_TERM_COLOR ?= auto

SEEDS ?= 0..30
STEPS ?= 10000
TARGET ?= messages

.PHONY: help build check test typescript apps clients known-bugs book sim fuzz fuzz-seeds chaos model demo bench side-by-side instructions fmt setup

help:
	@echo "make build   the command fairway, and what puts it on the PATH"
	@echo "make check   format, lints, purity of the core"
	@echo "make test    all tests, ten million steps of the simulation, known bugs put back, instructions"
	@echo "make sim     the simulation on all cores: SEED=n, or SEEDS=a..b, STEPS=n"
	@echo "make typescript  the TypeScript packages: lint, types, tests, also against real nodes, as published"
	@echo "make book    the documentation: its commands run, then built with its links checked; SITE=1 builds alone"
	@echo "make apps    apps as fairway new makes them, installed and tested; needs Node"
	@echo "make clients the committed clients of sdk/examples, after a change of their packages"
	@echo "make fuzz    explores one door that bytes of others come through: TARGET=name, SECONDS=n"
	@echo "make chaos   processes killed, frozen and restarted under load: SECONDS=n, SEED=n"
	@echo "make model   the model checker on larger bounds than in make test; minutes, some GB"
	@echo "make bench   the figures of docs/benchmarks.md, each beside the machine's limit: ROWS=name,name"
	@echo "make side-by-side  builds what make bench runs of others' crates: openraft, lightning"
	@echo "make instructions  those of the hot core, against committed numbers; UPDATE=1 writes new ones"
	@echo "make demo    a ledger, four nodes, games, a settlement, a cheat, an exit; KEEP=1 keeps them running"

setup:
	@scripts/setup.sh

build: setup
	cargo build --locked -p fairway --bin fairway
	@echo 'in every terminal: export PATH="$(abspath $(CARGO_TARGET_DIR))/debug:$$PATH"'

check: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	scripts/purity.sh
	scripts/rules.sh
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check; \
	else echo "cargo-deny is not installed: licences and advisories were not checked"; fi

test: setup
	@if command -v cargo-nextest >/dev/null; then cargo nextest run --workspace --locked --no-fail-fast; \
	else cargo test --workspace --locked --no-fail-fast; fi
	$(MAKE) sim SEEDS=0..1600 STEPS=6000
	$(MAKE) known-bugs
	$(MAKE) typescript
	$(MAKE) book
	$(MAKE) instructions

# Bugs put back into the core one by one, each of which the simulation must catch. Built with the
# node's features, so that nothing but the core and the simulation is compiled once more.
known-bugs: setup
	cargo build --locked -p fairway -p fairway-sim --features fairway-sim/known-bugs --bin fairway-sim-bugs
	$(CARGO_TARGET_DIR)/debug/fairway-sim-bugs

sim: setup
	cargo build --locked -p fairway -p fairway-sim --bin fairway-sim
	$(CARGO_TARGET_DIR)/debug/fairway-sim $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) --steps $(STEPS)

fuzz: setup
	scripts/fuzz.sh $(TARGET) $(or $(SECONDS),60)

# With the node's features, so that nothing is compiled once more.
typescript: setup
	cargo build --locked -p fairway -p fairway-sim -p fairway-byzantine --bin fairway --bin fairway-byzantine
	FAIRWAY_BIN=$(CARGO_TARGET_DIR)/debug/fairway scripts/typescript.sh

book: setup
ifdef SITE
	scripts/book.sh site
else
	cargo build --locked -p fairway -p fairway-sim --bin fairway
	FAIRWAY_BIN=$(CARGO_TARGET_DIR)/debug/fairway scripts/book.sh
endif

apps: setup
	cargo build --locked -p fairway -p fairway-sim --bin fairway
	FAIRWAY_BIN=$(CARGO_TARGET_DIR)/debug/fairway scripts/apps.sh

# sdk/examples, after a change of a package or of what writes clients.
clients: setup
	cargo build --locked -p fairway --bin fairway
	set -e; for package in contracts/examples/arena contracts/examples/payments \
		contracts/examples/tic_tac_toe sdk/codegen/shapes; do \
		name=$${package##*/}; \
		$(CARGO_TARGET_DIR)/debug/fairway client generate --lang rust $$package \
			--out sdk/examples/src/$$name.rs; \
		$(CARGO_TARGET_DIR)/debug/fairway client generate --lang ts $$package \
			--out sdk/examples/typescript/$$name.ts; \
	done

# The valid seeds of tests/fuzz/corpus, after a change of format.
fuzz-seeds: setup
	cargo build --locked -p fairway -p fairway-fuzz --bin fairway-fuzz
	$(CARGO_TARGET_DIR)/debug/fairway-fuzz seeds

chaos: setup
	cargo build --locked -p fairway -p fairway-sim --bin fairway
	CHAOS_SECONDS=$(or $(SECONDS),1800) CHAOS_SEED=$(SEED) cargo test --workspace --locked --test e2e chaos \
	-- --nocapture

model: setup
	cargo build --locked -p fairway-model
	set -e; while read -r bounds; do echo "== $$bounds"; \
		$(CARGO_TARGET_DIR)/debug/fairway-model $$bounds; done < tests/model/larger.txt
	cargo test --locked -p fairway-model -- --ignored

demo: setup
	cargo build --locked -p fairway -p fairway-byzantine --bin fairway --bin fairway-byzantine
	$(CARGO_TARGET_DIR)/debug/fairway demo --report target/demo/report.json $(if $(KEEP),--keep)

# Others' crates on like work. Apart from the workspace: nothing of it is a part of the node.
SIDE = $(CARGO_TARGET_DIR)/side/debug/fairway-side-by-side
side-by-side: setup
	cd tests/side_by_side && cargo build --locked --target-dir $(CARGO_TARGET_DIR)/side

# Everything takes a quarter of an hour. ROWS names parts or rows, QUICK=1 shortens each load, DOCS=1
# puts figures and plots where docs/benchmarks.md shows them.
bench: setup
	cargo build --locked -p fairway -p fairway-bench --bin fairway --bin fairway-bench
	$(CARGO_TARGET_DIR)/debug/fairway-bench --program $(CARGO_TARGET_DIR)/debug/fairway \
	$(if $(wildcard $(SIDE)),--side-by-side $(SIDE)) \
	$(if $(ROWS),--rows $(ROWS)) $(if $(QUICK),--quick) $(if $(DOCS),--docs docs/benchmarks)

instructions: setup
	scripts/instructions.sh

fmt:
	cargo fmt --all
