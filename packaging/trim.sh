#!/usr/bin/env bash
# The library as a Cargo package of its own for Linux and its OpenSSL, without what only tests, other systems or the
# feature `vendored` need, so that no crates of theirs are wanted: trim.sh FOLDER
set -euo pipefail
folder=$1
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$(dirname "$0")/.."

# a table ends where a line is empty; the last one says that the folder is in no workspace
sed -e '/^\[.*dev-dependencies\]$/,/^$/d' -e '/^\[workspace\]$/,/^$/d' -e '/^vendored = /d' Cargo.toml > "$folder/Cargo.toml"
echo '[workspace]' >> "$folder/Cargo.toml"
packaging/linux_only.py "$folder/Cargo.toml"
# cargo drops from it what is not needed, and keeps the rest
cp Cargo.lock "$folder"
ln -sfn "$PWD/src" "$PWD/build.rs" "$folder"
