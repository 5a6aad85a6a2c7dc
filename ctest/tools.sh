#!/usr/bin/env bash
# The tools behind make, with programs that stand in for cargo, rustc and apt-get: tools.sh SOURCE
set -euo pipefail
source=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL

fail() {
  printf '%s\n' "$@" >&2
  [ ! -e "$work/log" ] || cat "$work/log" >&2
  exit 1
}

# all programs of this machine but those that are stood in for
mkdir "$work/bin" "$work/stand-ins"
for folder in /bin /usr/bin; do
  ln -sf -t "$work/bin" "$folder"/*
done
for program in cargo rustc apt-get apt-cache sudo id; do
  rm -f "$work/bin/$program"
done
stand_in() { # PROGRAM SCRIPT
  printf '#!/bin/bash\n%s\n' "$2" > "$work/stand-ins/$1"
  chmod +x "$work/stand-ins/$1"
}
as_root() { stand_in id 'echo 0'; }
as_somebody() { stand_in id 'echo 1000'; }
has_rust() { # VERSION
  stand_in cargo "[ \"\$1\" != --version ] || echo 'cargo $1 (0123456789 2026-01-01)'"
  stand_in rustc "echo 'rustc $1 (0123456789 2026-01-01)'"
}
# the packages of a Debian, as its Rust and the newer one beside it
debian() { # RUST RUST-WEB
  stand_in apt-cache "case \$2 in *-web) version=$2 ;; *) version=$1 ;; esac
echo \"\$2:\"; echo '  Installed: (none)'; echo \"  Candidate: \$version\""
}
stand_in apt-get "echo \"apt-get \$*\" >> '$work/apt'"
setup() { # CODE WHAT: what it says is in the log, what it has apt-get do in `apt`
  local code=0
  rm -f "$work/apt"
  touch "$work/apt"
  PATH=$work/stand-ins:$work/bin CARGO_TARGET_DIR=$work/target "$source/tools/setup.sh" "$2" > "$work/log" 2>&1 || code=$?
  [ "$code" = "$1" ] || fail "setup.sh $2 ended with $code, not with $1"
}
says() { # WORDS
  grep -qF -- "$1" "$work/log" || fail "setup.sh does not say: $1"
}
installs() { # PACKAGES, where nothing else was missing
  grep -q -- "^apt-get install .* $1\$" "$work/apt" || fail "not installed: $1" "$(cat "$work/apt")"
}

wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$source/Cargo.toml")
as_root
for version in "$wanted.0" 1.100.0 2.0.0; do
  has_rust "$version"
  setup 0 build
  [ ! -s "$work/apt" ] || fail "something was installed beside Rust $version"
done
# Debian 12's own
debian 1.63.0+dfsg1-2 1.96.0+dfsg1-1~deb12u2
for version in 1.63.0 1.84.1; do
  has_rust "$version"
  setup 1 build
  says "Rust $wanted or newer is needed; rustc here is: rustc $version"
  says 'apt-get install rustc-web cargo-web'
  [ ! -s "$work/apt" ] || fail "something was installed beside a Rust of somebody's choice"
done
has_rust 1.95.0
rm "$work/stand-ins/rustc"
setup 1 build
says 'rustc here is: missing'
# none
rm "$work/stand-ins/cargo"
setup 0 build
installs 'rustc-web cargo-web'
debian 1.85.0+dfsg3-1 '(none)'
setup 0 build
installs 'rustc cargo'
debian 1.63.0+dfsg1-2 1.84.0
setup 1 build
says "no package here has Rust $wanted"
as_somebody
setup 1 build
says 'this cannot be installed from here'
says 'rustc-web and cargo-web'
has_rust 1.95.0
stand_in cargo "[ \"\$1\" = --version ] && echo 'cargo 1.95.0'"
setup 1 lint
says 'rustup component add rustfmt clippy'

# mingw whose threads are POSIX's, whichever other there is; Rust's sources are there
mkdir -p "$work/target/tools/rust-web"
has_rust "$wanted.0"
as_root
rm -f "$work/bin/x86_64-w64-mingw32-g++-posix"
setup 0 windows
installs 'g++-mingw-w64-x86-64-posix'
stand_in x86_64-w64-mingw32-g++-posix ''
setup 0 windows
[ ! -s "$work/apt" ] || fail "something was installed beside a compiler for Windows"

# a tool of cargo's is built once, and needs no network again
stand_in cargo "echo \"cargo \$*\" >> '$work/built'; mkdir -p '$work/target/tools/bin'
printf '#!/bin/sh\necho cargo-thing 1.2.3\n' > '$work/target/tools/bin/cargo-thing'
chmod +x '$work/target/tools/bin/cargo-thing'"
for _ in 1 2; do
  [ "$(PATH=$work/stand-ins:$work/bin CARGO_TARGET_DIR=$work/target "$source/tools/cargo_tool.sh" cargo-thing 1.2.3 2> "$work/log")" = \
    "$work/target/tools/bin/cargo-thing" ] || fail "the tool is elsewhere"
done
[ "$(wc -l < "$work/built")" = 1 ] || fail "the tool was built again" "$(cat "$work/built")"
PATH=$work/stand-ins:$work/bin CARGO_TARGET_DIR=$work/target "$source/tools/cargo_tool.sh" cargo-thing 1.2.4 > "$work/log" 2>&1
[ "$(wc -l < "$work/built")" = 2 ] || fail "another version was taken for this one"
# those that write a v before their version, or their name twice, by options of their own
for words in 'book v0.4.1' 'book-book 0.4.1'; do
  rm -f "$work/target/tools/bin/book" "$work/built"
  stand_in cargo "echo \"\$*\" >> '$work/built'; printf '#!/bin/sh\necho $words\n' > '$work/target/tools/bin/book'
chmod +x '$work/target/tools/bin/book'"
  for _ in 1 2; do
    PATH=$work/stand-ins:$work/bin CARGO_TARGET_DIR=$work/target "$source/tools/cargo_tool.sh" book 0.4.1 --features 'a b' > "$work/log" 2>&1
  done
  [ "$(wc -l < "$work/built")" = 1 ] || fail "a tool that says '$words' was built again" "$(cat "$work/built")"
  [[ $(cat "$work/built") = *' --features a b book@0.4.1' ]] || fail "the options are not passed on" "$(cat "$work/built")"
done

# what is made once is made again only where something has changed
cd "$work"
make_it() { # TIMES COMMAND…: makes `a b` of `c d`, which must have been done so often
  "$source/tools/if_changed.sh" 'a b' 'c d' -- "${@:2}" > "$work/log"
  [ "$(cat times 2> /dev/null | wc -l)" = "$1" ] || fail "made $(wc -l < times) times, not $1"
}
echo 1 > 'c d'
copy=(sh -c 'echo made >> times; cp "c d" "a b"')
make_it 1 "${copy[@]}"
make_it 1 "${copy[@]}"
make_it 2 "${copy[@]}" with another command
make_it 2 "${copy[@]}" with another command
touch -d 'now + 1 minute' 'c d'
make_it 3 "${copy[@]}" with another command
rm 'a b'
make_it 4 "${copy[@]}" with another command
# what failed is not made
if "$source/tools/if_changed.sh" 'x' 'c d' -- sh -c 'touch x; false' > "$work/log"; then fail "a failure was not told"; fi
if "$source/tools/if_changed.sh" 'x' 'c d' -- sh -c 'touch x; false' > "$work/log"; then fail "what failed was taken for made"; fi

# the folder of make's results
settings() { # ARGUMENT…
  printf 'include Makefile\nshow:\n\t@echo "$(TARGET)"; printenv CARGO_TARGET_DIR POP3_PASS\n' |
    make --no-print-directory -s -C "$work/with space" -f - show POP3_PASS='a$b' "$@"
}
mkdir "$work/with space"
cp "$source/Makefile" "$source/Cargo.toml" "$work/with space"
is() { # WHAT FOLDER
  [ "$1" = "$2"$'\n'"$2"$'\na$b' ] || fail "not $2 and a\$b, but" "$1"
}
is "$(settings)" "$work/with space/target"
is "$(settings TARGET='else where')" "$work/with space/else where"
is "$(settings TARGET='/else where')" '/else where'
# an arrow that is not drawn is found, and so is one that nobody uses
mkdir "$work/arrows"
arrows() { # CODE [WORDS]
  local code=0
  "$source/tools/arrows.py" "$work/arrows" > "$work/log" 2>&1 || code=$?
  [ "$code" = "$1" ] || fail "arrows.py ended with $code, not with $1"
  [ $# = 1 ] || grep -qF -- "$2" "$work/log" || fail "arrows.py does not say: $2"
}
plant() { # CODE FILE RUST [WORDS]
  rm -rf "$work/arrows/src" "$work/arrows/docs"
  cp -r "$source/src" "$source/docs" "$work/arrows"
  printf '%s\n' "$3" >> "$work/arrows/src/$2"
  arrows "$1" "${4:-as drawn}"
}
plant 0 text.rs ''
plant 1 proto/reply.rs 'use crate::session::Client;' 'src/proto/reply.rs: proto must not name session::Client'
plant 1 proto/reply.rs 'use crate::{error::{Error, Kind as K}, net::{self, Deadline}};' 'proto must not name net::Deadline'
plant 1 error.rs 'fn f() { crate::text::mask(); }' 'error must not name text::mask'
plant 1 net/tls/mod.rs 'pub use super::super::options as o;' 'net must not name options'
plant 1 more.rs 'use crate::error::Error;' 'more is not in the table'
plant 0 proto/reply.rs '#[cfg(test)] mod more { use crate::session::Client; fn f() { { } } }'
plant 0 proto/reply.rs '// use crate::session::Client;'
plant 0 proto/reply.rs 'fn f() -> &str { "crate::session::Client" }'
change() { # SED-SCRIPT WORDS
  cp -r "$source/docs" "$work/arrows"
  sed -i "$1" "$work/arrows/docs/architecture.md"
  arrows 1 "$2"
}
change 's/^| `text` | /| `text` | `fork`, /' 'text does not name fork any more'
change 's/^| `error` | |/| `error` | `text` |/' 'error is on a circle'
change 's/^\(| `options` | .*\)`net` |/\1`net::tls` |/' 'options must not name net::address::Server'
change 's/^| `fork` | |//' 'fork is not in the table'

# another version anywhere is found
versions() { # CODE WORDS
  local code=0
  "$source/tools/versions.py" "$work/versions" > "$work/log" 2>&1 || code=$?
  [ "$code" = "$1" ] || fail "versions.py ended with $code, not with $1, where it should say: $2"
  [ -z "$2" ] || grep -qF -- "$2" "$work/log" || fail "versions.py does not say: $2"
}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$source/Cargo.toml")
of_version=(Cargo.toml Cargo.lock CHANGELOG.md debian/changelog include/pop3connect.h python/pyproject.toml src/capi/process.rs
  packaging/{alpine/APKBUILD,rpm/libpop3connect.spec,vcpkg/vcpkg.json})
other_version() { # FILE SED-SCRIPT WORDS
  rm -rf "$work/versions"
  mkdir "$work/versions"
  (cd "$source" && cp --parents "${of_version[@]}" "$work/versions")
  sed -i "$2" "$work/versions/$1"
  if cmp -s "$source/$1" "$work/versions/$1"; then fail "nothing is other in $1"; fi
  versions "${4:-1}" "$3"
}
other_version Cargo.toml 's/^version = .*/version = "9.8.7"/' "Cargo.lock: $version, where Cargo.toml has 9.8.7"
other_version Cargo.toml 's/^version = .*/version = "9.8"/' 'Cargo.toml: the version is 9.8'
other_version Cargo.lock '/^name = "pop3connect"$/{n;s/"[0-9.]*"/"9.8.7"/}' 'Cargo.lock: 9.8.7'
other_version debian/changelog '1s/(.*)/(9.8.7-1)/' 'debian/changelog: 9.8.7'
other_version packaging/alpine/APKBUILD 's/^pkgver=.*/pkgver=9.8.7/' 'packaging/alpine/APKBUILD: 9.8.7'
other_version packaging/rpm/libpop3connect.spec 's/^\(Version: *\).*/\19.8.7/' 'packaging/rpm/libpop3connect.spec: 9.8.7'
other_version packaging/rpm/libpop3connect.spec 's/^\(\* .* - \).*/\19.8.7-1/' 'the changelog of the spec: 9.8.7'
other_version packaging/vcpkg/vcpkg.json 's/"version": ".*"/"version": "9.8.7"/' 'packaging/vcpkg/vcpkg.json: 9.8.7'
other_version include/pop3connect.h 's/\(VERSION_PATCH\) .*/\1 77/' 'include/pop3connect.h: '
other_version include/pop3connect.h 's/\(VERSION_NUMBER\) .*/\1 77/' 'include/pop3connect.h: POP3_VERSION_NUMBER'
other_version src/capi/process.rs 's/\(VERSION_MINOR: i32 =\) .*/\1 77;/' 'src/capi/process.rs: '
other_version python/pyproject.toml 's,"../Cargo.toml","pyproject.toml",' 'python/pyproject.toml: it does not take'
other_version CHANGELOG.md 's/^## \[Unreleased\]/## [0.9.0] - 2000-12-31/' "it has no section of $version"
other_version CHANGELOG.md 's/^## \[Unreleased\]/## Soon/' 'CHANGELOG.md: neither [Unreleased]'
other_version CHANGELOG.md "\$a ## [9.8.7] - 2000-12-31" "nor one that is not released yet above older ones"
other_version CHANGELOG.md "s/^## \[Unreleased\]/## [$version] - 2000-12-31/" '' 0

