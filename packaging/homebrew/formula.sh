#!/usr/bin/env bash
# The formula for Homebrew of a release: formula.sh TARBALL URL HOMEPAGE
#
# TARBALL is that of packaging/linux_sources.sh, and URL where it is had from.
set -euo pipefail
sha256=$(sha256sum "$1" | cut -d ' ' -f 1)
sed -e "s|@URL@|$2|" -e "s|@HOMEPAGE@|$3|" -e "s|@SHA256@|$sha256|" "$(dirname "$0")/pop3connect.rb.in"
