#!/usr/bin/env bash
# What programs for Windows need: windows.sh FOLDER
#
#   bin       pop3connect.dll, and the examples as programs
#   lib       libpop3connect.dll.a for mingw; pop3connect.lib for MSVC, and pop3connect.def, which that can be made of
#   include   the headers for C and C++
#   examples  the examples' sources
set -euo pipefail
cd "$(dirname "$0")/.."
dist=$1
root=${CARGO_TARGET_DIR:-$PWD/target}
work=$root/windows
mingw=x86_64-w64-mingw32
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
# those that are part of Windows 10
system_dlls='advapi32|api-ms-win-core-synch-l1-2-0|bcrypt|bcryptprimitives|crypt32|kernel32|msvcrt|ncrypt|ntdll|secur32|userenv|ws2_32'

fail() {
  printf 'windows: %s\n' "$@" >&2
  exit 1
}

mkdir -p "$work"
sed -e "s/@VERSION@/$version/" -e "s/@NUMBERS@/${version//./,}/" packaging/version.rc.in > "$work/version.rc"
$mingw-windres "$work/version.rc" "$work/version.o"
CARGO_PROFILE_RELEASE_STRIP=symbols tools/windows.sh rustc --release --lib --crate-type cdylib -- "-Clink-arg=$work/version.o"

rm -rf "$dist"
mkdir -p "$dist"/{bin,lib,include,examples}
dll=$dist/bin/pop3connect.dll
cp "$work/x86_64-pc-windows-gnu/release/pop3connect.dll" "$dll"
cp include/pop3connect.h include/pop3connect.hpp "$dist/include"
cp examples/*.c examples/*.cpp "$dist/examples"
{ echo 'LIBRARY pop3connect.dll' && echo EXPORTS && sed 's/^/    /' ctest/symbols.txt; } > "$dist/lib/pop3connect.def"
for library in libpop3connect.dll.a pop3connect.lib; do
  $mingw-dlltool --input-def "$dist/lib/pop3connect.def" --output-lib "$dist/lib/$library"
done

# each example by the import library, with nothing of mingw's beside it
for source in examples/*.c examples/*.cpp; do
  [[ $source != examples/@(loop_*|progress_glib.c) ]] || continue # they are for loops of other systems
  name=$(basename "${source%.*}") compiler=g++-posix
  [[ $source = *.cpp ]] || compiler=gcc-posix
  $mingw-$compiler -O2 -Wall -Wextra -D__USE_MINGW_ANSI_STDIO=1 -I "$dist/include" "$source" \
    -o "$dist/bin/$name.exe" -static -s "$dist/lib/libpop3connect.dll.a"
done

# "[  12] pop3_noop"; later binutils have more columns
exported=$($mingw-objdump -p "$dll" | sed -n '/^.Ordinal.Name Pointer/,/^$/s/^\t\[.* \([^ ]*\)$/\1/p' | LC_ALL=C sort)
[ "$exported" = "$(LC_ALL=C sort ctest/symbols.txt)" ] ||
  fail 'the DLL exports other names than ctest/symbols.txt lists:' "$(diff <(echo "$exported") <(LC_ALL=C sort ctest/symbols.txt) || true)"
for program in "$dist"/bin/*; do
  imported=$($mingw-objdump -p "$program" | sed -n 's/^\tDLL Name: \(.*\)\.dll$/\L\1/Ip' | sort -u)
  [ -n "$imported" ] || fail "the imports of $program cannot be read"
  others=$(grep -Evx "$system_dlls|pop3connect" <<< "$imported" || true)
  [ -z "$others" ] || fail "$program needs what is not part of Windows: $others"
done
echo "windows: $dist, $(stat -c %s "$dll") bytes of DLL, $(wc -l <<< "$exported") names"
