#!/usr/bin/env bash
# The static library with no global symbols but the listed ones: static.sh SYMBOLS LIBRARY RESULT
#
# cargo's also has those of Rust's runtime, which clash with another static library in Rust. What nobody can call from
# outside is left out, as the linker does it; sections that a linker would keep once of all that have one of that name
# must stay, since the symbols in them are this library's own from now on.
set -euo pipefail

symbols=$1 library=$2 result=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${LD:-ld}" -r --gc-sections --force-group-allocation $(sed 's/^/-u /' "$symbols") "$library" -o "$work/pop3connect.o"
# some of Rust's objects have LLVM's code beside the machine's, which makes no sense joined, and which nothing needs
"${OBJCOPY:-objcopy}" --keep-global-symbols="$symbols" --remove-section=.llvmbc --remove-section=.llvmcmd \
  "$work/pop3connect.o"
rm -f "$result"
"${AR:-ar}" rcs "$result" "$work/pop3connect.o"
