#!/usr/bin/env bash
# Runs every fuzz target for so many seconds: fuzz.sh SECONDS
#
# What is found is kept in target/fuzz for the next time; a crash is in fuzz/artifacts, and reproduced by running the
# target's program with that file.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$1
found=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
mkdir -p "$found"

cargo_fuzz=$(tools/cargo_tool.sh cargo-fuzz 0.13.2)
# the flags that cargo-fuzz needs are not stable
export RUSTC_BOOTSTRAP=1
unset CARGO_TARGET_DIR
"$cargo_fuzz" fuzz build --target-dir "$found/build" > "$found.log" 2>&1 || { cat "$found.log" >&2; exit 1; }

failed=0
for target in fuzz/fuzz_targets/*.rs; do
  target=$(basename "$target" .rs)
  mkdir -p "$found/corpus/$target" "fuzz/artifacts/$target"
  log=$found/$target.log
  if "$found"/build/*/release/"$target" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="fuzz/artifacts/$target/" "$found/corpus/$target" "fuzz/corpus/$target" > "$log" 2>&1; then
    sed -n "s/^stat::number_of_executed_units: */fuzz: $target: executions: /p" "$log"
  else
    tail -40 "$log" >&2
    failed=1
  fi
done
exit $failed
