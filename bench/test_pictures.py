#!/usr/bin/env python3
"""Pictures and records: the committed pictures are what draw.py draws of the committed figures, which are those of
docs/benchmarks.md; record.py reads what the programs print."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import draw
import record

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench/results"
PICTURES = ROOT / "docs/pictures"
BENCHMARKS = (ROOT / "docs/benchmarks.md").read_text()

COMPARED = """mode    client       CPU µs/session     ratio to bare loop (min … max)
plain   bare loop              96.4     1.000 (1.000 … 1.000)
plain   pop3connect           133.6     1.386 (1.386 … 1.386)
TLS     bare loop             779.8     1.000 (1.000 … 1.000)
TLS     no book              1794.0     1.018 (1.018 … 1.018)

targets
  plain  pop3connect / bare loop  1.386, wanted <= 1.30: MISSED
"""
FAR = """
client       wall ms    round trips (min … max)
pop3connect     51.4       1.03 (1.03 … 1.03)
libEtPan      5068.2     101.36 (101.36 … 101.36)

client       wall ms each    CPU µs each
libcurl            44.540              152.4
"""
AGAIN = """mode   USER, PASS (min … max)  pop3connect (min … max)  saved
TLS     5.59 (5.59 … 5.59)      4.59 (4.59 … 4.59)      1.00

mode   TLS  full       resumed       ratio (min … max)
STLS   1.2     1002.4      426.6     0.426 (0.426 … 0.426)
"""
LOOP = """Each session: connects, logs in, STAT, QUIT. The server answers after 50 ms.

100 sessions at once under TLS, 1 rounds, median (least to most)
  bare epoll loop    701.0 (701.0 to 701.0) CPU µs/session, 1.00 of the bare loop's;   40.4 KiB/session;     357 ms in all
  pop3_loop          792.6 (792.6 to 792.6) CPU µs/session, 1.13 of the bare loop's;   46.2 KiB/session;     365 ms in all
  targets: CPU at most 1.10 of the bare loop's: missed; at most 40 KB/session: missed
  400 sessions at once under TLS: pop3_loop 715 ms, 814 CPU µs/session; libcurl multi 22332 ms, 1292 CPU µs/session
