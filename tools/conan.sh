#!/usr/bin/env bash
# Conan, in exactly the version of requirements.txt: says where it is, below target/tools.
#
# That file is written anew, in packaging/conan, by: uv pip compile --universal --python-version 3.10 --generate-hashes
# --no-header requirements.in -o requirements.txt
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=packaging/conan/requirements.txt
venv=${CARGO_TARGET_DIR:-$PWD/target}/tools/conan

if ! cmp -s "$wanted" "$venv/requirements.txt" || ! "$venv/bin/python" -c '' 2> /dev/null; then
  echo '== fetching Conan' >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps --require-hashes \
    --requirement "$wanted" >&2
  cp "$wanted" "$venv"
fi
echo "$venv/bin/conan"
