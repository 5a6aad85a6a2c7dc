#!/usr/bin/env bash
# Runs a program with the library of another folder: versioned.sh LIBRARY_DIR PROGRAM
set -euo pipefail
export LD_LIBRARY_PATH=$1
# grep reads to the end: ldd must not fail by SIGPIPE
ldd "$2" | grep "libpop3connect\.so\.1 => $1/" > /dev/null ||
  { echo "$2 is not run with the library of $1" >&2; exit 1; }
exec "$2"
