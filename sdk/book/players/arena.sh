#!/usr/bin/env bash
# Plays `arena` until the account has a point: to the prize's row first, then along it.
# Usage: arena.sh CHANNEL ADDRESS ACCOUNT; the node is that of FAIRWAY_NODE.
set -euo pipefail
channel=$1 address=$2 account=$3

row() { fairway channel view "$channel" "0x43::arena::$1" ${2:-} | tr -d '"' | tail -n 1; }
points() { fairway channel view "$channel" 0x43::arena::points "$address"; }
turn() { fairway channel call "$channel" 0x43::arena::turn "$1" "$2" --account "$account" >/dev/null; }

while [ "$(points)" = '"0"' ]; do
    prize=$(row prize) mine=$(row position "$address")
    if [ "$mine" = "$prize" ]; then
        turn 2 1
        sleep 1
    else
        if [ "$mine" -lt "$prize" ]; then turn 1 2; else turn 1 0; fi
        # Stops before it is there, since what stops it takes time; then goes on, cell by cell.
        away=$((mine < prize ? prize - mine : mine - prize))
        [ "$away" -gt 4 ] || turn 1 1
    fi
done
