#!/usr/bin/env bash
# A Rust program that has the library without its C interface, with an allocator of its own and without unwinding: it is
# built, reads a mailbox of the test server, and has no C symbol of the library's. On a system that the library does not
# know it says so, and nothing else.
#
#   rust.sh SOURCE TEST_SERVER WORK
set -euo pipefail
source=$(cd "$1" && pwd) test_server=$2 work=$3
unset MAKEFLAGS MAKELEVEL RUSTFLAGS CARGO_BUILD_TARGET

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# the same versions as the library's own; cargo drops from the list what this one does not need
program=$work/rust/program
rm -rf "$program"
mkdir -p "$program"
cp -r "$source/ctest/rust/." "$program"
sed -i "s|path = \"../..\"|path = \"$source\"|" "$program/Cargo.toml"
cp "$source/Cargo.lock" "$program"
export CARGO_TARGET_DIR=$work/rust/target
cargo build --quiet --offline --manifest-path "$program/Cargo.toml"
host=$CARGO_TARGET_DIR/debug/rust-host

# the server lives as long as its standard input
coproc SERVER { "$test_server"; }
answer() {
  local key value
  read -r key value <&"${SERVER[0]}"
  [ "$key" = "$1" ] || fail "the test server says: $key $value"
  printf '%s' "$value"
}
folder=$(answer ready)
echo 'mailbox tls=implicit messages=3 size=1000' >&"${SERVER[1]}"
"$host" "$(answer port)" "$folder/ca.pem"

nm --defined-only --format=posix "$host" > "$work/rust/symbols"
! grep '^pop3_' "$work/rust/symbols" || fail "the program has C symbols of the library"
grep -q 'pop3connect' "$work/rust/symbols" || fail "nm sees nothing of the library in the program"
[ -z "$(find "$CARGO_TARGET_DIR/debug" -maxdepth 1 -name 'libpop3connect.so*')" ] ||
  fail "a name for the loader was made, which only the C interface needs"

# Another system is refused: no standard library of it is here, so the compiler gets the line that refuses by itself.
{
  echo '#![feature(no_core, rustc_attrs)] #![no_core]'
  echo '#[rustc_builtin_macro] macro_rules! compile_error { ($words:expr) => {}; }'
  sed -n '/^#\[cfg(not(any(unix/,/;$/p' "$source/src/lib.rs"
} > "$work/rust/system.rs"
is_refused() { # TARGET
  RUSTC_BOOTSTRAP=1 rustc --crate-type rlib --target "$1" "$work/rust/system.rs" --out-dir "$work/rust" > "$work/rust/log" 2>&1 ||
    true
  grep -q '^error: pop3connect is for Unix and Windows' "$work/rust/log"
}
for target in wasm32-unknown-unknown wasm32-wasip1 x86_64-unknown-none; do
  is_refused "$target" || fail "$target is not refused:" "$(cat "$work/rust/log")"
done
for target in x86_64-unknown-linux-gnu aarch64-unknown-linux-musl x86_64-unknown-freebsd aarch64-apple-darwin x86_64-pc-windows-msvc; do
  ! is_refused "$target" || fail "$target is refused"
done
echo "rust: a program without the C interface reads a mailbox; other systems are refused"
