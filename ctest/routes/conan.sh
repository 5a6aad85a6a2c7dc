#!/usr/bin/env bash
# The package for Conan, made by its client: static and shared, with the system's OpenSSL and SQLite, and with packages
# of them. ConanCenter is not asked: what stands in for its packages are the system's own libraries.
#
#   conan.sh SOURCE TEST_SERVER WORK
set -euo pipefail
source=$(cd "$1" && pwd) test_server=$2
mkdir -p "$3"
kept=$(cd "$3" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL DESTDIR LD_LIBRARY_PATH CARGO_BUILD_TARGET PKG_CONFIG_PATH
conan=$("$source/tools/python.sh" packaging/conan)/bin/conan
. "$source/ctest/routes/programs.sh" "$source" "$test_server"

export PYTHONDONTWRITEBYTECODE=1 CONAN_HOME=$work/home POP3CONNECT_TEST_MAILBOX=$mailbox
quietly "$conan" profile detect
quietly "$conan" remote disable '*'
find "$source/packaging" > "$work/before"
create() { # NAME ARGUMENT…
  # each kind has sources of its own, and cargo keeps the crates of all
  quietly "$conan" create "$source/packaging/conan" -c "user.pop3connect:cargo_target_dir=$kept/cargo" \
    -c "tools.cmake.cmake_layout:test_folder=$work/$1" "${@:2}"
  cp "$work/log" "$work/$1.log"
  folder=$(find "$work/$1" -name consumer -type f -printf '%h\n')
  [ "$(grep -c '^3 messages$' "$work/$1.log")" = 1 ] || fail "no session was held" "$(cat "$work/$1.log")"
  ls -d "$CONAN_HOME"/p/b/*/p/lib/libpop3connect.* > "$work/$1.files"
}
create shared -o '&:shared=True'
LD_LIBRARY_PATH=$(dirname "$(grep -m 1 'so$' "$work/shared.files")") work_by shared "$folder"
! grep '\.a$' "$work/shared.files" || fail "the shared package has a static library"
quietly "$conan" remove --confirm pop3connect
create static
work_by static "$folder"
! grep '\.so' "$work/static.files" || fail "the static package has a shared library"
[ "$(find "$CONAN_HOME"/p/b/*/p/licenses -name 'LICENSE-*' | wc -l)" = 2 ] || fail "the package has no licences"
quietly "$conan" remove --confirm pop3connect

cp "$source/ctest/routes/conan_stand_in.py" "$work/conanfile.py"
for package in openssl/3.0.99 sqlite3/3.40.99 pkgconf/2.1.99; do
  quietly "$conan" create "$work" --name "${package%/*}" --version "${package#*/}"
done
create packages -o '&:system_libs=False'
grep -q 'Found openssl, version 3\.0\.99' "$work/packages.log" &&
  grep -q 'Found sqlite3, version 3\.40\.99' "$work/packages.log" ||
  fail "it was not built with the packages" "$(cat "$work/packages.log")"
work_by static "$folder"
diff "$work/before" <(find "$source/packaging") || fail "Conan writes among the sources"
echo "conan: shared, static, with the system's libraries and with packages of them"
