# Node 20 or later with npm, and what sdk/package-lock.json names, installed. To be sourced in sdk/.
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
