#!/usr/bin/env bash
# zig, a compiler that has headers and lists of symbols of other systems with it: says in which folder it is
#
# It is fetched once, from Python's package index, in exactly that version, and kept below target/tools.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.15.2
# of the packages for x86-64 and for ARM
digests=(806316453d1ede7174ed3fefb8e5348154629089c3bb5fe812dfd0e172fac130
  edc0aa60ec964a4cf462d40f68d7de242ddf37fd9a80f2afaee6397059463230)
zig=${CARGO_TARGET_DIR:-$PWD/target}/tools/zig-$version

if [ ! -d "$zig" ]; then
  echo "== fetching zig $version" >&2
  rm -rf "$zig.new"
  mkdir -p "$zig.new"
  echo "ziglang==$version ${digests[*]/#/--hash=sha256:}" > "$zig.new/requirements.txt"
  python3 -m pip --quiet --disable-pip-version-check install --root-user-action ignore --no-cache-dir --no-deps \
    --require-hashes --requirement "$zig.new/requirements.txt" --target "$zig.new" >&2
  mv "$zig.new" "$zig"
fi
echo "$zig/ziglang"
