#!/usr/bin/env bash
# Rust in one version, with the standard library of other targets: rust.sh VERSION [TARGET…]
#
# Says in which folder its programs are: that of the Rust that is here, if it is such a one, or of rustup's, or, without
# rustup, of Rust's own binaries, which are then kept below target/tools.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1
shift
url=https://static.rust-lang.org/dist

is_it() { # RUSTC TARGET…
  local rustc=$1 target
  [[ $("$rustc" --version 2> /dev/null) = "rustc $version."* ]] || return 1
  for target in "${@:2}"; do
    compgen -G "$("$rustc" --print target-libdir --target "$target")/libstd-*.rlib" > /dev/null || return 1
  done
}
say() { # RUSTC
  is_it "$@" || { echo "rust: $1 is no Rust $version for all of: ${*:2}" >&2; exit 1; }
  echo "$("$1" --print sysroot)/bin"
}

fetch() { # COMPONENT FOLDER: of the last name that it has, once its digest is right
  local file=$2/$1.tar.xz digest
  curl --silent --show-error --fail "$url/$1.tar.xz" -o "$file"
  digest=$(curl --silent --show-error --fail "$url/$1.tar.xz.sha256" | cut -d ' ' -f 1)
  [ "$(sha256sum < "$file" | cut -d ' ' -f 1)" = "$digest" ] || { echo "rust: $url/$1.tar.xz is damaged" >&2; exit 1; }
  tar -xf "$file" -C "$2"
  "$2/$1/install.sh" --prefix="$2/rust" --disable-ldconfig > /dev/null
}
download() { # FOLDER TARGET…
  local host target
  host=$(rustc -vV | sed -n 's/^host: //p')
  rm -rf "$1" "$1.new" && mkdir -p "$1.new"
  fetch "rustc-$version.0-$host" "$1.new"
  fetch "cargo-$version.0-$host" "$1.new"
  for target in "$host" "${@:2}"; do
    fetch "rust-std-$version.0-$target" "$1.new"
  done
  mv "$1.new/rust" "$1"
  rm -rf "$1.new"
}

if is_it rustc "$@"; then
  say rustc "$@"
elif command -v rustup > /dev/null; then
  rustup run "$version" rustc --version > /dev/null 2>&1 || rustup --quiet toolchain install --profile minimal "$version" >&2
  [ $# = 0 ] || rustup --quiet target add --toolchain "$version" "$@" >&2
  say "$(rustup which --toolchain "$version" rustc)" "$@"
else
  rust=${CARGO_TARGET_DIR:-$PWD/target}/tools/rust-$version
  is_it "$rust/bin/rustc" "$@" || download "$rust" "$@"
  say "$rust/bin/rustc" "$@"
fi
