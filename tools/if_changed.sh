#!/usr/bin/env bash
# Runs a command unless what it makes is there already, of the same files and by the same command:
# if_changed.sh OUTPUT INPUT… -- COMMAND…
#
# make can do this itself, but not where a path has a space.
set -euo pipefail
output=$1
shift
inputs=()
while [ "$1" != -- ]; do
  inputs+=("$1")
  shift
done
shift

is_made() {
  [ -e "$output" ] && [ "$(cat "$output.command" 2> /dev/null)" = "$*" ] || return 1
  local input
  for input in "${inputs[@]}"; do
    [ ! "$input" -nt "$output" ] || return 1
  done
}

if ! is_made "$@"; then
  echo "$*"
  "$@"
  echo "$*" > "$output.command"
fi
