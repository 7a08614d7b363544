#!/usr/bin/env bash
# Apps as `fairway new` makes them: each is installed and tested as its README says. Builds the SDK of
# this checkout, and no node: FAIRWAY_BIN names the program.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${FAIRWAY_BIN:?names the program fairway: cargo build -p fairway makes it}"
FAIRWAY_BIN=$(realpath "$FAIRWAY_BIN")
PATH="$(dirname "$FAIRWAY_BIN"):$PATH"
sdk="$PWD/sdk/typescript"

(cd sdk && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build -w typescript)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0
for template in game payments blank; do
    cd "$folder"
    "$FAIRWAY_BIN" new "app_$template" --template "$template" --sdk "$sdk"
    cd "app_$template"
    npm install --no-audit --no-fund --loglevel=error
    npm test
    passed=$((passed + 1))
done
echo "$passed apps made, installed and tested"
