#!/usr/bin/env bash
# A tool of cargo's, in exactly that version: cargo_tool.sh NAME VERSION [OPTION…]
#
# Says where it is: on the PATH, or below target/tools, where it is built once, by these options of `cargo install`.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1 version=$2
shift 2
tools=${CARGO_TARGET_DIR:-$PWD/target}/tools

# cargo calls a tool by its name without "cargo-"; some write that once more behind their name, or a v before the version
is_it() { # PROGRAM
  local said
  for said in "$("$1" "${name#cargo-}" --version 2> /dev/null)" "$("$1" --version 2> /dev/null)"; do
    if [[ $said = "$name"* ]] && [ "${said##*[ v]}" = "$version" ]; then return 0; fi
  done
  return 1
}

for program in "$tools/bin/$name" "$(command -v "$name" || true)"; do
  if [ -x "$program" ] && is_it "$program"; then
    echo "$program"
    exit
  fi
done
echo "== building $name $version" >&2
# for this machine, whatever the library is built for
env -u CARGO_BUILD_TARGET -u CARGO_TARGET_DIR -u RUSTFLAGS cargo install --quiet --locked --debug --root "$tools" \
  --target-dir "$tools/build" "$@" "$name@$version" >&2
rm -rf "$tools/build"
echo "$tools/bin/$name"
