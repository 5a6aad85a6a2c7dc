#!/usr/bin/env bash
# The ABI against the one recorded here, that of the last release with additions; docs/abi.md says what may change.
#
#   abi.sh check RECORD LIBRARY [HEADER [SYMBOLS]]   fails if programs that are built could break, or if it was added to
#   abi.sh record RECORD                             records it anew in the folder RECORD
#
# Paths are from the project's folder.
#
# abidw describes a library of functions that do nothing, made from the header: the debug information of the real one
# tells of Rust's types, not of those that programs are compiled with. That the header is what the sources say is for
# tests/header.rs; that the real library has these functions, in these versions, is checked here. Macros are in no debug
# information: their values are recorded beside it. Tags of structures, which a program that is built has nothing of, are
# left out: to abidiff a structure with a tag and one without are not the same.
set -euo pipefail
cd "$(dirname "$0")/.."

command=$1 record=$2
library=${3:-} header=${4:-include/pop3connect.h} symbols=${5:-ctest/symbols.txt}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  printf 'abi: %s\n' "$@" >&2
  exit 1
}

# describe FOLDER: what HEADER and SYMBOLS say, as abidw and as the preprocessor see it
describe() {
  local out=$1
  sed 's/^typedef struct pop3_[a-z_]* {$/typedef struct {/' "$header" > "$work/pop3connect.h"
  # each prototype becomes a function, in the order of the record: that of the header is no part of the ABI
  {
    echo '#include "pop3connect.h"'
    cc -E -P -x c "$work/pop3connect.h" | tr '\n' ' ' | sed 's/; */;\n/g' |
      sed -n '/typedef/!s/^ *\([a-z].* \**\(pop3_[a-z0-9_]*\)(.*)\);$/\2 \1 { __builtin_trap(); }/p' |
      awk 'NR == FNR { rank[$1] = NR; next } { print ($1 in rank) ? rank[$1] : 1e6 + FNR, $0 }' \
        <(echo; sed -n "s/.*<function-decl name='\([a-z0-9_]*\)'.*/\1/p" "$record/functions.abi") - |
      LC_ALL=C sort -n | cut -d' ' -f3-
  } > "$work/functions.c"
  abi/version_script.sh "$symbols" > "$work/symbols.map"
  # from within the folder, lest its path be recorded
  (cd "$work" && cc -g -O0 -fPIC -w -c functions.c -o functions.o)
  nm -g --defined-only --format=posix "$work/functions.o" | sed 's/ .*//' | LC_ALL=C sort | diff "$symbols" - >&2 ||
    fail "$symbols and $header do not name the same functions"
  cc -shared -nostdlib -Wl,-soname,libpop3connect.so.1 -Wl,--version-script="$work/symbols.map" "$work/functions.o" \
    -o "$work/libpop3connect.so.1"
  abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --no-architecture --drop-undefined-syms \
    --out-file "$out/functions.abi" "$work/libpop3connect.so.1"
  # the header's own version is to change
  cc -E -dM -x c "$work/pop3connect.h" | sed -n 's/^#define \(POP3_[A-Z0-9_]* ..*\)/\1/p' | grep -v '^POP3_VERSION_' |
    LC_ALL=C sort > "$out/constants.txt"
}

exported() { # LIBRARY
  nm -D --defined-only --format=posix "$1" | sed 's/ .*//'
}

check() {
  local how="record it in the same change: make abi"
  mkdir "$work/now"
  describe "$work/now"
  local broken=()
  abidiff --no-added-syms --no-architecture "$record/functions.abi" "$work/now/functions.abi" >&2 || broken+=(functions)
  LC_ALL=C comm -23 "$record/constants.txt" "$work/now/constants.txt" > "$work/gone"
  [ ! -s "$work/gone" ] || { cat "$work/gone" >&2; broken+=(constants); }
  [ ${#broken[@]} = 0 ] || fail "programs that are built would break: ${broken[*]}, see above"
  abidiff --no-architecture "$record/functions.abi" "$work/now/functions.abi" >&2 || fail "functions were added; $how"
  diff "$record/constants.txt" "$work/now/constants.txt" >&2 || fail "constants were added; $how"
  diff <(exported "$work/libpop3connect.so.1") <(exported "$library") >&2 ||
    fail "$library does not export what $header promises"
  echo "abi: as recorded, $(wc -l < "$symbols") functions and $(wc -l < "$record/constants.txt") constants"
}

case $command in
  check) check ;;
  record)
    describe "$record"
    echo "abi: recorded in $record"
    ;;
  *)
    echo "usage: abi.sh check RECORD LIBRARY [HEADER [SYMBOLS]] | abi.sh record RECORD" >&2
    exit 2
    ;;
esac
