#!/usr/bin/env python3
"""Writes what stands in for Apple's frameworks when the library is linked: macos_stubs.py LIST FOLDER

A linker wants to know which symbols a framework has, of which Apple's SDK has lists (.tbd). Ours name what the library may
take, and nothing else: so what is not in LIST does not link.
"""

import pathlib
import sys


def read(path):
    """The symbols of each framework."""
    frameworks = {}
    for line in pathlib.Path(path).read_text().splitlines():
        if line and not line.startswith("#"):
            framework, _since, symbol = line.split()
            frameworks.setdefault(framework, []).append("_" + symbol)
    return frameworks


def stub(framework, symbols):
    return f"""--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '/System/Library/Frameworks/{framework}.framework/Versions/A/{framework}'
current-version: 1
compatibility-version: {150 if framework == "CoreFoundation" else 1}
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ {", ".join(sorted(symbols))} ]
...
"""


for framework, symbols in read(sys.argv[1]).items():
    folder = pathlib.Path(sys.argv[2]) / f"{framework}.framework"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{framework}.tbd").write_text(stub(framework, symbols))
