#!/usr/bin/env bash
# What programs for macOS need: macos.sh FOLDER
#
#   lib       libpop3connect.1.dylib, for Apple's processors and for Intel's in one file, and libpop3connect.dylib, the name
#             to link by; in arm64 and x86_64 the same for one of them
#   include   the headers for C and C++
#   examples  the examples' sources
#
# Nothing of it is run here. Apple's SDK is not needed: zig has the list of what libSystem has, and
# packaging/macos_frameworks.txt what is taken of the frameworks and of SQLite.
set -euo pipefail
cd "$(dirname "$0")/.."
dist=$1
root=${CARGO_TARGET_DIR:-$PWD/target}
work=$root/macos
zig=$(tools/zig.sh)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
name=libpop3connect.${version%%.*}.dylib
# the oldest macOS on which it runs: Apple's first for its own processors, and the first with SecTrustEvaluateWithError
declare -A oldest=([arm64]=11.0 [x86_64]=10.14)

fail() {
  printf 'macos: %s\n' "$@" >&2
  exit 1
}
same() { # WHAT WANTED IS
  [ "$2" = "$3" ] || fail "$1:" "$(diff <(echo "$2") <(echo "$3"))"
}

link() { # PROCESSOR TRIPLE
  ld64.lld-22 -arch "$1" -platform_version macos "${oldest[$1]}" 11.3 -dylib -o "$dist/lib/$1/$name" \
    -install_name "@rpath/$name" -compatibility_version "${version%%.*}" -current_version "$version" \
    -exported_symbols_list "$work/exports" -dead_strip -S -adhoc_codesign -fatal_warnings \
    -force_load "$work/build/$2/release/libpop3connect.a" "-L$zig/lib/libc/darwin" -lSystem \
    "-F$work/stubs" -framework CoreFoundation -framework Security "-L$work/stubs" -lsqlite3
  ln -s "$name" "$dist/lib/$1/libpop3connect.dylib"
}

# what a linker or a loader would only tell on a Mac
check() { # PROCESSOR
  local dylib=$dist/lib/$1/$name headers
  same "the processor of $dylib" "$1" "$(llvm-lipo-22 -archs "$dylib" | xargs)"
  same "the name of $dylib" "@rpath/$name" "$(llvm-objdump-22 --macho --dylib-id "$dylib" | tail -n +2)"
  same "what $dylib exports" "$(sed 's/^/_/' ctest/symbols.txt | LC_ALL=C sort)" \
    "$(llvm-nm-22 --extern-only --defined-only --format=just-symbols "$dylib" | LC_ALL=C sort)"
  same "what $dylib loads" "$(printf '%s\n' "@rpath/$name" \
    /System/Library/Frameworks/{CoreFoundation.framework/Versions/A/CoreFoundation,Security.framework/Versions/A/Security} \
    /usr/lib/libSystem.B.dylib /usr/lib/libsqlite3.dylib | LC_ALL=C sort)" \
    "$(llvm-objdump-22 --macho --dylibs-used "$dylib" | sed -n 's/^\t\(.*\) (compatibility .*/\1/p' | LC_ALL=C sort)"
  headers=$(llvm-objdump-22 --macho --private-headers "$dylib")
  same "the oldest macOS for $dylib" "${oldest[$1]}" "$(sed -n 's/^ *minos //p' <<< "$headers")"
  # without one, if only of its own, no code runs on Apple's processors
  grep -q LC_CODE_SIGNATURE <<< "$headers" || fail "$dylib is not signed"
}

# that programs compile by the headers and link with the library
examples() { # PROCESSOR ZIG-TARGET
  local source
  for source in examples/*.c; do
    [[ $source != examples/@(loop_*|progress_glib.c) ]] || continue # they need epoll, or packages
    "$zig/zig" cc -target "$2" -Wall -Wextra -Werror -I "$dist/include" "$source" -o "$work/example" "$dist/lib/$1/$name"
  done
  "$zig/zig" c++ -target "$2" -Wall -Wextra -Werror -c -I "$dist/include" examples/inbox.cpp -o "$work/example.o"
}

newest=$(sed -n 's/^[A-Za-z].* \(.*\) .*$/\1/p' packaging/macos_frameworks.txt | sort --version-sort | tail -n 1)
[ "$newest" = "${oldest[x86_64]}" ] || fail "something of packaging/macos_frameworks.txt is there since macOS $newest only"

rm -rf "$dist" "$work/stubs"
mkdir -p "$dist"/{lib/arm64,lib/x86_64,include,examples} "$work"
cp include/pop3connect.h include/pop3connect.hpp "$dist/include"
cp examples/*.c examples/*.cpp "$dist/examples"
packaging/macos_stubs.py packaging/macos_frameworks.txt "$work/stubs"
sed 's/^/_/' ctest/symbols.txt > "$work/exports"
export ZIG_GLOBAL_CACHE_DIR=$work/zig
for processor in arm64 x86_64; do
  triple=${processor/arm64/aarch64}
  MACOSX_DEPLOYMENT_TARGET=${oldest[$processor]} tools/macos.sh $processor rustc --release --lib --crate-type staticlib
  link $processor "$triple-apple-darwin"
  check $processor
  examples $processor "$triple-macos.${oldest[$processor]}"
done
llvm-lipo-22 -create "$dist"/lib/{arm64,x86_64}/"$name" -output "$dist/lib/$name"
same "the processors of $dist/lib/$name" 'x86_64 arm64' "$(llvm-lipo-22 -archs "$dist/lib/$name" | xargs)"
ln -s "$name" "$dist/lib/libpop3connect.dylib"
echo "macos: $dist, $(stat -c %s "$dist/lib/$name") bytes for both processors, $(wc -l < ctest/symbols.txt) names"
