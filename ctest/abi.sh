#!/usr/bin/env bash
# The library has the ABI that is recorded, and a change of it is found: abi.sh SOURCE LIBRARY_DIR
set -euo pipefail
source=$1 built=$2
library=$built/versioned/libpop3connect.so.1
check=("$source/abi/abi.sh" check "$source/abi")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${check[@]}" "$library"

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}
# is_found WHAT WORDS: the check fails with these words, with the header and the symbols that are in the work folder
is_found() {
  ! "${check[@]}" "$library" "$work/header.h" "$work/symbols.txt" > "$work/log" 2>&1 || fail "not found: $1"
  grep "^abi: .*$2" "$work/log" > /dev/null || fail "$1 is found for another reason:" "$(cat "$work/log")"
  echo "found: $1"
}
# plant WHAT WORDS SED-SCRIPT [SYMBOL]: the same with a change of the header, and a symbol more
plant() {
  sed -e "$3" "$source/include/pop3connect.h" > "$work/header.h"
  ! diff "$source/include/pop3connect.h" "$work/header.h" > /dev/null || fail "nothing was changed: $1"
  { cat "$source/ctest/symbols.txt"; printf '%s' "${4:+$4$'\n'}"; } | LC_ALL=C sort > "$work/symbols.txt"
  is_found "$1" "$2"
}
breaks="would break: functions"

plant "a field more" "$breaks" '/^} pop3_message_info;/i int32_t flags;'
plant "a field of another size" "$breaks" 's/^ *int64_t size;/int32_t size;/'
plant "a parameter more" "$breaks" 's/^int32_t pop3_noop(int32_t socket,/& int32_t more,/'
plant "a callback with another result" "$breaks" \
  's/^typedef void (\*pop3_sts_cb)/typedef int32_t (*pop3_sts_cb)/'
plant "a constant with another value" "would break: constants" 's/^#define POP3_ERR_AUTH .*/#define POP3_ERR_AUTH -2042/'
plant "a constant less" "would break: constants" '/^#define POP3_ERR_AUTH /d'
plant "a constant more" "constants were added; record it" 's/^#define POP3_OK 0/&\n#define POP3_FINE 1/'
plant "a function more" "functions were added; record it" 's/^int32_t pop3_noop(/int32_t pop3_more(void);\n&/' pop3_more
plant "a function that symbols.txt lacks" "do not name the same" 's/^int32_t pop3_noop(/int32_t pop3_more(void);\n&/'

# what is not planted in the header
sed '/^int32_t pop3_noop(/d' "$source/include/pop3connect.h" > "$work/header.h"
sed '/^pop3_noop$/d' "$source/ctest/symbols.txt" > "$work/symbols.txt"
is_found "a function less" "$breaks"
cp "$source/include/pop3connect.h" "$work/header.h"
cp "$source/ctest/symbols.txt" "$work/symbols.txt"
library=$built/libpop3connect.so
is_found "a library without versions" "does not export"
