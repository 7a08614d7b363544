#!/usr/bin/env bash
# Rules cited in the code and rules written in docs/protocol.md are the same.
set -euo pipefail

cited=$(grep -rhoE 'P-[0-9]+' node/*/src --include='*.rs' | sort -u)
written=$(grep -oE '^\| P-[0-9]+' docs/protocol.md | tr -d '| ' | sort -u)
difference=$(diff <(echo "$cited") <(echo "$written") || true)
if [ -n "$difference" ]; then
    printf 'cited in the code (<) or written in docs/protocol.md (>) only:\n%s\n' "$difference" >&2
    exit 1
fi
echo "$(echo "$written" | wc -l) rules, all cited"
