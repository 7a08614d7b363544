#!/usr/bin/env bash
# Instructions of the hot core's steps against those in docs/benchmarks/instructions.txt, counted by
# callgrind: the same on every machine with AVX2, so a check, not a measurement. UPDATE=1 writes them
# anew. Usage: instructions.sh PROGRAM
set -euo pipefail

program=$1
numbers=docs/benchmarks/instructions.txt
tolerance=2 # per cent; two runs differ by 0.3, since hash maps are seeded by chance

if ! command -v valgrind >/dev/null; then
    echo "valgrind is not installed: instructions were not counted"
    exit 0
fi
# The signatures' arithmetic takes another path on a processor without it.
if ! grep -qw avx2 /proc/cpuinfo; then
    echo "this processor has no AVX2: instructions were not compared"
    exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
valgrind -q --tool=callgrind --collect-atstart=no '--toggle-collect=*fairway_hot::measured_*' \
    --callgrind-out-file="$folder/out" "$program" 2>"$folder/log" || { cat "$folder/log"; exit 1; }
callgrind_annotate --inclusive=yes --threshold=100 "$folder/out" |
    sed -nE 's/^ *([0-9,]+) .*fairway_hot::measured_([a-z]+) .*/\2 \1/p' | tr -d , | sort >"$folder/counts"
[ -s "$folder/counts" ] || { echo "no step was counted" >&2; exit 1; }

if [ -n "${UPDATE:-}" ]; then
    { sed -n '/^#/p' "$numbers"; cat "$folder/counts"; } >"$folder/new"
    cp "$folder/new" "$numbers"
fi
join -a 1 -a 2 -e 0 -o 0,1.2,2.2 <(grep -v '^#' "$numbers" | sort) "$folder/counts" |
    awk -v tolerance=$tolerance '
        {
            change = $2 ? 100 * ($3 - $2) / $2 : 100
            far = change > tolerance || change < -tolerance
            bad += far
            printf "%-10s %12d  was %12d  %+6.2f %%%s\n", $1, $3, $2, change, far ? "  <" : ""
        }
        END {
            if (bad) {
                print "steps changed by more than " tolerance " %: if that is meant, make instructions UPDATE=1"
                exit 1
            }
        }'
