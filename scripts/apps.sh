#!/usr/bin/env bash
# Apps as `fairway new` makes them: each is installed and tested as its README says. Builds the SDK of
# this checkout, and no node: FAIRWAY_BIN names the program.
set -euo pipefail

: "${FAIRWAY_BIN:?names the program fairway: cargo build -p fairway makes it}"
FAIRWAY_BIN=$(realpath "$FAIRWAY_BIN")
PATH="$(dirname "$FAIRWAY_BIN"):$PATH"
cd "$(dirname "$0")/../sdk"
. ../scripts/node.sh
use_node
install_packages .
sdk="$PWD/typescript"
npm run --silent build -w typescript

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0
for template in game payments blank; do
    cd "$folder"
    "$FAIRWAY_BIN" new "app_$template" --template "$template" --sdk "$sdk"
    cd "app_$template"
    # What the last app's install has fetched is not asked of the registry again.
    npm install --prefer-offline --loglevel=error
    npm test
    passed=$((passed + 1))
done
echo "$passed apps made, installed and tested"
