#!/usr/bin/env bash
# Packs the sources with all crates that they are built from, for who builds without a network: source.sh FOLDER
#
# FOLDER is emptied, and gets pop3connect-VERSION.tar.gz and pop3connect-VERSION.cdx.json, which lists the crates that
# the library may have in it, on whichever platform (an SBOM, in the form of CycloneDX). The same sources give the same
# bytes, wherever they lie: the time in them is that of SOURCE_DATE_EPOCH, or of the newest entry of debian/changelog.
set -euo pipefail
out=$1
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
name=pop3connect-$version
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(dpkg-parsechangelog --show-field Timestamp)}
cyclonedx=$(tools/cargo_tool.sh cargo-cyclonedx 0.5.9)

# what git has of it, or where it came without git all that was not made here
if [ -e .git ]; then
  git ls-files -z
else
  find . -path ./target -prune -o -path ./vendor -prune -o -name __pycache__ -prune -o ! -type d -print0
fi > "$out/files"
mkdir "$out/$name"
tar --null --no-recursion --files-from "$out/files" -c . | tar -x -C "$out/$name"
rm "$out/files"

# what it prints names the folder here
cd "$out/$name"
cargo vendor --quiet --locked vendor > /dev/null
cat > vendor/config.toml <<END
# Has cargo take the crates from this folder: cargo --config vendor/config.toml build --release
[source.crates-io]
replace-with = "vendor"

[source.vendor]
directory = "vendor"
END
cd ..
"$name/packaging/pack.py" "$SOURCE_DATE_EPOCH" "$name" "$name.tar.gz"

# the tool writes beside each Cargo.toml, and names the folder that it was in
cd "$name"
"$cyclonedx" cyclonedx --quiet --format json --spec-version 1.5 --target all --override-filename bom
sed "s,path+file://$out/$name,path+file:///$name,g" bom.json > "$out/$name.cdx.json"
cd ..
rm -r "$name"
