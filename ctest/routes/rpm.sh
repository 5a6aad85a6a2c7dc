#!/usr/bin/env bash
# The RPM packages: built by rpmbuild, looked at by rpmlint, and programs are built and run with what they install;
# nothing is installed into the machine: rpm.sh SOURCE TEST_SERVER WORK
#
# cargo must have fetched the crates before.
set -euo pipefail
source=$(cd "$1" && pwd) test_server=$2 out=$3/rpm
target=${CARGO_TARGET_DIR:-$source/target}
spec=$source/packaging/rpm/libpop3connect.spec
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL DESTDIR LD_LIBRARY_PATH CARGO_TARGET_DIR RUSTFLAGS PKG_CONFIG_PATH
. "$source/ctest/routes/programs.sh" "$source" "$test_server"
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)

CARGO_TARGET_DIR=$target quietly "$source/packaging/linux_sources.sh" "$out/SOURCES"
# without a network; what it needs is no package of RPM's here
quietly unshare --map-root-user --net rpmbuild -bb --nodeps "$spec" --define "_topdir $out" --define "_smp_mflags -j2"
arch=$(uname -m)
packages=()
for package in "$arch/libpop3connect"{,-devel,-static} noarch/libpop3connect-doc; do
  packages+=("$out/RPMS/$package-$version-1.${package%%/*}.rpm")
done
diff <(find "$out/RPMS" -type f | LC_ALL=C sort) <(printf '%s\n' "${packages[@]}" | LC_ALL=C sort) ||
  fail "other packages were built"
rpmlint --strict --config "$source/ctest/routes/rpmlint.toml" "$spec" "${packages[@]}" > "$work/log" 2>&1 ||
  fail "rpmlint:" "$(cat "$work/log")"

root=$out/root
mkdir "$root"
for package in "${packages[@]}"; do
  rpm2cpio "$package" | (cd "$root" && cpio --extract --quiet --make-directories)
done
lib=$root$(rpm --eval '%{_libdir}')
quietly cmake -S "$source/ctest/routes/package" -B "$work/package" "-Dpop3connect_DIR=$lib/cmake/pop3connect"
quietly cmake --build "$work/package"
work_by shared "$work/package"
rpm --query --package --requires "${packages[0]}" > "$work/requires"
grep -q '^libssl\.so\.' "$work/requires" || fail "the library asks for no OpenSSL" "$(cat "$work/requires")"
rpm --query --package --provides "${packages[0]}" > "$work/provides"
grep -q '^libpop3connect\.so\.1(pop3_1)' "$work/provides" ||
  fail "the library provides no versions" "$(cat "$work/provides")"
echo "rpm: built without a network, looked at, used"
