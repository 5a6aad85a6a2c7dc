#!/usr/bin/env bash
# The examples as programs for Windows, each run once against the test server: examples.sh PROGRAMS TEST_SERVER
set -euo pipefail
programs=$1 wine=$(dirname "$(realpath "$0")")/wine.py
work=$(mktemp -d)
coproc server { exec "$2"; }
trap 'exec {server[1]}>&-; rm -rf "$work"' EXIT
read -r _ dir <&"${server[0]}"
export POP3_PASS='s3cret pass' POP3CONNECT_SECURE_DIR=$dir/secure

fail() {
  printf 'examples: %s\n' "$@" >&2
  cat "$work/printed" >&2
  exit 1
}
mailbox() { # OPTIONS: its port is $port
  echo "mailbox $1" >&"${server[1]}"
  read -r _ port <&"${server[0]}"
}
run() { # CODE PROGRAM ARGUMENT…
  local code=0
  "$wine" "$programs/$2.exe" "${@:3}" > "$work/printed" 2>&1 || code=$?
  sed -i 's/\r$//' "$work/printed"
  [ "$code" = "$1" ] || fail "$2 ended with $code, not with $1"
}
prints() { # LINE
  grep -qxF -- "$1" "$work/printed" || fail "not printed: $1"
}

mailbox 'tls=stls messages=3'
run 0 connect "127.0.0.1:$port" alice 2 1
prints '    C: STLS'
prints '3 messages'
run 2 connect

maildir=$work/mail
mailbox 'tls=implicit messages=3 size=400'
run 0 collect "127.0.0.1:$port" alice "$maildir" 1 1
prints '3 taken, 0 deleted, 0 left, 0 failed, 1200 octets'
[ "$(cat "$maildir"/new/* | grep -c '^Subject: Message 000000000[123].$')" = 3 ] || fail 'there are other messages'
# what is there comes once
run 0 collect "127.0.0.1:$port" alice "$maildir" 1 1 0
prints '0 taken, 3 deleted, 0 left, 0 failed, 0 octets'
[ "$(find "$maildir/new" "$maildir/tmp" -type f | wc -l)" = 3 ] || fail "$(ls -AlR "$maildir")"
run 1 collect "127.0.0.1:$port" alice "$work/nowhere/none" 0 1
grep -q '/nowhere/none: No such file or directory' "$work/printed" || fail 'not said: that there is no such folder'

mailbox 'tls=implicit messages=2 size=5000'
run 0 inbox "127.0.0.1:$port" alice 1
prints '2 messages'
grep -q '^    1  *sender@mail.test  *Message 0000000001$' "$work/printed" || fail 'message 1 is not listed'
run 1 inbox "127.0.0.1:$port" bob 1
echo 'examples: connect, collect and inbox do what they should'
