#!/usr/bin/env bash
# All of the workspace compiles by the oldest Rust that Cargo.toml promises.
#
# That is the Rust that is here, or rustup's of that version, or, without rustup, Rust's own binaries of that version, which
# are then kept below target/tools.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
target=${CARGO_TARGET_DIR:-$PWD/target}

download() { # FOLDER
  local triple component name url=https://static.rust-lang.org/dist
  triple=$(rustc -vV | sed -n 's/^host: //p')
  rm -rf "$1" "$1.new" && mkdir -p "$1.new/unpacked"
  for component in rustc cargo rust-std; do
    name=$component-$version.0-$triple
    curl --silent --show-error --fail "$url/$name.tar.xz" -o "$1.new/$name.tar.xz"
    (cd "$1.new" && curl --silent --show-error --fail "$url/$name.tar.xz.sha256" | sha256sum --check --quiet)
    tar -xf "$1.new/$name.tar.xz" -C "$1.new/unpacked"
    "$1.new/unpacked/$name/install.sh" --prefix="$1.new/rust" --disable-ldconfig > /dev/null
  done
  mv "$1.new/rust" "$1"
  rm -rf "$1.new"
}

if [[ $(rustc --version) = "rustc $version."* ]]; then
  with_it=()
elif command -v rustup > /dev/null; then
  rustup run "$version" cargo --version > /dev/null 2>&1 || rustup toolchain install --profile minimal "$version"
  with_it=(rustup run "$version")
else
  rust=$target/tools/rust-$version
  [ -d "$rust" ] || download "$rust"
  with_it=(env "PATH=$rust/bin:$PATH")
fi
is=$("${with_it[@]}" rustc --version)
[[ $is = "rustc $version."* ]] || { echo "minimum_rust: this is no Rust $version: $is" >&2; exit 1; }
CARGO_TARGET_DIR=$target/minimum CARGO_PROFILE_DEV_DEBUG=none \
  "${with_it[@]}" cargo check --locked --quiet --workspace --all-targets
echo "minimum_rust: $is compiles the workspace"
