"""The status page, and what it stands on."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import os
import re
import subprocess
import sys
import threading
import time
import unicodedata
import unittest
from collections import Counter
from collections.abc import Callable
from typing import Any

from rich.cells import cell_len, get_character_cell_size
from rich.console import Console

from pop3connect.harvest.rates import Rates
from pop3connect.harvest.status import Page
from pop3connect.harvest.tally import Polled, Status, Tally, WorkerStatus
from pop3connect.harvest.visible import MARKS, visible

SECONDS = 60
NOW = 1_800_000_000.0
#: What somebody may say who means no good, or has an unusual name.
HOSTILE = (
    "\x1b[2J\x1b[H all is well",
    "\x1b]0;title\x07\x9b31m\x90q\x9c",
    "\u202eecila\u2066x\u2069\u200f@host",
    "new\nline\r\x0b\x0c\x85\u2028\u2029\ttab\b\b",
    "[red]markup[/red] [/] [link=http://host]x[/link] :smile:",
    "zero\u200b\u200d\ufeff\ufe0f\u00ad width",
    "\udc80\ud83d\udfff",
    "名前" * 300,
    "שלום 123 العربية",
    "a" + "\u0301" * 500,
    "\u0301\u20dd begins with them",
    "👨\u200d👩\u200d👧 🇩🇪 👍🏽 1\ufe0f\u20e3",
    "x" * 100_000,
    "",
)


class Texts(unittest.TestCase):
    def test_all_of_unicode(self) -> None:
        for code in range(sys.maxunicode + 1):
            character = chr(code)
            category = unicodedata.category(character)
            shown = visible(f"a{character}b")
            if category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or (category == "Zs" and character != " "):
                self.assertTrue(shown.isascii() and shown.isprintable() and "\\" in shown, hex(code))
            elif shown == f"a{character}b":
                # it is seen, or an accent
                cells = get_character_cell_size(character)
                self.assertTrue(cells > 0 or category.startswith("M"), hex(code))
            else:
                self.assertTrue(shown.isascii(), hex(code))

    def test_as_python_escapes(self) -> None:
        for text, shown in (
            ("\n\r\t\x00\x1b\x7f\x85\x9b\xa0", r"\n\r\t\x00\x1b\x7f\x85\x9b\xa0"),
            ("\u2028\u202e\u2066\u200b\u3000\ufeff", r"\u2028\u202e\u2066\u200b\u3000\ufeff"),
            ("\udc80\ud800", r"\udc80\ud800"),
            ("\U000e0041\U0010ffff\U0001f1e9\U0001f3fd", r"\U000e0041\U0010ffff\U0001f1e9\U0001f3fd"),
            ("\u3164\u2800\ufe0f\u1160\u034f", r"\u3164\u2800\ufe0f\u1160\u034f"),
        ):
            self.assertEqual(visible(text), shown)

    def test_what_is_harmless_is_as_it_was(self) -> None:
        plain = ("", "alice@host: a b ~", r"\x1b", "[red]")
        for text in *plain, "Jörg ✉ 👍", "名前@例え.jp", "שלום", "e\u0301a\u0308\u0304", "ที่", "क्षि":
            self.assertEqual(visible(text), text)

    def test_accents_stand_on_letters_and_are_few(self) -> None:
        mark, escaped = "\u0301", r"\u0301"
        self.assertEqual(visible(mark + "a"), escaped + "a")
        self.assertEqual(visible("a " + mark * 2), "a " + escaped * 2)
        self.assertEqual(visible("a\n" + mark), r"a\n" + escaped)
        self.assertEqual(visible("a" + mark * (MARKS + 2) + "b" + mark), "a" + mark * MARKS + escaped * 2 + "b" + mark)


class Speeds(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 100.0
        self.rates = Rates(lambda: self.now)

    def of(self, after: float, *counts: int) -> tuple[float, ...] | None:
        self.now += after
        return self.rates.of(*counts)

    def test_over_the_last_ten_seconds(self) -> None:
        self.assertIsNone(self.of(0, 5, 0))
        self.assertIsNone(self.of(0, 6, 0))
        self.assertEqual(self.of(1, 15, 1), (10, 1))
        self.assertEqual(self.of(4, 55, 1), (10, 0.2))
        self.assertEqual(self.of(5, 105, 1), (10, 0.1))
        # from the second sample on, then from the third, which is ten seconds old
        self.assertEqual(self.of(1, 105, 1), (9, 0))
        self.assertEqual(self.of(4, 105, 1), (5, 0))
        self.assertEqual(self.of(20, 305, 1), (10, 0))

    def test_looked_at_too_often(self) -> None:
        for number in range(100_000):
            rates = self.of(0.001, 3 * number)
        self.assertLess(len(self.rates._samples), 200)
        assert rates is not None
        self.assertAlmostEqual(rates[0], 3000)

    def test_counts_that_begin_anew(self) -> None:
        self.of(0, 1000, 5)
        self.of(1, 1010, 6)
        self.assertIsNone(self.of(1, 2, 6))
        self.assertEqual(self.of(1, 4, 6), (2, 0))


def tally() -> Tally:
    return Tally(
        accounts=10_000,
        under_way=500,
        polls=Counter(ok=1_234_567, Timeout=56, AuthError=345),
        taken=345_678,
        octets=1_234_567_890,
        deleted=1_234,
        failed=3,
        reconnects=21,
    )


def failure(account: str, error: str, result: str = "AuthError", ago: float = 30) -> Polled:
    return Polled(account, result, NOW - ago - 5, 5, None, error)


class PageCase(unittest.TestCase):
    def setUp(self) -> None:
        self.clock = 100.0

    def page(self, source: Callable[[], Status], console: Console | None = None) -> Page:
        return Page(source, console, clock=lambda: self.clock, now=lambda: NOW)

    def lines(self, page: Page, width: int, height: int) -> list[str]:
        console = Console(
            file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None, legacy_windows=False
        )
        console.print(page.render())
        assert isinstance(console.file, io.StringIO)
        text = console.file.getvalue()
        self.assertTrue(text.endswith("\n"))
        return text[:-1].split("\n")

    def shown(self, status: Status, width: int = 80, height: int = 24) -> list[str]:
        lines = self.lines(self.page(lambda: status), width, height)
        return [line.rstrip() for line in lines]


class Rendered(PageCase):
    def test_a_usual_terminal(self) -> None:
        status = Status(
            tally(),
            [WorkerStatus("10.0.0.1:9000", 5_000, 250), WorkerStatus("10.0.0.2:9000", 5_000, 50)],
            [
                failure("alice@pop.example.com", "the server refused the log-in: -ERR [AUTH] Invalid login", ago=5),
                failure("bob@pop.example.com", "", "OSError", ago=7200),
            ],
        )
        page = self.page(lambda: status)
        page.render()
        self.clock += 2
        status.tally.polls["ok"] += 91
        status.tally.taken += 3
        at = time.strftime("%H:%M:%S", time.localtime(NOW))
        expected = f"""\
