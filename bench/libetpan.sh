#!/usr/bin/env bash
# Unpacks libEtPan's headers: libetpan.sh FOLDER
#
# Their package, libetpan-dev, cannot be installed beside libcurl's, so it is only downloaded and unpacked, into
# FOLDER/usr/include.
set -euo pipefail
folder=$1

if [ -e "$folder/usr/include/libetpan/libetpan.h" ]; then
  exit 0
fi
if ! command -v apt-get > /dev/null || ! command -v dpkg > /dev/null; then
  echo "libetpan.sh: this is no Debian; install libEtPan with its headers" >&2
  exit 1
fi
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
# as root apt would want a folder that its own user may write to
download=(apt-get download -qq -o APT::Sandbox::User=root libetpan-dev)
# the lists of packages may be missing, as in a fresh container
"${download[@]}" || { apt-get update -qq && "${download[@]}"; }
dpkg -x libetpan-dev_*.deb .
