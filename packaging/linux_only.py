#!/usr/bin/env python3
"""Drops from Cargo.toml files what they depend on for other systems than Linux.

linux_only.py CARGO-TOML…

As cargo writes them, and as ours is written: a table ends where a line is empty.
"""

import re
import sys
import tomllib

# What is so on every Linux, and on none. Of anything else, as the processor, nobody knows here.
FACTS = {
    "unix": True,
    "windows": False,
    "target_family": "unix",
    "target_os": "linux",
    "target_vendor": re.compile("unknown|pc"),
}


def may_hold(expression):
    """Whether a condition of cargo's may hold on a Linux: `cfg(…)`, or the name of a target."""
    if not expression.startswith("cfg("):
        return "-linux-" in expression
    tokens = re.findall(r'"[^"]*"|\w+|[(),=]', expression)
    tokens.reverse()

    def value():
        """True, False, or None where nobody knows."""
        name = tokens.pop()
        follows = tokens[-1] if tokens else ""
        if follows == "=":
            tokens.pop()
            wanted, fact = tokens.pop().strip('"'), FACTS.get(name)
            return None if fact is None else re.fullmatch(fact, wanted) is not None
        if follows != "(":
            return FACTS.get(name)
        tokens.pop()
        values = []
        while tokens[-1] != ")":
            values.append(value())
            if tokens[-1] == ",":
                tokens.pop()
        tokens.pop()
        if name == "not":
            return None if values[0] is None else not values[0]
        # of `all` one that is false decides, of `any` one that is true; `cfg` has a single one
        decisive = name == "any"
        if decisive in values:
            return decisive
        return None if None in values else not decisive

    return value() is not False


def linux_only(text):
    """The text without the tables that are for others, and without what its features say of the crates in them."""
    kept, keeps = [], True
    for line in text.splitlines(keepends=True):
        if line.startswith("[target."):
            (condition,) = tomllib.loads(line)["target"]
            keeps = may_hold(condition)
        if keeps:
            kept.append(line)
        elif not line.strip():
            keeps = True
    result = "".join(kept)
    for name in dependencies(text) - dependencies(result):
        item = rf'"(dep:)?{re.escape(name)}(\??/[^"]*)?"\s*,?'
        features = re.compile(r"^\[features\]$.*?^$", re.MULTILINE | re.DOTALL)
        result = features.sub(lambda table, item=item: re.sub(item, "", table[0]), result)
    return result


def dependencies(text):
    """What the crate names as dependencies, for whatever system."""
    manifest = tomllib.loads(text)
    tables = [manifest, *manifest.get("target", {}).values()]
    kinds = ["dependencies", "build-dependencies", "dev-dependencies"]
    return {name for table in tables for kind in kinds for name in table.get(kind, {})}


def main():
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(linux_only(text))


main()
