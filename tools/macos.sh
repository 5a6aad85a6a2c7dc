#!/usr/bin/env bash
# cargo for macOS: macos.sh arm64|x86_64 COMMAND ARGUMENT…
#
# No package has Rust's standard library for macOS, so it is built from its sources, by the compiler that they came with
# (tools/setup.sh macos). What is built is in target/macos/build. Nothing is linked here, since that takes what only Apple
# has: packaging/macos.sh does.
set -euo pipefail
cd "$(dirname "$0")/.."
root=${CARGO_TARGET_DIR:-$PWD/target}
case $1 in
  arm64) triple=aarch64-apple-darwin ;;
  x86_64) triple=x86_64-apple-darwin ;;
  *)
    echo "usage: macos.sh arm64|x86_64 COMMAND ARGUMENT…" >&2
    exit 2
    ;;
esac
exec tools/rust_web.sh env "CARGO_TARGET_DIR=$root/macos/build" cargo "$2" --locked -Zbuild-std=std,panic_unwind \
  --target "$triple" "${@:3}"
