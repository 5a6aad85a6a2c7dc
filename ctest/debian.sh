#!/usr/bin/env bash
# Builds the Debian packages, has lintian look at them, and builds and runs programs with what they install; nothing is
# installed into the machine: debian.sh SOURCE FOLDER, which is emptied
set -euo pipefail
source=$1 out=$2
unset MAKEFLAGS MAKELEVEL DESTDIR

mkdir -p "$out"
# the unit tests are run elsewhere
export DEB_BUILD_OPTIONS="nocheck parallel=2"
"$source/packaging/debian.sh" "$out/build" > "$out/log" 2>&1 || { cat "$out/log" >&2; exit 1; }
if grep '^dpkg-source: warning' "$out/log" >&2; then
  exit 1
fi
lintian --allow-root --fail-on error,warning "$out/build"/*.changes

# without the platform's authorities no server is believed
[ "$(dpkg-deb --field "$out/build"/libpop3connect1_*.deb Recommends)" = ca-certificates ] ||
  { echo "libpop3connect1 does not recommend ca-certificates" >&2; exit 1; }

root=$out/root
rm -rf "$root"
for package in libpop3connect1 libpop3connect-dev pop3connect-doc; do
  dpkg-deb --extract "$out/build/$package"_*.deb "$root"
done
lib=$(echo "$root"/usr/lib/*-linux-*)
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib
export CMAKE_PREFIX_PATH=$root/usr
cd "$source"
debian/tests/consumer
echo "built, looked at, used"
