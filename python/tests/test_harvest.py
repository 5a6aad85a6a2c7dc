"""What harvesting stands on: accounts, sinks, limits."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sqlite3
import tempfile
import threading
import time
import unittest
from collections import Counter
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

from pop3connect import Account, Job, Message, collect
from pop3connect.harvest import Folder, HostLimit, Maildir, Poll, accounts, from_csv, from_sqlite
from pop3connect.harvest.limits import Places

from .support import ServerCase


class FolderCase(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)


class Accounts(FolderCase):
    def csv(self, text: str) -> Path:
        path = self.folder / "accounts.csv"
        path.write_text(text, encoding="utf-8")
        return path

    def test_each_option_is_a_column(self) -> None:
        options = {field.name for field in dataclasses.fields(Account)} - {"on_status", "on_progress"}
        self.assertEqual(set(accounts._OPTIONS) - {"every", "client_key"}, options)

    def test_csv(self) -> None:
        path = self.csv(
            "server,user,password,secure,verify,reply_timeout,every,max_message\n"
            'pop.a.test,alice,"p, ""w""",starttls,no,2.5,60,1000\n'
            "pop.b.test:1110,jörg,x,,,,,\n"
        )
        one = Account(
            "pop.a.test", "alice", 'p, "w"', secure="starttls", verify=False, reply_timeout=2.5, max_message=1000
        )
        self.assertEqual(from_csv(path), [Poll(one, 60), Poll(Account("pop.b.test:1110", "jörg", "x"), 300)])
        self.assertEqual([poll.every for poll in from_csv(path, every=10)], [60, 10])

    def test_a_byte_order_mark_is_passed_over(self) -> None:
        path = self.csv("\ufeffserver,user\npop.a.test,alice\n")
        self.assertEqual(from_csv(path), [Poll(Account("pop.a.test", "alice"))])

    def test_what_is_wrong_is_told_with_its_line_and_without_the_password(self) -> None:
        for text, words in (
            ("server,usr\n", "no option of an account has the name usr"),
            ("server,password\nhost,t0p-secret\nhost\n", "line 3: there are more values than columns, or fewer"),
            ("server,password\nhost,t0p-secret,more\n", "line 2: there are more values than columns, or fewer"),
            ("server,password,verify\nhost,t0p-secret,perhaps\n", "line 2: 'perhaps' is neither yes nor no"),
            ("server,password,secure\nhost,t0p-secret,ssl\n", "line 2: secure is 'ssl'"),
            ("server,password,every\nhost,t0p-secret,0\n", "line 2: every is 0"),
            ("server,password,every\nhost,t0p-secret,soon\n", "line 2: could not convert"),
            ("server,password\n,t0p-secret\n", "line 2: there is no server"),
            ("server,password,client_cert\nhost,t0p-secret,file\n", "line 2: "),
        ):
            with self.subTest(text), self.assertRaisesRegex(ValueError, words) as raised:
                from_csv(self.csv(text))
            self.assertNotIn("t0p-secret", str(raised.exception))

    def test_sqlite(self) -> None:
        path = self.folder / "a?b#c%41.db"
        self.assertRaises(sqlite3.Error, from_sqlite, path)
        self.assertFalse(path.exists())
        with closing(sqlite3.connect(path)) as database, database:
            database.execute('CREATE TABLE "my mail" (server, user, password, verify, every, client_cert, client_key)')
            database.execute("INSERT INTO \"my mail\" VALUES ('pop.a.test', 'alice', 'x', 0, 60, 'c.pem', 'k.pem')")
            database.execute("INSERT INTO \"my mail\" (server) VALUES ('pop.b.test')")
        one = Account("pop.a.test", "alice", "x", verify=False, client_cert=("c.pem", "k.pem"))
        self.assertEqual(from_sqlite(path, "my mail"), [Poll(one, 60), Poll(Account("pop.b.test"))])
        self.assertRaises(sqlite3.Error, from_sqlite, path)
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("INSERT INTO \"my mail\" (server, every) VALUES ('pop.c.test', -1)")
        with self.assertRaisesRegex(ValueError, "row 3: every is -1"):
            from_sqlite(path, "my mail")


