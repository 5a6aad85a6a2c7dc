#!/usr/bin/env python3
"""Checks licences and sources of all crates by deny.toml, as cargo-deny does, which takes long to build.

crates.py DENY-TOML < what `cargo metadata` says
"""

import json
import re
import sys
import tomllib


def is_allowed(expression, allowed):
    """Whether a licence expression of SPDX's can be fulfilled by licences that are allowed."""
    # older packages write "/" for "OR"
    tokens = re.findall(r"[()]|[^\s()]+(?:\s+WITH\s+[^\s()]+)?", expression.replace("/", " OR "))
    tokens.reverse()

    def either():
        answer = both()
        while tokens and tokens[-1] == "OR":
            tokens.pop()
            # the right one is read whatever the left one is
            answer = both() or answer
        return answer

    def both():
        answer = single()
        while tokens and tokens[-1] == "AND":
            tokens.pop()
            answer = single() and answer
        return answer

    def single():
        token = tokens.pop()
        if token != "(":
            return token in allowed
        answer = either()
        tokens.pop()
        return answer

    return either() and not tokens


def main():
    with open(sys.argv[1], "rb") as file:
        deny = tomllib.load(file)
    licenses, sources = deny["licenses"], deny["sources"]
    exceptions = {exception["name"]: exception["allow"] for exception in licenses["exceptions"]}
    registries = [f"registry+{registry}" for registry in sources["allow-registry"]]
    wrong, unused = [], set(exceptions)
    packages = json.load(sys.stdin)["packages"]
    for package in packages:
        name, expression = package["name"], package["license"]
        # a package of this project has no source
        if package["source"] is not None and package["source"] not in registries:
            wrong.append(f"{name} is from {package['source']}")
        unused.discard(name)
        if not is_allowed(expression or "none", licenses["allow"] + exceptions.get(name, [])):
            wrong.append(f"{name} is licensed by {expression}")
    wrong += [f"{name} is an exception, but not there any more" for name in sorted(unused)]
    if wrong:
        print("crates: deny.toml does not allow:", *wrong, sep="\n  ", file=sys.stderr)
        sys.exit(1)
    print(f"crates: licences and sources of {len(packages)} packages, as deny.toml allows")


main()
