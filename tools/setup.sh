#!/usr/bin/env bash
# Installs what this machine lacks to build, test or measure the library: setup.sh build|test|bench
#
# Looks for the tools themselves, so it is content with any system that has them. Where something is missing it
# installs Debian's packages if it may, and otherwise says which they are and how to go on.
set -euo pipefail

missing=()
need() { # PACKAGE CHECK…
  local package=$1
  shift
  "$@" > /dev/null 2>&1 || missing+=("$package")
}
has_dovecot() {
  PATH=$PATH:/usr/sbin:/usr/local/sbin command -v dovecot &&
    ls /usr/lib/dovecot/pop3 /usr/lib64/dovecot/pop3 /usr/libexec/dovecot/pop3 /usr/local/libexec/dovecot/pop3 2> /dev/null | grep -q .
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
  need dovecot-pop3d has_dovecot
}
need_bench() {
  need_build
  need cmake command -v cmake
  need libcurl4-openssl-dev pkg-config --exists libcurl
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
if [ ${#missing[@]} = 0 ]; then
  exit 0
fi

echo "setup: missing: ${missing[*]}"
install="apt-get install --no-install-recommends ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
  as_root=(sudo -n)
fi
if ! command -v apt-get > /dev/null || ! "${as_root[@]}" true 2> /dev/null; then
  echo "setup: this cannot be installed from here. As root, on Debian or Ubuntu:" >&2
  echo "         $install" >&2
  echo "       on another system its packages of the same tools. Then run make again." >&2
  exit 1
fi
# the tests run a Dovecot of their own; one that the package starts would be a mail server that nobody asked for
if [[ " ${missing[*]} " = *" dovecot-pop3d "* ]] && [ -d /run/systemd/system ] && ! command -v dovecot > /dev/null; then
  echo "setup: masking dovecot.service, so that installing it starts no mail server (undo: systemctl unmask dovecot)"
  "${as_root[@]}" systemctl mask dovecot.service dovecot.socket
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "${missing[@]}"
echo "setup: installed: ${missing[*]}"
