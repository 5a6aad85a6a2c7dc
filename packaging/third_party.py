#!/usr/bin/env python3
"""Writes what a library has in it that others have written, with the licences.

third_party.py [--with CRATE]… [NAME=FILE…] < what `cargo metadata --filter-platform` says

The crates that are linked, those after --with though only the build names them, and what FILE says of NAME.
"""

import argparse
import json
import pathlib
import re
import sys

LICENCE = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense).*", re.IGNORECASE)


def linked(metadata, also):
    """The packages whose code is in the library, but for the library itself."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}

    def is_linked(dependency):
        package = packages[dependency["pkg"]]
        if any("proc-macro" in target["kind"] for target in package["targets"]):
            return False
        return package["name"] in also or any(kind["kind"] is None for kind in dependency["dep_kinds"])

    (root,) = (package["id"] for package in metadata["packages"] if package["name"] == "pop3connect")
    found, waiting = set(), [root]
    while waiting:
        node = nodes[waiting.pop()]
        if packages[node["id"]]["name"] in also:
            # it builds what is linked, by crates that are not
            continue
        dependencies = [d["pkg"] for d in node["deps"] if is_linked(d)]
        waiting += set(dependencies) - found
        found |= set(dependencies)
    return sorted((packages[one] for one in found), key=lambda package: (package["name"], package["version"]))


def texts_of(package):
    """The contents of its licence files; those of what it has in a folder as well."""
    folder = pathlib.Path(package["manifest_path"]).parent
    places = [folder, *sorted(place for place in folder.iterdir() if place.name == "openssl")]
    files = [file for place in places for file in sorted(place.iterdir()) if LICENCE.fullmatch(file.name)]
    return [file.read_text(encoding="utf-8", errors="replace").strip() for file in files if file.is_file()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--with", dest="also", action="append", default=[])
    parser.add_argument("others", nargs="*")
    arguments = parser.parse_args()
    entries = []
    for other in arguments.others:
        name, file = other.split("=", 1)
        entries.append((name, [pathlib.Path(file).read_text(encoding="utf-8", errors="replace").strip()]))
    for package in linked(json.load(sys.stdin), arguments.also):
        where = package["repository"] or f"https://crates.io/crates/{package['name']}"
        title = f"{package['name']} {package['version']}, {where}: {package['license']}"
        authors = ", ".join(package["authors"])
        entries.append((title, texts_of(package) or [f"Its authors: {authors}"]))
    print("What this library has in it that others have written, and under which licences.")
    number_of = {}
    for title, texts in entries:
        print(f"\n{'=' * 80}\n{title}\n{'=' * 80}")
        for text in texts:
            if text in number_of:
                print(f"\n(the text number {number_of[text]} above)")
            else:
                number_of[text] = len(number_of) + 1
                print(f"\n--- text number {number_of[text]}\n\n{text}")


main()
