#!/usr/bin/env bash
# Installs what the build needs and a bare machine lacks: libclang for RocksDB's bindings, a C++
# compiler, pkg-config. For root on Linux also what tests/netns, scripts/instructions.sh and
# scripts/typescript.sh use. LIBCLANG_PATH names the folder of a libclang elsewhere.
set -euo pipefail

missing=()
command -v c++ >/dev/null || missing+=(g++)
command -v pkg-config >/dev/null || missing+=(pkg-config)
[ -n "${LIBCLANG_PATH:-}" ] || compgen -G "/usr/lib/llvm-*/lib/libclang[.-][s0-9]*" >/dev/null || missing+=(libclang-dev)

wanted=()
if [ "$(uname)" = Linux ] && [ "$(id -u)" -eq 0 ]; then
    command -v ip >/dev/null || wanted+=(iproute2)
    command -v nft >/dev/null || wanted+=(nftables)
    command -v valgrind >/dev/null || wanted+=(valgrind)
    command -v npm >/dev/null || wanted+=(nodejs npm)
fi
[ ${#missing[@]} -eq 0 ] && [ ${#wanted[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "please install: ${missing[*]} ${wanted[*]}" >&2
    [ ${#missing[@]} -eq 0 ] && exit 0
    exit 1
fi
sudo=""
[ "$(id -u)" -eq 0 ] || sudo="sudo"
$sudo apt-get update -qq || [ ${#missing[@]} -eq 0 ]
install() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"; }
[ ${#missing[@]} -eq 0 ] || install "${missing[@]}"
[ ${#wanted[@]} -eq 0 ] || install "${wanted[@]}" || echo "not installed: ${wanted[*]}" >&2
