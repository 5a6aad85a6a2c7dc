#!/usr/bin/env bash
# cargo for Windows on x86-64: windows.sh COMMAND ARGUMENT…
#
# No package has Rust's standard library for Windows, so it is built from its sources, by the compiler that they came
# with (tools/setup.sh windows). What is built is in target/windows, and programs are run under Wine.
set -euo pipefail
cd "$(dirname "$0")/.."
root=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc-posix
# for SQLite, which is in the library
export CC_x86_64_pc_windows_gnu=x86_64-w64-mingw32-gcc-posix
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$PWD/ctest/windows/wine.py
standard=std,panic_unwind
[ "$1" != test ] || standard+=,test
exec tools/rust_web.sh env "CARGO_TARGET_DIR=$root/windows" cargo "$1" --locked "-Zbuild-std=$standard" --target x86_64-pc-windows-gnu "${@:2}"
