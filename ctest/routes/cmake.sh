#!/usr/bin/env bash
# The ways by which CMake's projects take the library: FetchContent, add_subdirectory, ExternalProject, and installed by
# CMake, with each generator that is here. What make has built is used, so cargo has nothing to do; what it is told to
# do for other systems is seen by a program that stands in for it.
#
#   cmake.sh SOURCE LIBRARY_DIR
set -euo pipefail
source=$(cd "$1" && pwd) built=$2
target=$(dirname "$built")
here=$source/ctest/routes
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL DESTDIR LD_LIBRARY_PATH CARGO_BUILD_TARGET CMAKE_GENERATOR CFLAGS
. "$here/programs.sh" "$source" "$built/pop3-test-server"

# a folder for cargo's results that are there, and for those flags that they were built by
reuse=("-DPOP3CONNECT_CARGO_TARGET_DIR=$target" -DPOP3CONNECT_CARGO_FLAGS=--workspace)
[ "${built##*/}" != debug ] || reuse+=(-DCMAKE_BUILD_TYPE=Debug)
configure_and_build() { # SOURCE FOLDER ARGUMENT…
  quietly cmake -G "$generator" -S "$1" -B "$2" "${@:3}"
  quietly cmake --build "$2"
}

generators=('Unix Makefiles')
[ -z "$(command -v ninja)" ] || generators+=(Ninja)
for generator in "${generators[@]}"; do
  for kind in shared static; do
    shared=$([ $kind = static ] || echo ON)
    into="$work/$generator/$kind"
    settings=("${reuse[@]}" "-DBUILD_SHARED_LIBS=${shared:-OFF}")
    configure_and_build "$here/fetch_content" "$into/fetch" "${settings[@]}" "-Dfrom=SOURCE_DIR;$source"
    work_by $kind "$into/fetch"
    configure_and_build "$here/subdirectory" "$into/subdirectory" "${settings[@]}" "-Dsource=$source"
    work_by $kind "$into/subdirectory"

    # on its own, and installed
    configure_and_build "$source" "$into/alone" "${settings[@]}"
    quietly cmake --install "$into/alone" --prefix "$into/pre fix"
    configure_and_build "$here/package" "$into/package" "-DCMAKE_PREFIX_PATH=$into/pre fix"
    work_by $kind "$into/package"
  done
  [ -z "$(find "$work/$generator/static/pre fix" -name '*.so*')" ] || fail "a shared library was installed"
  configure_and_build "$here/external_project" "$work/$generator/external" "-Dfrom=SOURCE_DIR;$source" \
    "-Dsettings=$(IFS=';' && echo "${reuse[*]}")"
  work_by shared "$work/$generator/external"
done

# unless the project says otherwise it is static, as every library of it
configure_and_build "$here/fetch_content" "$work/unsaid" "${reuse[@]}" "-Dfrom=SOURCE_DIR;$source"
work_by static "$work/unsaid"

# the same files as make's; the presets are those of README
cd "$source"
for preset in shared static debug; do
  quietly cmake --preset $preset -B "$work/$preset" "${reuse[@]}" -DCMAKE_INSTALL_PREFIX=/usr
done
for kind in shared:ON static:OFF debug:ON; do
  grep -q "^BUILD_SHARED_LIBS:BOOL=${kind#*:}" "$work/${kind%:*}/CMakeCache.txt" ||
    fail "preset ${kind%:*} is of another kind"
done
grep -q 'CMAKE_BUILD_TYPE:[A-Z]*=Debug' "$work/debug/CMakeCache.txt" || fail "the preset debug is none"
quietly cmake --build "$work/shared"
lib=/usr/$(sed -n 's/^CMAKE_INSTALL_LIBDIR:[A-Z]*=//p' "$work/shared/CMakeCache.txt")
DESTDIR=$work/by_cmake quietly cmake --install "$work/shared"
quietly make --no-print-directory install TARGET="$target" RELEASE="$built" VERSIONED_DIR="$work/shared/libraries" \
  MAN="$work/shared/man" DESTDIR="$work/by_make" PREFIX=/usr LIBDIR="$lib"
