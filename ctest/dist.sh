#!/usr/bin/env bash
# The archives of `make dist` have what they must, and nothing else: dist.sh SOURCE FOLDER, where the archives are
set -euo pipefail
source=$(cd "$1" && pwd)
out=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$source/Cargo.toml")

fail() {
  printf 'dist: %s\n' "$@" >&2
  exit 1
}
same() { # WHAT WANTED IS
  [ "$2" = "$3" ] || fail "$1:" "$(diff <(echo "$2") <(echo "$3"))"
}
# in_source GLOB…: files of the sources
in_source() {
  (cd "$source" && printf '%s\n' "$@")
}
names() { # SUFFIX: of the examples that are built everywhere, with another suffix
  in_source examples/*.c examples/*.cpp | grep -v /loop_ | sed "s,.*/\(.*\)\.c.*,\1$1,"
}

# of those that are the same as in the sources, and those of a platform
cd "$source"
copied=$(in_source README.md CHANGELOG.md SECURITY.md LICENSE-* docs/*.md docs/pictures/* include/*.h* examples/*.c examples/*.cpp)
windows=$(printf '%s\n' bin/pop3connect.dll $(names .exe | sed 's,^,bin/,') lib/{libpop3connect.dll.a,pop3connect.{def,lib}})
macos=$(printf '%s\n' lib/{,arm64/,x86_64/}libpop3connect.{1.,}dylib)
musl=$(printf '%s\n' "lib/libpop3connect.so.$version" lib/libpop3connect.so{.1,})

cd "$out"
archives=$(ls | grep -v '^SHA256SUMS$')
sha256sum --check --strict --quiet SHA256SUMS || fail 'SHA256SUMS is of other archives'
same 'SHA256SUMS names' "$archives" "$(sed 's/^[0-9a-f]*  //' SHA256SUMS)"
for archive in $archives; do
  case $archive in
    # ctest/source.sh has looked at those
    "pop3connect-$version.tar.gz" | "pop3connect-$version.cdx.json") continue ;;
    *-windows-x86_64.zip) triple=x86_64-pc-windows-gnu own=$windows others=(mingw-w64 libgcc) ;;
    *-macos.tar.gz) triple=aarch64-apple-darwin own=$macos others=() ;;
    *-linux-musl-x86_64.tar.gz) triple=x86_64-unknown-linux-musl own=$musl others=('openssl-src .*' libunwind) ;;
    *) fail "what is $archive?" ;;
  esac
  case $archive in
    *.zip) python3 -m zipfile -e "$archive" "$work" ;;
    *) tar -xf "$archive" -C "$work" ;;
  esac
  tree=$work/${archive%.zip} && tree=${tree%.tar.gz}
  same "what is in $archive" "$(printf '%s\n' BUILD.txt THIRD-PARTY.txt "$copied" "$own" | LC_ALL=C sort)" \
    "$(cd "$tree" && find . ! -type d -printf '%P\n' | LC_ALL=C sort)"
  for file in $copied; do
    cmp "$source/$file" "$tree/$file" || fail "$archive has another $file"
  done
  grep -q "^pop3connect $version for .* built by " "$tree/BUILD.txt" || fail "$archive does not say how it was built"
  titles=$(sed -n '/^==*$/{n;p}' "$tree/THIRD-PARTY.txt")
  crates=$(cd "$source" && cargo tree --locked --quiet --target "$triple" --edges no-proc-macro,normal --prefix none)
  for crate in $(sed -n '/^pop3connect /d;s/ v\([^ ]*\).*/@\1/p' <<< "$crates" | sort -u); do
    grep -q "^${crate/@/ }, " <<< "$titles" || fail "$archive does not have the licence of ${crate/@/ }"
  done
  for other in "Rust's standard library" "${others[@]}"; do
    grep -qx "$other" <<< "$titles" || fail "$archive does not have the licence of $other"
  done
done
echo "dist: $(wc -l <<< "$archives") archives have what they must"