# crates of another licence or from elsewhere
cat > "$work/deny.toml" <<'END'
[licenses]
allow = ["MIT", "Apache-2.0", "Unicode-3.0"]
exceptions = [{ name = "odd", allow = ["MPL-2.0"] }]
[sources]
allow-registry = ["https://here"]
END
crate() { # CODE LICENCE [SOURCE [NAME [WORDS]]]
  local code=0
  printf '{"packages": [{"name": "own", "license": "MIT", "source": null},
    {"name": "%s", "license": "%s", "source": "registry+https://%s"}]}' "${4:-odd}" "$2" "${3:-here}" |
    "$source/tools/crates.py" "$work/deny.toml" > "$work/log" 2>&1 || code=$?
  [ "$code" = "$1" ] || fail "crates.py ended with $code, not with $1, for $2 from ${3:-here}"
  grep -qF -- "${5:-}" "$work/log" || fail "crates.py does not say: $5"
}
for licence in MIT MIT/GPL-3.0 'GPL-3.0 OR MIT' 'MPL-2.0' '(GPL-3.0 OR MIT) AND Unicode-3.0' 'MIT AND Apache-2.0 OR GPL-3.0'; do
  crate 0 "$licence"
done
for licence in GPL-3.0 '' 'MIT AND GPL-3.0' '(MIT OR Apache-2.0) AND GPL-3.0' 'Apache-2.0 WITH LLVM-exception' 'GPL-3.0 MIT'; do
  crate 1 "$licence" here odd "odd is licensed by $licence"