"""
COLLECTORS = """| 10000 messages of 2000 octets | messages a second | CPU µs a message | second run, CPU ms |
| --- | --- | --- | --- |
| examples/collect | 1448 | 268 | 22 |
"""
SPLIT = """| messages | pop3connect | libEtPan | Python's email |
| --- | --- | --- | --- |
| one of 10 MB, base64 | 685.6 | 125.4 | 51.9 |
"""


class Pictures(unittest.TestCase):
    def drawn(self) -> dict[str, str]:
        return dict(draw.pictures(sorted(RESULTS.glob("*.json"))))

    def test_the_committed_ones_are_those_of_the_committed_figures(self) -> None:
        committed = {file.stem: file.read_text() for file in PICTURES.glob("*.svg")}
        drawn = self.drawn()
        self.assertEqual({*committed}, {*drawn})
        for name, text in drawn.items():
            self.assertTrue(committed[name] == text, f"docs/pictures/{name}.svg is another one: make pictures")

    def test_figures_are_those_of_the_document(self) -> None:
        for name, table in json.loads((RESULTS / "recorded.json").read_text()).items():
            for panel in table["panels"]:
                for label, value in panel["bars"]:
                    is_there = re.search(rf"(?<![\d.]){value}(?![\d.]*\d)", BENCHMARKS) is not None
                    self.assertTrue(is_there, f"docs/benchmarks.md has no {value}: {name}, {panel['title']}: {label}")

    def test_documents_show_each(self) -> None:
        for name in self.drawn():
            document = "guide" if name == "session" else "benchmarks"
            shown = re.search(rf"!\[[^]]+\]\(pictures/{name}\.svg\)", (ROOT / f"docs/{document}.md").read_text())
            self.assertIsNotNone(shown, f"docs/{document}.md does not show {name}.svg")

    def test_say_in_words_what_they_show(self) -> None:
        for name, text in self.drawn().items():
            picture = ElementTree.fromstring(text)
            named = {each.attrib.get("id"): each.text or "" for each in picture if each.attrib.get("id")}
            self.assertEqual(picture.attrib["aria-labelledby"].split(), [*named])
            self.assertTrue(all(named.values()), name)
            self.assertIn("prefers-color-scheme: dark", text)
        words = "TLS 1.3, again: 5 round trips: TCP, TLS, greeting, AUTH, QUIT."
        self.assertTrue(words in self.drawn()["session"], words)

    def test_text_is_escaped_and_the_longest_bar_has_room(self) -> None:
        table = {
            "machine": "a & b",
            "date": "2000-12-31",
            "panels": [{"title": "<x>", "bars": [["one", 123456.5], ["two", 0]]}],
        }
        picture = ElementTree.fromstring(draw.bars("connect", table))
        texts = [each.text or "" for each in picture.iter("{http://www.w3.org/2000/svg}text")]
        self.assertIn("<x>", texts)
        self.assertIn("123\u202f456.5", texts)
        ends = [float(each.attrib.get("x", 0)) + float(each.attrib["width"])
                for each in picture.iter("{http://www.w3.org/2000/svg}rect")]  # fmt: skip
        self.assertLess(max(ends[1:]), draw.WIDTH - len("123 456.5") * draw.LETTER)


class Records(unittest.TestCase):
    def test_tables_are_read(self) -> None:
        plain = [("plain: CPU µs", [("bare loop", 96.4), ("pop3connect", 133.6)])]
        self.assertEqual(record.connect(COMPARED)["connect"][:1], plain)
        self.assertEqual(
            record.collect(COMPARED)["collect"][1], ("TLS: CPU ms", [("bare loop", 779.8), ("without", 1794.0)])
        )
        self.assertEqual(record.fetch(FAR)["far"], [("round trips", [("pop3connect", 1.03), ("libEtPan", 101.36)])])
        read = record.again(AGAIN)
        self.assertEqual(read["again"], [("TLS", [("bare loop", 5.59), ("pop3connect", 4.59)])])
        self.assertEqual(read["resumed"], [("TLS 1.2 after STLS: CPU µs", [("full", 1002.4), ("resumed", 426.6)])])
        cpu, kib = record.loop(LOOP)["loop"]
        self.assertEqual(cpu, ("TLS: CPU µs a session", [("bare epoll loop", 701.0), ("pop3_loop", 792.6)]))
        self.assertEqual(kib, ("TLS: KiB a session", [("bare epoll loop", 40.4), ("pop3_loop", 46.2)]))
        self.assertEqual(record.collectors(COLLECTORS)["collectors"][0][1], [("examples/collect", 1448)])
        bars = [("pop3connect", 685.6), ("libEtPan", 125.4), ("Python's email", 51.9)]
        self.assertEqual(record.split(SPLIT)["split"], [("one of 10 MB, base64: MB/s", bars)])

    def recorded(self, results: Path, *command: str) -> int:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            answer = record.main(results, "connect", [sys.executable, "-c", *command])
        self.assertEqual(printed.getvalue(), COMPARED)
        return answer

    def test_what_a_program_prints_is_recorded_and_drawn(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder) / "of/recorded.json"
            command = f"print({COMPARED!r}, end='')"
            self.assertEqual(self.recorded(results, command), 0)
            self.assertIn("CPU time of connect", dict(draw.pictures([results]))["connect"])
            # what failed is not recorded, and what it was before stays
            before = results.read_text()
            self.assertEqual(self.recorded(results, f"{command}; raise SystemExit(3)"), 3)
            self.assertEqual(results.read_text(), before)
            with self.assertRaisesRegex(SystemExit, "no table far"), contextlib.redirect_stdout(io.StringIO()):
                record.main(results, "fetch", [sys.executable, "-c", command])


if __name__ == "__main__":
    unittest.main()
