#!/usr/bin/env bash
# Installs what this machine lacks to build, test, check or measure the library:
# setup.sh build|lint|test|cross|check|sanitize|windows|wine|macos|python|python-check|bench|routes|
#   site|site-check
#
# Looks for the tools themselves, so it is content with any system that has them. Where something is missing it
# installs Debian's packages if it may, and otherwise says which they are and how to go on.
set -euo pipefail

cd "$(dirname "$0")/.."

# Packages that are unpacked into a folder, and only the libraries that they need are installed: Cyrus' conflict with
# Dovecot's and bring a mail transport agent; PostgreSQL's makes a cluster of databases and starts it; the Rust that comes
# with the sources of its standard library, which ThreadSanitizer, helgrind and other platforms want built anew, conflicts
# with rustup's.
target=${CARGO_TARGET_DIR:-$PWD/target}
cyrus_dir=$target/servers/cyrus
postgresql_dir=$target/servers/postgresql
rust_dir=$target/tools/rust-web
clippy_dir=$target/tools/clippy-web
declare -A packages_of=([$cyrus_dir]='cyrus-common cyrus-pop3d sasl2-bin' [$postgresql_dir]=postgresql
  [$rust_dir]='rustc-web libstd-rust-web-dev rust-web-src' [$clippy_dir]=rust-web-clippy)
# What a package would start; the tests run servers of their own.
declare -A units=([dovecot-pop3d]='dovecot.service dovecot.socket' [mailutils-pop3d]=mailutils-pop3d.service
  [microsocks]=microsocks.service [tinyproxy]=tinyproxy.service)

# by whoever is here first, lest root be the owner of what others build in
mkdir -p "$target/servers" "$target/tools"

# The Rust that Cargo.toml asks for. Debian 13's own will do; Debian 12 has a newer one beside its own.
rust_version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
is_new_enough() { # VERSION
  [[ $1 = [0-9]* ]] && [ "$(printf '%s\n' "$rust_version" "$1" | sort --version-sort | head -n 1)" = "$rust_version" ]
}
rust_is_missing=false
need_rust() {
  if ! command -v cargo > /dev/null && ! command -v rustc > /dev/null; then
    rust_is_missing=true
    return
  fi
  local program is
  for program in rustc cargo; do
    is=$("$program" --version 2> /dev/null) || is=missing
    # "cargo 1.63.0 (…)"
    is_new_enough "$(cut -d ' ' -f 2 <<< "$is")" || {
      echo "setup: Rust $rust_version or newer is needed; $program here is: $is" >&2
      echo "       Debian 12 has it in packages beside its own Rust: apt-get install rustc-web cargo-web" >&2
      echo "       Elsewhere: https://rustup.rs. Then run make again." >&2
      exit 1
    }
  done
}
# those of Debian's packages whose Rust is new enough
rust_packages() {
  local kind
  for kind in '' -web; do
    if is_new_enough "$(candidate "rustc$kind")" && is_new_enough "$(candidate "cargo$kind")"; then
      echo "rustc$kind cargo$kind"
      return
    fi
  done
  echo "setup: no package here has Rust $rust_version. Install it from https://rustup.rs, then run make again." >&2
  return 1
}
candidate() { # PACKAGE
  local version
  version=$(LC_ALL=C apt-cache policy "$1" | sed -n 's/^ *Candidate: \([0-9].*\)$/\1/p')
  echo "${version:-0}"
}