done
crate 1 MIT elsewhere odd 'odd is from registry+https://elsewhere'
crate 1 MPL-2.0 here even 'even is licensed by MPL-2.0'
crate 1 MIT here even 'odd is an exception, but not there any more'

# what only other systems want is left out of a crate
for_linux() { # YES-OR-NO CONDITION
  cat > "$work/crate.toml" <<END
[package]
name = "crate"

[target.$2.dependencies.odd-1]
version = "1"
features = [
    "all",
]

[target.'cfg(any())'.dependencies.odd-2]
version = "2"

[target.'cfg(all())'.dependencies.even]
version = "3"

[features]
some = [
    "dep:odd-1",
    "odd-1?/all",
    "odd-2",
    "odd",
    "even/odd-1",
]
END
  "$source/packaging/linux_only.py" "$work/crate.toml"
  local says=yes
  grep -q '^\[target.*odd-1' "$work/crate.toml" || says=no
  [ "$says" = "$1" ] || fail "linux_only.py says $says to $2"
  [ "$(grep -c 'odd-1"\|odd-1?' "$work/crate.toml")" = $([ "$1" = yes ] && echo 3 || echo 1) ] ||
    fail "linux_only.py leaves features of others" "$(cat "$work/crate.toml")"
  grep -q '"odd"' "$work/crate.toml" && grep -q 'even/odd-1' "$work/crate.toml" && ! grep -q odd-2 "$work/crate.toml" ||
    fail "linux_only.py takes the wrong crates" "$(cat "$work/crate.toml")"
}
for condition in "'cfg(unix)'" "'cfg(not(windows))'" "'cfg(all(unix, not(target_vendor = \"apple\")))'" \
  "'cfg(any(windows, target_arch = \"arm\"))'" "'cfg(not(target_arch = \"x86\"))'" '"cfg(target_os = \"linux\")"' \
  "'cfg(target_env = \"msvc\")'" "'cfg(any(target_os = \"wasi\", target_family = \"unix\",))'" \
  x86_64-unknown-linux-gnu; do
  for_linux yes "$condition"
done
for condition in "'cfg(windows)'" '"cfg(target_os = \"macos\")"' "'cfg(any(windows, target_os = \"wasi\"))'" \
  "'cfg(all(target_arch = \"aarch64\", target_vendor = \"apple\"))'" "'cfg(not(unix))'" x86_64-pc-windows-gnu; do
  for_linux no "$condition"
done

# the same contents give the same archive, whenever it is packed
packed() { # ARCHIVE
  local again=$work/again.${1#*.}
  rm -rf "$work/packed"
  mkdir -p "$work/packed/tree/sub"
  for file in sub/b a sub/a; do echo "$file" > "$work/packed/tree/$file"; done
  chmod 755 "$work/packed/tree/a"
  ln -s b "$work/packed/tree/sub/link"
  "$source/packaging/pack.py" 1600000000 "$work/packed/tree" "$work/$1"
  touch -d '2 days ago' "$work/packed/tree/a"
  chmod 600 "$work/packed/tree/sub/a"
  "$source/packaging/pack.py" 1600000000 "$work/packed/tree" "$again"
  cmp "$work/$1" "$again" || fail "$1 depends on when it is packed"
  echo more > "$work/packed/tree/sub/c"
  "$source/packaging/pack.py" 1600000000 "$work/packed/tree" "$again"
  ! cmp -s "$work/$1" "$again" || fail "$1 does not have every file"
}
packed tree.tar.gz
listed=$(TZ=UTC tar -tvzf "$work/tree.tar.gz" --numeric-owner | tr -s ' ')
[ "$listed" = '-rwxr-xr-x 0/0 2 2020-09-13 12:26 tree/a
-rw-r--r-- 0/0 6 2020-09-13 12:26 tree/sub/a
-rw-r--r-- 0/0 6 2020-09-13 12:26 tree/sub/b
lrwxrwxrwx 0/0 0 2020-09-13 12:26 tree/sub/link -> b' ] || fail "the tarball has" "$listed"
packed tree.zip
listed=$(python3 -c 'import sys, zipfile
for entry in zipfile.ZipFile(sys.argv[1]).infolist():
    print(oct(entry.external_attr >> 16), entry.file_size, *entry.date_time, entry.filename)' "$work/tree.zip")
[ "$listed" = '0o100755 2 2020 9 13 12 26 40 tree/a
0o100644 6 2020 9 13 12 26 40 tree/sub/a
0o100644 6 2020 9 13 12 26 40 tree/sub/b
0o100644 6 2020 9 13 12 26 40 tree/sub/link' ] || fail "the zip has" "$listed"

echo "tools: arrows, versions, crates, setup, cargo_tool, if_changed, linux_only, pack and make's settings do what they should"
