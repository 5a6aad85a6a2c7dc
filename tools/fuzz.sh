#!/usr/bin/env bash
# Runs every fuzz target for so many seconds: fuzz.sh SECONDS
#
# What is found is kept in target/fuzz for the next time; a crash is in fuzz/artifacts, and reproduced by running the
# target's program with that file.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$1
tools=$PWD/target/tools
found=$PWD/target/fuzz
version=0.13.2

if [ "$("$tools/bin/cargo-fuzz" --version 2> /dev/null)" != "cargo-fuzz $version" ]; then
  # for this machine, whatever the targets are built for
  cargo install --quiet --locked --root "$tools" --target-dir "$tools/build" "cargo-fuzz@$version"
  rm -r "$tools/build"
fi
# the flags that cargo-fuzz needs are not stable
export RUSTC_BOOTSTRAP=1 PATH=$tools/bin:$PATH
unset CARGO_TARGET_DIR
cargo fuzz build --target-dir "$found/build" > "$found.log" 2>&1 || { cat "$found.log" >&2; exit 1; }

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
