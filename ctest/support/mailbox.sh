# To be sourced: starts the test server with a mailbox of three messages, for programs such as ctest/install/consumer.c.
#
#   . mailbox.sh TEST_SERVER [SETTING…]
#
# `mailbox` is then its address, and POP3CONNECT_SECURE_DIR has the CA certificate. The server lives as long as its
# standard input, and so as the script that sources this.
coproc SERVER { "$1"; }
answer() { # KEY
  local key value
  read -r key value <&"${SERVER[0]}"
  [ "$key" = "$1" ] || { echo "the test server says: $key $value" >&2; return 1; }
  echo "$value"
}
POP3CONNECT_SECURE_DIR=$(answer ready)/secure
export POP3CONNECT_SECURE_DIR
echo "mailbox tls=implicit messages=3 ${*:2}" >&"${SERVER[1]}"
mailbox=localhost:$(answer port)
