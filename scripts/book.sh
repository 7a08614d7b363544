#!/usr/bin/env bash
# The documentation: every command that it shows is run against real processes, then the book is built
# into target/book/site and its links are checked. FAIRWAY_BIN names the program; `scripts/book.sh site`
# builds the book alone, without it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/node.sh

use_node
install_packages sdk
install_packages sdk/book

(cd sdk/book && node --test --test-reporter=dot test/*.test.mjs)
if [ "${1:-}" != site ]; then
    use_browser
    (cd sdk && npm run --silent build -w typescript)
    node sdk/book/commands/main.mjs
fi
(cd sdk/book && npm run --silent build)
