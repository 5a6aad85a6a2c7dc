"""A status page in the terminal, by the library rich."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

try:
    from rich.cells import cell_len
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.filesize import decimal
    from rich.live import Live
    from rich.table import Column, Table
    from rich.text import Text
except ImportError as error:
    raise ImportError("the status page needs rich: pip install pop3connect[harvest]") from error

from .harvester import NAMED
from .rates import Rates
from .tally import OK, Polled, Status, Tally, WorkerStatus
from .visible import MARKS, visible

#: From how many rows on there is a line that says what this is, and lines that are empty.
_ROWS_FOR_TITLE = 14
_ROWS_FOR_GAPS = 20
#: How wide a number is with its label, and what is between two.
_NARROWEST = 18
_WIDEST = 28
_BETWEEN = "   "

_Item = TypeVar("_Item")


class Page:
    """Shows a status: what is polled, how fast mail comes, which accounts fail and why, and the workers.

    What servers and workers have said is shown escaped, and on one line.
    """

    def __init__(
        self,
        source: Callable[[], Status],
        console: Console | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """What is shown, and where.

        - `source`: is called for each look, on the thread of the loop.
        - `console`: stdout, if it is not given.
        - `clock`, `now`: by which rates and ages are measured.
        """
        self._source = source
        # not by what the environment says of colours, which is set for files too
        self._console = Console(force_terminal=sys.stdout.isatty()) if console is None else console
        self._rates = Rates(clock)
        self._now = now

    def render(self) -> RenderableType:
        """The page as it is now, for a console of any size, or a part of one. Rates need a look before this one."""
        return self._look()

    async def run(self, every: float = 1.0) -> None:
        """Shows the page, anew `every` seconds, until the task is cancelled; then its numbers stay, as one line.

        It takes the terminal's whole screen; so logs are better written into a file. What is no terminal, or none for
        UTF-8, gets one line each time, without control characters. A terminal that is stopped, or a pipe that nobody
        reads, keeps nothing waiting but the page, and the end of the program.

        Raises OSError where it cannot write, and what `source` raises.
        """
        if not every > 0:
            raise ValueError(f"every is {every}: it must be more than 0 seconds")
        if not (self._console.is_interactive and self._console.encoding.startswith("utf")):
            while True:
                await asyncio.to_thread(self._write, self._look().line())
                await asyncio.sleep(every)
        look = self._look()
        try:
            with Live(console=self._console, screen=True, auto_refresh=False) as live, self._clipping():
                while True:
                    live.update(look)
                    await asyncio.to_thread(live.refresh)
                    await asyncio.sleep(every)
                    look = self._look()
        finally:
            self._write(look.line())

    def _look(self) -> _Look:
        status = self._source()
        tally = status.tally
        # a copy, and of its dictionary first: it may grow meanwhile
        tally = dataclasses.replace(tally, polls=Counter(dict(tally.polls)))
        return _Look(
            self._now(),
            tally,
            self._rates.of(tally.polls.total(), tally.taken),
            tuple(status.workers),
            tuple(status.failures),
            status.failing,
        )

    @contextmanager
    def _clipping(self) -> Iterator[None]:
        """Has the terminal clip lines, not wrap them: it may think that a character is wider than it counts here."""
        self._console.file.write("\x1b[?7l")
        try:
            yield
        finally:
            self._console.file.write("\x1b[?7h")

    def _write(self, line: str) -> None:
        print(line, file=self._console.file, flush=True)


@dataclass(frozen=True)
class _Look:
    """What is shown of a moment."""

    at: float
    tally: Tally
    #: Of polls and of mail.
    rates: tuple[float, ...] | None
    workers: tuple[WorkerStatus, ...]
    failures: tuple[Polled, ...]
    known_failing: int | None

    @property
    def failing(self) -> int:
        """How many accounts fail, at the least."""
        return len(self.failures) if self.known_failing is None else max(self.known_failing, len(self.failures))

    @property
    def is_least(self) -> bool:
        """That there may be more."""
        return self.known_failing is None and len(self.failures) >= NAMED

    def line(self) -> str:
        """In plain ASCII."""
        facts = ", ".join(f"{label} {value.replace(',', '')}" for label, value in self._facts())
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(self.at))} {facts}"
        if results := self._results(len(line)):
            line += f"; {results}"
        return line.encode("ascii", "backslashreplace").decode()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        width, height = options.max_width, options.height or options.max_height
        head = [*self._head(width, height)][:height]
        gap = int(height >= _ROWS_FOR_GAPS)
        workers, failures = self._shares(height - len(head), gap + 1)
        yield from head
        if workers:
            yield from [""] * gap
            yield self._table_of_workers(workers - gap - 1, width)
        if failures:
            yield from [""] * gap
            yield self._table_of_failures(failures - gap - 1, width)

    def _head(self, width: int, height: int) -> Iterator[Text]:
        if height >= _ROWS_FOR_TITLE:
            at = time.strftime("%H:%M:%S", time.localtime(self.at))
            yield _line(("pop3connect".ljust(width - len(at)) + at, "bold"))
        yield from self._numbers(width)
        if results := self._results(width):
            yield _line(("failed polls: ", "dim"), (results, "red"))

    def _facts(self) -> list[tuple[str, str]]:
        """What is in one number: by twos, and by fours, they belong together."""
        tally = self.tally
        polls, mail = ("-", "-") if self.rates is None else (f"{rate:,.1f}" for rate in self.rates)
        return [
            ("accounts", f"{tally.accounts:,}"),
            ("failing", f"{self.failing:,}{'+' if self.is_least else ''}"),
            ("under way", f"{tally.under_way:,}"),
            ("workers", f"{len(self.workers):,}"),
            ("polls", f"{tally.polls.total():,}"),
            ("polls/s", polls),
            ("new mail", f"{tally.taken:,}"),
            ("new mail/s", mail),
            ("octets", decimal(tally.octets)),
            ("deleted", f"{tally.deleted:,}"),
            ("not come", f"{tally.failed:,}"),
            ("reconnects", f"{tally.reconnects:,}"),
        ]

    def _numbers(self, width: int) -> Iterator[Text]:
        """In as many columns as there is room for, each from above to below."""
        facts = self._facts()
        columns = next((many for many in (6, 3, 2) if _column(width, many) >= _NARROWEST), 1)
        room = min(_column(width, columns), _WIDEST)
        rows = len(facts) // columns
        for row in range(rows):
            line = Text(no_wrap=True, overflow="crop")
            for label, value in facts[row::rows]:
                style = "bold red" if label == "failing" and self.failing else "bold"
                # what is short of room is the label: half a number is another number
                label = label[: max(room - len(value) - 1, 0)]
                line.append(_BETWEEN if line else "")
                line.append(label, "dim").append(value.rjust(room - len(label)), style)
            yield line

    def _results(self, width: int) -> str:
        """By what polls have failed, and how often."""
        failed = [(result, count) for result, count in self.tally.polls.most_common() if result != OK]
        return ", ".join(f"{_cut(result, width)} {count:,}" for result, count in failed)

    def _shares(self, room: int, above: int) -> tuple[int, int]:
        """How many lines the workers get, and how many the failures; with the header, and the gap, above each."""
        workers = above + len(self.workers) if self.workers else 0
        failures = above + len(self.failures) + (self.failing > len(self.failures)) if self.failures else 0
        if workers and failures and workers + failures > room:
            # a half of it to each that needs as much; where that would be next to nothing, to what is wrong
            is_enough = room >= 2 * (above + 3)
            workers = min(workers, max(room // 2, room - failures)) if is_enough else 0
        workers, failures = min(workers, room), min(failures, room - workers)
        return (workers if workers > above else 0, failures if failures > above else 0)

    def _table_of_workers(self, rows: int, width: int) -> Table:
        # the name last: one that is written from right to left would swap places with a number after it
        table = _table(
            Column("accounts", width=8, justify="right", no_wrap=True),
            Column("under way", width=9, justify="right", no_wrap=True),
            Column("worker", no_wrap=True, overflow="ellipsis", ratio=1),
        )
        shown = _fitting(self.workers, rows, len(self.workers))
        for worker in shown:
            table.add_row(f"{worker.accounts:,}", f"{worker.under_way:,}", Text(_cut(worker.name, width)))
        if (more := len(self.workers) - len(shown)) and rows > 1:
            table.add_row("", "", Text(f"and {more:,} more", "dim"))
        return table

    def _table_of_failures(self, rows: int, width: int) -> Table:
        shown = _fitting(self.failures, rows, self.failing)
        names = [_cut(polled.account, width) for polled in shown]
        # for the same reason what the server has said is last, and there is a word between the account and that
        table = _table(
            Column("age", width=7, justify="right", no_wrap=True),
            Column(
                "failing account",
                width=min(max(_NARROWEST, *map(cell_len, names)), width * 2 // 5),
                no_wrap=True,
                overflow="ellipsis",
            ),
            Column("error", no_wrap=True, overflow="ellipsis", ratio=1),
        )
        for polled, name in zip(shown, names):
            error = Text(_cut(polled.result, width), "red")
            if polled.error:
                error = Text.assemble(error, ": ", _cut(polled.error, width))
            table.add_row(_age(self.at - polled.began - polled.seconds), Text(name), error)
        if (more := self.failing - len(shown)) and rows > 1:
            table.add_row("", Text(f"{'at least' if self.is_least else 'and'} {more:,} more", "dim"), "")
        return table


def _fitting(items: tuple[_Item, ...], rows: int, of: int) -> tuple[_Item, ...]:
    """Those that there is room for; where there are more, and more than one row, the last one is left to say so."""
    return items[: rows if of <= rows else max(rows - 1, 1)]


def _cut(text: str, columns: int) -> str:
    """Of a text that may be long as much as some columns show, and more, so that it is seen to have been cut."""
    return visible(text[: (MARKS + 1) * (columns + 1)])


def _column(width: int, many: int) -> int:
    """How wide each of many columns of numbers is."""
    return (width + len(_BETWEEN)) // many - len(_BETWEEN)


def _line(*parts: tuple[str, str]) -> Text:
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def _table(*columns: Column) -> Table:
    return Table(*columns, box=None, expand=True, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def _age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    # another machine's clock may be ahead
    return f"{max(seconds, 0):.0f} s"
