#!/usr/bin/env python3
"""Every place that says the library's version says that of Cargo.toml: versions.py [FOLDER]

The manual pages, pop3connect.pc, CMake's and Windows' files are written with it when they are made. CHANGELOG.md, in
the form of Keep a Changelog, has a section of it, or one that is not released yet above older ones.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

#: Where a version stands: a name for it, the file, and a pattern whose groups joined by dots are the version.
PLACES = [
    ("Cargo.toml", "Cargo.toml", r'^version = "([^"]+)"'),
    ("Cargo.lock", "Cargo.lock", r'^name = "pop3connect"\nversion = "([^"]+)"'),
    ("packaging/rpm/libpop3connect.spec", "packaging/rpm/libpop3connect.spec", r"^Version: +(\S+)$"),
    ("the changelog of the spec", "packaging/rpm/libpop3connect.spec", r"^\* .* - (\S+)-[^-]+$"),
    ("packaging/alpine/APKBUILD", "packaging/alpine/APKBUILD", r"^pkgver=(\S+)$"),
    ("packaging/vcpkg/vcpkg.json", "packaging/vcpkg/vcpkg.json", r'^  "version": "([^"]+)",$'),
    ("debian/changelog", "debian/changelog", r"\A\S+ \(([^)]+)-[^-)]+\)"),
    *(
        (
            path,
            path,
            rf"{begin}MAJOR{middle}(\d+);?$[\s\S]*{begin}MINOR{middle}(\d+);?$[\s\S]*{begin}PATCH{middle}(\d+);?$",
        )
        for path, begin, middle in [
            ("src/capi/process.rs", r"^pub const POP3_VERSION_", ": i32 = "),
            ("include/pop3connect.h", r"^#define POP3_VERSION_", " "),
        ]
    ),
]
#: What is that version as one number.
NUMBERS = {
    "src/capi/process.rs": r"^pub const POP3_VERSION_NUMBER: i32 = (\d+);$",
    "include/pop3connect.h": r"^#define POP3_VERSION_NUMBER (\d+)$",
}
#: What of Python's package says which file has its version, and by which pattern.
PYTHON = r"""^\[tool\.hatch\.version\]\npath = "([^"]+)"\npattern = '([^']+)'$"""
RELEASE = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", re.MULTILINE)
HEADING = re.compile(r"^## .*$", re.MULTILINE)
UNRELEASED = "## [Unreleased]"


def found(folder: Path, path: str, pattern: str) -> re.Match[str] | None:
    return re.search(pattern, (folder / path).read_text(), re.MULTILINE)


def parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def faults(folder: Path) -> Iterator[str]:
    said = {name: found(folder, path, pattern) for name, path, pattern in PLACES}
    version = ".".join(said["Cargo.toml"].groups()) if said["Cargo.toml"] else ""
    if re.fullmatch(r"\d+\.\d+\.\d+", version) is None:
        yield f"Cargo.toml: the version is {version or 'not there'}"
        return
    for name, match in said.items():
        if match is None or ".".join(match.groups()) != version:
            yield f"{name}: {'.'.join(match.groups()) if match else 'no version'}, where Cargo.toml has {version}"
    major, minor, patch = parts(version)
    for path, pattern in NUMBERS.items():
        match = found(folder, path, pattern)
        if match is None or int(match[1]) != major * 10000 + minor * 100 + patch:
            yield f"{path}: POP3_VERSION_NUMBER is not that of {version}"
    yield from faults_of_python(folder, version)
    yield from faults_of_changelog((folder / "CHANGELOG.md").read_text(), version)


def faults_of_python(folder: Path, version: str) -> Iterator[str]:
    names = found(folder, "python/pyproject.toml", PYTHON)
    match = found(folder, f"python/{names[1]}", names[2]) if names else None
    if match is None or match["version"] != version:
        yield f"python/pyproject.toml: it does not take the version {version} from Cargo.toml"


def faults_of_changelog(text: str, version: str) -> Iterator[str]:
    headings = HEADING.findall(text)
    released = RELEASE.findall(text)
    is_open = headings[:1] == [UNRELEASED]
    for heading in headings[1 if is_open else 0 :]:
        if RELEASE.fullmatch(heading) is None:
            yield f"CHANGELOG.md: neither [Unreleased] at the top nor [version] - date: {heading}"
    if released != sorted(released, key=parts, reverse=True):
        yield "CHANGELOG.md: the newest version does not come first"
    if released[:1] != [version] and not (is_open and all(parts(one) < parts(version) for one in released)):
        yield f"CHANGELOG.md: it has no section of {version}, nor one that is not released yet above older ones"


if __name__ == "__main__":
    wrong = list(faults(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]))
    if wrong:
        sys.exit("\n".join(f"versions: {fault}" for fault in wrong))