class Sinks(FolderCase):
    def test_maildir(self) -> None:
        maildir = Maildir(self.folder / "mail")
        message = Message(1, b"Subject: one\r\n\r\n", "uid-1")
        path = maildir.take("alice@host", message)
        self.assertEqual(path.parent, self.folder / "mail/new")
        self.assertEqual(path.read_bytes(), message.data)
        self.assertEqual(sorted(os.listdir(self.folder / "mail")), ["cur", "new", "tmp"])
        self.assertEqual(os.listdir(self.folder / "mail/tmp"), [])

    def test_a_message_that_comes_again_takes_its_own_place(self) -> None:
        for sink in Maildir(self.folder / "mail"), Folder(self.folder / "folder"):
            one = Message(1, b"one", "uid-1")
            same = {sink.take("alice@host", one), sink.take("alice@host", Message(7, b"one", "uid-1"))}
            self.assertEqual(len(same), 1)
            others = {
                sink.take("bob@host", one),
                sink.take("alice@host", Message(1, b"one", "uid-2")),
                sink.take("alice@host", Message(1, b"two", "uid-1")),
                sink.take("alice@hostuid-1", Message(1, b"one", "")),
            }
            self.assertEqual(len(same | others), 5)

    def test_folders_are_made_and_their_names_are_on_the_disk(self) -> None:
        synced: list[str] = []
        sync = os.fsync

        def note_sync(descriptor: int) -> None:
            synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
            sync(descriptor)

        with patch("os.fsync", note_sync):
            Maildir(self.folder / "a/b")
            Folder(self.folder / "a/c")
        self.assertEqual(synced, [str(self.folder / name) for name in (".", "a", "a/b", "a/b", "a/b", "a")])

    def test_nobody_else_can_read_them(self) -> None:
        before = os.umask(0)
        try:
            path = Maildir(self.folder / "mail").take("alice@host", Message(1, b"one", "uid-1"))
        finally:
            os.umask(before)
        modes = [place.stat().st_mode & 0o777 for place in (path, path.parent, path.parent.parent)]
        self.assertEqual(modes, [0o600, 0o700, 0o700])

    def test_what_others_are_writing_is_left_alone(self) -> None:
        maildir = Maildir(self.folder)
        # as in containers, where all processes have one number
        with patch("os.getpid", return_value=1), patch("secrets.token_hex", return_value="0"):
            other = self.folder / f"tmp/{maildir.take('a', Message(1, b'one', 'uid')).name}.1-0"
            (self.folder / "new" / other.name.partition(".1-0")[0]).unlink()
            other.write_bytes(b"on")
            self.assertRaises(FileExistsError, maildir.take, "a", Message(1, b"one", "uid"))
        self.assertEqual(other.read_bytes(), b"on")
        maildir.take("a", Message(1, b"one", "uid"))

    def test_what_is_not_whole_has_no_name(self) -> None:
        maildir = Maildir(self.folder)
        with patch("os.fsync", side_effect=OSError("full")), self.assertRaisesRegex(OSError, "full"):
            maildir.take("alice@host", Message(1, b"one", "uid-1"))
        self.assertEqual((os.listdir(self.folder / "new"), os.listdir(self.folder / "tmp")), ([], []))

    def test_it_is_on_the_disk_before_it_has_its_name_and_the_name_after(self) -> None:
        maildir = Maildir(self.folder)
        steps: list[str] = []
        replace, sync = os.replace, os.fsync

        def note_sync(descriptor: int) -> None:
            kind = "folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file"
            size = os.fstat(descriptor).st_size if kind == "file" else 3
            steps.append(f"sync {kind} {size}")
            sync(descriptor)

        def note_replace(begun: Path, whole: Path) -> None:
            steps.append("name")
            replace(begun, whole)

        with patch("os.fsync", note_sync), patch("os.replace", note_replace):
            maildir.take("alice@host", Message(1, b"one", "uid-1"))
            self.assertEqual(steps, ["sync file 3", "name", "sync folder 3"])
            # one that has its name may not have it on the disk
            maildir.take("alice@host", Message(1, b"one", "uid-1"))
        self.assertEqual(steps, ["sync file 3", "name", "sync folder 3", "sync folder 3"])

    def test_many_threads(self) -> None:
        maildir = Maildir(self.folder)

        def take() -> None:
            for number in range(20):
                maildir.take("alice@host", Message(number, b"x" * number, f"uid-{number}"))

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sizes = sorted(file.stat().st_size for file in (self.folder / "new").iterdir())
        self.assertEqual(sizes, list(range(20)))
        self.assertEqual(os.listdir(self.folder / "tmp"), [])


