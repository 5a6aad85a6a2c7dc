#!/usr/bin/env bash
# All of the workspace compiles by the oldest Rust that Cargo.toml promises.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
PATH=$(tools/rust.sh "$version"):$PATH
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/minimum CARGO_PROFILE_DEV_DEBUG=none
cargo check --locked --quiet --workspace --all-targets
echo "minimum_rust: $(rustc --version) compiles the workspace"
