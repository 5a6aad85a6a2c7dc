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
download() { # FOLDER TARGET…
  local rust=$1 host component target
  host=$(rustc -vV | sed -n 's/^host: //p')
  # the compiler last, by which it is known that all are there
  is_it "$rust/bin/rustc" || for component in cargo rust-std rustc; do
    fetch $component "$rust" "$host"
  done
  for target in "${@:2}"; do
    is_it "$rust/bin/rustc" "$target" || fetch rust-std "$rust" "$target"
  done
}

if is_it rustc "$@"; then
  say rustc "$@"
elif command -v rustup > /dev/null; then
  rustup run "$version" rustc --version > /dev/null 2>&1 || rustup --quiet toolchain install --profile minimal "$version" >&2
  [ $# = 0 ] || rustup --quiet target add --toolchain "$version" "$@" >&2
  say "$(rustup which --toolchain "$version" rustc)" "$@"
else
  rust=${CARGO_TARGET_DIR:-$PWD/target}/tools/rust-$version
  download "$rust" "$@"
  say "$rust/bin/rustc" "$@"
fi
