#!/usr/bin/env bash
# The manual pages: written, free of what a linter finds, complete, and with the errors that the header names.
#
#   manual.sh SOURCE MANUAL
#
# MANUAL is the generator. What it makes of the header is compared with what the tools here find in it.
set -euo pipefail

source=$1 manual=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
wrong() {
  echo "$*" >&2
  failed=1
}

header=$source/include/pop3connect.h
"$manual" "$header" "$source/README.md" 1.2.3 2000-12-31 "$work/man" "$work/errors.md"

# lint: what it prints, and that it would print something
mandoc -T lint -W warning "$work/man"/*.3 || wrong "mandoc finds fault"
sed 's/ 2000-12-31 / "" /' "$work/man/pop3_recv.3" > "$work/bad.3"
if mandoc -T lint -W warning "$work/bad.3" > "$work/log"; then wrong "mandoc finds no fault in a page that has one"; fi

# a page for each function and type, and no other
{ cat "$source/ctest/symbols.txt"
  sed -n -e 's/^typedef struct \(pop3_.*\) pop3_.*;/\1/p' -e 's/^} \(pop3_.*\);/\1/p' \
    -e 's/^typedef.*(\*\(pop3_[a-z_]*\)).*/\1/p' "$header"
  echo pop3connect; } | LC_ALL=C sort > "$work/wanted"
(cd "$work/man" && ls *.3) | sed 's/\.3$//' | LC_ALL=C sort > "$work/there"
diff "$work/wanted" "$work/there" || wrong "pages are missing, or there are others"

# with all documents they are the site's, of which none is in no part of its contents
"$source/tools/site/book.py" "$work/book" "$work/man" || wrong "the site cannot be made of them"

# the paragraph of a function's comment that says what it answers, in one line
answer() { # FUNCTION
  awk -v name="$1" '
    /^ \* Returns / { text = ""; on = 1 }
    /^ \* Threads:/ || /^ \*\// || /^ \*$/ { on = 0 }
    /^\/\*\*/ { text = "" }
    on { text = text substr($0, 3) }
    $0 ~ "^[a-z].*[ *]" name "\\(" { print text; exit }' "$header"
}
# what the header says that the session-ending errors are; any function may answer the last one
session_ending=$(sed -n '/^ \* - Session-ending errors are/,/\. A session-ending/p' "$header" |
  grep -o 'POP3_ERR_[A-Z_]*' | grep -vx POP3_ERR_INTERNAL | paste -sd' ')
# the codes that it names, those of the functions that it refers to included
codes() { # FUNCTION
  local text but refers
  text=$(sed "s/session-ending error/& $session_ending/" <<< "$(answer "$1")")
  but=$(grep -o 'save for [^.]*\.' <<< "$text" | grep -o 'POP3_ERR_[A-Z_]*' || true)
  text=$(sed 's/save for [^.]*\.//' <<< "$text")
  grep -o 'POP3_ERR_[A-Z_]*' <<< "$text" || true
  refers=$(grep -oE '(Returns as|error of) pop3_[a-z_]+((, | or )pop3_[a-z_]+)*' <<< "$text" || true)
  for refers in $(grep -o 'pop3_[a-z_]*' <<< "$refers"); do
    codes "$refers" | grep -vxF -e "$but" || true
  done
}
page_codes() { # FUNCTION
  sed -n '/^\.SH ERRORS/,/^\.SH THREADS/s/^\.BR \(POP3_ERR_[A-Z_]*\) .*/\1/p' "$work/man/$1.3"
}
while read -r function; do
  diff <(codes "$function" | LC_ALL=C sort -u) <(page_codes "$function" | LC_ALL=C sort) > "$work/log" ||
    wrong "$function: the header (<) and the page (>) name other errors:" $'\n' "$(cat "$work/log")"
  for section in NAME SYNOPSIS DESCRIPTION THREADS HISTORY EXAMPLES 'SEE ALSO'; do
    grep -qE "^\.SH \"?$section\"?$" "$work/man/$function.3" || wrong "$function: no $section"
  done
done < "$source/ctest/symbols.txt"
# that those were compared at all
[ "$(page_codes pop3_recv | wc -l)" -ge 15 ] || wrong "pop3_recv has too few errors"
[ "$(page_codes pop3_noop | wc -l)" = 11 ] || wrong "pop3_noop has not its four errors and the session-ending ones"
[ "$(page_codes pop3_cancel)" = POP3_ERR_BAD_SOCKET ] || wrong "pop3_cancel has other errors"

# what a reader sees
shows() { # PAGE TEXT
  mandoc -T ascii -O width=1000 "$work/man/$1.3" | sed 's/.\x08//g; s/  */ /g' > "$work/log"
  grep -qF -- "$2" "$work/log" || wrong "$1 does not show: $2"
}
shows pop3_list_messages 'int32_t number,'
shows pop3_list_messages '#include <pop3connect.h>'
shows pop3_list_messages 'Refused: no such message. The server answered -ERR, with no more exact meaning.'
shows pop3_list_messages 'The session goes on.'
shows pop3_list_messages 'POP3_ERR_LIMIT (-2004)'
shows pop3_list_messages 'The session is over.'
shows pop3_list_messages 'A session-ending error closes the connection'
shows pop3_options_set_max_message 'A session-ending error closes the connection'
shows pop3_list_messages 'pop3_list_free(&list);'
shows pop3_list 'const pop3_message_info *message = &list.items[i];'
shows pop3_noop 'Thread-safe; a socket takes one call at a time. Not async-signal-safe'
shows pop3_noop 'Since pop3connect 1.0.'
shows pop3_recv_headers 'POP3_ERR_UNSUPPORTED (-2008)'
shows pop3_disconnect 'The socket is free.'
shows pop3_connect 'secure 0 for a connection in the clear, 1 for implicit TLS (RFC 8314)'
shows pop3_version 'const char *pop3_version(void);'
shows pop3_uid_list 'pop3_uid *items;'
shows pop3_message_cb 'typedef int32_t (*pop3_message_cb)('
shows pop3connect 'int main(void)'
shows pop3connect '1.2.3'
shows pop3connect 'POP3_STARTTLS (2)'
if grep -q 'session-ending' "$work/man/pop3_stat.3"; then wrong "pop3_stat has no session that could end"; fi
if grep -q 'SH ERRORS' "$work/man/pop3_version.3"; then wrong "pop3_version has errors"; fi

# the examples are C
cc -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$source/include" "$source/tools/manual/examples.c" ||
  wrong "the examples of the pages do not compile"

# a header that is not as it should be is refused, and nothing written
sed 's/^ \* Threads: thread-safe\.$/ * Threads thread-safe./' "$header" > "$work/bad.h"
if "$manual" "$work/bad.h" "$source/README.md" 1.2.3 2000-12-31 "$work/none" "$work/none.md" 2> "$work/log"; then
  wrong "a comment of another shape was taken"
fi
[ -s "$work/log" ] || wrong "it was refused without words"
[ ! -e "$work/none" ] && [ ! -e "$work/none.md" ] || wrong "what was refused was written"
exit $failed