missing=()
unpack=() # folders
need() { # PACKAGE CHECK…
  local package=$1
  shift
  "$@" > /dev/null 2>&1 || missing+=("$package")
}
has_library() { # NAME
  PATH=$PATH:/usr/sbin:/sbin ldconfig -p | grep -q "$1"
}
has_dovecot() {
  PATH=$PATH:/usr/sbin:/usr/local/sbin command -v dovecot || return 1
  local pop3
  for pop3 in {/usr/lib,/usr/lib64,/usr/libexec,/usr/local/libexec}/dovecot/pop3; do
    [ ! -x "$pop3" ] || return 0
  done
  return 1
}
has_mailutils() {
  [[ $(PATH=$PATH:/usr/sbin:/usr/local/sbin pop3d --version) = *Mailutils* ]]
}
has_cyrus() {
  if [ -d "$cyrus_dir" ]; then
    local bin=$cyrus_dir/usr/lib/cyrus/bin
    ! LD_LIBRARY_PATH=$(echo "$cyrus_dir"/usr/lib/*-linux-gnu*) \
      ldd "$bin"/{ctl_cyrusdb,deliver,lmtpd,master,pop3d} "$cyrus_dir/usr/sbin/saslpasswd2" | grep 'not found'
  else
    [ -x /usr/lib/cyrus/bin/pop3d ] || [ -x /usr/libexec/cyrus-imapd/pop3d ]
  fi
}
has_qt() {
  compgen -G '/usr/lib/*/cmake/Qt6Core' || compgen -G '/usr/lib*/cmake/Qt6Core'
}
has_postgresql() {
  local root=
  [ ! -d "$postgresql_dir" ] || root=$postgresql_dir
  local PATH=$PATH folder
  for folder in "$root"/usr/lib/postgresql/*/bin; do
    PATH=$folder:$PATH
  done
  command -v initdb && ! ldd "$(command -v postgres)" | grep 'not found'
}

need_build() {
  need_rust
  need gcc command -v cc
  need libc6-dev test -e /usr/include/stdio.h
  need pkg-config command -v pkg-config
  need libssl-dev pkg-config --exists 'openssl >= 1.1.1'
  need libsqlite3-dev pkg-config --exists sqlite3
}
need_lint() {
  need_build
  need python3 command -v python3
  [ $rust_is_missing = true ] || { cargo fmt --version && cargo clippy --version; } > /dev/null 2>&1 || {
    echo "setup: cargo fmt and cargo clippy are needed: rustup component add rustfmt clippy, or, with Debian 12's Rust," >&2
    echo "       apt-get install rustfmt-web rust-web-clippy. Then run make again." >&2
    exit 1
  }
}
need_test() {
  need_build
  need g++ command -v c++
  need cmake command -v cmake
  need abigail-tools command -v abidiff
  need dpkg-dev command -v dpkg-buildpackage
  need debhelper command -v dh
  need lintian command -v lintian
  need clang-tidy command -v clang-tidy
  need python3 command -v python3
  need dovecot-pop3d has_dovecot
  need mailutils-pop3d has_mailutils
  need microsocks command -v microsocks
  need tinyproxy command -v tinyproxy
  need mandoc command -v mandoc
  need sqlite3 command -v sqlite3
  # for the examples
  need libglib2.0-dev pkg-config --exists glib-2.0
  need libuv1-dev pkg-config --exists libuv
  need qt6-base-dev has_qt
  has_cyrus > /dev/null 2>&1 || unpack+=("$cyrus_dir")
}
need_cross() {
  need_test
  need clang-22 command -v clang-22
  need lld-22 command -v ld.lld-22
  need libclang-rt-22-dev compgen -G '/usr/lib/llvm-22/lib/clang/22/lib/linux/libclang_rt.builtins-*.a'
  need qemu-user command -v qemu-aarch64
  # OpenSSL's build is in Perl
  need perl perl -e 'use FindBin; use IPC::Cmd'
  [ -d "$rust_dir" ] || unpack+=("$rust_dir")
}
need_check() {
  need_test
  need clang-22 command -v clang-22
  # without rustup its own binaries of the oldest Rust that will do are fetched
  command -v rustup > /dev/null || need curl command -v curl
  command -v rustup > /dev/null || need xz-utils command -v xz
  need valgrind command -v valgrind
  need libclang-rt-22-dev compgen -G '/usr/lib/llvm-22/lib/clang/22/lib/linux/libclang_rt.tsan-*.a'
  need llvm-22 command -v llvm-symbolizer-22
}
need_sanitize() {
  need_check
  [ -d "$rust_dir" ] || unpack+=("$rust_dir")
}
# to build for Windows: mingw whose C++ has threads
need_windows() {
  need_build
  need g++-mingw-w64-x86-64-posix command -v x86_64-w64-mingw32-g++-posix
  [ -d "$rust_dir" ] || unpack+=("$rust_dir")
}
# to run it
need_wine() {
  need_windows
  need_test
  need wine64 test -x /usr/lib/wine/wine64
  # Wine has TLS by it, and does without where it is not there
  need libgnutls30 has_library 'libgnutls\.so\.30'
}
# to build for macOS; zig is fetched by tools/zig.sh
need_macos() {
  need_build
  need lld-22 command -v ld64.lld-22
  need llvm-22 command -v llvm-lipo-22
  need python3-pip python3 -m pip --version
  [ -d "$rust_dir" ] || unpack+=("$rust_dir")
  [ -d "$clippy_dir" ] || unpack+=("$clippy_dir")
}
# the wheel; zig and the tools for it are fetched by tools/zig.sh and tools/python.sh
need_python() {
  need_build
  need python3 command -v python3
  need python3-pip python3 -m pip --version
  need python3-venv python3 -c 'import ensurepip, venv'
  # OpenSSL's build is in Perl
  need perl perl -e 'use FindBin; use IPC::Cmd'
  [ -d "$rust_dir" ] || unpack+=("$rust_dir")
}
# its tests, with the tools of tools/python.sh
need_python_check() {
  need_test
  need python3-pip python3 -m pip --version
  need python3-venv python3 -c 'import ensurepip, venv'
  has_postgresql > /dev/null 2>&1 || unpack+=("$postgresql_dir")
}
need_bench() {
  need_build
  need cmake command -v cmake
  need libcurl4-openssl-dev pkg-config --exists libcurl
  need libetpan20 has_library 'libetpan\.so\.20'
  need python3 command -v python3
  need mpop command -v mpop
  need getmail6 command -v getmail
}
# what the recipes of packaging are for; Conan is fetched by tools/python.sh
need_routes() {
  need_test
  need ninja-build command -v ninja
  need python3-pip python3 -m pip --version
  need python3-venv python3 -c 'import ensurepip, venv'
  need rpm command -v rpmbuild
  need rpmlint command -v rpmlint
  need cpio command -v cpio
  need util-linux command -v unshare
  need shellcheck command -v shellcheck
  need ruby command -v ruby
}

# mdBook is built by tools/cargo_tool.sh
need_site() {
  need_build
  need python3 command -v python3
  need mandoc command -v mandoc
}
# the link checker is fetched by tools/python.sh
need_site_check() {
  need_site
  need chromium command -v chromium
  need python3-pip python3 -m pip --version
  need python3-venv python3 -c 'import ensurepip, venv'
}

case ${1:-} in
  build | lint | test | cross | check | sanitize | windows | wine | macos | python | python-check | bench | routes | \
    site | site-check) "need_${1//-/_}" ;;
  *)
    echo "usage: setup.sh build|lint|test|cross|check|sanitize|windows|wine|macos|python|python-check|bench|routes|" \
      "site|site-check" >&2
    exit 2
    ;;
esac

if [ ${#missing[@]} = 0 ] && [ ${#unpack[@]} = 0 ] && [ $rust_is_missing = false ]; then
  exit 0
fi

packages=()
for folder in "${unpack[@]}"; do
  # shellcheck disable=SC2206 # names of packages
  packages+=(${packages_of[$folder]})
done
[ $rust_is_missing = false ] || rust="Rust $rust_version"
echo setup: missing: "${missing[@]}" "${packages[@]}" ${rust:+"$rust"}
as_root=()
if [ "$(id -u)" != 0 ]; then
  as_root=(sudo -n)
fi
if ! command -v apt-get > /dev/null || ! "${as_root[@]}" true 2> /dev/null; then
  echo "setup: this cannot be installed from here. As root, on Debian or Ubuntu:" >&2
  echo "         $0 $1" >&2
  echo "       on another system its packages of the same tools. Then run make again." >&2
  [ $rust_is_missing = false ] ||
    echo "       Rust is in Debian 12's packages rustc-web and cargo-web, or comes from https://rustup.rs." >&2
  exit 1
fi

"${as_root[@]}" apt-get update -qq
if [ $rust_is_missing = true ]; then
  read -ra rust <<< "$(rust_packages)"
  [ ${#rust[@]} != 0 ] || exit 1
  missing+=("${rust[@]}")
fi
if [[ " ${unpack[*]} " = *" $rust_dir "* ]]; then
  # the compiler looks for its standard library where its own library is; the name of that has a version in it
  packages_of[$rust_dir]+=" $(apt-cache depends libstd-rust-web-dev | sed -n 's/^ *Depends: \(libstd-rust-[^ ]*\)$/\1/p')"
fi
if [[ " ${unpack[*]} " = *" $postgresql_dir "* ]]; then
  # of the version that is the system's
  packages_of[$postgresql_dir]=$(apt-cache depends postgresql | sed -n 's/^ *Depends: \(postgresql-[0-9]*\)$/\1/p')
fi
if [ ${#unpack[@]} != 0 ]; then
  packages=()
  for folder in "${unpack[@]}"; do
    # shellcheck disable=SC2206 # names of packages
    packages+=(${packages_of[$folder]})
  done
  # all libraries but that of a virus scanner, which no program that the tests run takes, and what is unpacked itself
  libraries=$(apt-cache depends --no-{recommends,suggests,conflicts,breaks,replaces,enhances} "${packages[@]}" |
    sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p' | grep -v '^libclamav\|^libstd-rust' | sort -u)
  for library in $libraries; do
    need "$library" dpkg -s "$library"
  done
fi
for package in "${missing[@]}"; do
  for unit in ${units[$package]:-}; do
    if [ -d /run/systemd/system ] && ! systemctl cat "$unit" > /dev/null 2>&1; then
      echo "setup: masking $unit, so that installing it starts no mail server (undo: systemctl unmask $unit)"
      "${as_root[@]}" systemctl mask "$unit"
    fi
  done
done
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "${missing[@]}"
for folder in "${unpack[@]}"; do
  # the libraries alone may have been missing
  [ ! -d "$folder" ] || continue
  rm -rf "$folder.new"
  mkdir -p "$folder.new/root"
  # shellcheck disable=SC2086 # names of packages
  (cd "$folder.new" && apt-get download -qq -o "APT::Sandbox::User=$(id -un)" ${packages_of[$folder]})
  for package in "$folder.new"/*.deb; do
    dpkg-deb -x "$package" "$folder.new/root"
  done
  if [ "$(id -u)" = 0 ]; then
    chown -R --reference=. "$folder.new"
  fi
  mv "$folder.new/root" "$folder"
  rm -r "$folder.new"
done
echo setup: installed: "${missing[@]}" "${packages[@]}"
