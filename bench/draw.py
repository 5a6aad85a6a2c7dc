#!/usr/bin/env python3
"""Draws what was measured: draw.py RESULTS PICTURES

For each table of the .json files in the folder RESULTS, and for the steps of a session, a picture in SVG is written
into the folder PICTURES. It is text that is put together here: bars with their values need no library, and none that is
light makes a picture that is light or dark as its reader's screen is and says in words what it shows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

# Small enough that the letters can be read where a telephone shows the picture as wide as its screen.
WIDTH = 460
MARGIN = 16
#: How wide a letter is on the average.
LETTER = 8.2
#: By name, in the order of docs/benchmarks.md: what the picture shows.
TITLES = {
    "connect": "CPU time of connect, log-in and quit",
    "fetch": "CPU time of fetching 200 messages of 1 MB",
    "far": "Fetching 100 messages over a round trip of 50 ms",
    "again": "Round trips of connecting again, log-in and quit",
    "resumed": "CPU time of a session, with TLS resumed or not",
    "collect": "CPU time of collecting 200 messages of 1 MB",
    "collectors": "10 000 messages into a Maildir",
    "loop": "10 000 sessions at once",
    "split": "Messages taken apart, more is better",
}
#: Bars that are this library's.
OURS = {"pop3connect", "with a book", "pop3_loop", "examples/collect", "resumed"}

# Blue and grey, and orange, are told apart by all eyes; what a bar is stands beside it in any case. The ground is part
# of the picture, since a page may be dark where the screen is not.
STYLE = """
text { font-family: system-ui, sans-serif; font-size: 14px; fill: #1b1b1b }
.title { font-size: 16px; font-weight: bold }
.panel { font-weight: bold }
.small { font-size: 12px; fill: #555 }
.ground { fill: #fff }
.bar { fill: #9a9a9a }
.ours { fill: #0072b2 }
.carry { fill: #6b6b6b }
.ask { fill: #a34e00 }
.in { font-size: 12px; fill: #fff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e6e6 }
  .small { fill: #b4b4b4 }
  .ground { fill: #17191d }
  .bar { fill: #7d7d7d }
  .ours { fill: #3d9fd8 }
  .in { fill: #fff }
  .log-in { fill: #0072b2 }
}
"""

#: How the steps of a session are shown: the label and the kind. A server's greeting is its first +OK.
STEPS = {
    "TCP": ("TCP", "carry"),
    "TLS": ("TLS", "carry"),
    "greeting": ("+OK", "ask"),
    "CAPA": ("CAPA", "ask"),
    "STLS": ("STLS", "ask"),
    "AUTH": ("AUTH", "ours log-in"),
    "QUIT": ("QUIT", "ask"),
}


class Picture:
    """A picture that grows downwards."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._shapes: list[str] = []
        self._words: list[str] = []
        self._y = MARGIN
        self.line(title, "title")

    def line(self, words: str, kind: str, room: int = 24) -> None:
        self._y += room
        self.text(MARGIN, self._y - 7, words, kind)

    def down(self, room: int) -> int:
        """Room for what is drawn next: where it begins."""
        self._y += room
        return self._y - room

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        kind = f' class="{kind}"' if kind else ""
        self._shapes.append(f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{kind}>{escape(words)}</text>')

    def box(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        self._shapes.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="2" class="{kind}"/>')

    def say(self, words: str) -> None:
        """What those hear who do not see the picture."""
        self._words.append(words)

    def svg(self) -> str:
        height = self._y + MARGIN
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH * 1.3:g}"'
            f' height="{height * 1.3:g}" role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(self._title)}</title>',
            f'<desc id="desc">{escape(" ".join(self._words))}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" rx="6" class="ground"/>',
            *self._shapes,
            "</svg>\n",
        ]
        return "\n".join(lines)


def bars(name: str, table: dict[str, Any]) -> str:
    """Panels of bars, each with a scale of its own that begins at 0."""
    picture = Picture(TITLES[name])
    labels = [label for panel in table["panels"] for label, _ in panel["bars"]]
    begin = MARGIN + max(map(len, labels)) * LETTER + 8
    values = [value for panel in table["panels"] for _, value in panel["bars"]]
    room = WIDTH - MARGIN - begin - 8 - max(len(number(value)) for value in values) * LETTER
    for panel in table["panels"]:
        picture.down(6)
        picture.line(panel["title"], "panel")
        most = max(value for _, value in panel["bars"])
        for label, value in panel["bars"]:
            y = picture.down(24)
            width = max(room * value / most, 1)
            picture.text(begin - 8, y + 13, label, anchor="end")
            picture.box(begin, y, width, 17, "ours" if label in OURS else "bar")
            picture.text(begin + width + 6, y + 13, number(value))
        picture.say(
            f"{panel['title']}: " + ", ".join(f"{label} {number(value)}" for label, value in panel["bars"]) + "."
        )
    picture.line(f"{table['machine']}, {table['date']}; each scale is its own", "small", 28)
    return picture.svg()


def number(value: float) -> str:
    """As it was measured, with blanks between thousands."""
    return f"{value:,}".replace(",", "\u202f")


def steps(session: dict[str, Any]) -> str:
    """A box for each round trip, from the left to the right; a row for the first session, and one for later ones."""
    picture = Picture(session["title"])
    begin = MARGIN + 48
    most = max(len(row[which]) for row in session["rows"] for which in ("first", "again"))
    width = (WIDTH - MARGIN - begin) / most
    for row in session["rows"]:
        picture.down(6)
        picture.line(row["mode"], "panel")
        for which in "first", "again":
            y = picture.down(26)
            picture.text(MARGIN, y + 15, which)
            for at, step in enumerate(row[which]):
                label, kind = STEPS[step]
                x = begin + at * width
                picture.box(round(x, 1), y, round(width - 2, 1), 22, kind)
                picture.text(round(x + width / 2 - 1, 1), y + 15, label, "in", "middle")
            picture.say(f"{row['mode']}, {which}: {len(row[which])} round trips: {', '.join(row[which])}.")
    picture.line("a box is a round trip; +OK is the server’s greeting", "small", 28)
    return picture.svg()


def pictures(files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Each picture's name and text."""
    for file in files:
        recorded = json.loads(file.read_text())
        if "rows" in recorded:
            yield file.stem, steps(recorded)
        else:
            yield from ((name, bars(name, table)) for name, table in recorded.items())


def main(results: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pictures(sorted(results.glob("*.json"))):
        (folder / f"{name}.svg").write_text(text)
        print(folder / f"{name}.svg")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__.split("\n", 1)[0])
    main(Path(sys.argv[1]), Path(sys.argv[2]))
