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

mkdir "$work/messages"
mailbox 'tls=implicit messages=3 size=400'
run 0 fetch "127.0.0.1:$port" alice "$work/messages" 1 1 0
prints '3 of 3 messages, 1200 bytes'
# what is there already comes once, and another mailbox's messages under the same ids beside them
run 0 fetch "127.0.0.1:$port" alice "$work/messages" 1 1 1
[ "$(ls -A "$work/messages" | sort | tr '\n' ' ')" = 'uid-1.eml uid-2.eml uid-3.eml ' ] || fail "$(ls -A "$work/messages")"
mailbox 'tls=implicit messages=1 size=500'
run 0 fetch "127.0.0.1:$port" alice "$work/messages" 1 1 1
[ "$(stat -c %s "$work/messages"/uid-1{,-2}.eml | tr '\n' ' ')" = '400 500 ' ] || fail "$(ls -Al "$work/messages")"
grep -q '^Subject: Message 0000000002.$' "$work/messages/uid-2.eml" || fail 'message 2 is another one'
mailbox 'messages=1'
run 1 fetch "127.0.0.1:$port" alice "$work/nowhere" 0 1 1
grep -q '/nowhere/.fetch-.*: No such file or directory' "$work/printed" || fail 'not said: that there is no such folder'

mailbox 'tls=implicit messages=2 size=5000'
run 0 inbox "127.0.0.1:$port" alice 1
prints '2 messages'
grep -q '^   1      5000  .*  Message 0000000001$' "$work/printed" || fail 'message 1 is not listed'
run 1 inbox "127.0.0.1:$port" bob 1
echo 'examples: connect, fetch and inbox do what they should'
