"""Harvesting: many accounts, polled again and again."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
import unittest
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import pop3connect
from pop3connect import Job, Mailbox, Message, Outcome, Timeout
from pop3connect.aio import Loop
from pop3connect.harvest import Harvester, HostLimit, Maildir, Poll, Polled, Tally
from pop3connect.harvest.harvester import Turn, host_of, latest, name_of

from .support import ServerCase, account_at


class Polling(ServerCase, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        asyncio.get_running_loop().set_debug(False)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.job = Job(self.folder / "book")
        self.maildir = Maildir(self.folder / "mail")

    @asynccontextmanager
    async def running(self, harvester: Harvester) -> AsyncIterator[Callable[[Callable[[], bool]], Awaitable[None]]]:
        """Runs it meanwhile; gives what waits until something holds."""
        task = asyncio.create_task(harvester.run())

        async def until(holds: Callable[[], bool]) -> None:
            while not holds():
                self.assertFalse(task.done(), "it has ended")
                await asyncio.sleep(0.01)

        yield until
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task

    async def test_each_once(self) -> None:
        polls = [Poll(self.account(f"messages={number} size=300")) for number in range(20)]
        harvester = Harvester(polls, self.maildir.take, self.job)
        for _ in range(2):
            await harvester.once()
        self.assertEqual(len(os.listdir(self.folder / "mail/new")), 190)
        self.assertEqual(
            harvester.tally, Tally(accounts=20, polls=Counter({"ok": 40}), taken=190, octets=190 * 300)
        )

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
        self.assertEqual(harvester.tally.polls, {"ok": 2, "OSError": 1, "AuthError": 1})
        self.assertEqual(harvester.tally.failed, 1)
        self.assertEqual(len(os.listdir(self.folder / "mail/new")), 4)
        self.assertEqual(len(logged.records), 2)

    async def test_what_was_taken_before_an_error_is_counted(self) -> None:
        error = Timeout("no answer")
        error.outcome = Outcome(taken=2, deleted=0, left=1, failed=0, octets=700, reconnects=3)
        harvester = Harvester([Poll(self.account())], self.maildir.take, self.job)
        with patch.object(Loop, "collect", side_effect=error), self.assertLogs("pop3connect.harvest"):
            await harvester.once()
        self.assertEqual(harvester.tally.polls, {"Timeout": 1})
        self.assertEqual((harvester.tally.taken, harvester.tally.reconnects), (2, 3))

    async def test_what_comes_later_is_taken_by_a_later_poll(self) -> None:
        port = self.server.mailbox("messages=3")
        job = Job(self.job.book, max_messages=1)
        harvester = Harvester([Poll(account_at(port), every=0.02)], self.maildir.take, job)
        async with self.running(harvester) as until:
            await until(lambda: harvester.tally.taken == 3)
        self.assertEqual(len(os.listdir(self.folder / "mail/new")), 3)
        self.assertGreaterEqual(self.server.connections(port), 3)

    async def test_an_account_that_fails_is_asked_less_often(self) -> None:
        every = 0.05
        broken = Harvester([Poll(self.account(user="bob"), every)], self.maildir.take, self.job)
        began = time.monotonic()
        with self.assertLogs("pop3connect.harvest"):
            async with self.running(broken) as until:
                await until(lambda: broken.tally.polls["AuthError"] == 4)
        # no sooner than after 2, 4 and 8 intervals
        self.assertGreaterEqual(time.monotonic() - began, 14 * every)

    async def test_a_host_is_not_asked_more_often_than_allowed(self) -> None:
        polls = [Poll(self.account("messages=0")) for _ in range(5)]
        began = time.monotonic()
        await Harvester(polls, self.maildir.take, Job(), limit=HostLimit(rate=20)).once()
        self.assertGreaterEqual(time.monotonic() - began, 4 / 20)

    def test_it_runs_again_in_another_loop(self) -> None:
        async def run(count: int) -> None:
            async with self.running(harvester) as until:
                await until(lambda: harvester.tally.polls["ok"] == count)

        polls = [Poll(self.account("messages=0")) for _ in range(3)]
        harvester = Harvester(polls, self.maildir.take, Job(), limit=HostLimit(rate=50))
        # it ends while the host must not be asked
        for count in (1, 3):
            asyncio.run(run(count))

    async def test_others_have_their_part_of_what_a_host_allows(self) -> None:
        polls = [Poll(self.account("messages=0")) for _ in range(3)]
        harvester = Harvester(polls, self.maildir.take, Job(), limit=HostLimit(rate=40))
        harvester.set_in_all({"127.0.0.1": 12, "other": 1})
        began = time.monotonic()
        await harvester.once()
        self.assertGreaterEqual(time.monotonic() - began, 2 / (40 * 3 / 12))

    async def test_what_is_being_taken_at_the_end_comes_again(self) -> None:
        account = self.account("messages=3 bad=2 how=endless")
        harvester = Harvester([Poll(account)], self.maildir.take, self.job)
        async with self.running(harvester) as until:
            await until(lambda: len(os.listdir(self.folder / "mail/new")) == 1)
            self.assertEqual(harvester.tally.under_way, 1)
        self.assertEqual(harvester.tally.under_way, 0)
        self.assertEqual(harvester.tally.polls, {"Cancelled": 1})

    async def test_an_account_is_there_once(self) -> None:
        poll = Poll(self.account())
        with self.assertRaisesRegex(ValueError, "alice@127.0.0.1:.* is there twice"):
            Harvester([poll, poll], self.maildir.take, self.job)

    async def test_accounts_come_and_go_while_it_runs(self) -> None:
        harvester = Harvester([], self.maildir.take, self.job)
        one, two = self.account("messages=1"), self.account("messages=2")
        async with self.running(harvester) as until:
            harvester.own(Turn(Poll(one)))
            await until(lambda: harvester.tally.taken == 1)
            # it waits for its next poll
            harvester.leave(name_of(one))
            await until(lambda: not harvester.owns(name_of(one)))
            harvester.own(Turn(Poll(two)))
            await until(lambda: harvester.tally.taken == 3)
            self.assertEqual(harvester.tally.accounts, 1)
        self.assertEqual(harvester.tally.polls, {"ok": 2})

    async def test_a_poll_under_way_ends_before_its_account_is_given_up(self) -> None:
        def take(name: str, message: Message) -> None:
            harvester.leave(name)
            owned.append(harvester.owns(name))

        owned: list[bool] = []
        account = self.account("messages=3")
        harvester = Harvester([Poll(account, every=0.001)], take, self.job)
        async with self.running(harvester) as until:
            await until(lambda: not harvester.owns(name_of(account)))
        self.assertEqual((harvester.tally.polls, owned), ({"ok": 1}, [True] * 3))

    async def test_when_it_is_due(self) -> None:
        late, now = self.account("messages=1"), self.account("messages=1")
        harvester = Harvester([], self.maildir.take, self.job)
        harvester.own(Turn(Poll(late), due_in=1e9))
        harvester.own(Turn(Poll(now)))
        async with self.running(harvester) as until:
            await until(lambda: harvester.tally.taken == 1)
            await asyncio.sleep(0.05)
        self.assertEqual(harvester.tally.polls, {"ok": 1})
        self.assertEqual(self.server.connections(int(late.server.rpartition(":")[2])), 0)

    async def test_an_error_of_the_program_ends_it(self) -> None:
        def on_polled(polled: Polled) -> None:
            raise ZeroDivisionError

        harvester = Harvester([Poll(self.account())], self.maildir.take, self.job, on_polled=on_polled)
        with self.assertRaises(ZeroDivisionError):
            await harvester.run()

    async def test_status(self) -> None:
        good, bad = self.account("messages=1"), self.account(user="bob")
        harvester = Harvester([Poll(good), Poll(bad)], self.maildir.take, self.job)
        with self.assertLogs("pop3connect.harvest"):
            await harvester.once()
        status = harvester.status()
        self.assertEqual(status.tally.polls, {"ok": 1, "AuthError": 1})
        (failure,) = status.failures
        self.assertEqual((failure.account, failure.result), (name_of(bad), "AuthError"))
        self.assertLess(abs(time.time() - failure.began), 60)
        harvester.leave(name_of(bad))
        self.assertEqual((harvester.status().failing, list(harvester.status().failures)), (0, []))

    def test_which_failures_are_told(self) -> None:
        failures = {str(number): Polled(str(number), "Timeout", number, 0) for number in range(150)}
        self.assertEqual([polled.account for polled in latest(failures)], [str(149 - number) for number in range(100)])


class Names(unittest.TestCase):
    def test_user_and_server(self) -> None:
        for account, name in (
            (pop3connect.Account("host:1110", "alice", "s3"), "alice@host:1110"),
            (pop3connect.Account("host", b"j\xc3\xb6rg"), "jörg@host"),
            (pop3connect.Account("host", "admin", authzid="bob"), "bob@host"),
        ):
            self.assertEqual(name_of(account), name)

    def test_host(self) -> None:
        for server, host in (
            ("Pop.Example.com:995", "pop.example.com"),
            ("pop.example.com.", "pop.example.com"),
            ("127.0.0.1:1110", "127.0.0.1"),
            ("[::1]:110", "::1"),
            ("::1", "::1"),
        ):
            self.assertEqual(host_of(pop3connect.Account(server)), host)


if __name__ == "__main__":
    unittest.main()
