#!/usr/bin/env bash
# Installs the library that was built, builds programs that have nothing but what was installed, and removes it again.
#
#   test.sh SOURCE LIBRARY_DIR
set -euo pipefail

source=$1 built=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL DESTDIR

fail() {
  echo "$*" >&2
  exit 1
}
make_it() { # TARGET SETTINGS…
  make --no-print-directory -s -C "$source" "$1" RELEASE="$built" "${@:2}"
}

# what a package's build does
make_it install DESTDIR="$work/stage" PREFIX=/usr LIBDIR=/usr/lib/somewhere
(cd "$work/stage" && find . ! -type d | LC_ALL=C sort) > "$work/files"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$source/Cargo.toml")
sed "s/@VERSION@/$version/" "$here/files.txt" | diff - "$work/files" || fail "other files than expected were installed"
grep -rl "$work" "$work/stage" && fail "files know where they were staged"
library=$work/stage/usr/lib/somewhere/libpop3connect.so
[ "$(readlink "$library")" = libpop3connect.so.1 ] || fail "libpop3connect.so leads astray"
[ "$(readlink "$library.1")" = "libpop3connect.so.$version" ] || fail "libpop3connect.so.1 leads astray"
make_it uninstall DESTDIR="$work/stage" PREFIX=/usr LIBDIR=/usr/lib/somewhere
[ -z "$(find "$work/stage" ! -type d)" ] || fail "something is left after uninstall"

# what somebody does who builds it for themselves
prefix=$work/prefix
make_it install PREFIX="$prefix"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
[ "$(pkg-config --modversion pop3connect)" = "$version" ] || fail "pkg-config knows another version"
flags=(-Wall -Wextra -Werror)
read -ra pkg <<< "$(pkg-config --cflags --libs pop3connect)"
cc "${flags[@]}" "$here/consumer.c" "${pkg[@]}" -o "$work/dynamic"
LD_LIBRARY_PATH="$prefix/lib" "$work/dynamic" "$version" || fail "the program linked by pkg-config"

cmake -S "$here" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" > "$work/log" || fail "$(cat "$work/log")"
cmake --build "$work/cmake" > "$work/log" 2>&1 || fail "$(cat "$work/log")"
"$work/cmake/consumer" "$version" || fail "the program linked by CMake"
"$work/cmake/consumer_static" "$version" || fail "the program linked by CMake to the static library"
sed 's/pop3connect 1/pop3connect 2/' "$here/CMakeLists.txt" > "$work/CMakeLists.txt"
cp "$here/consumer.c" "$work"
if cmake -S "$work" -B "$work/cmake2" -DCMAKE_PREFIX_PATH="$prefix" > "$work/log" 2>&1; then
  fail "CMake takes this for version 2"
fi

# without the shared library there is only the static one to link to
rm "$prefix"/lib/libpop3connect.so*
read -ra pkg <<< "$(pkg-config --static --cflags --libs pop3connect)"
cc "${flags[@]}" "$here/consumer.c" "${pkg[@]}" -o "$work/static"
"$work/static" "$version" || fail "the program linked statically"
echo "installed, linked in four ways, removed"
