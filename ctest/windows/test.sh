#!/usr/bin/env bash
# The tests for Windows, under Wine: test.sh DIST TEST_SERVER WORK [ONLY]
#
# DIST is what packaging/windows.sh has made, WORK a folder for what is built and for Wine's own drive. ONLY says by a regular
# expression which programs in C and C++ are all that is run.
set -euo pipefail
cd "$(dirname "$0")/../.."
dist=$1 server=$2 work=$3 only=${4:-}
mingw=x86_64-w64-mingw32
mkdir -p "$work/dlls"

export WINEPREFIX=$work/wine
# where programs find DLLs that are not beside them
export WINEPATH="Z:${dist//\//\\}\\bin;Z:${work//\//\\}\\dlls"
has_primitives=(/usr/lib/*/wine/x86_64-windows/bcryptprimitives.dll)
[ -e "${has_primitives[0]}" ] ||
  $mingw-gcc-posix -shared -O2 -Wall -Werror -o "$work/dlls/bcryptprimitives.dll" ctest/windows/bcryptprimitives.c -ladvapi32

# One server of Wine's and one Windows for all programs: its services are started once, by a program that does nothing
# until it is ended.
mkdir -p "$WINEPREFIX"
/usr/lib/wine/wineserver64 -p > /dev/null 2>&1
trap '/usr/lib/wine/wineserver64 -k' EXIT
mkfifo "$work/idle.$$"
ctest/windows/wine.py cmd /c pause < "$work/idle.$$" > /dev/null 2>&1 &
exec 3> "$work/idle.$$"
rm "$work/idle.$$"

if [ -z "$only" ]; then
  echo '== unit tests under Wine'
  tools/windows.sh test --lib --quiet
fi

echo '== tests in C and C++ under Wine'
cmake -S ctest/windows -B "$work/ctest" -DCMAKE_TOOLCHAIN_FILE="$PWD/ctest/windows/toolchain.cmake" \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo "-DPOP3_DIST_DIR=$dist" "-DPOP3_TEST_SERVER=$server" > "$work/configure.log" ||
  { cat "$work/configure.log" && exit 1; }
cmake --build "$work/ctest" --parallel 2 -- --quiet
(cd "$work/ctest" && ctest --output-on-failure --no-tests=error --parallel 2 --tests-regex "${only:-.}")
awk '/ cases, .* left out, /{programs++; cases += $1} END {print "test-windows: " programs " programs, " cases " cases; left out are:"}' \
  "$work/ctest/Testing/Temporary/LastTest.log"
sed -n 's/^[a-z]/  &/p' ctest/windows/left_out.txt
