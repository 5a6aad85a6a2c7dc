#!/usr/bin/env bash
# Python with the tools that the package in python is built and checked by: says in which folder, whose bin has them
#
# They come from Python's package index, in exactly the versions of python/requirements.txt, and are kept below target/tools.
# That file is written anew, in python, by: uv pip compile --universal --python-version 3.10 --generate-hashes --no-header
# requirements.in -o requirements.txt
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${CARGO_TARGET_DIR:-$PWD/target}/tools/python

if ! cmp -s python/requirements.txt "$venv/requirements.txt" || ! "$venv/bin/python" -c '' 2> /dev/null; then
  echo '== fetching the tools for the Python package' >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps --require-hashes \
    --requirement python/requirements.txt >&2
  cp python/requirements.txt "$venv"
fi
echo "$venv"
