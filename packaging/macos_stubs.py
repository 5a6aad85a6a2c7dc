#!/usr/bin/env python3
"""Writes what stands in for Apple's frameworks and libraries when the library is linked: macos_stubs.py LIST FOLDER

A linker wants to know which symbols they have, of which Apple's SDK has lists (.tbd). Ours name what the library may
take, and nothing else: so what is not in LIST does not link.
"""

import pathlib
import sys


def read(path):
    """The symbols of each framework and library."""
    found = {}
    for line in pathlib.Path(path).read_text().splitlines():
        if line and not line.startswith("#"):
            name, _since, symbol = line.split()
            found.setdefault(name, []).append("_" + symbol)
    return found


# a program that is loaded wants a library of this version or newer; what is not here has 1
COMPATIBLE = {"CoreFoundation": 150, "libsqlite3": 9}


def stub(name, path, symbols):
    return f"""--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '{path}'
current-version: {COMPATIBLE.get(name, 1)}
compatibility-version: {COMPATIBLE.get(name, 1)}
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ {", ".join(sorted(symbols))} ]
...
"""


for name, symbols in read(sys.argv[1]).items():
    folder, path = pathlib.Path(sys.argv[2]), f"/usr/lib/{name}.dylib"
    if not name.startswith("lib"):
        folder, path = folder / f"{name}.framework", f"/System/Library/Frameworks/{name}.framework/Versions/A/{name}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.tbd").write_text(stub(name, path, symbols))