pop3connect                                                             {at}
accounts          10,000   polls          1,235,059   octets            1.2 GB
failing                2   polls/s             45.5   deleted            1,234
under way            500   new mail         345,681   not come               3
workers                2   new mail/s           1.5   reconnects            21
failed polls: AuthError 345, Timeout 56

accounts  under way  worker
   5,000        250  10.0.0.1:9000
   5,000         50  10.0.0.2:9000

    age  failing account        error
    5 s  alice@pop.example.com  AuthError: the server refused the log-in: -ERR …
    2 h  bob@pop.example.com    OSError"""
        self.assertEqual([line.rstrip() for line in self.lines(page, 80, 24)], expected.split("\n"))

    def test_a_small_terminal(self) -> None:
        failures = [failure("alice@pop.example.com", "the server refused the log-in")] * 9
        expected = """\
accounts    10,000   new mail   345,678
failing          9   new mail/s       -
under way      500   octets      1.2 GB
workers          2   deleted      1,234
polls    1,234,968   not come         3
polls/s          -   reconnects      21
failed polls: AuthError 345, Timeout 56
    age  failing account   error
   30 s  alice@pop.examp…  AuthError: t…
         and 8 more"""
        shown = self.shown(Status(tally(), [WorkerStatus("a", 1, 1)] * 2, failures), 40, 10)
        self.assertEqual(shown, expected.split("\n"))

    def test_each_is_of_its_moment(self) -> None:
        status = Status(tally())
        page = self.page(lambda: status).render()
        status.tally.polls["ok"] += 1
        status.tally.taken += 1
        console = Console(file=io.StringIO(), width=80, height=24)
        console.print(page)
        assert isinstance(console.file, io.StringIO)
        self.assertRegex(console.file.getvalue(), r"(?s)polls +1,234,968 .*new mail +345,678 ")

    def test_nothing_yet(self) -> None:
        shown = self.shown(Status(Tally()))
        self.assertEqual(len(shown), 5)
        self.assertRegex(shown[2], "^failing +0 ")

    def test_what_there_is_room_for_is_shown_and_nothing_else(self) -> None:
        many = [failure(account, error, account or "x") for account in HOSTILE for error in HOSTILE][:100]
        names = [WorkerStatus(HOSTILE[number % len(HOSTILE)], 10**number, number) for number in range(30)]
        for width, height, workers, failures, failing in itertools.product(
            (1, 20, 40, 80, 200), (1, 5, 10, 24, 50), (0, 3, 30), (0, 1, 100), (None, 10_000)
        ):
            with self.subTest((width, height, workers, failures, failing)):
                counts = tally()
                counts.polls.update(HOSTILE)
                status = Status(counts, names[:workers], many[:failures], failing if failures else None)
                lines = self.lines(self.page(lambda: status), width, height)
                self.assertLessEqual(len(lines), height)
                for line in lines:
                    self.assertLessEqual(cell_len(line), width)
                    self.assertEqual(visible(line), line)

    def test_workers_and_failures_share_the_rows(self) -> None:
        def rows(height: int, workers: int, failures: int, failing: int | None = None) -> tuple[int, int, list[str]]:
            """How many of each are shown, and what is said of the others."""
            status = Status(
                Tally(),
                [WorkerStatus(f"worker-{number}", 1, 1) for number in range(workers)],
                [failure(f"account-{number}", "no") for number in range(failures)],
                failing,
            )
            shown = self.shown(status, 80, height)
            more = [" ".join(line.split()) for line in shown if " more" in line]
            return (sum("worker-" in line for line in shown), sum("account-" in line for line in shown), more)

        self.assertEqual(rows(24, 0, 0), (0, 0, []))
        self.assertEqual(rows(24, 3, 0), (3, 0, []))
        self.assertEqual(rows(24, 0, 17), (0, 17, []))
        self.assertEqual(rows(24, 0, 18), (0, 16, ["and 2 more"]))
        self.assertEqual(rows(24, 30, 0), (16, 0, ["and 14 more"]))
        self.assertEqual(rows(24, 30, 3), (11, 3, ["and 19 more"]))
        self.assertEqual(rows(24, 3, 30), (3, 11, ["and 19 more"]))
        self.assertEqual(rows(24, 30, 30), (6, 7, ["and 24 more", "and 23 more"]))
        self.assertEqual(rows(50, 30, 11), (30, 11, []))
        # what is known is said and no more
        self.assertEqual(rows(24, 0, 99), (0, 16, ["and 83 more"]))
        self.assertEqual(rows(24, 0, 100), (0, 16, ["at least 84 more"]))
        self.assertEqual(rows(24, 0, 100, 100), (0, 16, ["and 84 more"]))
        self.assertEqual(rows(24, 0, 2, 500), (0, 2, ["and 498 more"]))
        # where there is next to nothing the failures have it
        self.assertEqual(rows(10, 30, 30), (0, 4, ["and 26 more"]))
        self.assertEqual(rows(6, 0, 30), (0, 1, []))
        self.assertEqual(rows(5, 3, 30), (0, 0, []))

    def test_how_many_fail(self) -> None:
        for failures, failing, words in ((2, None, "2"), (2, 1, "2"), (100, None, "100+"), (100, 100, "100"), (2, 12_345, "12,345")):
            status = Status(Tally(), (), [failure("a", "b")] * failures, failing)
            self.assertRegex(self.shown(status)[2], f"^failing +{re.escape(words)} ")

    def test_numbers_are_whole(self) -> None:
        base = 10**12
        counts = Tally(base, base + 1, Counter(), base + 2, base, base + 3, base + 4, base + 5)
        for width in 18, 40, 80, 126, 200:
            shown = "\n".join(self.shown(Status(counts), width, 30))
            for number in range(6):
                self.assertIn(f"1,000,000,000,00{number}", shown)

    def test_ages(self) -> None:
        for ago, words in (
            (-1000, "0 s"),
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7199, "119 min"),
            (7200, "2 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
            (10 * 365 * 86400, "3650 d"),
        ):
            # each is shown whole
            shown = self.shown(Status(Tally(), (), [failure("alice", "no", ago=ago)]))
            self.assertTrue(shown[-1].strip().startswith(f"{words}  alice"), shown[-1])

    def test_hostile_words(self) -> None:
        shown = "\n".join(
            self.shown(
                Status(
                    Tally(polls=Counter({"\x1b[31mx": 1})),
                    [WorkerStatus("\x1b[1mworker[bold]\n", 1, 1)],
                    [failure("\u202eecila[red]", "\x1b[2J:smile:\n", "R\x9b")],
                ),
                200,
            )
        )
        for words in r"\x1b[31mx 1", r"\x1b[1mworker[bold]\n", r"\u202eecila[red]  ", r"R\x9b: \x1b[2J:smile:\n":
            self.assertIn(words, shown)

    def test_what_is_cut_is_seen_to_be(self) -> None:
        # as long as a text may be that is cut before it is looked at, and the width of which is least
        name = ("e" + "\u0301" * MARKS) * 1000
        shown = self.shown(Status(Tally(), [WorkerStatus(name, 1, 1)], [failure(name, name)]))
        worker, failing = shown[-4], shown[-1]
        self.assertEqual((worker[-1], worker.count("…"), failing[-1], failing.count("…")), ("…", 1, "…", 2))


class Running(PageCase, unittest.IsolatedAsyncioTestCase):
    async def run_until(self, page: Page, is_enough: Callable[[], bool]) -> None:
        """Runs it until what it has written is enough."""
        task = asyncio.create_task(page.run(0.001))
        while not is_enough() and not task.done():
            await asyncio.sleep(0.001)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def hostile(self) -> Status:
        failures = [failure(text, text, text) for text in HOSTILE]
        return Status(Tally(polls=Counter(HOSTILE)), [WorkerStatus(text, 1, 1) for text in HOSTILE], failures)

    async def test_not_a_terminal(self) -> None:
        for file in io.StringIO(), io.TextIOWrapper(io.BytesIO(), "latin-1"):
            source = self.hostile
            await self.run_until(self.page(source, Console(file=file)), lambda: self.text(file).count("\n") >= 3)
            lines = self.text(file).split("\n")
            self.assertEqual(lines.pop(), "")
            for line in lines:
                self.assertTrue(line.isascii() and line.isprintable(), line)
                self.assertRegex(line, r"^20\d\d(-\d\d){2} \d\d(:\d\d){2} accounts 0, failing 14, under way 0, ")
                self.assertIn(r"; \x1b[2J\x1b[H all is well 1, \x1b]0;title\x07", line)
                self.assertIn(r"\u540d\u524d", line)

    async def test_terminals_that_take_no_orders_or_no_utf8(self) -> None:
        latin = io.TextIOWrapper(io.BytesIO(), "latin-1")
        dumb: dict[str, Any] = {"_environ": {"TERM": "dumb"}}
        for file, more in (latin, {}), (io.StringIO(), dumb):
            console = Console(file=file, force_terminal=True, **more)
            await self.run_until(self.page(self.hostile, console), lambda: "\n" in self.text(file))
            self.assertTrue(self.text(file).replace("\n", "").isprintable())

    @staticmethod
    def text(file: Any) -> str:
        if isinstance(file, io.StringIO):
            return file.getvalue()
        return str(file.buffer.getvalue().decode(file.encoding))

    def terminal(self) -> tuple[Console, io.StringIO]:
        file = io.StringIO()
        environment = {"TERM": "xterm-256color"}
        return Console(file=file, width=80, height=24, force_terminal=True, _environ=environment), file

    async def test_a_terminal(self) -> None:
        console, file = self.terminal()
        await self.run_until(self.page(self.hostile, console), lambda: file.getvalue().count("accounts") >= 6)
        text = file.getvalue()
        # the screen is taken, and given back with the cursor; what is left is a line
        self.assertTrue(text.startswith("\x1b[?1049h"), text[:20])
        page, end, line = text.partition("\x1b[?1049l")
        self.assertLess(page.index("\x1b[?25l"), page.rindex("\x1b[?25h"))
        self.assertRegex(line, r"^20\d\d-[^\n\x1b]*workers 14[^\n\x1b]*\n$")
        self.assertLess(page.index("\x1b[?7l"), page.rindex("\x1b[?7h"))
        orders = set(re.findall(r"\x1b(?:\[[\d;?]*[@-~]|.)", page))
        expected = {f"\x1b[{order}" for order in ("?1049h", "H", "?25l", "?25h", "?7l", "?7h")}
        self.assertEqual({order for order in orders if not order.endswith("m")}, expected)
        for frame in re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", page.replace("\x1b[H", "\f")).split("\f"):
            lines = frame.split("\n")
            self.assertLessEqual(len(lines), 24)
            for shown in lines:
                self.assertEqual((visible(shown), cell_len(shown) in (0, 80)), (shown, True))

    async def test_a_source_that_raises(self) -> None:
        def source() -> Status:
            return answers.pop() if answers else self.fail("no more")

        answers = [Status(Tally())] * 3
        console, file = self.terminal()
        with self.assertRaisesRegex(AssertionError, "no more"):
            await self.page(source, console).run(0.001)
        self.assertIn("\x1b[?25h", file.getvalue())
        self.assertRegex(file.getvalue().partition("\x1b[?1049l")[2], "^20.* accounts 0,")

    async def test_every_is_more_than_nothing(self) -> None:
        for every in 0, -1, float("nan"):
            with self.assertRaisesRegex(ValueError, "every"):
                await self.page(lambda: Status(Tally())).run(every)

    async def test_what_takes_nothing_does_not_stop_the_loop(self) -> None:
        class Stopped(io.StringIO):
            """As a terminal after ctrl-S, or a pipe that nobody reads."""

            def write(self, text: str) -> int:
                stopped.set()
                assert goes_on.wait(SECONDS)
                return super().write(text)

        for is_terminal in False, True:
            with self.subTest(is_terminal):
                stopped, goes_on = threading.Event(), threading.Event()
                goes_on.set()
                console, _ = self.terminal()
                console.file = file = Stopped()
                if not is_terminal:
                    console = Console(file=file)
                page = self.page(lambda: Status(Tally()), console)
                task = asyncio.create_task(page.run(0.001))
                while "accounts" not in file.getvalue():
                    await asyncio.sleep(0.001)
                stopped.clear()
                goes_on.clear()
                # were the loop waiting, it would not come here before the time is up
                while not stopped.is_set():
                    await asyncio.sleep(0.001)
                goes_on.set()
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task


class Alone(unittest.TestCase):
    """In a process of its own."""

    def run_python(self, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def test_a_file_gets_no_colours_though_the_environment_asks_for_them(self) -> None:
        program = """
import asyncio
from pop3connect.harvest.status import Page
from pop3connect.harvest.tally import Status, Tally
asyncio.run(asyncio.wait_for(Page(lambda: Status(Tally())).run(0.01), 0.2))
"""
        run = self.run_python(program, FORCE_COLOR="1", TTY_COMPATIBLE="1", TERM="xterm-256color")
        self.assertRegex(run.stdout, "^20.* accounts 0,")
        self.assertTrue(run.stdout.replace("\n", "").isprintable(), run.stdout)

    def test_what_to_install_is_said(self) -> None:
        hide = "import sys; sys.modules['rich'] = None\n"
        self.assertEqual(self.run_python(hide + "import pop3connect.harvest").stderr, "")
        run = self.run_python(hide + "import pop3connect.harvest.status")
        self.assertIn("ImportError: the status page needs rich: pip install pop3connect[harvest]", run.stderr)


if __name__ == "__main__":
    unittest.main()
