# For scripts that need Node: sourced by typescript.sh and book.sh.
export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false

# Node 20 or later, which the packages are for; a system's own may be older.
use_node() {
    if ! command -v npm >/dev/null; then
        echo "this needs Node 20 or later with npm: install them and run it again" >&2
        exit 1
    fi
    if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
        local newer="${FAIRWAY_CACHE:-$HOME/.cache/fairway}/node"
        [ -x "$newer/node_modules/node/bin/node" ] || npm install --silent --prefix "$newer" node@20
        PATH="$newer/node_modules/node/bin:$PATH"
    fi
}

# The packages of a folder's lock file, only when it is another one than that of what is installed.
install_packages() {
    cmp -s "$1/package-lock.json" "$1/node_modules/.installed-lock.json" && return
    (cd "$1" && npm ci --silent)
    cp "$1/package-lock.json" "$1/node_modules/.installed-lock.json"
}

# CHROMIUM names a browser, else it is Debian's, which is installed when this runs as root on Debian.
use_browser() {
    export CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
    if [ ! -x "$CHROMIUM" ] && [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
    fi
}
