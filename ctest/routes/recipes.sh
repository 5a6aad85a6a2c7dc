#!/usr/bin/env bash
# What can be told of the recipes without building: they can be read, and what cargo would pack is whole. make routes does
# the rest, and tools/versions.py sees that they are for this version: recipes.sh SOURCE
set -euo pipefail
cd "$1"
fail() {
  printf '%s\n' "$@" >&2
  exit 1
}
python3 -m json.tool packaging/vcpkg/vcpkg.json > /dev/null
bash -n packaging/alpine/APKBUILD

# the formula of a release
formula=$(packaging/homebrew/formula.sh Cargo.toml https://here/pop3connect-1.tar.xz https://here)
digest=$(sha256sum Cargo.toml | cut -d ' ' -f 1)
[[ $formula = *"sha256 \"$digest\""* ]] || fail "the formula has another digest" "$formula"
[[ $formula = *'url "https://here/pop3connect-1.tar.xz"'* && $formula != *@[A-Z]*@* ]] ||
  fail "the formula has gaps" "$formula"
[ -z "$(command -v ruby)" ] || ruby -c <<< "$formula" > /dev/null

# the documents lead to nothing that the crate does not have, but for what is for developers and for others than Rust
packed=$(cargo package --locked --offline --no-verify --allow-dirty --list 2> /dev/null)
for file in build.rs cbindgen.toml include/pop3connect.{h,hpp} Cargo.lock LICENSE-{MIT,APACHE} README.md; do
  grep -qxF "$file" <<< "$packed" || fail "the crate does not have $file"
done
! grep -E '^(target|ctest|fuzz|packaging|debian|python)/' <<< "$packed" || fail "the crate has more than it needs"
for document in README.md docs/*.md; do
  for link in $(grep -oE '\]\([^):]+\)' "$document" | sed 's/^](\(.*\))$/\1/; s/#.*//'); do
    file=$(realpath -m --relative-to=. "$(dirname "$document")/$link")
    [[ $file =~ ^(ctest|shim|python|packaging)(/|$) ]] || grep -q "^$file\(/\|$\)" <<< "$packed" ||
      fail "$document leads to $file, which the crate does not have"
  done
done
echo "recipes: the crate has $(wc -l <<< "$packed") files"
