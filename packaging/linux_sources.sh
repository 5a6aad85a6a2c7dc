#!/usr/bin/env bash
# Packs this tree, and the crates that the library is built from for Linux: linux_sources.sh FOLDER
#
# In FOLDER, which is emptied, are then pop3connect-VERSION and its .tar.xz, and pop3connect-VERSION-vendor.tar.xz,
# whose folder `vendor` is in that of the sources as well: a package is built without a network. cargo must have fetched
# the crates before.
set -euo pipefail
out=$1
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")/.."

name=pop3connect
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
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
tar --exclude=./target --exclude=./.git --exclude=./debian --exclude=./fuzz/{target,artifacts,coverage} \
  --exclude=./packaging/conan/test_package/build -c . |
  tar -x -C "$tree"
# its generator is not for a package's build
man=${CARGO_TARGET_DIR:-target}/man
if [ -d "$man" ]; then
  mkdir "$tree/target"
  cp -r "$man" "$tree/target"
fi
pack "$name-$version.tar.xz" "$tree"

packaging/trim.sh "$out/trimmed"
cargo vendor --quiet --offline --respect-source-config --manifest-path "$out/trimmed/Cargo.toml" \
  "$tree/vendor" > /dev/null
keep_linux "$tree/vendor" "$out/trimmed/Cargo.toml"
pack "$name-$version-vendor.tar.xz" "$tree/vendor"
