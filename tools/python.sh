#!/usr/bin/env bash
# Python with the tools that a folder names: says in which folder, whose bin has them
#
#   python.sh [FOLDER]     python, if none is given: by what the package there is built and checked
#
# They come from Python's package index, in exactly the versions of FOLDER/requirements.txt, and are kept below target/tools.
# That file is written anew, in FOLDER, by: uv pip compile --universal --python-version 3.10 --generate-hashes --no-header
# requirements.in -o requirements.txt
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-python}
venv=${CARGO_TARGET_DIR:-$PWD/target}/tools/$(basename "$folder")

if ! cmp -s "$folder/requirements.txt" "$venv/requirements.txt" || ! "$venv/bin/python" -c '' 2> /dev/null; then
  echo "== fetching the tools of $folder" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps --require-hashes \
    --requirement "$folder/requirements.txt" >&2
  cp "$folder/requirements.txt" "$venv"
fi
echo "$venv"
