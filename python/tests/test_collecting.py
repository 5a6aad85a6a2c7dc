"""Collecting: what is new, each message once; when a message counts as taken."""

from __future__ import annotations

import gc
import logging
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any

import pop3connect
from pop3connect import (
    Arrival,
    BookError,
    Busy,
    Cancelled,
    Job,
    LimitExceeded,
    Mailbox,
    MailboxInUse,
    Message,
    Outcome,
    Pop3Error,
    ServerError,
    collect,
    collect_pieces,
)

from .support import ServerCase, account_at, in_thread


class CollectCase(ServerCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.book = Path(folder.name) / "book"

    def taken(self) -> int:
        """How many messages are in the book; by another process, since in this one Python has another SQLite."""
        program = (
            "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM taken').fetchone())"
        )
        return int(subprocess.check_output([sys.executable, "-c", program, self.book]))

    def left(self, box: Mailbox) -> list[str]:
        """The unique ids of what the next run takes."""
        return [message.uid for message in box.new(self.book)]


class New(CollectCase):
    def test_each_message_once(self) -> None:
        box = self.box("messages=3 size=300")
        messages = list(box.new(self.book))
        self.assertEqual([message.uid for message in messages], ["uid-1", "uid-2", "uid-3"])
        self.assertEqual([message.number for message in messages], [1, 2, 3])
        self.assertEqual([message.size for message in messages], [300, 300, 300])
        self.assertEqual(box.outcome, Outcome(taken=3, deleted=0, left=0, failed=0, octets=900, reconnects=0))
        with box:
            self.assertEqual([message.data for message in messages], [box.fetch(number) for number in (1, 2, 3)])
        self.assertEqual(self.left(box), [])
        self.assertEqual(box.outcome, Outcome(0, 0, 0, 0, 0, 0))

    def test_without_a_book_every_run_takes_all(self) -> None:
        box = self.box("messages=2")
        for _ in range(2):
            self.assertEqual(len(list(box.new())), 2)

    def test_what_break_leaves_comes_again(self) -> None:
        box = self.box("messages=3")
        for message in box.new(self.book):
            if message.uid == "uid-2":
                break
        # the run is over
        with box:
            self.assertEqual(len(box), 3)
        self.assertEqual(self.left(box), ["uid-2", "uid-3"])

    def test_what_an_exception_leaves_comes_again(self) -> None:
        box = self.box("messages=3")
        with self.assertRaises(ZeroDivisionError), box:
            for message in box.new(self.book):
                if message.uid == "uid-2":
                    1 // 0
        self.assertEqual(self.left(box), ["uid-2", "uid-3"])

    def test_what_return_leaves_comes_again(self) -> None:
        box = self.box("messages=3")

        def first() -> str:
            for message in box.new(self.book):
                return message.uid
            return ""

        self.assertEqual(first(), "uid-1")
        self.assertEqual(first(), "uid-1")

    def test_a_message_is_in_the_book_when_the_next_one_comes(self) -> None:
        box = self.box("messages=3")
        run = box.new(self.book)
        for expected in (0, 1, 2):
            next(run)
            self.assertEqual(self.taken(), expected)
        self.assertRaises(StopIteration, next, run)

    def test_the_end_of_the_with_ends_the_run(self) -> None:
        threads = threading.active_count()
        with self.box("messages=3") as box:
            run = box.new(self.book)
            self.assertEqual(next(run).uid, "uid-1")
        self.assertRaises(StopIteration, next, run)
        self.assertEqual(threading.active_count(), threads)
        self.assertEqual(self.left(box), ["uid-1", "uid-2", "uid-3"])

    def test_a_run_that_nobody_begins_ends(self) -> None:
        threads = threading.active_count()
        run = self.box("messages=3").new(self.book)
        del run
        gc.collect()
        self.assertEqual(threading.active_count(), threads)

    def test_an_open_session_is_closed_first(self) -> None:
        with self.box("messages=3") as box:
            box.delete(1)
            self.assertEqual(self.left(box), ["uid-2", "uid-3"])
            self.assertEqual(len(box), 2)

    def test_no_session_inside_the_loop(self) -> None:
        with self.box("messages=2") as box:
            for message in box.new(self.book):
                self.assertRaises(Busy, box.count)
            self.assertEqual(message.uid, "uid-2")
            self.assertEqual(len(box), 2)

    def test_deleted_in_the_same_run(self) -> None:
        box = self.box("messages=3")
        run = box.new(self.book, delete_after=0)
        self.assertEqual(len(list(run)), 3)
        self.assertEqual(box.outcome, Outcome(3, 3, 0, 0, 600, 0))
        self.assertEqual(pop3connect.stat(box), 0)

    def test_order_and_limits(self) -> None:
        box = self.box("messages=5 size=400")

        def uids(**how: Any) -> str:
            return " ".join(message.uid for message in box.new(**how))

        self.assertEqual(uids(max_messages=2), "uid-1 uid-2")
        self.assertEqual(uids(newest_first=True, max_messages=1), "uid-5")
        self.assertEqual(uids(max_total=1000), "uid-1 uid-2")
        self.assertEqual(uids(wanted=lambda arrival: arrival.number % 2 == 0), "uid-2 uid-4")
        failures: list[Pop3Error] = []
        self.assertEqual(uids(max_size=399, on_failure=lambda arrival, error: failures.append(error)), "")
        self.assertEqual([type(error) for error in failures], [LimitExceeded] * 5)
        assert box.outcome is not None
        self.assertEqual(box.outcome.left, 5)
        (head,) = box.new(max_messages=1, lines=0)
        self.assertEqual(head.data, box.headers(1))

    def test_a_refused_message_is_told_and_the_others_come(self) -> None:
        told: list[tuple[Arrival, Pop3Error]] = []
        box = self.box("messages=3 bad=2 how=refused size=300")
        run = box.new(self.book, on_failure=lambda *failure: told.append(failure))
        self.assertEqual([message.uid for message in run], ["uid-1", "uid-3"])
        self.assertEqual([(arrival, type(error)) for arrival, error in told], [(Arrival("uid-2", 2, 300), ServerError)])
        assert box.outcome is not None
        self.assertEqual((box.outcome.taken, box.outcome.failed), (2, 1))

    def test_a_connection_that_breaks_is_made_again(self) -> None:
        box = self.box("messages=20 cut-after=12 cut-connections=2")
        self.assertEqual([message.number for message in box.new(self.book)], list(range(1, 21)))
        assert box.outcome is not None
        self.assertEqual((box.outcome.taken, box.outcome.reconnects), (20, 2))

    def test_what_breaks_in_the_middle_leaves_nothing_in_the_next_message(self) -> None:
        told: list[str] = []
        box = self.box("messages=3 bad=2 how=cut size=300")
        messages = list(box.new(self.book, on_failure=lambda arrival, error: told.append(arrival.uid)))
        self.assertEqual([(message.uid, message.size) for message in messages], [("uid-1", 300), ("uid-3", 300)])
        self.assertEqual({*told}, {"uid-2"})
        assert box.outcome is not None
        self.assertEqual((box.outcome.failed, box.outcome.reconnects), (1, 2))

    def test_errors_carry_what_was_taken(self) -> None:
        box = self.box("messages=3", user="bob")
        self.assertRaises(pop3connect.AuthError, list, box.new(self.book))
        self.assertEqual(box.outcome, Outcome(0, 0, 0, 0, 0, 0))
        box = self.box("messages=3")
        self.assertRaises(BookError, list, box.new(self.book.parent))

    def test_one_run_at_a_time_for_a_book(self) -> None:
        account = self.account("messages=3")
        for _ in Mailbox.of(account).new(self.book):
            self.assertRaises(MailboxInUse, list, Mailbox.of(account).new(self.book))

    def test_what_on_failure_raises_flies_on(self) -> None:
        def fail(*_: object) -> None:
            raise LookupError("mine")

        box = self.box("messages=3 bad=2 how=refused")
        run = box.new(self.book, on_failure=fail)
        self.assertEqual(next(run).uid, "uid-1")
        with self.assertRaisesRegex(LookupError, "mine"):
            next(run)
        self.assertEqual(self.left(box), ["uid-3"])

    def test_cancel_from_another_thread(self) -> None:
        box = self.box("messages=3 bad=2 how=endless")
        run = box.new(self.book)
        next(run)
        join = in_thread(lambda: next(run))
        box.cancel()
        self.assertIsInstance(join(), Cancelled)
        assert box.outcome is not None
        self.assertLessEqual(box.outcome.taken, 1)

    def test_over_tls(self) -> None:
        box = self.box("messages=3 tls=stls", **{**self.tls(), "secure": "starttls"})
        self.assertEqual(len(list(box.new(self.book))), 3)


class Collect(CollectCase):
    def test_what_take_raises_flies_on_and_the_message_comes_again(self) -> None:
        account = self.account("messages=3")
        taken: list[str] = []

        def take(message: Message) -> None:
            if message.uid == "uid-2" and "again" not in taken:
                taken.append("again")
                raise OSError("the disk is full")
            taken.append(message.uid)

        with self.assertRaisesRegex(OSError, "the disk is full"):
            collect(account, take, Job(self.book))
        outcome = collect(account, take, Job(self.book))
        self.assertEqual(taken, ["uid-1", "again", "uid-2", "uid-3"])
        self.assertEqual(outcome.taken, 2)

    def test_pieces(self) -> None:
        got: dict[str, bytes] = {}
        ends: list[str] = []

        def take(arrival: Arrival, data: bytes, is_last: bool) -> None:
            got[arrival.uid] = got.get(arrival.uid, b"") + data
            ends.extend([arrival.uid] * is_last)

        box = self.box("messages=2 size=500000")
        outcome = collect_pieces(box, take, Job(self.book))
        self.assertEqual(outcome.octets, 1_000_000)
        self.assertEqual(ends, ["uid-1", "uid-2"])
        with box:
            self.assertEqual(got, {"uid-1": box.fetch(1), "uid-2": box.fetch(2)})

    def test_a_book_of_the_programs_own(self) -> None:
        noted: dict[tuple[str, str], bool] = {}

        class Noted:
            def is_taken(self, account: str, uid: str) -> bool:
                return (account, uid) in noted

            def taken(self, account: str, uid: str) -> None:
                noted[account, uid] = True

        account = self.account("messages=3")
        for expected in (3, 0):
            self.assertEqual(collect(account, lambda message: None, Job(Noted())).taken, expected)
        where = f"alice@{account.server}"
        self.assertEqual(list(noted), [(where, "uid-1"), (where, "uid-2"), (where, "uid-3")])

    def test_what_a_book_or_wanted_raises_ends_the_run(self) -> None:
        class Broken:
            def is_taken(self, account: str, uid: str) -> bool:
                raise LookupError("mine")

            def taken(self, account: str, uid: str) -> None:
                raise LookupError("mine")

        class Half(Broken):
            def is_taken(self, account: str, uid: str) -> bool:
                return False

        def wanted(arrival: Arrival) -> bool:
            raise LookupError("mine")

        taken: list[Message] = []
        for job, most in (Job(Broken()), 0), (Job(Half()), 1), (Job(wanted=wanted), 0):
            taken.clear()
            with self.subTest(job), self.assertRaisesRegex(LookupError, "mine"):
                collect(self.account("messages=3"), taken.append, job)
            self.assertLessEqual(len(taken), most)

    def test_what_a_logging_filter_raises_ends_the_run(self) -> None:
        def fail(record: logging.LogRecord) -> bool:
            raise LookupError("mine")

        log = logging.getLogger("pop3connect")
        log.addFilter(fail)
        self.addCleanup(log.removeFilter, fail)
        self.addCleanup(log.setLevel, log.level)
        log.setLevel(logging.INFO)
        with self.assertRaisesRegex(LookupError, "mine"):
            collect(self.account("messages=3 bad=2 how=refused"), lambda message: None)

    def test_callables_run_on_the_thread_that_collects(self) -> None:
        # SQLite's connections refuse any other
        database = sqlite3.connect(":memory:")
        self.addCleanup(database.close)
        database.execute("CREATE TABLE mail (uid, data)")

        def take(message: Message) -> None:
            database.execute("INSERT INTO mail VALUES (?, ?)", (message.uid, message.data))

        collect(self.account("messages=3"), take, Job(self.book))
        self.assertEqual(database.execute("SELECT count(*) FROM mail").fetchone(), (3,))

    def test_an_error_says_what_was_taken(self) -> None:
        account = account_at(self.server.mailbox("messages=3 bad=2 how=refused"))
        port = int(account.server.partition(":")[2])
        self.assertEqual(self.server.connections(port), 0)
        with self.assertRaises(pop3connect.ParameterError) as raised:
            collect(account, lambda message: None, Job(delete_after=3))
        self.assertEqual(raised.exception.outcome, Outcome(0, 0, 0, 0, 0, 0))
        self.assertRaises(pop3connect.ParameterError, collect, account, lambda message: None, Job(max_messages=-1))


if __name__ == "__main__":
    unittest.main()
