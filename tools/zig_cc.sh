#!/usr/bin/env bash
# The C compiler for Linux with an old glibc, by which what is linked runs with every later one: zig_cc.sh ARGUMENT…
#
# ZIG_TARGET names system and glibc, as x86_64-linux-gnu.2.28. What cargo's builds of C say of the target is left out: zig
# knows no glibc by those names.
set -euo pipefail
arguments=()
for argument; do
  [[ $argument = --target=* ]] || arguments+=("$argument")
done
exec "$("${BASH_SOURCE%/*}/zig.sh")/zig" cc -target "$ZIG_TARGET" "${arguments[@]}"
