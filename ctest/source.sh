#!/usr/bin/env bash
# The archive of `make sources` is whole, and the same is made of it elsewhere: source.sh SOURCE FOLDER
#
# FOLDER is where the archive is.
set -euo pipefail
source=$(cd "$1" && pwd)
out=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$source/Cargo.toml")
name=pop3connect-$version

fail() {
  printf 'source: %s\n' "$@" >&2
  exit 1
}

tar -xf "$out/$name.tar.gz" -C "$work"
cd "$work/$name"
if [ -e "$source/.git" ]; then
  (cd "$source" && git ls-files) | LC_ALL=C sort > "$work/wanted"
  find . -path ./vendor -prune -o ! -type d -printf '%P\n' | LC_ALL=C sort > "$work/there"
  diff "$work/wanted" "$work/there" ||
    fail 'the archive has other files (>) than git (<)'
  (cd "$source" && git ls-files -z) | while IFS= read -r -d '' file; do
    cmp -s "$source/$file" "$file" || fail "another $file"
  done
fi

# every crate is there: cargo finds all of them without a network and without what it has fetched before
cargo=(cargo --config vendor/config.toml)
CARGO_HOME=$work/home "${cargo[@]}" metadata --offline --locked --format-version 1 > "$work/metadata"

# crates that the library is linked with, on any platform, are in the SBOM with their digests
python3 - "$work/metadata" "$out/$name.cdx.json" <<'END' || fail "the SBOM is of other crates"
import json, sys
metadata, bom = (json.load(open(name)) for name in sys.argv[1:])
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
waiting = [package["id"] for package in metadata["packages"] if package["name"] == "pop3connect"]
linked = set(waiting)
while waiting:
    for dependency in nodes[waiting.pop()]["deps"]:
        if any(kind["kind"] is None for kind in dependency["dep_kinds"]) and dependency["pkg"] not in linked:
            linked.add(dependency["pkg"])
            waiting.append(dependency["pkg"])
wanted = {(packages[one]["name"], packages[one]["version"]) for one in linked if packages[one]["source"]}
listed = {(one["name"], one["version"]) for one in bom["components"] if one.get("hashes") and one.get("licenses")}
print(*sorted(wanted - listed))
sys.exit(not wanted or not wanted <= listed)
END

# of the archive the same archive is made
SOURCE_DATE_EPOCH=$(cd "$source" && dpkg-parsechangelog --show-field Timestamp) packaging/source.sh "$work/again"
for file in "$name.tar.gz" "$name.cdx.json"; do
  cmp "$out/$file" "$work/again/$file" || fail "of the same sources another $file is made"
done
echo "source: $name.tar.gz is whole, and the same is made of it"
