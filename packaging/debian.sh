#!/usr/bin/env bash
# Makes the Debian source package from this tree, and builds it: debian.sh FOLDER [OPTION…]
#
# FOLDER is emptied. OPTIONs are dpkg-buildpackage's. The crates are packed as a second tarball of the source, for a
# package is built without a network; cargo must have fetched them before.
set -euo pipefail
out=$1
shift
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")/.."

name=pop3connect
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
packaged=$(dpkg-parsechangelog --show-field Version)
[ "${packaged%-*}" = "$version" ] ||
  { echo "debian.sh: debian/changelog is for $packaged, this is $version" >&2; exit 1; }
date=$(dpkg-parsechangelog --show-field Timestamp)
tree=$out/$name-$version

# pack TARBALL FOLDER: the same tarball whenever and by whomever it is made
pack() {
  tar --sort=name --mtime="@$date" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -C "$(dirname "$2")" \
    -cf "$out/$1" --use-compress-program='xz -2' "$(basename "$2")"
}

# keep_linux VENDOR MANIFEST: crates name others for other systems, and cargo packs all that are named
keep_linux() {
  local needed manifest package
  packaging/linux_only.py "$1"/*/Cargo.toml
  # SQLite's sources, for those who have no package of it
  rm -r "$1"/libsqlite3-sys/{sqlite3,sqlcipher}
  sed -i 's,"\(sqlite3\|sqlcipher\)/[^"]*":"[0-9a-f]*"\,\?,,g' "$1/libsqlite3-sys/.cargo-checksum.json"
  # what has changed has no digest any more
  sed -i 's/"Cargo.toml":"[0-9a-f]*",\?//' "$1"/*/.cargo-checksum.json
  needed=$(cargo tree --offline --quiet --manifest-path "$2" --config 'source.crates-io.replace-with = "vendor"' \
    --config "source.vendor.directory = '$1'" --target all --edges normal,build --prefix none --format '{p} ')
  for manifest in "$1"/*/Cargo.toml; do
    # its name and its version
    mapfile -t package < <(sed -n 's/^\(name\|version\) = "\(.*\)"$/\2/p' "$manifest" | head -n 2)
    grep -qF "${package[0]} v${package[1]} " <<< "$needed" || rm -r "${manifest%/*}"
  done
}

mkdir "$tree"
# without what git ignores here and in fuzz
tar --exclude=./target --exclude=./.git --exclude=./debian --exclude=./fuzz/{target,artifacts,coverage} -c . |
  tar -x -C "$tree"
# its generator is not for a package's build
man=${CARGO_TARGET_DIR:-target}/man
if [ -d "$man" ]; then
  mkdir "$tree/target"
  cp -r "$man" "$tree/target"
fi
pack "${name}_$version.orig.tar.xz" "$tree"

packaging/trim.sh "$out/trimmed"
cargo vendor --quiet --offline --respect-source-config --manifest-path "$out/trimmed/Cargo.toml" \
  "$tree/vendor" > /dev/null
keep_linux "$tree/vendor" "$out/trimmed/Cargo.toml"
diff <(sed -n 's,^ vendor/\(.*\)/\*$,\1,p' debian/copyright | LC_ALL=C sort) \
  <(find "$tree/vendor" -mindepth 1 -maxdepth 1 -printf '%f\n' | LC_ALL=C sort) ||
  { echo "debian.sh: debian/copyright is of other crates than those that are packed" >&2; exit 1; }
pack "${name}_$version.orig-vendor.tar.xz" "$tree/vendor"

cp -r debian "$tree"
cd "$tree"
# debhelper gives the build another home
if command -v rustup > /dev/null; then
  RUSTUP_HOME=$(rustup show home)
  export RUSTUP_HOME
fi
# -d: setup.sh has looked for what is needed, and cargo may be no package
dpkg-buildpackage --unsigned-source --unsigned-changes --no-check-builddeps "$@"