diff -r --no-dereference "$work/by_make" "$work/by_cmake" || fail "CMake installs other files than make"
listed() { # FOLDER
  (cd "$1" && find . -printf '%M %p %l\n' | LC_ALL=C sort)
}
diff <(listed "$work/by_make") <(listed "$work/by_cmake") || fail "CMake installs with other modes than make"
while read -r file; do
  [ -e "$work/by_cmake$file" ] || [ -L "$work/by_cmake$file" ] || fail "listed, and not there: $file"
done < "$work/shared/install_manifest.txt"

# what cargo is told, by one that notes it
mkdir "$work/bin"
cat > "$work/bin/cargo" <<END
#!/bin/sh
{ echo "\$@"; env | grep '^CC_\|^CARGO_\|^CFLAGS_\|^MAKE' | LC_ALL=C sort; } >> '$work/told'
# what it would make
for file in \$RESULTS; do
  mkdir -p "\${file%/*}"
  echo made > "\$file"
done
END
chmod +x "$work/bin/cargo"
is_told() { # [WORDS…] -- CMAKE-ARGUMENT…: cargo is told each of the WORDS, "!WORDS" not
  local words=()
  while [ "$1" != -- ]; do
    words+=("$1")
    shift
  done
  shift
  rm -rf "$work/told" "$work/other"
  # what is linked afterwards of nothing fails
  cmake -S "$source" -B "$work/other" -DPOP3CONNECT_CARGO="$work/bin/cargo" -DPOP3CONNECT_MANUAL=OFF "$@" \
    > "$work/log" 2>&1 || fail "cannot be configured: $*" "$(cat "$work/log")"
  cmake --build "$work/other" --target pop3connect_libraries > "$work/log" 2>&1 || true
  local word
  for word in "${words[@]}"; do
    if [[ $word = !* ]]; then
      ! grep -qF -- "${word#!}" "$work/told" || fail "cargo is told ${word#!}, by $*" "$(cat "$work/told")"
    else
      grep -qF -- "$word" "$work/told" || fail "cargo is not told $word, by $*" "$(cat "$work/told")"
    fi
  done
}
is_told 'build --locked' --release '!--target ' '!MAKEFLAGS' '!_LINKER' --
is_told --release -- -DCMAKE_BUILD_TYPE=RelWithDebInfo
is_told '!--release' -- -DCMAKE_BUILD_TYPE=Debug
is_told '--target thumb-thing' 'CARGO_TARGET_THUMB_THING_LINKER=' -- -DPOP3CONNECT_CARGO_TARGET=thumb-thing
CARGO_BUILD_TARGET=thumb-thing is_told '--target thumb-thing' --
other=(-DCMAKE_C_COMPILER="$(command -v cc)" -DCMAKE_C_COMPILER_WORKS=1 -DCMAKE_SYSTEM_NAME=Linux)
is_told '--target aarch64-unknown-linux-gnu' "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$(command -v cc)" \
  "CC_aarch64_unknown_linux_gnu=$(command -v cc)" '!RUSTFLAGS' -- "${other[@]}" -DCMAKE_SYSTEM_PROCESSOR=aarch64
is_told CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS='-Clink-arg=--sysroot=/somewhere' -- "${other[@]}" \
  -DCMAKE_SYSTEM_PROCESSOR=arm64 -DCMAKE_SYSROOT='/somewhere'
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=mine is_told CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=mine -- \
  "${other[@]}" -DCMAKE_SYSTEM_PROCESSOR=aarch64
# each build asks it
cmake --build "$work/other" --target pop3connect_libraries > "$work/log" 2>&1 || true
[ "$(grep -c '^build ' "$work/told")" = 2 ] || fail "cargo is not asked by each build"

