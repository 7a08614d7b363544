#!/usr/bin/env bash
# The TypeScript packages: set up, lint, types, unit tests, tests against real nodes, published packages.
# Then the playable page and the console in Chromium, which is installed when this runs as root on Debian,
# and apps as `fairway new` makes them. FAIRWAY_NO_BROWSER=1 leaves the pages out, and says so at the end.
# Builds no node: FAIRWAY_BIN names the command `fairway`, beside which `fairway-byzantine` lies. Without
# it this fails after the unit tests.
set -euo pipefail
[ -z "${FAIRWAY_BIN:-}" ] || export FAIRWAY_BIN=$(realpath "$FAIRWAY_BIN")
cd "$(dirname "$0")/../sdk"
. ../scripts/node.sh
use_node
install_packages .

node scripts/snippets.mjs
npx biome ci --error-on-warnings .
for package in typescript react examples/typescript play console; do
    npx tsc -p "$package/tsconfig.json"
done
npm run --silent check -w console

counts=()
# Runs the tests of a project and keeps its counts for the last line.
vitest() {
    local package=$1 project=$2 report
    report=$(mktemp)
    (cd "$package" && npx vitest run --project "$project" --reporter=default --reporter=json --outputFile.json="$report")
    counts+=("$project $(node -p "const r = JSON.parse(fs.readFileSync('$report', 'utf8')); if (r.numTotalTests === 0 || r.numPassedTests !== r.numTotalTests) process.exit(1); r.numPassedTests")")
    rm "$report"
}

vitest typescript unit
vitest react react
vitest play play
vitest console console
if [ -z "${FAIRWAY_BIN:-}" ]; then
    echo "FAIRWAY_BIN is not set: tests against real nodes need the commands fairway and fairway-byzantine (cargo build --locked -p fairway -p fairway-byzantine)" >&2
    exit 1
fi
vitest typescript nodes
vitest react react-nodes
node scripts/package-check.mjs

skipped=
if [ "${FAIRWAY_NO_BROWSER:-}" = 1 ]; then
    skipped="; NOT RUN: the pages in a browser (FAIRWAY_NO_BROWSER=1)"
else
    use_browser
    if [ ! -x "$CHROMIUM" ]; then
        echo "no browser at $CHROMIUM: apt-get install chromium, name one with CHROMIUM, or leave the pages untested with FAIRWAY_NO_BROWSER=1" >&2
        exit 1
    fi
    vitest play play-browser
    vitest console console-browser
fi

../scripts/apps.sh

printf 'typescript: all passed: %s tests; 2 packages; 3 apps%s\n' "$(IFS=,; echo "${counts[*]}")" "$skipped"
