#!/usr/bin/env bash
# Runs a command with the Rust that Debian has together with the sources of its standard library, so that cargo can build
# that for other systems (-Zbuild-std), and with clippy of the same version: rust_web.sh COMMAND ARGUMENT…
#
# tools/setup.sh keeps both below target/tools.
set -euo pipefail
tools=${CARGO_TARGET_DIR:-$(cd "$(dirname "$0")/.." && pwd)/target}/tools
rust=$tools/rust-web/usr
LD_LIBRARY_PATH=$(echo "$rust"/lib/*-linux-gnu)
PATH=$tools/clippy-web/usr/bin:$PATH
export LD_LIBRARY_PATH PATH RUSTC=$rust/bin/rustc RUSTDOC=$rust/bin/rustdoc
# lets a stable compiler take unstable flags
export RUSTC_BOOTSTRAP=1
exec "$@"
