# To be sourced: what programs that came by some route must do.
#
#   . programs.sh SOURCE TEST_SERVER [SETTING-OF-THE-MAILBOX…]
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$1/Cargo.toml")
. "$1/ctest/support/mailbox.sh" "${@:2}"
fail() {
  printf '%s\n' "$@" >&2
  exit 1
}
quietly() { # COMMAND…: its output is shown where it fails
  "$@" > "$work/log" 2>&1 || fail "failed: $*" "$(cat "$work/log")"
}
# the programs in FOLDER hold sessions, by the library of that KIND, and the shared one has versions
work_by() { # shared|static FOLDER
  local program
  for program in consumer consumer_cpp; do
    quietly "$2/$program" "$version" "$mailbox"
    readelf --wide --dynamic "$2/$program" > "$work/dynamic"
    readelf --wide --dyn-syms "$2/$program" > "$work/symbols"
    case $1 in
      shared)
        grep -qF '[libpop3connect.so.1]' "$work/dynamic" || fail "$2/$program does not ask for libpop3connect.so.1"
        grep -q ' pop3_connect@pop3_1 \| pop3_message_count@pop3_1 ' "$work/symbols" || fail "$2/$program: no versions"
        ;;
      static) ! grep pop3connect "$work/dynamic" || fail "$2/$program asks for the shared library" ;;
    esac
  done
}
