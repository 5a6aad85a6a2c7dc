#!/usr/bin/env bash
# The port for vcpkg, by CMake alone: it builds and installs into a prefix, in which a project finds the library by
# CMake and by pkg-config.
#
#   vcpkg.sh SOURCE TEST_SERVER WORK, where cargo keeps what it has built
set -euo pipefail
source=$(cd "$1" && pwd) test_server=$2
mkdir -p "$3"
kept=$(cd "$3" && pwd)
here=$source/ctest/routes
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL DESTDIR LD_LIBRARY_PATH CARGO_BUILD_TARGET PKG_CONFIG_PATH
. "$here/programs.sh" "$source" "$test_server"

for linkage in dynamic:shared static:static; do
  kind=${linkage#*:} installed="$work/installed by ${linkage%:*}"
  quietly cmake "-DPORTFILE=$source/packaging/vcpkg/portfile.cmake" "-DVCPKG_LIBRARY_LINKAGE=${linkage%:*}" \
    "-DWORK=$work/$kind" "-DINSTALLED=$installed" \
    "-DOPTIONS=-DPOP3CONNECT_CARGO_TARGET_DIR=$kept/cargo" -P "$here/vcpkg_stand_in.cmake"
  rm -rf "${work:?}/$kind"
  quietly cmake -S "$here/package" -B "$work/package_$kind" "-DCMAKE_PREFIX_PATH=$installed"
  quietly cmake --build "$work/package_$kind"
  work_by $kind "$work/package_$kind"
  PKG_CONFIG_PATH=$installed/lib/pkgconfig quietly pkg-config --exists --print-errors "pop3connect = $version"
done
echo "vcpkg: the port builds and installs, dynamic and static, and is found"
