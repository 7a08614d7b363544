# For scripts that need Node: sourced by typescript.sh and book.sh.
export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false

is_new_enough() { node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'; }

# Node 20.19 or later, which the packages are for. Where the system's own is older, one is installed
# beside it.
use_node() {
    if ! command -v npm >/dev/null; then
        echo "this needs Node 20.19 or later with npm: install them and run it again" >&2
        exit 1
    fi
    if ! is_new_enough; then
        local newer="${FAIRWAY_CACHE:-$HOME/.cache/fairway}/node"
        [ -x "$newer/node_modules/node/bin/node" ] || npm install --silent --prefix "$newer" node@20
        PATH="$newer/node_modules/node/bin:$PATH"
        if ! is_new_enough; then
            echo "this needs Node 20.19 or later, and $newer has $(node --version): remove it and run it again" >&2
            exit 1
        fi
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
