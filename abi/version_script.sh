#!/bin/sh
# The linker's version script for a list of symbols, all in one node: version_script.sh SYMBOLS
set -eu
echo 'pop3_1 { global:'
sed 's/$/;/' "$1"
echo 'local: *; };'
