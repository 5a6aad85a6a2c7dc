#!/usr/bin/env bash
# The crate that cargo packs: it has what its documents lead to, builds from what is in it alone, as does its
# documentation, and a program that has it reads a mailbox:
# crate.sh SOURCE TEST_SERVER WORK, where cargo keeps what it has built
set -euo pipefail
source=$(cd "$1" && pwd) test_server=$2
mkdir -p "$3"
kept=$(cd "$3" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL RUSTFLAGS CARGO_TARGET_DIR CARGO_BUILD_TARGET
. "$source/ctest/routes/programs.sh" "$source" "$test_server" size=1000
cd "$source"

# what has changed and is not committed is packed as well
quietly cargo package --locked --offline --allow-dirty --target-dir "$kept/crate"
packed=$kept/crate/package/pop3connect-$version.crate
size=$(stat -c %s "$packed")
[ "$size" -lt 3000000 ] || fail "the crate has become large: $size bytes"
# where no workspace is above it
tar -xf "$packed" -C "$work"
crate=$work/pop3connect-$version
RUSTDOCFLAGS='-D warnings' quietly cargo doc --offline --no-deps --manifest-path "$crate/Cargo.toml" \
  --target-dir "$kept/crate"

# the same program as of ctest's `rust`, which has the tree
cp -r ctest/rust "$work/program"
sed -i "s|path = \"../..\"|path = \"$crate\"|" "$work/program/Cargo.toml"
cp Cargo.lock "$work/program"
quietly cargo build --offline --manifest-path "$work/program/Cargo.toml" --target-dir "$kept/crate"
quietly "$kept/crate/debug/rust-host" "${mailbox#*:}" "${POP3CONNECT_SECURE_DIR%/*}/ca.pem"
echo "crate: packed, built, documented, used; $size bytes"
