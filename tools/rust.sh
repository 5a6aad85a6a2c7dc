#!/usr/bin/env bash
# Rust in one version: rust.sh VERSION
#
# Says in which folder its programs are: that of the Rust that is here, if it is such a one, or of rustup's, or, without
# rustup, of Rust's own binaries, which are then kept below target/tools.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1
url=https://static.rust-lang.org/dist

is_it() { # RUSTC
  [[ $("$1" --version 2> /dev/null) = "rustc $version."* ]]
}
say() { # RUSTC
  is_it "$1" || { echo "rust: $1 is no Rust $version" >&2; exit 1; }
  echo "$("$1" --print sysroot)/bin"
}

fetch() { # COMPONENT FOLDER TARGET: into the folder, once its digest is right
  local name=$1-$version.0-$3 work digest
  work=$(mktemp -d "$2.XXXXXX")
  curl --silent --show-error --fail "$url/$name.tar.xz" -o "$work/$name.tar.xz"
  digest=$(curl --silent --show-error --fail "$url/$name.tar.xz.sha256" | cut -d ' ' -f 1)
  [ "$(sha256sum < "$work/$name.tar.xz" | cut -d ' ' -f 1)" = "$digest" ] ||
    { echo "rust: $url/$name.tar.xz is damaged" >&2; exit 1; }
  tar -xf "$work/$name.tar.xz" -C "$work"
  "$work/$name/install.sh" --prefix="$2" --disable-ldconfig > /dev/null
  rm -rf "$work"
}
download() { # FOLDER
  local host component
  host=$(rustc -vV | sed -n 's/^host: //p')
  # the compiler last, by which it is known that all are there
  is_it "$1/bin/rustc" || for component in cargo rust-std rustc; do
    fetch $component "$1" "$host"
  done
}

if is_it rustc; then
  say rustc
elif command -v rustup > /dev/null; then
  rustup run "$version" rustc --version > /dev/null 2>&1 || rustup --quiet toolchain install --profile minimal "$version" >&2
  say "$(rustup which --toolchain "$version" rustc)"
else
  rust=${CARGO_TARGET_DIR:-$PWD/target}/tools/rust-$version
  download "$rust"
  say "$rust/bin/rustc"
fi
