#!/usr/bin/env bash
# Installs the library that was built, builds programs that have nothing but what was installed, has each hold a session
# with the test server, and removes it again.
#
#   test.sh SOURCE LIBRARY_DIR TESTED
set -euo pipefail

source=$1 built=$2 tested=$3
target=$(dirname "$built")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL DESTDIR LD_LIBRARY_PATH

fail() {
  echo "$*" >&2
  exit 1
}
make_it() { # TARGET SETTINGS…
  make --no-print-directory -s -C "$source" "$1" TARGET="$target" RELEASE="$built" "${@:2}"
}
nothing_is_left() { # FOLDER
  [ -z "$(find "$1" ! -type d)" ] || fail "left after uninstall: $(find "$1" ! -type d)"
}

# what a package's build does
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$source/Cargo.toml")
packaged=(DESTDIR="$work/stage" PREFIX=/usr LIBDIR=/usr/lib/somewhere)
make_it install "${packaged[@]}"
(cd "$work/stage" && find . ! -type d | LC_ALL=C sort) > "$work/files"
{
  (cd "$source" && printf './usr/%s\n' include/*)
  sed "s/@VERSION@/$version/" "$here/files.txt"
  (cd "$target/man" && printf './usr/share/man/%s\n' man3/*)
} | LC_ALL=C sort | diff - "$work/files" || fail "other files than expected were installed"
while read -r function; do
  [ -e "$work/stage/usr/share/man/man3/$function.3" ] || fail "$function has no page"
done < "$source/ctest/symbols.txt"
grep -rl "$work" "$work/stage" && fail "files know where they were staged"
library=$work/stage/usr/lib/somewhere/libpop3connect.so
[ "$(readlink "$library")" = libpop3connect.so.1 ] || fail "libpop3connect.so leads astray"
[ "$(readlink "$library.1")" = "libpop3connect.so.$version" ] || fail "libpop3connect.so.1 leads astray"
cmp "$library" "$tested" || fail "the tests do not run with the library that is installed"
make_it uninstall "${packaged[@]}"
nothing_is_left "$work/stage"

# where it cannot be installed, which is told
: > "$work/file"
refused() { # WORDS SETTING
  if make_it install "$2" > "$work/log" 2>&1; then fail "installed with $2"; fi
  grep -qF "$1" "$work/log" || fail "for another reason: $(cat "$work/log")"
}
refused "$work/file/lib/pkgconfig may not be written" LIBDIR="$work/file/lib"
refused 'make install PREFIX=' PREFIX="$work/file"
for character in \' '"' '\' '`' ';' '#'; do
  refused "must not have $character in it" PREFIX="$work/a${character}b"
done
rm "$work/file"

# what somebody does who builds it for themselves
prefix="$work/pre fix & co"
make_it install PREFIX="$prefix"
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
[ "$(pkg-config --modversion pop3connect)" = "$version" ] || fail "pkg-config knows another version"

. "$here/../support/mailbox.sh" "$built/pop3-test-server"
holds_a_session() { # PROGRAM
  "$work/$1" "$version" "$mailbox" || fail "$1"
}
is_versioned() { # PROGRAM
  readelf --wide --dyn-syms "$work/$1" | grep ' pop3_connect@pop3_1 ' > /dev/null ||
    fail "$1: pop3_connect has no version"
}

flags=(-Wall -Wextra -Werror)
# a space has a \ before it
read -a pkg <<< "$(pkg-config --cflags --libs pop3connect)"
pkg+=("-Wl,-rpath,$prefix/lib")
cc "${flags[@]}" "$here/consumer.c" "${pkg[@]}" -o "$work/by_pkg_config"
c++ "${flags[@]}" -std=c++17 -x c++ "$here/consumer.c" -x none "${pkg[@]}" -o "$work/in_c++"
for program in by_pkg_config in_c++; do
  is_versioned "$program"
  holds_a_session "$program"
done
for header in "$prefix"/include/*; do
  echo "#include <$(basename "$header")>" > "$work/header.cpp"
  c++ "${flags[@]}" -std=c++17 -fsyntax-only "$work/header.cpp" "${pkg[@]}" || fail "$header does not stand alone"
done

cmake -S "$here" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" > "$work/log" || fail "$(cat "$work/log")"
cmake --build "$work/cmake" > "$work/log" 2>&1 || fail "$(cat "$work/log")"
is_versioned cmake/consumer
holds_a_session cmake/consumer
holds_a_session cmake/consumer_static
# as where /lib leads to /usr/lib, and is searched first
mkdir "$work/merged"
ln -s "$prefix/lib" "$work/merged/lib"
cmake -S "$here" -B "$work/cmake_merged" -DCMAKE_PREFIX_PATH="$work/merged" > "$work/log" || fail "$(cat "$work/log")"
cmake --build "$work/cmake_merged" > "$work/log" 2>&1 || fail "$(cat "$work/log")"
holds_a_session cmake_merged/consumer
sed 's/pop3connect 1/pop3connect 2/' "$here/CMakeLists.txt" > "$work/CMakeLists.txt"
cp "$here/consumer.c" "$work"
if cmake -S "$work" -B "$work/cmake2" -DCMAKE_PREFIX_PATH="$prefix" > "$work/log" 2>&1; then
  fail "CMake takes this for version 2"
fi

# without the shared library there is only the static one to link to
rm "$prefix"/lib/libpop3connect.so*
read -a pkg <<< "$(pkg-config --static --cflags --libs pop3connect)"
cc "${flags[@]}" "$here/consumer.c" "${pkg[@]}" -o "$work/static"
holds_a_session static
# nothing shared at all; that its look-ups may load something after all, the linker warns of
cc "${flags[@]}" -static "$here/consumer.c" "${pkg[@]}" -o "$work/all_static" 2> "$work/log" || fail "$(cat "$work/log")"
holds_a_session all_static

make_it uninstall PREFIX="$prefix"
nothing_is_left "$prefix"
echo "installed, linked in seven ways, removed"
