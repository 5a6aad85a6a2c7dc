"""The book, and accounts, in PostgreSQL."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg

from pop3connect import Account, BookError, Job, MailboxInUse, Message
from pop3connect.harvest import Harvester, Poll, from_postgres, postgres
from pop3connect.harvest.postgres import PostgresBook, connect

from .postgres import PATIENCE, PostgresCase, cluster
from .support import ServerCase, in_thread

#: Told of an account that another run has.
IN_USE = "another run collects from this account into this book"
#: Another process, which has a book from this one; it says what becomes of a run.
OPEN = """
import pickle, sys
book, account, uids = pickle.load(sys.stdin.buffer)
try:
    with book.open(account) as run:
        print(*(run.is_taken("", uid) for uid in uids))
except Exception as error:
    print(type(error).__name__)
"""
#: A process that has a run under way, and forks.
FORK = """
import os, pickle, sys
from pop3connect import BookError, MailboxInUse
book = pickle.load(sys.stdin.buffer)
with book.open("alice@host") as run:
    run.taken("", "uid-1")
    child = os.fork()
    if child == 0:
        said = []
        try:
            run.taken("", "uid-2")
        except BookError as error:
            said.append(str(error))
        try:
            with book.open("alice@host"):
                pass
        except MailboxInUse:
            said.append("in use")
        with book.open("bob@host") as other:
            other.taken("", "uid-3")
        print(*said, sep=", ", flush=True)
        sys.exit()
    os.waitpid(child, 0)
    run.taken("", "uid-4")
