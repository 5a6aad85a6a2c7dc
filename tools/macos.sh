#!/usr/bin/env bash
# cargo for macOS: macos.sh arm64|x86_64 COMMAND ARGUMENT…
#
# No package has Rust's standard library for macOS, so it is built from its sources, by the compiler that they came with
# (tools/setup.sh macos). What is built is in target/macos/build. Nothing is linked here, since that takes what only Apple
# has: packaging/macos.sh does.
set -euo pipefail
cd "$(dirname "$0")/.."
root=${CARGO_TARGET_DIR:-$PWD/target}
rust=$root/tools/rust-web/usr clippy=$root/tools/clippy-web/usr/bin
case $1 in
  arm64) triple=aarch64-apple-darwin ;;
  x86_64) triple=x86_64-apple-darwin ;;
  *)
    echo "usage: macos.sh arm64|x86_64 COMMAND ARGUMENT…" >&2
    exit 2
    ;;
esac
export CARGO_TARGET_DIR=$root/macos/build
LD_LIBRARY_PATH=$(echo "$rust"/lib/*-linux-gnu)
export LD_LIBRARY_PATH RUSTC=$rust/bin/rustc RUSTDOC=$rust/bin/rustdoc
# lets a stable compiler take the flag below
export RUSTC_BOOTSTRAP=1
# cargo's clippy must be of the same version as the compiler
PATH=$clippy:$PATH exec cargo "$2" --locked -Zbuild-std=std,panic_unwind --target "$triple" "${@:3}"
