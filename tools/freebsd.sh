#!/usr/bin/env bash
# The library compiles for FreeBSD; it is neither linked nor run here.
#
# Rust's standard library is compiled for it from its sources, OpenSSL is this machine's, of which only versions are looked at.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
include=$(pkg-config --variable=includedir openssl) libraries=$(pkg-config --variable=libdir openssl)

# the library alone, without the crates that tests want
packaging/trim.sh "$target/freebsd/package"
for features in --all-features --no-default-features; do
  tools/rust_web.sh env RUSTFLAGS='-D warnings' \
    "CARGO_TARGET_DIR=$target/freebsd" "OPENSSL_INCLUDE_DIR=$include" "OPENSSL_LIB_DIR=$libraries" \
    CC_x86_64_unknown_freebsd=clang-22 "CFLAGS_x86_64_unknown_freebsd=-I$include/${libraries##*/}" \
    cargo check --quiet --lib $features -Zbuild-std=std,panic_unwind --target x86_64-unknown-freebsd \
    --manifest-path "$target/freebsd/package/Cargo.toml"
done
echo 'freebsd: the library compiles'
