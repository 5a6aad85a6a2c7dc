#!/usr/bin/env bash
# The wheel, tested in a virtual environment: test.sh WHEELS TEST_SERVER FOLDER
#
# Its sources and the tests are checked by mypy. It is imported where nothing else is installed, and the tests run where
# what the extra asks for is too.
set -euo pipefail
server=$(realpath "$2")
wheels=$(cd "$1" && pwd)
mkdir -p "$3"
work=$(cd "$3" && pwd)
cd "$(dirname "$0")/../.."
tools=$(tools/python.sh)

echo '== types'
(cd python && "$tools/bin/mypy" --strict --cache-dir "$work/mypy" pop3connect tests ../examples/oauth.py)

echo '== the wheel in a virtual environment'
rm -rf "$work/venv"
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install --no-index "$wheels"/pop3connect-*.whl
export PYTHONDONTWRITEBYTECODE=1 POP3_TEST_SERVER=$server
unset POP3CONNECT_LIBRARY
# -I: not beside the sources
"$work/venv/bin/python" -W error -I -c 'import pop3connect, pop3connect.aio, pop3connect.harvest'
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps --require-hashes \
  --requirement python/requirements.txt
# nothing is fetched here: it fails unless all is there that the extra asks for
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install --no-index 'pop3connect[harvest]'
tests=$PWD/python/tests
# Python looks for packages where it is begun: not beside the sources
cd "$work"
"$work/venv/bin/python" -W error -X faulthandler "$tests/main.py"
