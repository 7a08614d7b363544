#!/usr/bin/env bash
# A compiler wrapper: coverage counters for libFuzzer, with the stable compiler's own LLVM pass.
# Build scripts run without libFuzzer, so they have none.
set -euo pipefail
case " $* " in
*" --crate-name build_script_"*) exec "$@" ;;
esac
exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Clink-dead-code --cfg fuzzing --check-cfg 'cfg(fuzzing)'
