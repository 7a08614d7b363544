#!/usr/bin/env bash
# The TypeScript packages: set up, lint, types, unit tests, tests against real nodes, published packages.
# Then the playable page and the console in Chromium, which is installed when this runs as root on Debian.
# Builds no node: FAIRWAY_BIN names the command `fairway`. Without it this fails after the unit tests.
set -euo pipefail
cd "$(dirname "$0")/../sdk"
export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false

if ! command -v npm >/dev/null; then
    echo "the TypeScript packages need Node 20 or later with npm: install them and run this again" >&2
    exit 1
fi
# The packages are for Node 20 and later; a system's own may be older.
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    newer="${FAIRWAY_CACHE:-$HOME/.cache/fairway}/node"
    [ -x "$newer/node_modules/node/bin/node" ] || npm install --silent --prefix "$newer" node@20
    PATH="$newer/node_modules/node/bin:$PATH"
fi

# npm ci only when the lock file is another one than that of what is installed.
if ! cmp -s package-lock.json node_modules/.installed-lock.json; then
    npm ci --silent
    cp package-lock.json node_modules/.installed-lock.json
fi

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
    echo "FAIRWAY_BIN is not set: tests against real nodes need the command fairway (cargo build --locked -p fairway)" >&2
    exit 1
fi
vitest typescript nodes
vitest react react-nodes
node scripts/package-check.mjs

# The page in a browser: CHROMIUM names one, else Debian's.
export CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
if [ ! -x "$CHROMIUM" ] && [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
skipped=
if [ -x "$CHROMIUM" ]; then
    vitest play play-browser
    vitest console console-browser
else
    skipped="; SKIPPED: the pages in a browser, there is none at $CHROMIUM"
    echo "no browser at $CHROMIUM: apt-get install chromium, or name one with CHROMIUM" >&2
fi

printf 'typescript: all passed: %s tests; 2 packages%s\n' "$(IFS=,; echo "${counts[*]}")" "$skipped"
