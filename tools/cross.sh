#!/usr/bin/env bash
# The library for other Linuxes than this one, built and tested here: cross.sh i386|arm64|musl…
#
# i386 has 32 bits, arm64 is ARM: Debian has the C library, OpenSSL, SQLite and Rust's standard library for them, and qemu runs
# them. musl is this processor with another C library: Rust's standard library, OpenSSL and SQLite are built for it from their
# sources, and the library has these two in it. clang and lld link for any of them. For each: the unit tests, the library and
# its exports, and those tests in C that are about sessions, with the test server of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
work=$target/cross
# kept by tools/setup.sh: a Rust for which Debian has standard libraries for other processors, and their sources
rust=$target/tools/rust-web/usr

# fetch FOLDER ARCHITECTURE PACKAGES [PACKAGES]: unpacks them, and with the latter all that they depend on, by an apt that
# has nothing installed and knows this architecture alone
fetch() {
  local root=$1 architecture=$2 apt=$1.apt package
  local apt_get=(apt-get -qq -o "APT::Architecture=$architecture" -o "APT::Architectures::=$architecture"
    -o "Dir::State=$apt/state" -o "Dir::Cache=$apt/cache" -o "Dir::Cache::archives=$apt/archives"
    -o "Dir::State::status=$apt/status" -o "APT::Sandbox::User=$(id -un)" -o Debug::NoLocking=true)
  rm -rf "$root" "$root.new" "$apt"
  mkdir -p "$root.new" "$apt/state/lists/partial" "$apt/cache" "$apt/archives/partial"
  : > "$apt/status"
  # sources of others than Debian may not have this architecture; what is missing then is told by the next lines
  "${apt_get[@]}" update > "$apt/log" 2>&1 || true
  # shellcheck disable=SC2086 # names of packages
  (cd "$apt/archives" && "${apt_get[@]}" download $3 >> "$apt/log" 2>&1) || { cat "$apt/log" >&2; exit 1; }
  # shellcheck disable=SC2086 # names of packages
  [ $# = 3 ] || "${apt_get[@]}" install --yes --download-only --no-install-recommends $4 >> "$apt/log" 2>&1 ||
    { cat "$apt/log" >&2; exit 1; }
  for package in "$apt"/archives/*.deb; do
    dpkg-deb -x "$package" "$root.new"
  done
  rm -rf "$apt"
}

# Debian's packages for another processor
debian() { # FOLDER ARCHITECTURE
  local gcc rustc
  gcc=$(cc -dumpversion | cut -d . -f 1)
  # the standard library of the very compiler
  rustc=$(zcat "$rust/share/doc/rustc-web/changelog.Debian.gz" | sed -n '1s/.*(\(.*\)).*/\1/p')
  fetch "$1" "$2" "libstd-rust-web-dev=$rustc" "libc6-dev libssl-dev libsqlite3-dev libstdc++-$gcc-dev"
  # where all of /lib is in /usr/lib, a package says so that is not needed here
  [ -e "$1.new/lib" ] || ln -s usr/lib "$1.new/lib"
  mv "$1.new" "$1"
}

# Debian's musl, in the folders where clang looks, with the kernel's headers and LLVM's unwinder
musl() { # FOLDER
  fetch "$1" amd64 "musl musl-dev linux-libc-dev libunwind-22-dev"
  local usr=$1.new/usr
  cp -r "$usr/include/x86_64-linux-musl/." "$usr/include"
  cp -r "$usr/include/x86_64-linux-gnu/asm" "$usr/include"
  # by the name of GNU's, which Rust asks for
  cp "$usr/lib/x86_64-linux-gnu/libunwind.a" "$usr/lib/libgcc_s.a"
  rm -rf "$usr/include/x86_64-linux-musl" "$usr/include/x86_64-linux-gnu" "$usr/lib/x86_64-linux-gnu"
  # it is the loader as well
  cp "$1.new/lib/x86_64-linux-musl/libc.so" "$usr/lib"
  mv "$usr"/lib/x86_64-linux-musl/* "$usr/lib"
  clang-22 --target=x86_64-linux-musl "--sysroot=$1.new" -O2 -fPIC -Wall -Wextra -c tools/musl_unwinder.c \
    -o "$1.new/unwinder.o"
  ar rc "$usr/lib/libgcc_s.a" "$1.new/unwinder.o"
  mv "$1.new" "$1"
}

# toolchain NAME TRIPLE LINKER-FLAG…: how what follows builds; `rust_flags`, `packages` and `emulator` say more
toolchain() {
  name=$1 triple=$2 root=$work/$1 libraries=$work/build/$2/release
  compiling=("--target=$2" "--sysroot=$root") linking=("${@:3}")
  export QEMU_LD_PREFIX=$root
}
quoted() { # WORD…
  printf "'%s' " "$@"
}

cargo_for() { # CARGO-ARGUMENT…
  local flags='' argument under=${triple//-/_}
  for argument in "${rust_flags[@]}" -Clink-arg=-fuse-ld=lld-22 "${compiling[@]/#/-Clink-arg=}" \
    "${linking[@]/#/-Clink-arg=}"; do
    flags+=${flags:+$'\x1f'}$argument
  done
  tools/rust_web.sh env "CARGO_TARGET_DIR=$work/build" "CARGO_ENCODED_RUSTFLAGS=$flags" "CARGO_TARGET_${under^^}_LINKER=clang-22" \
    "CARGO_TARGET_${under^^}_RUNNER=$emulator" "CC_$under=clang-22" "CFLAGS_$under=$(quoted "${compiling[@]}")" \
    CC_SHELL_ESCAPED_FLAGS=1 CARGO_PROFILE_DEV_DEBUG=none "${packages[@]}" cargo "$@" --quiet --lib --target "$triple"
}

library() { # LIBRARIES CARGO-ARGUMENT…
  echo "== $name: the library"
  cargo_for build --locked --release "${@:2}"
  make --no-print-directory --silent shared "RELEASE=$libraries" "SYSTEM_LIBS=$1" \
    "CC=clang-22 -fuse-ld=lld-22 $(quoted "${compiling[@]}" "${linking[@]}")" > /dev/null
}

unit_tests() { # CARGO-ARGUMENT…
  echo "== $name: the unit tests"
  cargo_for test --locked "$@"
}

tests_in_c() { # CMAKE-ARGUMENT…
  echo "== $name: tests in C"
  local build=$work/ctest-$name log=$work/ctest-$name.log
  cmake -S ctest -B "$build" -DCMAKE_SYSTEM_NAME=Linux "-DCMAKE_CROSSCOMPILING_EMULATOR=$emulator" "-DCMAKE_SYSROOT=$root" \
    -DCMAKE_C_COMPILER=clang-22 "-DCMAKE_C_COMPILER_TARGET=$triple" -DCMAKE_CXX_COMPILER=clang++-22 \
    "-DCMAKE_CXX_COMPILER_TARGET=$triple" "-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld-22 $(quoted "${linking[@]}")" \
    "-DPOP3_LIBRARY_DIR=$libraries" "-DPOP3_SHARED_DIR=$libraries/versioned" \
    "-DPOP3_TEST_SERVER=$target/release/pop3-test-server" "$@" > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
  cmake --build "$build" --parallel 2 --target "${programs[@]/#/test_}" > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
  (cd "$build" && ctest --output-on-failure --no-tests=error --parallel 2 \
    --tests-regex "^($(IFS='|' && echo "${programs[*]}")|symbols|cargo_symbols)$")
}

for_processor() { # ARCHITECTURE TRIPLE EMULATOR
  toolchain "$1" "$2"
  [ -e "$root/usr/include/sqlite3.h" ] || debian "$root" "$1"
  local folder
  folder=$(echo "$root"/usr/lib/*-linux-gnu)
  emulator=$3 rust_flags=("--sysroot=$root/usr")
  packages=("OPENSSL_LIB_DIR=$folder" "OPENSSL_INCLUDE_DIR=$root/usr/include" "SQLITE3_LIB_DIR=$folder")
  library '-lssl -lcrypto -lsqlite3'
  unit_tests
  tests_in_c "-DOPENSSL_CRYPTO_LIBRARY=$folder/libcrypto.so" "-DOPENSSL_SSL_LIBRARY=$folder/libssl.so" \
    "-DOPENSSL_INCLUDE_DIR=$root/usr/include"
}

for_musl() { # TRIPLE
  [[ $work != *[[:space:]]* ]] || { echo "cross: OpenSSL cannot be built in $work: a space is in its name" >&2; exit 1; }
  toolchain musl "$1" --rtlib=compiler-rt --unwindlib=none "-Wl,--dynamic-linker=$work/musl/lib/ld-musl-x86_64.so.1"
  [ -d "$root" ] || musl "$root"
  local folder
  # this machine runs it by itself
  emulator=env rust_flags=(-Ctarget-feature=-crt-static)
  # where all that have musl keep OpenSSL's configuration and the platform's CA certificates
  packages=(OPENSSL_CONFIG_DIR=/etc/ssl)
  local vendored=(--features vendored -Zbuild-std=std,panic_unwind)
  library '' "${vendored[@]}"
  # what has been built with it
  folder=$(cargo_for build --locked --release "${vendored[@]}" --message-format=json |
    sed -n 's,.*"build-script-executed".*[/#]openssl-sys@.*"out_dir":"\([^"]*\)".*,\1/openssl-build/install,p')
  packages=("OPENSSL_DIR=$folder" OPENSSL_STATIC=1)
  unit_tests --features rusqlite/bundled -Zbuild-std=std,panic_unwind,test
  # there is no C++ for it
  tests_in_c "-DOPENSSL_CRYPTO_LIBRARY=$folder/lib/libcrypto.a" "-DOPENSSL_SSL_LIBRARY=$folder/lib/libssl.a" \
    "-DOPENSSL_INCLUDE_DIR=$folder/include" -DCMAKE_CXX_COMPILER_WORKS=YES -DPOP3_NEEDED=libc
}

# Those tests in C that are about sessions, but for mailbox, whose longest list may take qemu longer than a reply may take.
programs=(certificates login message platform_store stls tls)
mkdir -p "$work"
for architecture in "$@"; do
  case $architecture in
    i386) for_processor i386 i686-unknown-linux-gnu qemu-i386 ;;
    arm64) for_processor arm64 aarch64-unknown-linux-gnu qemu-aarch64 ;;
    musl) for_musl x86_64-unknown-linux-musl ;;
    *)
      echo "usage: cross.sh i386|arm64|musl…" >&2
      exit 2
      ;;
  esac
  echo "cross: all is well on $architecture"
done
