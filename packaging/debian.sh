#!/usr/bin/env bash
# Makes the Debian source package from this tree, and builds it: debian.sh FOLDER [OPTION…]
#
# FOLDER is emptied. OPTIONs are dpkg-buildpackage's. The crates are a second tarball of the source.
set -euo pipefail
out=$1
shift
cd "$(dirname "$0")/.."

name=pop3connect
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
packaged=$(dpkg-parsechangelog --show-field Version)
[ "${packaged%-*}" = "$version" ] ||
  { echo "debian.sh: debian/changelog is for $packaged, this is $version" >&2; exit 1; }

packaging/linux_sources.sh "$out"
out=$(cd "$out" && pwd)
tree=$out/$name-$version
mv "$tree.tar.xz" "$out/${name}_$version.orig.tar.xz"
mv "$tree-vendor.tar.xz" "$out/${name}_$version.orig-vendor.tar.xz"
diff <(sed -n 's,^ vendor/\(.*\)/\*$,\1,p' debian/copyright | LC_ALL=C sort) \
  <(find "$tree/vendor" -mindepth 1 -maxdepth 1 -printf '%f\n' | LC_ALL=C sort) ||
  { echo "debian.sh: debian/copyright is of other crates than those that are packed" >&2; exit 1; }

cp -r debian "$tree"
cd "$tree"
# debhelper gives the build another home
if command -v rustup > /dev/null; then
  RUSTUP_HOME=$(rustup show home)
  export RUSTUP_HOME
fi
# -d: setup.sh has looked for what is needed, and cargo may be no package
dpkg-buildpackage --unsigned-source --unsigned-changes --no-check-builddeps "$@"
