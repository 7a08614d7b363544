#!/usr/bin/env bash
# Instructions of the hot core's steps (tests/hot) against those in docs/benchmarks/instructions.txt,
# counted by callgrind: a check that repeats, not a measurement. UPDATE=1 writes them anew.
set -euo pipefail
cd "$(dirname "$0")/.."

numbers=docs/benchmarks/instructions.txt
tolerance=2 # per cent
runs=3      # of which the median counts: hash maps are seeded by chance

skip() { echo "instructions were not counted: $1"; exit 0; }
command -v valgrind >/dev/null || skip "valgrind is not installed"
# The signatures' arithmetic takes another path on a processor without it.
grep -qsw avx2 /proc/cpuinfo || skip "this processor has no AVX2"

# Built in one way wherever it is counted: how code is split for incremental builds changes what is
# inlined. With the node's features, so that what it is built of is compiled already.
CARGO_INCREMENTAL=0 cargo build --locked -p fairway -p fairway-hot --bin fairway-hot

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "${CARGO_TARGET_DIR:-target}/debug/fairway-hot" "$folder/hot"
valgrind=$(command -v valgrind)
# One name and no environment: both lie on the stack, and how it is aligned is worth 1 %.
count() {
    (cd "$folder" && env -i "$valgrind" -q --tool=callgrind --callgrind-out-file=out \
        --collect-atstart=no '--toggle-collect=*fairway_hot::measured_*' ./hot 2>log) ||
        { cat "$folder/log" >&2; exit 1; }
    callgrind_annotate --inclusive=yes --threshold=100 "$folder/out" |
        sed -nE 's/^ *([0-9,]+) .*fairway_hot::measured_([a-z]+) .*/\2 \1/p' | tr -d ,
}
for _ in $(seq $runs); do count; done | sort -k1,1 -k2,2n >"$folder/runs"
[ -s "$folder/runs" ] || { echo "no step was counted" >&2; exit 1; }
awk -v runs=$runs '++seen[$1] == (runs + 1) / 2' "$folder/runs" >"$folder/counts"

if [ -n "${UPDATE:-}" ]; then
    { sed -n '/^#/p' "$numbers"; cat "$folder/counts"; } >"$folder/new"
    cp "$folder/new" "$numbers"
fi
join -a 1 -a 2 -e 0 -o 0,1.2,2.2 <(grep -v '^#' "$numbers" | sort) "$folder/counts" |
    awk -v tolerance=$tolerance -v numbers=$numbers '
        {
            change = $2 ? 100 * ($3 - $2) / $2 : 100
            printf "%-10s %12d  was %12d  %+6.2f %%\n", $1, $3, $2, change
            if (change > tolerance || change < -tolerance)
                off[++bad] = sprintf("the step `%s` took %d instructions and takes %d: %+.1f %%", $1, $2, $3, change)
        }
        END {
            for (i = 1; i <= bad; i++) print off[i]
            if (bad) {
                print "No step may change by more than " tolerance " % unnoticed. If it is meant, run"
                print "make instructions UPDATE=1 and commit " numbers "."
                exit 1
            }
        }'
