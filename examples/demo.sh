#!/usr/bin/env bash
# What `make demo` shows: demo.sh CONNECT COLLECT TEST_SERVER
#
# Without SERVER in the environment: sessions with the test server in all three modes, an impostor turned away, and a
# mailbox collected into a Maildir. With it: one session with that server, as POP3_USER and POP3_PASS, with SECURE (0) and
# VERIFY (1), and if FOLDER is given what is new in its mailbox taken into that Maildir.
set -euo pipefail
connect=$1 collect=$2 test_server=$3

if [ -n "${SERVER:-}" ]; then
  if [ -z "${POP3_USER:-}" ] || [ -z "${POP3_PASS:-}" ]; then
    echo "demo: usage: make demo SERVER=host[:port] POP3_USER=… POP3_PASS=… [SECURE=0|1|2] [VERIFY=0|1] [FOLDER=…]" >&2
    exit 2
  fi
  echo "== $SERVER, secure ${SECURE:-0}, verify ${VERIFY:-1}"
  "$connect" "$SERVER" "$POP3_USER" "${SECURE:-0}" "${VERIFY:-1}"
  if [ -n "${FOLDER:-}" ]; then
    "$collect" "$SERVER" "$POP3_USER" "$FOLDER" "${SECURE:-0}" "${VERIFY:-1}"
  fi
  echo "demo: connected, logged in and disconnected"
  exit 0
fi

# the server lives as long as its standard input
coproc SERVER_PIPE { "$test_server"; }
answer() {
  local key value
  read -r key value <&"${SERVER_PIPE[0]}"
  [ "$key" = "$1" ] || { echo "demo: the test server says: $key $value" >&2; exit 1; }
  printf '%s' "$value"
}
mailbox() {
  echo "mailbox $*" >&"${SERVER_PIPE[1]}"
  answer port
}
session() { # WHAT SECURE MAILBOX-OPTIONS…
  local what=$1 secure=$2
  shift 2
  echo "== $what"
  "$connect" "localhost:$(mailbox "$@")" alice "$secure" 1
}

POP3CONNECT_SECURE_DIR=$(answer ready)/secure
export POP3CONNECT_SECURE_DIR POP3_PASS='s3cret pass'
session "in the clear (secure 0)" 0 tls=none
session "implicit TLS (secure 1)" 1 tls=implicit
session "STARTTLS (secure 2)" 2 tls=stls
impostor=$(session "an impostor: its certificate is for another server" 1 tls=implicit cert=wrong-name) || true
echo "$impostor"
if ! grep -q 'certificate was refused' <<< "$impostor"; then
  echo "demo: the impostor was accepted" >&2
  exit 1
fi
echo "== what is new goes into a Maildir, each message once"
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
mailbox=$(mailbox tls=implicit messages=500 size=20000)
"$collect" "localhost:$mailbox" alice "$folder" 1 1
echo "$(ls "$folder/new" | wc -l) files; and once more, deleting what was taken:"
"$collect" "localhost:$mailbox" alice "$folder" 1 1 0
echo "demo: connected three ways, turned the impostor away, and collected a mailbox"
