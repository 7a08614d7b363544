#!/usr/bin/env bash
# The documentation: every command that it shows is run against real processes, then the book is built
# into target/book/site, with the references of the SDKs, and its links are checked. FAIRWAY_BIN names
# the program; `scripts/book.sh site` builds the book alone, without it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/node.sh
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR

use_node
install_packages sdk
install_packages sdk/book

(cd sdk/book && node --test --test-reporter=dot test/*.test.mjs)
if [ "${1:-}" != site ]; then
    use_browser
    (cd sdk && npm run --silent build -w typescript)
    node sdk/book/commands/main.mjs
fi
rm -rf "$CARGO_TARGET_DIR/doc"
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --no-deps -p fairway-sdk -p fairway-api -p fairway-types
(cd sdk/book && RUSTDOC="$CARGO_TARGET_DIR/doc" npm run --silent build)
