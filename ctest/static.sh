#!/usr/bin/env bash
# The static library that is installed: its global symbols are the listed ones, and a program can have it together with
# another static library in Rust.
#
#   static.sh SOURCE LIBRARY
set -euo pipefail

source=$1 library=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nm -g --defined-only --format=posix "$library" | sed '/^[^ ]*:$/d; s/ .*//' | LC_ALL=C sort | diff "$source/ctest/symbols.txt" - ||
  { echo "$library has other global symbols than are listed" >&2; exit 1; }

# it panics, so that each library has to unwind by its own runtime
cat > "$work/other.rs" <<'END'
#[unsafe(no_mangle)]
pub extern "C" fn other_answer() -> i32 {
    let thread = std::thread::spawn(|| {
        std::panic::set_hook(Box::new(|_| ()));
        std::panic::catch_unwind(|| panic!("{}", 7)).is_err()
    });
    if thread.join().unwrap_or(false) { 42 } else { 0 }
}
END
cat > "$work/both.c" <<'END'
#include <pop3connect.h>
int other_answer(void);
int main(void)
{
    if (pop3_connect("127.0.0.1:1", "alice", "x", NULL, 1, 1) >= 0 || pop3_error_text(POP3_OK)[0] == '\0')
        return 1;
    return other_answer() == 42 && pop3_stat("[", "alice", "x", NULL, 0, 0) == POP3_ERR_NO_ADDRESS ? 0 : 2;
}
END
# in one piece, as release builds are: where all of Rust's runtime comes with the first symbol of it
rustc --edition 2024 --crate-type staticlib -O -C lto=fat -C codegen-units=1 "$work/other.rs" -o "$work/libother.a"
read -ra system <<< "$(pkg-config --libs openssl sqlite3)"
for libraries in "$library $work/libother.a" "$work/libother.a $library"; do
  cc -Wall -Werror -I"$source/include" "$work/both.c" $libraries "${system[@]}" -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc -o "$work/both"
  "$work/both" || { echo "a program with two libraries in Rust fails: $?" >&2; exit 1; }
done
echo "one program has both, in either order"
