#!/usr/bin/env bash
# The unit tests for other processors, under qemu: cross.sh ARCHITECTURE…, by Debian's names: i386 has 32 bits, arm64 is ARM
#
# libc and OpenSSL for them are Debian's packages, unpacked into a folder; clang and lld link for any processor, and Rust
# has its own standard library for them.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/cross
version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# fetch ARCHITECTURE FOLDER: by an apt that has nothing installed and knows this architecture alone
fetch() {
  local apt=$2.apt options
  rm -rf "$2" "$2.new" "$apt"
  mkdir -p "$2.new" "$apt/state/lists/partial" "$apt/cache/archives/partial"
  : > "$apt/status"
  options=(-qq -o "APT::Architecture=$1" -o "APT::Architectures::=$1" -o "Dir::State=$apt/state" -o "Dir::Cache=$apt/cache"
    -o "Dir::State::status=$apt/status" -o "APT::Sandbox::User=$(id -un)" -o Debug::NoLocking=true)
  # sources of others than Debian may not have this architecture; what is missing then is told by the next line
  apt-get "${options[@]}" update > "$apt/log" 2>&1 || true
  apt-get "${options[@]}" install --yes --download-only --no-install-recommends libc6-dev libssl-dev \
    "libgcc-$(cc -dumpversion | cut -d . -f 1)-dev" >> "$apt/log" 2>&1 || { cat "$apt/log" >&2; exit 1; }
  local package
  for package in "$apt"/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$2.new"
  done
  # where all of /lib is in /usr/lib, a package says so that is not needed here
  [ -e "$2.new/lib" ] || ln -s usr/lib "$2.new/lib"
  mv "$2.new" "$2"
  rm -rf "$apt"
}

test_on() { # ARCHITECTURE TRIPLE QEMU
  local root=$work/$1 name=${2//-/_}
  [ -d "$root" ] || fetch "$1" "$root"
  local linker=("--target=$2" "--sysroot=$root" -fuse-ld=lld-22) flags='' argument
  for argument in "${linker[@]}"; do
    flags+=${flags:+$'\x1f'}-Clink-arg=$argument
  done
  env "PATH=$(tools/rust.sh "$version" "$2"):$PATH" "CARGO_TARGET_DIR=$work/build" CARGO_PROFILE_DEV_DEBUG=none \
    "CARGO_TARGET_${name^^}_LINKER=clang-22" "CARGO_TARGET_${name^^}_RUNNER=$3" "CARGO_ENCODED_RUSTFLAGS=$flags" \
    "CC_$name=clang-22" "CFLAGS_$name=--sysroot='$root'" CC_SHELL_ESCAPED_FLAGS=1 "QEMU_LD_PREFIX=$root" \
    "${name^^}_OPENSSL_LIB_DIR=$(echo "$root"/usr/lib/*-linux-gnu)" "${name^^}_OPENSSL_INCLUDE_DIR=$root/usr/include" \
    cargo test --offline --quiet --lib --target "$2" --manifest-path "$work/package/Cargo.toml"
  echo "cross: the unit tests pass for $1"
}

# the library alone, without the crates that other tests want
packaging/trim.sh "$work/package"
for architecture in "$@"; do
  case $architecture in
    i386) test_on i386 i686-unknown-linux-gnu qemu-i386 ;;
    arm64) test_on arm64 aarch64-unknown-linux-gnu qemu-aarch64 ;;
    *)
      echo "usage: cross.sh i386|arm64…" >&2
      exit 2
      ;;
  esac
done