class Collected(ServerCase):
    def test_into_a_maildir(self) -> None:
        account = self.account("messages=3 size=300")
        with tempfile.TemporaryDirectory() as folder:
            maildir = Maildir(Path(folder) / "mail")
            for _ in range(2):
                collect(account, lambda message: maildir.take("alice@host", message), Job(Path(folder) / "book"))
            files = list((Path(folder) / "mail/new").iterdir())
            self.assertEqual([file.stat().st_size for file in files], [300] * 3)


class Limits(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 100.0

    def limit(self, rate: float, burst: int = 1) -> HostLimit:
        return HostLimit(rate, burst, lambda: self.now)

    def begins(self, limit: HostLimit, count: int, host: str = "a", share: float = 1.0) -> list[float]:
        """When polls begin that come all at once, each as soon as it may."""
        began = self.now
        begins = []
        for _ in range(count):
            self.now += limit.wait(host, share)
            self.assertEqual(limit.wait(host, share), 0)
            limit.begin(host, share)
            begins.append(self.now - began)
        return begins

    def test_evenly(self) -> None:
        limit = self.limit(2)
        self.assertEqual(self.begins(limit, 4), [0, 0.5, 1, 1.5])
        self.assertEqual(limit.wait("b"), 0)
        self.now += 0.75
        self.assertEqual(self.begins(limit, 2), [0, 0.5])

    def test_a_burst_first(self) -> None:
        limit = self.limit(2, burst=3)
        self.assertEqual(self.begins(limit, 5), [0, 0, 0, 0.5, 1])
        self.now += 100
        self.assertEqual(self.begins(limit, 4), [0, 0, 0, 0.5])

    def test_never_more_than_the_rate(self) -> None:
        limit = self.limit(10, burst=5)
        polls: list[float] = []
        for _ in range(300):
            self.now += 0.03
            if limit.wait("a") == 0:
                limit.begin("a")
                polls.append(self.now)
        self.assertGreater(len(polls), 80)
        for begin in polls:
            self.assertLessEqual(sum(begin <= poll < begin + 1 for poll in polls), 10 + 5)

    def test_a_part_of_what_a_host_allows(self) -> None:
        limit = self.limit(2, burst=4)
        self.assertEqual(self.begins(limit, 4, "a", 0.5), [0, 0, 1, 2])
        # one at once there may always be
        self.assertEqual(self.begins(limit, 3, "b", 0.125), [0, 4, 8])

    def test_hosts_are_forgotten(self) -> None:
        limit = self.limit(1)
        for number in range(5000):
            self.now += 0.0001
            limit.begin(str(number))
        self.now += 1.1
        limit.begin("kept")
        for number in range(20_000):
            self.now += 0.00001
            limit.begin(f"other {number}")
        self.assertGreater(limit.wait("kept"), 0)
        self.assertLess(len(limit._next), 23_000)
        self.assertNotIn("1", limit._next)

    def test_what_is_wrong(self) -> None:
        self.assertRaises(ValueError, HostLimit, 0)
        self.assertRaises(ValueError, HostLimit, 1, 0)


class HavePlaces(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.now = 100.0
        self.under_way: Counter[str] = Counter()
        self.begun: list[str] = []
        self.go_on = asyncio.Semaphore(0)
        self.tasks: list[asyncio.Task[None]] = []

    async def begin(self, places: Places, *hosts: str) -> None:
        async def poll(host: str) -> None:
            async with places.place(host):
                self.under_way[host] += 1
                self.begun.append(host)
                try:
                    await self.go_on.acquire()
                finally:
                    self.under_way[host] -= 1

        self.tasks += [asyncio.create_task(poll(host)) for host in hosts]
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def end(self, count: int = 1) -> None:
        for _ in range(count):
            self.go_on.release()
            await self.settle()

    async def test_both_limits(self) -> None:
        places = Places(3, 2)
        await self.begin(places, *"aaaabbb")
        self.assertEqual((places.taken, self.under_way), (3, {"a": 2, "b": 1}))
        await self.end()
        self.assertEqual((places.taken, sum(self.under_way.values())), (3, 3))
        await self.end(6)
        self.assertEqual((places.taken, sorted(self.begun)), (0, list("aaaabbb")))
        self.assertEqual((places._waiting, places._of_host, places._turns), ({}, {}, {}))

    async def test_hosts_take_turns(self) -> None:
        places = Places(1, 0)
        await self.begin(places, *"aaaabbc")
        await self.end(7)
        self.assertEqual("".join(self.begun), "aabcaba")

    async def test_one_that_waits_may_be_cancelled(self) -> None:
        places = Places(1, 1)
        await self.begin(places, *"aab")
        self.tasks[1].cancel()
        await self.end()
        self.assertEqual((self.begun, places.taken), (["a", "b"], 1))
        await self.end()
        self.assertEqual((places.taken, places._waiting), (0, {}))

    async def test_one_that_has_just_been_given_a_place_may_be_cancelled(self) -> None:
        places = Places(1, 1)
        await self.begin(places, "a", "a", "a")
        self.tasks[0].cancel()
        await asyncio.sleep(0)  # it leaves, and its place is given
        self.tasks[1].cancel()
        await self.settle()
        self.assertEqual((self.begun, places.taken), (["a", "a"], 1))

    async def test_how_often_a_host_is_asked_counts_when_polls_begin(self) -> None:
        places = Places(4, 0, HostLimit(1, clock=lambda: self.now))
        await self.begin(places, *"aab")
        self.assertEqual(self.begun, ["a", "b"])
        self.tasks[1].cancel()  # it waits for its turn, which the next one has then
        await self.begin(places, "a", "a")
        self.assertEqual((self.begun, len(places._resting)), (["a", "b"], 1))
        self.now += 100  # as though the loop had stood still
        places._resting.pop("a").cancel()
        places._take_turn("a")
        await self.settle()
        self.assertEqual(self.begun, ["a", "b", "a"])

    async def test_a_host_that_rests_has_its_turn_again(self) -> None:
        places = Places(0, 0, HostLimit(100), lambda host: 0.5)
        began = time.monotonic()
        await self.begin(places, *"aaab")
        self.assertEqual(self.begun, ["a", "b"])
        while len(self.begun) < 4:
            await asyncio.sleep(0.001)
        self.assertGreaterEqual(time.monotonic() - began, 2 / (100 * 0.5))

    def test_what_is_wrong(self) -> None:
        self.assertRaises(ValueError, Places, -1, 0)
        self.assertRaises(ValueError, Places, 0, -1)

    async def test_limits_may_change(self) -> None:
        places = Places(1, 1)
        await self.begin(places, *"aaabbb")
        places.set_limits(0, 2)
        await self.settle()
        self.assertEqual(self.under_way, {"a": 2, "b": 2})
        places.set_limits(0, 3)
        await self.settle()
        self.assertEqual(self.under_way, {"a": 3, "b": 3})
        places.set_limits(1, 1)
        await self.end(5)
        self.assertEqual(places.taken, 1)

    async def test_hosts_keep_their_turns_when_limits_change(self) -> None:
        places = Places(1, 0)
        await self.begin(places, *"aaaabbc")
        for number in range(7):
            places.set_limits(1 + number % 2, 0)
            places.set_limits(1, 0)
            await self.end()
        self.assertLess(self.begun.index("c"), 5)

    async def asyncTearDown(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


if __name__ == "__main__":
    unittest.main()
