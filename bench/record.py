#!/usr/bin/env python3
"""Runs a benchmark, shows what it prints, and records its tables: record.py RESULTS NAME COMMAND…

RESULTS is the .json file that draw.py draws; what it has of other benchmarks stays. Answers what the command answers.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

Bars = list[tuple[str, float]]
#: By the table's name: panels, their titles and bars.
Tables = dict[str, list[tuple[str, Bars]]]

MODE = r"(plain|TLS|STLS)"


def number(text: str) -> float:
    """Whole numbers stay whole."""
    return float(text) if "." in text else int(text)


def rows(printed: str, pattern: str) -> Iterator[tuple[str, ...]]:
    yield from (found.groups() for found in re.finditer(pattern, printed, re.MULTILINE))


def panels_of(found: Iterator[tuple[str, str, str]], unit: str) -> list[tuple[str, Bars]]:
    """Of rows that have a panel's name, a bar's and a number."""
    panels: dict[str, Bars] = {}
    for panel, bar, value in found:
        panels.setdefault(f"{panel}: {unit}", []).append((bar, number(value)))
    return list(panels.items())


def compared(printed: str, unit: str) -> list[tuple[str, Bars]]:
    """The table that bench/report.c prints."""
    return panels_of(
        (
            (mode, client, value)
            for mode, client, value in rows(printed, rf"^{MODE} +(\S[\w ]*\w) +([\d.]+) +[\d.]+ \(")
        ),
        unit,
    )


def connect(printed: str) -> Tables:
    return {"connect": compared(printed, "CPU µs")}


def fetch(printed: str) -> Tables:
    far = [(client, number(trips)) for client, trips in rows(printed, r"^(\w+) +[\d.]+ +([\d.]+) \(")]
    return {"fetch": compared(printed, "CPU ms"), "far": [("round trips", far)]}


def again(printed: str) -> Tables:
    trips, resumed = [], []
    for mode, bare, ours in rows(printed, rf"^{MODE} +([\d.]+) \(.*?\) +([\d.]+) \("):
        trips.append((mode, [("bare loop", number(bare)), ("pop3connect", number(ours))]))
    for mode, version, full, second in rows(printed, rf"^{MODE} +(1\.[23]) +([\d.]+) +([\d.]+) "):
        title = f"TLS {version}{' after STLS' if mode == 'STLS' else ''}: CPU µs"
        resumed.append((title, [("full", number(full)), ("resumed", number(second))]))
    return {"again": trips, "resumed": resumed}


def collect(printed: str) -> Tables:
    names = {"bare loop": "bare loop", "pop3connect": "with a book", "no book": "without"}
    panels = compared(printed, "CPU ms")
    return {"collect": [(title, [(names[client], value) for client, value in bars]) for title, bars in panels]}


def loop(printed: str) -> Tables:
    panels: list[tuple[str, Bars]] = []
    for heading, table in rows(
        printed, r"^\d+ sessions at once (in the clear|under TLS), .*\n((?:  \S.*CPU µs/session, .*\n)+)"
    ):
        mode = "TLS" if heading == "under TLS" else "plain"
        found = [*rows(table, r"^  (\S[\w ]*\w) +([\d.]+) \(.* ([\d.]+) KiB/session")]
        panels.append((f"{mode}: CPU µs a session", [(who, number(cpu)) for who, cpu, _ in found]))
        panels.append((f"{mode}: KiB a session", [(who, number(kib)) for who, _, kib in found]))
    return {"loop": panels}


def collectors(printed: str) -> Tables:
    found = rows(printed, r"^\| (\S.*\S) \| (\d+) \| \d+ \| \d+ \|")
    return {
        "collectors": [
            ("messages a second, more is better", [(who.replace("`", ""), number(each)) for who, each in found])
        ]
    }


def split(printed: str) -> Tables:
    found = rows(printed, r"^\| (\S.*\S) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|")
    names = "pop3connect", "libEtPan", "Python's email"
    return {"split": [(f"{what}: MB/s", [*zip(names, map(number, values))]) for what, *values in found]}


TABLES: dict[str, Callable[[str], Tables]] = {
    each.__name__: each for each in (connect, fetch, again, collect, loop, collectors, split)
}


def machine() -> str:
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return f"{system}, {os.cpu_count()} cores"


def main(results: Path, name: str, command: list[str]) -> int:
    printed = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        for line in program.stdout:
            print(line, end="", flush=True)
            printed.append(line)
    if program.returncode == 0:
        recorded = json.loads(results.read_text()) if results.exists() else {}
        for table, panels in TABLES[name]("".join(printed)).items():
            if not panels or not all(bars for _, bars in panels):
                raise SystemExit(f"record.py: {command[0]} has printed no table {table}")
            recorded[table] = {
                "machine": machine(),
                "date": date.today().isoformat(),
                "panels": [{"title": title, "bars": bars} for title, bars in panels],
            }
        results.parent.mkdir(parents=True, exist_ok=True)
        results.write_text(json.dumps(recorded, ensure_ascii=False, indent=1) + "\n")
    return program.returncode


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[2] not in TABLES:
        raise SystemExit(__doc__.split("\n", 1)[0])
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