# what is installed of it for systems whose libraries cargo links itself
installs() { # TRIPLE FILES-OF-CARGO FILES CMAKE-ARGUMENT…
  local results=$work/other/cargo/$1/release file made=
  for file in $2; do
    made+="$results/$file "
  done
  RESULTS=$made is_told "--target $1" -- -DPOP3CONNECT_INSTALL=ON "-DCMAKE_INSTALL_PREFIX=$work/other/prefix" \
    -DCMAKE_INSTALL_LIBDIR=lib "-DCMAKE_C_COMPILER=$(command -v cc)" -DCMAKE_C_COMPILER_WORKS=1 "${@:4}"
  quietly cmake --install "$work/other"
  (cd "$work/other/prefix" && find . ! -type d ! -name 'pop3connect*.h*' -printf '%P\n' | LC_ALL=C sort) > "$work/files"
  diff <(printf '%s\n' $3 lib/cmake/pop3connect/pop3connectConfig{,Version}.cmake lib/pkgconfig/pop3connect.pc |
    LC_ALL=C sort) "$work/files" || fail "other files are installed for $1"
}
installs x86_64-pc-windows-gnu 'pop3connect.dll libpop3connect.dll.a' 'bin/pop3connect.dll lib/libpop3connect.dll.a' \
  -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR=AMD64
installs aarch64-apple-darwin 'libpop3connect.dylib libpop3connect.a' \
  'lib/libpop3connect.1.dylib lib/libpop3connect.dylib lib/libpop3connect.a' \
  -DCMAKE_SYSTEM_NAME=Darwin -DCMAKE_SYSTEM_PROCESSOR=arm64
if cmake -S "$source" -B "$work/none" -DCMAKE_SYSTEM_NAME=Windows -DBUILD_SHARED_LIBS=OFF \
  "-DCMAKE_C_COMPILER=$(command -v cc)" -DCMAKE_C_COMPILER_WORKS=1 > "$work/log" 2>&1; then
  fail "a static library for Windows was promised"
fi
grep -q 'there is the DLL alone' "$work/log" || fail "refused for another reason" "$(cat "$work/log")"

# Rust's names of systems
rust_name() { # TRIPLE SETTING…
  printf 'include("%s/packaging/cmake/target.cmake")\npop3connect_target(result)\nmessage("${result}")\n' "$source" \
    > "$work/name.cmake"
  local result
  result=$(cmake -DCMAKE_CROSSCOMPILING=ON "${@:2}" -P "$work/name.cmake" 2>&1 | tr -s ' \n' ' ') || true
  [[ $result = *"$1"* ]] || fail "${*:2} is not $1 but:" "$result"
}
named() { # TRIPLE SYSTEM PROCESSOR SETTING…
  rust_name "$1" "-DCMAKE_SYSTEM_NAME=$2" "-DCMAKE_SYSTEM_PROCESSOR=$3" "${@:4}"
}
named x86_64-unknown-linux-gnu Linux x86_64
named x86_64-unknown-linux-musl Linux x86_64 -DCMAKE_C_COMPILER_TARGET=x86_64-linux-musl
named i686-unknown-linux-gnu Linux i686
named armv7-unknown-linux-gnueabihf Linux armv7l
named riscv64gc-unknown-linux-gnu Linux riscv64
named powerpc64le-unknown-linux-gnu Linux ppc64le
named x86_64-pc-windows-gnu Windows AMD64 -DWIN32=1
named x86_64-pc-windows-msvc Windows AMD64 -DWIN32=1 -DMSVC=1
named aarch64-pc-windows-msvc Windows ARM64 -DWIN32=1 -DMSVC=1
named aarch64-apple-darwin Darwin arm64 -DAPPLE=1
named x86_64-apple-darwin Darwin arm64 -DAPPLE=1 -DCMAKE_OSX_ARCHITECTURES=x86_64
named x86_64-unknown-freebsd FreeBSD amd64
named 'set POP3CONNECT_CARGO_TARGET' Linux pdp11
named 'set POP3CONNECT_CARGO_TARGET' Plan9 x86_64
echo "fetched, added, built beside, installed, by ${#generators[@]} generators, shared and static"
