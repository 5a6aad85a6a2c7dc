#!/usr/bin/env bash
# Packs what `make windows`, `make macos` and `make musl` have built, for those who only use it, beside what `make sources` has
# made: dist.sh FOLDER sources|PLATFORM…
#
# FOLDER is emptied. An archive for each of them, with an SBOM beside that of the sources, and SHA256SUMS. From the same contents the same archives are made:
# the times in them are that of SOURCE_DATE_EPOCH, or of the newest entry of debian/changelog.
set -euo pipefail
out=$1
shift
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
seconds=${SOURCE_DATE_EPOCH:-$(dpkg-parsechangelog --show-field Timestamp)}
# the Rust that the platforms' are built by
rust=$target/tools/rust-web/usr

# begin PLATFORM TRIPLE NAME=FILE… [-- CARGO-ARGUMENT…]: a folder with what is the same for all. FILE is the licence of NAME,
# which is in the library beside the crates.
begin() {
  tree=$out/pop3connect-$version-$1
  rustc=$(tools/rust_web.sh sh -c '"$RUSTC" --version')
  local triple=$2 others=()
  shift 2
  while [ $# != 0 ] && [ "$1" != -- ]; do
    others+=("$1")
    shift
  done
  mkdir -p "$tree/docs"
  cp README.md CHANGELOG.md SECURITY.md LICENSE-* "$tree"
  cp -r docs/*.md docs/pictures "$tree/docs"
  cargo metadata --locked --format-version 1 --filter-platform "$triple" "${@:2}" | packaging/third_party.py --with openssl-src \
    "Rust's standard library=$rust/share/doc/libstd-rust-web-dev/copyright" "${others[@]}" > "$tree/THIRD-PARTY.txt"
}

# of the one that is built from its sources
sqlite_version() {
  local crate
  crate=$(cargo metadata --locked --format-version 1 | sed 's/.*"manifest_path":"\([^"]*libsqlite3-sys-[^"/]*\)\/Cargo.toml".*/\1/')
  sed -n 's/^#define SQLITE_VERSION *"\(.*\)"/\1/p' "$crate/sqlite3/sqlite3.h"
}

windows() {
  begin windows-x86_64 x86_64-pc-windows-gnu "mingw-w64=/usr/share/doc/mingw-w64-x86-64-dev/copyright" \
    "libgcc=/usr/share/doc/gcc-mingw-w64-x86-64-posix-runtime/copyright"
  cp -r "$target/windows/dist/." "$tree"
  cat > "$tree/BUILD.txt" <<END
pop3connect $version for Windows 10 and later on x86-64, built by make windows with $rustc
and $(x86_64-w64-mingw32-gcc-posix --version | head -n 1).

bin       pop3connect.dll, and the examples as programs
lib       libpop3connect.dll.a for mingw, pop3connect.lib for MSVC, and pop3connect.def, which both are made of
include   the headers for C and C++
examples  the sources of the examples

SQLite $(sqlite_version), which is in the public domain, is in the DLL, so its updates come with the library's. There is no .pdb: GNU's tools write debug information as DWARF, and here it is left out. For a DLL that has it, for gdb, in
the sources: CARGO_PROFILE_RELEASE_DEBUG=1 tools/windows.sh rustc --release --lib --crate-type cdylib
END
  packaging/pack.py "$seconds" "$tree" "$tree.zip"
}

macos() {
  begin macos aarch64-apple-darwin
  cp -r "$target/macos/dist/." "$tree"
  cat > "$tree/BUILD.txt" <<END
pop3connect $version for macOS, built by make macos on Linux with $rustc and
$(ld64.lld-22 --version). It has been compiled and linked, and has never been run: see docs/platforms.md.

lib       libpop3connect.${version%%.*}.dylib for Apple's and Intel's processors, and for one of them in arm64 and x86_64
include   the headers for C and C++
examples  the sources of the examples

Its install name is @rpath/libpop3connect.${version%%.*}.dylib. It is signed, as Apple's processors want it, but by nobody: sign it with
your own identity, as you do your program. Debug information is left out.
END
  packaging/pack.py "$seconds" "$tree" "$tree.tar.gz"
}

musl() {
  begin linux-musl-x86_64 x86_64-unknown-linux-musl "libunwind=$target/cross/musl/usr/share/doc/libunwind-22-dev/copyright" \
    -- --features vendored
  mkdir "$tree"/{lib,include,examples}
  cp "$target/cross/build/x86_64-unknown-linux-musl/release/versioned/libpop3connect.so.1" "$tree/lib/libpop3connect.so.$version"
  ln -s "libpop3connect.so.$version" "$tree/lib/libpop3connect.so.1"
  ln -s libpop3connect.so.1 "$tree/lib/libpop3connect.so"
  cp include/*.h* "$tree/include"
  cp examples/*.c* "$tree/examples"
  cat > "$tree/BUILD.txt" <<END
pop3connect $version for Linux with musl on x86-64, built by make musl with $rustc
and $(clang-22 --version | head -n 1).

lib       libpop3connect.so, which needs the C library alone
include   the headers for C and C++
examples  the sources of the examples

OpenSSL $(sed -n '/^name = "openssl-src"$/{n;s/.*+\(.*\)"/\1/p}' Cargo.lock) and SQLite $(sqlite_version), which is in the public domain, are in the library, so their updates
come with the library's. OpenSSL reads its configuration and the platform's CA certificates in /etc/ssl. Debug information is left out.
END
  packaging/pack.py "$seconds" "$tree" "$tree.tar.gz"
}

for platform in "$@"; do
  case $platform in
    sources) cp "$target/sources/pop3connect-$version".* "$out" ;;
    windows | macos | musl)
      $platform
      rm -r "$tree"
      ;;
    *)
      echo "usage: dist.sh FOLDER sources|windows|macos|musl…" >&2
      exit 2
      ;;
  esac
done
cd "$out"
sha256sum -- * > SHA256SUMS