"""


class BookCase(PostgresCase):
    def book(self, options: str = "") -> PostgresBook:
        return PostgresBook(self.conninfo(options))

    def in_other_process(self, script: str, *what: Any) -> str:
        """What a script prints that gets those."""
        said = subprocess.run(
            [sys.executable, "-W", "error", "-c", script],
            input=pickle.dumps(what[0] if len(what) == 1 else what),
            stdout=subprocess.PIPE,
            timeout=PATIENCE,
            check=True,
        )
        return said.stdout.decode().strip()

    def take(self, book: PostgresBook, account: str, *uids: str) -> None:
        with book.open(account) as run:
            for uid in uids:
                if not run.is_taken("", uid):
                    run.taken("", uid)

    def noted(self) -> list[tuple[str, str]]:
        return self.rows("SELECT account, uid FROM pop3connect_taken ORDER BY account, uid")


class Runs(BookCase):
    def test_what_was_taken_is_known_in_the_next_run(self) -> None:
        book = self.book()
        with book.open("alice@host") as run:
            self.assertFalse(run.is_taken("", "uid-1"))
            run.taken("", "uid-1")
            # it is on the disk, and others see it
            self.assertEqual(self.noted(), [("alice@host", "uid-1")])
            self.assertTrue(run.is_taken("", "uid-1"))
        with self.book().open("alice@host") as run:
            self.assertEqual([run.is_taken("", uid) for uid in ("uid-1", "uid-2")], [True, False])
            run.taken("", "uid-1")
        with book.open("bob@host") as run:
            self.assertFalse(run.is_taken("", "uid-1"))

    def test_one_run_has_an_account(self) -> None:
        book = self.book()
        with book.open("alice@host"):
            with self.assertRaises(MailboxInUse), book.open("alice@host"):
                pass
            with self.assertRaises(MailboxInUse), self.book().open("alice@host"):
                pass
            self.assertEqual(self.in_other_process(OPEN, book, "alice@host", []), "MailboxInUse")
            self.assertIsInstance(in_thread(lambda: self.take(book, "alice@host"))(), MailboxInUse)
            # another one is free, and who was refused has not taken the lock away
            self.take(book, "bob@host", "uid-1")
            self.assertEqual(self.in_other_process(OPEN, book, "bob@host", ["uid-1", "uid-2"]), "True False")
            self.assertEqual(self.in_other_process(OPEN, book, "alice@host", []), "MailboxInUse")
        self.assertEqual(self.in_other_process(OPEN, book, "alice@host", ["uid-1"]), "False")

    def test_an_account_is_free_after_a_run_that_failed(self) -> None:
        book = self.book()
        with self.assertRaises(KeyboardInterrupt), book.open("alice@host") as run:
            run.taken("", "uid-1")
            raise KeyboardInterrupt
        self.assertEqual(self.in_other_process(OPEN, book, "alice@host", ["uid-1"]), "True")

    def test_it_is_read_after_it_is_locked(self) -> None:
        # a lock function of its own, which waits at a gate before it locks
        self.database.execute("""
            CREATE FUNCTION pg_try_advisory_lock(bigint) RETURNS boolean LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_advisory_lock_shared(4711);
                RETURN pg_catalog.pg_try_advisory_lock($1);
            END $$
        """)
        options = f"-c search_path={self.schema},pg_catalog -c default_transaction_isolation=serializable"
        self.take(self.book(), "alice@host", "uid-1")
        known: list[bool] = []

        def read() -> None:
            with self.book(options).open("alice@host") as run:
                known.append(run.is_taken("", "uid-2"))

        self.rows("SELECT pg_advisory_lock(4711)")
        with self.book().open("alice@host") as run:
            join = in_thread(read)
            self.wait_until(lambda: self.rows("SELECT 1 FROM pg_locks WHERE objid = 4711 AND NOT granted") != [])
            run.taken("", "uid-2")
        self.rows("SELECT pg_advisory_unlock(4711)")
        self.assertIsNone(join())
        self.assertEqual(known, [True])

    def test_a_poll_is_two_round_trips_and_a_message_one(self) -> None:
        book = self.book()
        self.take(book, "alice@host", "uid-1")
        connection = book._threads.session._connection
        with tempfile.TemporaryFile("w+") as trace:
            connection.pgconn.trace(trace.fileno())
            with book.open("alice@host") as run:
                for number in range(10):
                    run.is_taken("", f"uid-{number}")
                run.taken("", "uid-2")
                run.taken("", "uid-3")
            connection.pgconn.untrace()
            trace.seek(0)
            # F is to the server, B from it
            ways = "".join(re.findall(r"^[-\d]+ [:.\d]+\t([FB])\t", trace.read(), re.MULTILINE))
        self.assertEqual(re.sub(r"(.)\1*", r"\1", ways), "FB" * 4)

    def test_what_is_not_utf_8(self) -> None:
        book = self.book()
        account, uid = (text.decode("utf-8", "surrogateescape") for text in (b"j\xf6rg\\@host", b"\xff'%s\x80"))
        self.take(book, account, uid, "ä", "$1")
        with book.open(account) as run:
            known = [run.is_taken("", each) for each in (uid, "ä", "$1", "\udcff", "a")]
        self.assertEqual(known, [True, True, True, False, False])
        self.assertEqual(self.noted()[0], (r"j\366rg\\@host", "$1"))
        with self.assertRaises(MailboxInUse), book.open(account), self.book().open(account):
            pass

    def test_it_travels_without_its_connection(self) -> None:
        book = self.book()
        with book.open("alice@host") as run:
            run.taken("", "uid-1")
            copy = pickle.loads(pickle.dumps(book))
            with copy.open("bob@host"), self.assertRaises(MailboxInUse), copy.open("alice@host"):
                pass
            self.assertEqual(len(self.backends()), 2)

    def test_a_fork_leaves_the_connection_to_the_process_before(self) -> None:
        said = self.in_other_process(FORK, self.book())
        self.assertEqual(said, "the process has forked, and the book is that of the one before, in use")
        taken = [("alice@host", "uid-1"), ("alice@host", "uid-4"), ("bob@host", "uid-3")]
        self.assertEqual(self.noted(), taken)

    def test_a_connection_ends_with_its_thread(self) -> None:
        book = self.book()
        self.assertIsNone(in_thread(lambda: self.take(book, "alice@host"))())
        self.wait_until(lambda: self.backends() == [])


class Gone(BookCase):
    def presence(self) -> dict[str, int | None]:
        """For how many days each unique id has been gone."""
        return dict(
            self.rows("SELECT uid, (now() AT TIME ZONE 'UTC')::date - gone_on FROM pop3connect_taken ORDER BY uid")
        )

    def age(self, uid: str, days: int) -> None:
        self.rows(
            "UPDATE pop3connect_messages SET gone_on = (now() AT TIME ZONE 'UTC')::date - %s WHERE uid = %s",
            days,
            uid.encode(),
        )

    def test_unique_ids_leave_the_book_after_30_days(self) -> None:
        book = self.book()
        self.take(book, "bob@host", "uid-0")
        self.take(book, "alice@host", "uid-1", "uid-2", "uid-3")
        still_there = {"uid-0": None, "uid-1": None, "uid-2": None, "uid-3": None}
        self.assertEqual(self.presence(), still_there)
        self.take(book, "alice@host", "uid-1", "uid-2")
        self.assertIsNotNone(self.presence()["uid-3"])
        self.take(book, "alice@host", "uid-1", "uid-2", "uid-3")
        self.assertEqual(self.presence(), still_there)

        self.age("uid-2", 28)
        self.age("uid-3", 30)
        with self.assertRaises(OSError), book.open("alice@host") as run:
            run.is_taken("", "uid-1")
            raise OSError
        self.assertEqual([*self.presence()], ["uid-0", "uid-1", "uid-2", "uid-3"])
        self.take(book, "alice@host", "uid-1")
        self.assertEqual([*self.presence()], ["uid-0", "uid-1", "uid-2"])
        # it counts from when it was first missed
        self.assertIn(self.presence()["uid-2"], (28, 29))

        # what is there again stays
        self.age("uid-2", 30)
        self.take(book, "alice@host", "uid-1", "uid-2")
        self.assertEqual(self.presence(), {"uid-0": None, "uid-1": None, "uid-2": None})

        # an empty mailbox
        self.take(book, "alice@host")
        self.age("uid-1", 30)
        self.take(book, "alice@host")
        self.assertEqual([*self.presence()], ["uid-0", "uid-2"])
        self.assertIsNone(self.presence()["uid-0"])

    def test_a_run_that_fails_says_nothing_of_what_is_there(self) -> None:
        book = self.book()
        self.take(book, "alice@host", "uid-1")
        with self.assertRaises(OSError), book.open("alice@host"):
            raise OSError
        self.assertEqual(self.presence(), {"uid-1": None})

    def test_nothing_is_written_where_nothing_has_changed(self) -> None:
        book = self.book()
        self.take(book, "alice@host", "uid-1", "uid-2")
        self.take(book, "alice@host", "uid-1")
        before = self.rows("SELECT xmin::text, xmax::text, * FROM pop3connect_messages")
        self.take(book, "alice@host", "uid-1")
        self.assertEqual(self.rows("SELECT xmin::text, xmax::text, * FROM pop3connect_messages"), before)


class Breaks(BookCase):
    def test_what_was_open_on_a_connection_that_broke_ends(self) -> None:
        book = self.book()
        two_open = book.open("bob@host")
        two = two_open.__enter__()
        with self.assertRaisesRegex(BookError, "PostgreSQL: "), book.open("alice@host") as one:
            self.terminate_backends()
            one.taken("", "uid-1")
        lost = "the connection was lost, and with it the lock"
        with book.open("bob@host") as again:
            with self.assertRaisesRegex(BookError, lost):
                two.taken("", "uid-2")
            # nor does its end take the lock away, which is another run's now
            with self.assertRaisesRegex(BookError, lost):
                two_open.__exit__(None, None, None)
            self.assertEqual(self.in_other_process(OPEN, book, "bob@host", []), "MailboxInUse")
            again.taken("", "uid-3")
        self.assertEqual(self.noted(), [("bob@host", "uid-3")])

    def test_a_connection_that_breaks_between_runs_is_made_again(self) -> None:
        book = self.book()
        self.take(book, "alice@host", "uid-1")
        self.terminate_backends()
        with book.open("alice@host") as run:
            self.assertTrue(run.is_taken("", "uid-1"))

    def test_a_lock_that_a_pooler_has_lost_is_told(self) -> None:
        book = self.book()
        with self.assertRaisesRegex(BookError, "A pooler must leave"), book.open("alice@host"):
            book._threads.session.ask("SELECT pg_advisory_unlock_all()")
        self.take(book, "alice@host")

    def test_a_server_that_hangs(self) -> None:
        book = self.book("-c statement_timeout=300")
        goes_on = ExitStack()
        self.addCleanup(goes_on.close)
        lost = "the connection was lost, and with it the lock"
        with self.assertRaisesRegex(BookError, lost), book.open("alice@host") as run:
            run.taken("", "uid-1")
            (pid,) = self.backends()
            goes_on.callback(os.kill, pid, signal.SIGCONT)
            os.kill(pid, signal.SIGSTOP)
            with self.assertRaisesRegex(BookError, "PostgreSQL: no answer in 0.6 seconds"):
                run.taken("", "uid-2")
            # it is not waited for once more
            run.taken("", "uid-3")
        # what is locked there stays so until it goes on
        with self.assertRaises(MailboxInUse), book.open("alice@host"):
            pass
        goes_on.close()
        self.wait_until(lambda: pid not in self.backends())
        with book.open("alice@host") as run:
            self.assertTrue(run.is_taken("", "uid-1"))

    def test_a_connection_that_hangs_between_runs_is_made_anew(self) -> None:
        book = self.book("-c statement_timeout=300")
        self.take(book, "alice@host", "uid-1")
        (pid,) = self.backends()
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        os.kill(pid, signal.SIGSTOP)
        with book.open("alice@host") as run:
            self.assertTrue(run.is_taken("", "uid-1"))

    def test_a_statement_that_takes_too_long(self) -> None:
        book = self.book("-c statement_timeout=300")
        self.take(book, "alice@host", "uid-1")
        with book.open("bob@host") as other:
            with self.assertRaisesRegex(BookError, "statement timeout"), book.open("alice@host") as run:
                with self.database.transaction():
                    self.rows("LOCK TABLE pop3connect_messages")
                    run.taken("", "uid-2")
            # while an account is read: it is not locked then
            with self.database.transaction():
                self.rows("LOCK TABLE pop3connect_messages")
                with self.assertRaisesRegex(BookError, "statement timeout"), book.open("alice@host"):
                    pass
            self.assertEqual(self.in_other_process(OPEN, book, "alice@host", ["uid-1", "uid-2"]), "True False")
            # the connection is as it was
            other.taken("", "uid-3")

    def test_a_server_that_does_not_answer_is_not_asked_again_at_once(self) -> None:
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{folder}/.s.PGSQL.5432")
            listener.listen()
            book = PostgresBook(f"host={folder} connect_timeout=2")
            # the second time nothing is waited for
            clock = iter([100.0, 102.0, 103.9, 104.0, 106.0])
            with patch.object(postgres, "_clock", lambda: next(clock)):
                for words in "timeout", "none is tried for a moment", "timeout":
                    with self.assertRaisesRegex(BookError, words), book.open("alice@host"):
                        pass
            listener.setblocking(False)
            for _ in range(2):
                listener.accept()[0].close()
            self.assertRaises(BlockingIOError, listener.accept)

    def test_what_cannot_be_connected_to(self) -> None:
        # the tables are there
        self.take(self.book(), "alice@host")
        for conninfo, words in (
            ("host=/nowhere password=t0p-secret", "PostgreSQL: .*/nowhere"),
            (cluster().conninfo() + " user=bob password=t0p-secret", 'PostgreSQL: .*role "bob"'),
            (self.conninfo("-c default_transaction_read_only=on") + " password=t0p-secret", "session is read-only"),
        ):
            book = PostgresBook(conninfo)
            with self.subTest(conninfo), self.assertRaisesRegex(BookError, words) as raised:
                with book.open("alice@host"):
                    pass
            self.assertNotIn("t0p-secret", f"{raised.exception} {book!r}")
        for conninfo in "host=/nowhere password=a t0p-secret", "postgresql://bob:t0p-secret%zz@host/":
            for use in PostgresBook, from_postgres:
                with self.assertRaisesRegex(ValueError, "none that libpq can read") as wrong:
                    use(conninfo)
                self.assertNotIn("t0p-secret", str(wrong.exception))


class Settings(BookCase):
    def of(self, options: str, name: str) -> tuple[str, str]:
        """A setting in the connection of a book, and where it is from."""
        self.with_them = self.book(options)
        self.take(self.with_them, "alice@host")
        session = self.with_them._threads.session
        ((value, source),) = session.ask("SELECT current_setting(name), source FROM pg_settings WHERE name = %s", name)
        return value, source

    def test_what_is_committed_is_on_the_disk(self) -> None:
        for said, value in ("on", "on"), ("off", "on"), ("local", "local"):
            self.assertEqual(self.of(f"-c synchronous_commit={said}", "synchronous_commit")[0], value)

    def test_limits_are_defaults(self) -> None:
        for options, value, limit in (
            ("", ("10s", "session"), 20),
            ("-c statement_timeout=2min", ("2min", "client"), 240),
            ("-c statement_timeout=0", ("0", "client"), 0),
        ):
            self.assertEqual(self.of(options, "statement_timeout"), value)
            self.assertEqual(self.with_them._threads.session._connection.limit, limit)

    def test_a_machine_that_is_gone_is_found_out(self) -> None:
        for name in "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout":
            # by a socket of the file system they are set, and mean nothing
            self.assertEqual(self.of("", name), ("0", "session"))
            self.assertEqual(self.of(f"-c {name}=7", name)[1], "client")

    def test_connecting_has_limits(self) -> None:
        environment = {"PGCONNECT_TIMEOUT": "7"}
        for conninfo, variables, limits in (
            ("", {}, ("10", "10000")),
            ("connect_timeout=3 tcp_user_timeout=4000", environment, ("3", "4000")),
            ("", environment, (None, "10000")),
        ):
            with (
                self.subTest(conninfo, variables=variables),
                patch.dict(os.environ, variables),
                patch.object(psycopg.Connection, "connect", side_effect=psycopg.OperationalError) as called,
            ):
                self.assertRaises(psycopg.OperationalError, connect, conninfo)
                names = "connect_timeout", "tcp_user_timeout"
                self.assertEqual(tuple(map(called.call_args.kwargs.get, names)), limits)


class Tables(BookCase):
    def test_they_are_made_by_one_of_many(self) -> None:
        self.rows("SELECT pg_advisory_lock(%s)", postgres._MAKING)
        joins = [in_thread(partial(self.take, self.book(), f"{number}", "uid-1")) for number in range(4)]
        self.wait_until(
            lambda: self.rows(
                "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
                " WHERE locktype = 'advisory' AND NOT granted AND application_name = %s",
                self.schema,
            )
            == [(4,)]
        )
        self.rows("SELECT pg_advisory_unlock(%s)", postgres._MAKING)
        self.assertEqual([join() for join in joins], [None] * 4)
        self.assertEqual(len(self.noted()), 4)
        self.assertEqual(self.rows("SELECT * FROM pop3connect_version"), [(1,)])

    def test_those_of_another_version_are_refused(self) -> None:
        self.take(self.book(), "alice@host", "uid-1")
        for change, words in (
            ("UPDATE pop3connect_version SET version = 2", "of version 2, and version 1 is known"),
            ("DELETE FROM pop3connect_version", "of version none"),
        ):
            self.rows(change)
            with self.assertRaisesRegex(BookError, words), self.book().open("alice@host"):
                pass

    def test_nothing_stays_locked(self) -> None:
        book = self.book()
        self.take(book, "alice@host", "uid-1")
        self.assertEqual(len(self.backends()), 1)
        self.assertEqual(self.rows("SELECT * FROM pg_locks WHERE pid = ANY (%s)", self.backends()), [])

    def test_an_account_can_be_forgotten(self) -> None:
        self.take(self.book(), "alice@host", "uid-1")
        self.take(self.book(), "bob@host", "uid-1")
        self.rows("DELETE FROM pop3connect_accounts WHERE account = 'alice@host'")
        self.assertEqual(self.noted(), [("bob@host", "uid-1")])


class Harvesting(BookCase, ServerCase, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        asyncio.get_running_loop().set_debug(False)
        self.came: list[tuple[str, str]] = []

    def harvester(self, polls: list[Poll], take: Any = None, **more: Any) -> Harvester:
        return Harvester(polls, take or self.take_message, Job(**more), books=self.book())

    def take_message(self, name: str, message: Message) -> None:
        self.came.append((name, message.uid))

    async def test_each_once_by_two_at_once(self) -> None:
        polls = [Poll(self.account(f"messages={number} size=300")) for number in range(12)]
        one, two = self.harvester(polls), self.harvester(polls[::-1])
        with self.assertLogs("pop3connect.harvest") as logged:
            await asyncio.gather(one.once(), two.once())
        await asyncio.gather(one.once())
        self.assertEqual(len(self.came), 66)
        self.assertEqual(len(set(self.came)), 66)
        self.assertEqual({line.partition(": ")[2] for line in logged.output}, {IN_USE})
        await two.once()
        self.assertEqual(len(self.came), 66)

    async def test_what_was_not_noted_comes_again(self) -> None:
        def take(name: str, message: Message) -> None:
            self.take_message(name, message)
            if self.came == [(name, "uid-1"), (name, "uid-2")]:
                self.terminate_backends()

        harvester = self.harvester([Poll(self.account("messages=3"))], take)
        with self.assertLogs("pop3connect.harvest") as logged:
            await harvester.once()
        self.assertIn("PostgreSQL: ", logged.output[0])
        self.assertEqual(harvester.tally.polls["BookError"], 1)
        self.assertEqual([uid for _, uid in self.noted()], ["uid-1"])
        await harvester.once()
        self.assertEqual([uid for _, uid in self.came], ["uid-1", "uid-2", "uid-2", "uid-3"])
        self.assertEqual([uid for _, uid in self.noted()], ["uid-1", "uid-2", "uid-3"])
        self.assertEqual(harvester.tally.polls["ok"], 1)

    async def test_messages_of_one_unique_id(self) -> None:
        harvester = self.harvester([Poll(self.account("messages=3 uids=same"))])
        for _ in range(2):
            await harvester.once()
        self.assertEqual(len(self.came), 3)

    async def test_deletion_in_the_same_run(self) -> None:
        harvester = self.harvester([Poll(self.account("messages=3"))], delete_after=0)
        await harvester.once()
        self.assertEqual(harvester.tally.deleted, 3)
        await harvester.once()
        self.assertEqual(self.rows("SELECT count(*) FROM pop3connect_taken WHERE gone_on IS NULL"), [(0,)])

    async def test_what_cannot_be(self) -> None:
        self.assertRaises(ValueError, self.harvester, [], book="a file")
        self.assertRaises(ValueError, self.harvester, [], delete_after=14)


class Accounts(PostgresCase):
    def test_good_ones(self) -> None:
        self.rows(
            "CREATE TABLE accounts (server text, \"user\" bytea, password varchar, verify boolean, max_message bigint,"
            " reply_timeout numeric, every interval, secure text)"
        )
        self.assertEqual(from_postgres(self.conninfo()), [])
        self.rows("INSERT INTO accounts VALUES ('a.test', %s, 'x', false, 1000, 2.5, '2 minutes', 'clear')", b"j\xf6rg")
        self.rows("INSERT INTO accounts (server, secure) VALUES ('b.test', '')")
        user = b"j\xf6rg".decode("utf-8", "surrogateescape")
        one = Account("a.test", user, "x", verify=False, max_message=1000, reply_timeout=2.5, secure="clear")
        expected = [Poll(one, 120), Poll(Account("b.test"), 300)]
        for table in "accounts", f"{self.schema}.accounts":
            self.assertEqual(from_postgres(self.conninfo(), table), expected)
        self.assertEqual([poll.every for poll in from_postgres(self.conninfo(), every=10)], [120, 10])
        self.wait_until(lambda: self.backends() == [])

    def test_one_with_numbers_for_seconds(self) -> None:
        self.rows('CREATE TABLE "my mail" AS SELECT 45 AS every, 1 AS pipelining, \'a.test\' AS server')
        self.assertEqual(from_postgres(self.conninfo(), "my mail"), [Poll(Account("a.test"), 45)])

    def test_bad_ones(self) -> None:
        self.assertRaises(psycopg.errors.UndefinedTable, from_postgres, self.conninfo(), 'no"table')
        for column, value, words in (
            ("usr", "'x'", "accounts: no option of an account has the name usr"),
            ("every", "-1", "accounts, row 2: every is -1"),
            ("every", "now()", "accounts, row 2: .* not 'datetime"),
            ("secure", "'ssl'", "accounts, row 2: secure is 'ssl'"),
            ("server", "''", "accounts, row 2: there is no server"),
        ):
            bad = {"server": "'a.test'", "password": "'t0p-secret'", column: value}
            good = {**dict.fromkeys(bad, "NULL"), "server": "'a.test'"}
            selects = [
                "SELECT " + ", ".join(f"{value} AS {name}" for name, value in row.items()) for row in (good, bad)
            ]
            self.rows(f"CREATE VIEW accounts AS {' UNION ALL '.join(selects)}")
            with self.subTest(column, value=value), self.assertRaisesRegex(ValueError, words) as raised:
                from_postgres(self.conninfo())
            self.assertNotIn("t0p-secret", str(raised.exception))
            self.rows("DROP VIEW accounts")


class WithoutPsycopg(unittest.TestCase):
    def test_what_to_install_is_said(self) -> None:
        modules = {name: module for name, module in sys.modules.items() if name != postgres.__name__}
        with patch.dict(sys.modules, {**modules, "psycopg": None}, clear=True):
            with self.assertRaisesRegex(ImportError, r"pip install pop3connect\[harvest\]"):
                from_postgres("")


if __name__ == "__main__":
    unittest.main()
