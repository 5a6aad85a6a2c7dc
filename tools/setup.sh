#!/usr/bin/env bash
# Installs what this machine lacks to build, test or measure the library: setup.sh build|test|bench
#
# Looks for the tools themselves, so it is content with any system that has them. Where something is missing it
# installs Debian's packages if it may, and otherwise says which they are and how to go on.
set -euo pipefail

# Cyrus' packages conflict with Dovecot's and bring a mail transport agent: they are unpacked into a folder, and only
# the libraries that they need are installed.
cyrus=(cyrus-common cyrus-pop3d sasl2-bin)
cyrus_dir=$(dirname "$0")/../target/servers/cyrus
# What a package would start; the tests run servers of their own.
declare -A units=([dovecot-pop3d]='dovecot.service dovecot.socket' [mailutils-pop3d]=mailutils-pop3d.service
  [microsocks]=microsocks.service [tinyproxy]=tinyproxy.service)

missing=()
unpack=()
need() { # PACKAGE CHECK…
  local package=$1
  shift
  "$@" > /dev/null 2>&1 || missing+=("$package")
}
has_libetpan() {
  PATH=$PATH:/usr/sbin:/sbin ldconfig -p | grep -q 'libetpan\.so\.20'
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

need_build() {
  need gcc command -v cc
  need libc6-dev test -e /usr/include/stdio.h
  need pkg-config command -v pkg-config
  need libssl-dev pkg-config --exists 'openssl >= 1.1.1'
}
need_test() {
  need_build
  need g++ command -v c++
  need cmake command -v cmake
  need clang-tidy command -v clang-tidy
  need python3 command -v python3
  need dovecot-pop3d has_dovecot
  need mailutils-pop3d has_mailutils
  need microsocks command -v microsocks
  need tinyproxy command -v tinyproxy
  has_cyrus > /dev/null 2>&1 || unpack+=("${cyrus[@]}")
}
need_bench() {
  need_build
  need cmake command -v cmake
  need libcurl4-openssl-dev pkg-config --exists libcurl
  need libetpan20 has_libetpan
}

case ${1:-} in
  build | test | bench) "need_$1" ;;
  *)
    echo "usage: setup.sh build|test|bench" >&2
    exit 2
    ;;
esac

if ! command -v cargo > /dev/null; then
  echo "setup: Rust is missing. Install it from https://rustup.rs, then run make again." >&2
  exit 1
fi
if [ ${#missing[@]} = 0 ] && [ ${#unpack[@]} = 0 ]; then
  exit 0
fi

echo setup: missing: "${missing[@]}" "${unpack[@]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
  as_root=(sudo -n)
fi
if ! command -v apt-get > /dev/null || ! "${as_root[@]}" true 2> /dev/null; then
  echo "setup: this cannot be installed from here. As root, on Debian or Ubuntu:" >&2
  echo "         $0 $1" >&2
  echo "       on another system its packages of the same tools. Then run make again." >&2
  exit 1
fi

"${as_root[@]}" apt-get update -qq
if [ ${#unpack[@]} != 0 ]; then
  # all libraries but that of a virus scanner, which no program that the tests run takes
  libraries=$(apt-cache depends --no-{recommends,suggests,conflicts,breaks,replaces,enhances} "${unpack[@]}" |
    sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p' | grep -v '^libclamav' | sort -u)
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
if [ ${#unpack[@]} != 0 ] && [ ! -d "$cyrus_dir" ]; then
  rm -rf "$cyrus_dir.new"
  mkdir -p "$cyrus_dir.new/root"
  (cd "$cyrus_dir.new" && apt-get download -qq -o "APT::Sandbox::User=$(id -un)" "${unpack[@]}")
  for package in "$cyrus_dir.new"/*.deb; do
    dpkg-deb -x "$package" "$cyrus_dir.new/root"
  done
  mv "$cyrus_dir.new/root" "$cyrus_dir"
  rm -r "$cyrus_dir.new"
fi
echo setup: installed: "${missing[@]}" "${unpack[@]}"
