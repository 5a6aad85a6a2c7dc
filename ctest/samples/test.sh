#!/usr/bin/env bash
# The samples for a shell, run; links between the documents; that a sample without a mark is found.
#
#   test.sh SOURCE LIBRARY_DIR
set -euo pipefail

source=$(cd "$1" && pwd) built=$2
here=$source/ctest/samples
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL DESTDIR

fail() {
  echo "$*" >&2
  exit 1
}

cd "$source"
documents=(README.md docs/*.md)
"$here/extract.sh" "$work/samples" "${documents[@]}"

# programs that are linked as the samples say
mkdir -p "$work/host/target"
cd "$work/host"
cp "$source/ctest/install/consumer.c" host.c
ln -s "$source/include" include
ln -s "$built" target/release
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$source/Cargo.toml")
link_to_the_build() {
  ./a.out "$version"
}
link_to_the_installed() {
  LD_LIBRARY_PATH=$work/prefix/lib ./a.out "$version"
}
make --no-print-directory -s -C "$source" install RELEASE="$built" PREFIX="$work/prefix"
export PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig
for sample in "$work/samples"/*.sh; do
  name=$(basename "$sample" .sh)
  rm -f a.out
  bash -euo pipefail "$sample" || fail "$name failed"
  "$name" || fail "what $name made does not run"
done

# targets of make
while read -r line; do
  [[ $line =~ ^(POP3_PASS=[a-z]+\ )?make\ [a-z] ]] || fail "not make and a target: $line"
  (cd "$source" && bash -c "${line/make/make -n}") > "$work/log" 2>&1 || fail "$line: $(cat "$work/log")"
done < "$work/samples/targets"

# links to other files of the project, and to headings in them
cd "$source"
for document in "${documents[@]}"; do
  for link in $(grep -oE '\]\([^):]+\)' "$document" | sed 's/^](\(.*\))$/\1/'); do
    file=$(dirname "$document")/${link%%#*}
    [ -e "$file" ] || fail "$document links to $link, which is not there"
    [[ $link != *#* ]] ||
      sed -n 's/^##* //p' "$file" | tr 'A-Z ' 'a-z-' | sed 's/[^a-z0-9-]//g' | grep -qx -- "${link#*#}" ||
      fail "$document links to a heading that is not there: $link"
  done
done

# marks: each of these is refused, with its place
refused() { # TEXT
  printf "$1" > "$work/document.md"
  if "$here/extract.sh" "$work/refused" "$work/document.md" 2> "$work/log"; then fail "it was taken: $1"; fi
  grep -q "^$work/document.md:[0-9]*: " "$work/log" || fail "no place is told: $1"
}
refused '```c\nint a;\n```\n'
refused '```c program\nint a;\n```\n'
refused '```c program first second\nint a;\n```\n'
refused '```c program a\nint a;\n```\n\n```c function a\nint a;\n```\n'
refused '```c program a\nint a;\n'
refused '```\nmake\n```\n'
refused '~~~c program a\nint a;\n~~~\n'
refused 'So:\n\n    make\n'
refused '```text\npop3_connect(x);\n```\n'
refused '```python\nimport pop3connect\n```\n'
refused '```cpp program a\nint a;\n```\n\n```cpp function a\nint a;\n```\n'
printf 'So:\n\n```c program a\nint main(void) { return 0; }\n```\n' > "$work/document.md"
"$here/extract.sh" "$work/taken" "$work/document.md"
[ "$(cat "$work/taken/samples.inc")" = 'SAMPLE(a)' ] || fail "a sample with a mark is not listed"
printf '```c function a\nint a;\n```\n\n```cpp function a\nint a;\n```\n' > "$work/document.md"
"$here/extract.sh" "$work/taken" "$work/document.md"
[ "$(cat "$work/taken/samples.inc" "$work/taken/samples_cpp.inc")" = $'SAMPLE(a)\nSAMPLE(a)' ] ||
  fail "the same in two languages is not listed in both"
echo "samples run, links lead somewhere, samples without marks are refused"
