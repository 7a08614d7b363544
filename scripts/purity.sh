#!/usr/bin/env bash
# The core stays pure, and what SDKs will depend on stays free of the Move VM (yanked crates).
set -euo pipefail

fail() { echo "$1" >&2; exit 1; }
tree() { cargo tree --locked -p "$1" -e normal --prefix none; }

for crate in fairway-types fairway-state fairway-proto; do
    found=$(tree "$crate" | grep -E '^(tokio|libp2p|rocksdb) v' || true)
    [ -z "$found" ] || fail "$crate is no longer pure: $found"
done
for crate in fairway-types fairway-state fairway-sdk fairway-codegen; do
    found=$(tree "$crate" | grep -E '^(mv-|move-)' || true)
    [ -z "$found" ] || fail "$crate depends on the Move VM: $found"
done
if cargo tree --locked -p fairway -e features --prefix none | grep -q '"known-bugs"'; then
    fail "the node is built with the known bugs of the simulation's own test"
fi
echo "purity holds"
