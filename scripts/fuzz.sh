#!/usr/bin/env bash
# Explores one target with libFuzzer for some seconds: scripts/fuzz.sh TARGET SECONDS.
# The wrapper counts coverage in this workspace's crates alone, so that nothing else is built again
# (docs/adr/0015-fuzzing.md). Finds lie in target/fuzz/TARGET, the grown corpus in its `corpus`.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1 seconds=$2
built=${CARGO_TARGET_DIR:-target}/debug

# Both selections are the same, so that dependencies have the same features.
cargo build --locked -p fairway -p fairway-fuzz --bin fairway-fuzz
targets=$("$built/fairway-fuzz" list)
if ! grep -q "^$name " <<<"$targets"; then
    echo "$targets" >&2
    [ "$name" = list ] && exit 0 || exit 2
fi
RUSTC_WORKSPACE_WRAPPER=$PWD/scripts/coverage.sh \
    cargo build --locked -p fairway -p fairway-fuzz --features fairway-fuzz/engine --bin fairway-fuzz-engine

finds=$PWD/target/fuzz/$name
mkdir -p "$finds/corpus"
most=$(awk -v name="$name" '$1 == name { print $2 }' <<<"$targets")
echo "exploring $name for $seconds s; what breaks is written to $finds"
FAIRWAY_FUZZ_TARGET=$name "$built/fairway-fuzz-engine" \
    -max_total_time="$seconds" -max_len="$most" -timeout=30 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="$finds/" "$finds/corpus" "tests/fuzz/corpus/$name"
