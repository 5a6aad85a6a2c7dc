#!/usr/bin/env python3
"""Which module names which: the sources of a folder against the table of its docs/architecture.md. arrows.py [FOLDER]

The table's rows are "| `module` | `what`, `it`, `names` |", below the heading "Who names whom". What is named may be a
module of another, as `net::stream`: then only that, and what is in it. Tests may name more, and are not looked at.
"""

import re
import sys
from pathlib import Path

HEADING = "## Who names whom"
# comments, strings with what may be escaped in them, characters with a quote in them
NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|r(#*)".*?"\1|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'', re.DOTALL)
USE = re.compile(r"\buse\s+([^;]+);")
# one in the middle of code: neither behind another part of a path nor in a use
PATH = re.compile(r"(?<![\w:])(crate|super|self)((?:::\w+)+)")


def drawn(folder):
    """The arrows of the table: for each module what it may name, as tuples of the parts of a path."""
    text = (folder / "docs/architecture.md").read_text()
    if HEADING not in text:
        sys.exit(f"arrows: docs/architecture.md has no heading '{HEADING}'")
    section = text.split(HEADING, 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \|([^|\n]*)\|", section, re.MULTILINE)
    return {module: [tuple(name.split("::")) for name in re.findall(r"`([\w:]+)`", names)] for module, names in rows}


def without_tests(code):
    """The code without what is compiled for tests alone."""
    while found := re.search(r"#\[cfg\(test\)\]", code):
        # an item ends with its braces, or before them with a semicolon
        depth, at = 0, found.end()
        while at < len(code):
            depth += {"{": 1, "}": -1}.get(code[at], 0)
            at += 1
            if depth == 0 and code[at - 1] in "};":
                break
        code = code[: found.start()] + code[at:]
    return code


def leaves(tree):
    """The paths of a use: `a::{b, c::{self, d as e}}` is a::b, a::c, a::c::d."""
    tree = tree.strip()
    brace = tree.find("{")
    if brace < 0:
        return [re.sub(r"\s+as\s+\w+$", "", tree)]
    paths, depth, begin = [], 0, brace + 1
    for at in range(brace + 1, len(tree)):
        if tree[at] in "{}":
            depth += 1 if tree[at] == "{" else -1
        if depth < 0 or (depth == 0 and tree[at] == ","):
            paths += leaves(tree[begin:at])
            begin = at + 1
    return [tree[:brace].strip() + path for path in paths if path]


def named(module, code):
    """The paths from the crate's root that a module of it, itself such a path, names."""
    code = without_tests(NO_CODE.sub('""', code))
    paths = [path for tree in USE.findall(code) for path in leaves(tree)]
    paths += ["".join(path) for path in PATH.findall(USE.sub("", code))]
    for path in paths:
        parts = [part for part in re.sub(r"\s", "", path).split("::") if part]
        where = {"crate": (), "self": module, "super": module}.get(parts[0])
        if where is None:
            continue
        while parts and parts[0] in ("crate", "self", "super"):
            where = where[:-1] if parts[0] == "super" else where
            parts = parts[1:]
        yield tuple(where) + tuple(part for part in parts if part != "self")


def used(folder):
    """The arrows of the sources: for each module what it names outside itself, and where."""
    arrows = {}
    sources = folder / "src"
    for file in sorted(sources.rglob("*.rs")):
        module = file.relative_to(sources).with_suffix("").parts
        module = module[:-1] if module[-1] == "mod" else module
        # a file of tests is compiled for them alone
        if module == ("lib",) or module[-1] == "tests":
            continue
        arrows.setdefault(module[0], {})
        for path in named(module, file.read_text()):
            if path and path[0] != module[0]:
                arrows[module[0]].setdefault(path, file.relative_to(folder))
    return arrows


def is_on_a_circle(module, table):
    """Whether the module comes back to itself."""
    seen, next_ones = set(), [module]
    while next_ones:
        for name in table.get(next_ones.pop(), []):
            if name[0] == module:
                return True
            if name[0] not in seen:
                seen.add(name[0])
                next_ones.append(name[0])
    return False


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    table, arrows = drawn(folder), used(folder)
    wrong = []
    for module in sorted(table.keys() ^ arrows.keys()):
        wrong.append(f"{module} is {'not in src' if module in table else 'not in the table'}")
    for module in sorted(table.keys() & arrows.keys()):
        needless = set(table[module])
        for path, file in sorted(arrows[module].items()):
            fitting = [name for name in table[module] if path[: len(name)] == name]
            if not fitting:
                wrong.append(f"{file}: {module} must not name {'::'.join(path)}")
            needless -= set(fitting)
        wrong += [f"{module} does not name {'::'.join(name)} any more" for name in sorted(needless)]
    wrong += [f"{module} is on a circle" for module in sorted(table) if is_on_a_circle(module, table)]
    if wrong:
        print("arrows: src is not what docs/architecture.md draws:", *wrong, sep="\n  ", file=sys.stderr)
        sys.exit(1)
    count = sum(len(names) for names in table.values())
    print(f"arrows: {len(table)} modules, {count} arrows, as drawn")


main()
