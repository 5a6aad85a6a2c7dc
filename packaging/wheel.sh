#!/usr/bin/env bash
# Builds the wheel of the Python package, with the library in it, for Linux with this processor: wheel.sh FOLDER
#
# OpenSSL and SQLite are in the library, built from their sources. It is linked by zig to the names that glibc had in GLIBC's
# version, so it needs that or any later one: the wheel's tag says so, and auditwheel that it is true.
set -euo pipefail
out=$1
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/wheel
glibc=2.28
machine=$(uname -m)
triple=$machine-unknown-linux-gnu
tag=manylinux_${glibc/./_}_$machine
tools=$(tools/python.sh)
# kept by tools/setup.sh; the other builds for elsewhere are by it too
rust=$target/tools/rust-web/usr
[[ $work != *[[:space:]]* ]] || { echo "wheel: OpenSSL cannot be built in $work: a space is in its name" >&2; exit 1; }
tools/zig.sh > /dev/null
export ZIG_TARGET=$machine-linux-gnu.$glibc ZIG_GLOBAL_CACHE_DIR=$work/zig ZIG_LOCAL_CACHE_DIR=$work/zig

echo '== the library for the wheel'
# where OpenSSL looks for its configuration and for the platform's CA certificates; the package knows of other places
tools/rust_web.sh env "CARGO_TARGET_DIR=$work/build" "CC_${triple//-/_}=$PWD/tools/zig_cc.sh" OPENSSL_CONFIG_DIR=/etc/ssl \
  cargo rustc --locked --quiet --release --lib --crate-type staticlib --features vendored --target "$triple"
libraries=$work/build/$triple/release
make --no-print-directory --silent shared "RELEASE=$libraries" SYSTEM_LIBS= "CC=tools/zig_cc.sh" > /dev/null

echo '== the wheel'
cargo metadata --locked --format-version 1 --filter-platform "$triple" --features vendored |
  packaging/third_party.py --with openssl-src "Rust's standard library=$rust/share/doc/libstd-rust-web-dev/copyright" \
    "libunwind=$(tools/zig.sh)/lib/libunwind/LICENSE.TXT" > "$work/THIRD-PARTY.txt"
rm -rf "$work/sources"
mkdir "$work/sources"
cp Cargo.toml "$work/sources"
cp -r python "$work/sources"
cp LICENSE-* "$work/THIRD-PARTY.txt" "$work/sources/python"
cp "$libraries/versioned/libpop3connect.so.1" "$work/sources/python/pop3connect"
rm -f "$out"/pop3connect-*.whl
(cd "$work/sources/python" && POP3CONNECT_WHEEL_TAG=$tag "$tools/bin/hatchling" build --target wheel --directory "$out") > /dev/null
wheel=$(echo "$out"/pop3connect-*.whl)
"$tools/bin/auditwheel" show "$wheel" > "$work/audit.txt"
grep -qF "\"$tag\"" "$work/audit.txt" || { echo "wheel: auditwheel does not find $tag:" >&2; cat "$work/audit.txt" >&2; exit 1; }
echo "wheel: $wheel"
