#!/usr/bin/env bash
# The APKBUILD for Alpine, without abuild and with this system's C library: its words are checked by shellcheck, its
# functions are run in the order of abuild's, and programs are built and run with what they install:
# alpine.sh SOURCE TEST_SERVER WORK
set -euo pipefail
source=$(cd "$1" && pwd) test_server=$2 out=$3/alpine
target=${CARGO_TARGET_DIR:-$source/target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL DESTDIR LD_LIBRARY_PATH CARGO_TARGET_DIR CARGO_BUILD_TARGET PKG_CONFIG_PATH
. "$source/ctest/routes/programs.sh" "$source" "$test_server"
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
recipe=$source/packaging/alpine/APKBUILD

# it is a part of abuild, which reads the variables and sets others
quietly shellcheck --shell=dash --exclude=SC2034,SC2148,SC2154 "$recipe"
CARGO_TARGET_DIR=$target quietly "$source/packaging/linux_sources.sh" "$out/sources"
rm -rf "$out/sources"/*/
cat > "$work/abuild" <<'EOF'
set -eu
. "$1"
startdir=$2 pkgdir=$2/pkg CTARGET=$3
[ -e "$startdir/sources/$source" ]
tar -xf "$startdir/sources/$source" -C "$startdir"
builddir=$startdir/$pkgname-$pkgver
default_prepare() { cd "$builddir"; }
for function in prepare build package; do
  # each in a shell of its own
  (set -e; cd "$builddir"; $function)
done
command -v check > /dev/null
EOF
quietly sh "$work/abuild" "$recipe" "$out" "$(rustc -vV | sed -n 's/^host: //p')"

quietly cmake -S "$source/ctest/routes/package" -B "$work/package" "-DCMAKE_PREFIX_PATH=$out/pkg/usr"
quietly cmake --build "$work/package"
work_by shared "$work/package"
# what its subpackages take
for file in lib/libpop3connect.a lib/pkgconfig/pop3connect.pc include/pop3connect.h share/man/man3/pop3_connect.3; do
  [ -e "$out/pkg/usr/$file" ] || fail "no $file was installed"
done
echo "alpine: checked, and its functions run with this system's C library"
