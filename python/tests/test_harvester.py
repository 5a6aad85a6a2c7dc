"""Harvesting: many accounts, polled again and again."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
import unittest
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import pop3connect
from pop3connect import Job, Mailbox, Message, Outcome, Timeout
from pop3connect.aio import Loop
from pop3connect.harvest import Counters, Harvester, HostLimit, Maildir, Poll
from pop3connect.harvest.harvester import name_of

from .support import ServerCase, account_at


class Polling(ServerCase, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        asyncio.get_running_loop().set_debug(False)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.job = Job(self.folder / "book")
        self.maildir = Maildir(self.folder / "mail")

    async def run_until(self, harvester: Harvester, name: str, value: int, **labels: str) -> None:
        """Runs it until a counter has that value."""
        task = asyncio.create_task(harvester.run())
        while harvester.counters.get(name, **labels) < value and not task.done():
            await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def test_each_once(self) -> None:
        polls = [Poll(self.account(f"messages={number} size=300")) for number in range(20)]
        harvester = Harvester(polls, self.maildir.take, self.job)
        for _ in range(2):
            await harvester.once()
        self.assertEqual(len(os.listdir(self.folder / "mail/new")), 190)
        get = harvester.counters.get
        self.assertEqual(get("pop3_messages_taken_total"), 190)
        self.assertEqual(get("pop3_octets_taken_total"), 190 * 300)
        self.assertEqual(get("pop3_polls_total", result="ok"), 40)
        self.assertEqual((get("pop3_accounts"), get("pop3_polls_under_way")), (20, 0))

    async def test_an_account_that_fails_does_not_stop_the_others(self) -> None:
        def take(name: str, message: Message) -> None:
            if message.uid == "uid-2":
                raise OSError("the disk is full")
            self.maildir.take(name, message)

        polls = [
            Poll(self.account("messages=1")),
            Poll(self.account("messages=3")),
            Poll(self.account(user="bob")),
            Poll(self.account("messages=3 bad=2 how=refused")),
        ]
        with self.assertLogs("pop3connect.harvest") as logged:
            harvester = Harvester(polls, take, self.job)
            await harvester.once()
        counters = harvester.counters
        results = {name: counters.get("pop3_polls_total", result=name) for name in ("ok", "OSError", "AuthError")}
        self.assertEqual(results, {"ok": 2, "OSError": 1, "AuthError": 1})
        self.assertEqual(counters.get("pop3_messages_failed_total"), 1)
        self.assertEqual(len(os.listdir(self.folder / "mail/new")), 4)
        self.assertEqual(len(logged.records), 2)

    async def test_what_was_taken_before_an_error_is_counted(self) -> None:
        error = Timeout("no answer")
        error.outcome = Outcome(taken=2, deleted=0, left=1, failed=0, octets=700, reconnects=3)
        harvester = Harvester([Poll(self.account())], self.maildir.take, self.job)
        with patch.object(Loop, "collect", side_effect=error), self.assertLogs("pop3connect.harvest"):
            await harvester.once()
        get = harvester.counters.get
        self.assertEqual(get("pop3_polls_total", result="Timeout"), 1)
        self.assertEqual((get("pop3_messages_taken_total"), get("pop3_reconnects_total")), (2, 3))

    async def test_what_comes_later_is_taken_by_a_later_poll(self) -> None:
        port = self.server.mailbox("messages=3")
        account = account_at(port)
        harvester = Harvester([Poll(account, every=0.02)], self.maildir.take, Job(self.job.book, max_messages=1))
        await self.run_until(harvester, "pop3_messages_taken_total", 3)
        self.assertEqual(len(os.listdir(self.folder / "mail/new")), 3)
        self.assertGreaterEqual(self.server.connections(port), 3)

    async def test_an_account_that_fails_is_asked_less_often(self) -> None:
        every = 0.05
        broken = Harvester([Poll(self.account(user="bob"), every)], self.maildir.take, self.job)
        began = time.monotonic()
        with self.assertLogs("pop3connect.harvest"):
            await self.run_until(broken, "pop3_polls_total", 4, result="AuthError")
        # no sooner than after 2, 4 and 8 intervals
        self.assertGreaterEqual(time.monotonic() - began, 14 * every)

    async def test_a_server_is_not_asked_more_often_than_allowed(self) -> None:
        account = self.account("messages=0")
        polls = [Poll(Mailbox.of(account)) for _ in range(5)]
        began = time.monotonic()
        await Harvester(polls, self.maildir.take, Job(), limit=HostLimit(rate=20)).once()
        self.assertGreaterEqual(time.monotonic() - began, 4 / 20)

    async def test_what_is_being_taken_at_the_end_comes_again(self) -> None:
        account = self.account("messages=3 bad=2 how=endless")
        harvester = Harvester([Poll(account)], self.maildir.take, self.job)
        task = asyncio.create_task(harvester.run())
        while len(os.listdir(self.folder / "mail/new")) < 1:
            await asyncio.sleep(0.01)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertEqual(harvester.counters.get("pop3_polls_under_way"), 0)
        self.assertEqual(harvester.counters.get("pop3_polls_total", result="Cancelled"), 1)

    async def test_counters_may_be_shared(self) -> None:
        counters = Counters()
        counters.counter("other_total", "Another thing.")
        await Harvester([Poll(self.account("messages=2"))], self.maildir.take, self.job, counters=counters).once()
        self.assertIn("\npop3_messages_taken_total 2\n", counters.text())
        self.assertIn('pop3_polls_total{result="ok"} 1\n', counters.text())


class Names(unittest.TestCase):
    def test_user_and_server(self) -> None:
        for account, name in (
            (pop3connect.Account("host:1110", "alice", "s3"), "alice@host:1110"),
            (pop3connect.Account("host", b"j\xc3\xb6rg"), "jörg@host"),
            (pop3connect.Account("host", "admin", authzid="bob"), "bob@host"),
        ):
            self.assertEqual(name_of(account), name)


if __name__ == "__main__":
    unittest.main()
