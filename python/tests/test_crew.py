"""Harvesting by several workers: who owns what, and what becomes of it when a worker is lost."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import sys
import tempfile
import time
import types
import unittest
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pop3connect import Job, Message
from pop3connect.harvest import Books, Crew, HostLimit, Poll, Polled
from pop3connect.harvest.crew import _Hand, _Mailbox
from pop3connect.harvest.harvester import Turn, name_of
from pop3connect.harvest.member import LeaseOver, Member, Order, Packed, Report, Setting
from pop3connect.harvest.postgres import PostgresBook

from .postgres import PostgresCase
from .recorder import Recorder
from .support import ServerCase
from .workers import workers

#: Longer than anything here takes, so that no lease ends where none is lost.
LONG = 60.0
#: How many polls of each real worker are under way at the most.
EACH = 4


class Case(ServerCase, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        asyncio.get_running_loop().set_debug(False)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.recorder = Recorder(Path(folder.name))
        self.job = Job(Path(folder.name) / "book")

    def setting(self, **more: Any) -> Setting:
        return replace(Setting(self.recorder.take, self.job, None, None, 1, LONG), **more)

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await asyncio.sleep(0.01)


class Members(Case):
    """A member by itself."""

    async def hear(self, member: Member, holds: Callable[[Report], bool], order: Order = Order()) -> Report:
        """Asks for reports until one says what is waited for."""
        while not holds(report := member.exchange(order)):
            order = Order()
            await asyncio.sleep(0.01)
        return report

    def member(self, setting: Setting) -> Member:
        member = Member(setting)
        self.addCleanup(member.end)
        return member

    async def test_it_polls_what_it_owns_and_reports_each_poll_once(self) -> None:
        polls = [Poll(self.account(f"messages={number}"), every=1e9) for number in range(3)]
        member = self.member(self.setting())
        reports: list[Report] = []

        def all_polled(report: Report) -> bool:
            reports.append(report)
            return sum(len(report.polled) for report in reports) == 3

        await self.hear(member, all_polled, Order([Turn(poll) for poll in polls]))
        reports += [member.exchange(Order()), member.end()]
        taken = {polled.account: polled.outcome.taken for report in reports for polled in report.polled if polled.outcome}
        self.assertEqual(taken, {name_of(poll.account): number for number, poll in enumerate(polls)})
        self.assertEqual([report.is_over for report in reports[-2:]], [False, True])
        self.assertEqual([report.why for report in reports], [""] * len(reports))
        # after its end it does nothing more
        self.assertTrue(member.exchange(Order([Turn(polls[0])])).is_over)

    async def test_it_says_when_it_has_given_an_account_up(self) -> None:
        reached = self.recorder.folder / "reached"
        go_on = self.recorder.folder / "go-on"

        def take(name: str, message: Message) -> None:
            reached.touch()
            while not go_on.exists():
                time.sleep(0.01)

        busy, idle = self.account("messages=1"), self.account("messages=0")
        member = self.member(self.setting(take=take))
        await self.hear(member, lambda report: bool(report.polled), Order([Turn(Poll(idle))]))
        member.exchange(Order([Turn(Poll(busy))]))
        await self.until(reached.exists)
        # its thread is in `take`: nothing can be given up before that returns
        member.exchange(Order(leave=[name_of(busy), name_of(idle)]))
        self.assertEqual(member.exchange(Order()).left, [])
        go_on.touch()
        left: list[str] = []

        def both_left(report: Report) -> bool:
            left.extend(report.left)
            return len(left) == 2

        last = await self.hear(member, both_left)
        self.assertEqual(sorted(left), sorted([name_of(busy), name_of(idle)]))
        self.assertEqual(last.under_way, 0)

    async def test_without_orders_it_stops_when_its_lease_is_over(self) -> None:
        account = self.account("messages=1")
        member = self.member(self.setting(lease=0.2))
        member._thread.join(LONG)
        self.assertFalse(member._thread.is_alive())
        report = member.exchange(Order([Turn(Poll(account))]))
        self.assertTrue(report.is_over)
        self.assertIn("nothing was heard", report.why)
        self.assertEqual(self.recorder.all_takes(), [])

    async def test_orders_keep_the_lease(self) -> None:
        member = self.member(self.setting(lease=2.0))
        began = time.monotonic()
        while time.monotonic() < began + 3:
            self.assertFalse(member.exchange(Order()).is_over)
            await asyncio.sleep(0.05)

    async def test_the_lease_begins_when_the_report_was_made_that_arrived(self) -> None:
        member = self.member(self.setting())
        member.exchange(Order())
        reported = member._reported
        await asyncio.sleep(0.05)
        member.exchange(Order())
        self.assertEqual(member._until, reported + LONG)

    async def test_a_message_that_comes_when_the_lease_is_over_is_not_taken(self) -> None:
        member = self.member(self.setting())
        member.exchange(Order())
        # as though the process had stood still
        member._until = time.monotonic() - 1
        self.assertRaises(LeaseOver, member._take, "alice@host", Message(1, b"", "uid"))
        self.assertEqual(self.recorder.all_takes(), [])

    async def test_an_order_that_cannot_be_carried_out_breaks_it(self) -> None:
        member = self.member(self.setting())
        member.exchange(Order(at_once=-1, leave=["alice@host"]))
        report = await self.hear(member, lambda report: report.is_over)
        self.assertIn("at_once is -1", report.why)

    async def test_the_last_poll_of_what_was_left_is_told_with_that(self) -> None:
        member = self.member(self.setting())
        name = "alice@host"

        def owns(name: str) -> bool:
            # a poll ends at this moment
            member._polled.append(Polled(name, "ok", 0, 0))
            return False

        member._leaving[name] = 0
        with patch.object(member._harvester, "owns", owns):
            report = member.exchange(Order())
        self.assertEqual((report.left, [polled.account for polled in report.polled]), ([name], [name]))

    async def test_what_breaks_it_is_told(self) -> None:
        member = self.member(self.setting(rate=1.0))
        with patch.object(HostLimit, "wait", side_effect=ZeroDivisionError("nothing")):
            report = await self.hear(member, lambda report: report.is_over, Order([Turn(Poll(self.account()))]))
        self.assertEqual(report.why, "ZeroDivisionError: nothing")


class Worker:
    """A worker of a cluster that is none: its members are here."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.orders: list[Order] = []
        #: Whether it cannot be reached, though the scheduler takes it for alive.
        self.is_cut_off = False


class Cluster:
    """As much of a distributed.Client as a crew uses."""

    def __init__(self, *addresses: str) -> None:
        self.workers = {address: Worker() for address in addresses}
        #: Is called before each order is carried out.
        self.on_order: Callable[[Worker, Order], object] = lambda worker, order: None
        #: What each report waits for.
        self.reports = asyncio.Event()
        self.reports.set()
        self.asked = 0

    async def nthreads(self) -> dict[str, int]:
        self.asked += 1
        return dict.fromkeys(self.workers, 1)

    async def submit(self, kind: type[Member], setting: Packed, *, workers: list[str], **_: Any) -> Actor:
        worker = self.workers[workers[0]]
        if worker.is_cut_off:
            await asyncio.Event().wait()
        worker.members.append(kind(setting))
        return Actor(self, worker, worker.members[-1])

    def members(self) -> list[Member]:
        return [member for worker in self.workers.values() for member in worker.members]


class Actor:
    def __init__(self, cluster: Cluster, worker: Worker, member: Member) -> None:
        self._cluster = cluster
        self._worker = worker
        self._member = member

    async def exchange(self, order: Order) -> Report:
        await self._reach()
        self._cluster.on_order(self._worker, order)
        self._worker.orders.append(order)
        report = self._member.exchange(order)
        await self._cluster.reports.wait()
        return report

    async def end(self) -> Report:
        await self._reach()
        return await asyncio.to_thread(self._member.end)

    async def _reach(self) -> None:
        if self._worker not in self._cluster.workers.values():
            raise OSError("the worker is dead")
        if self._worker.is_cut_off:
            await asyncio.Event().wait()


class Crews(Case):
    """A crew whose workers are here."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        at_once = patch("pop3connect.harvest.crew.START", 0.0)
        at_once.start()
        self.addCleanup(at_once.stop)

    def crew(self, cluster: Cluster, polls: list[Poll], **more: Any) -> Crew:
        self.addCleanup(lambda: [member.end() for member in cluster.members()])
        crew = Crew(cluster, polls, self.recorder.take, self.job, **{"lease": LONG, **more})
        crew._beat = 0.01
        return crew

    def polls(self, count: int, options: str = "messages=1", every: float = 1e9) -> list[Poll]:
        return [Poll(self.account(options), every) for _ in range(count)]

    @asynccontextmanager
    async def running(self, crew: Crew) -> AsyncIterator[Callable[[Callable[[], bool]], Awaitable[None]]]:
        """Runs it meanwhile; gives what waits until something holds."""
        task = asyncio.create_task(crew.run())

        async def until(holds: Callable[[], bool]) -> None:
            while not holds():
                self.assertFalse(task.done(), "it has ended")
                await asyncio.sleep(0.01)

        with quiet():
            yield until
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

    def owned(self, crew: Crew) -> list[int]:
        return sorted(worker.accounts for worker in crew.status().workers)

    async def test_each_once(self) -> None:
        cluster = Cluster("a", "b", "c")
        polls = self.polls(10)
        crew = self.crew(cluster, polls)
        await crew.once()
        self.assertEqual(sorted(self.recorder.all_takes()), sorted(f"{name_of(poll.account)} uid-1" for poll in polls))
        tally = crew.status().tally
        self.assertEqual((tally.accounts, tally.under_way, tally.polls, tally.taken), (10, 0, {"ok": 10}, 10))
        self.assertEqual(sorted(len(worker.orders[0].own) for worker in cluster.workers.values()), [3, 3, 4])
        await crew.once()
        self.assertEqual((crew.status().tally.polls, self.recorder.whole()), ({"ok": 20}, 10))

    async def test_accounts_are_spread_anew_where_workers_join(self) -> None:
        cluster = Cluster("a")
        polls = self.polls(9, every=0.01)
        crew = self.crew(cluster, polls)
        cluster.on_order = lambda worker, order: self.assert_one_owner(cluster, polls)
        async with self.running(crew) as until:
            await until(lambda: self.owned(crew) == [9])
            cluster.workers.update(b=Worker(), c=Worker())
            await until(lambda: self.owned(crew) == [3, 3, 3])
            await until(lambda: all(self.owned_by(member, polls) == 3 for member in cluster.members()))
        self.assertEqual(self.recorder.whole(), 9)

    def owned_by(self, member: Member, polls: list[Poll]) -> int:
        return sum(member._harvester.owns(name_of(poll.account)) for poll in polls)

    def assert_one_owner(self, cluster: Cluster, polls: list[Poll]) -> None:
        for poll in polls:
            name = name_of(poll.account)
            self.assertLessEqual(sum(member._harvester.owns(name) for member in cluster.members()), 1)

    async def test_accounts_of_a_lost_worker_wait_until_its_lease_is_over(self) -> None:
        cluster = Cluster("a", "b")
        polls = self.polls(4, every=0.01)
        crew = self.crew(cluster, polls, lease=1.0)
        lost = cluster.workers["a"]
        moved: list[bool] = []

        def on_order(worker: Worker, order: Order) -> None:
            if lost.is_cut_off and order.own:
                # from then on it takes nothing more
                moved.append(time.monotonic() > lost.members[0]._until)

        cluster.on_order = on_order
        async with self.running(crew) as until:
            await until(lambda: self.owned(crew) == [2, 2])
            lost.is_cut_off = True
            await until(lambda: self.owned(crew) == [4])
            await until(lambda: bool(moved))
        self.assertEqual(moved, [True] * len(moved))

    async def test_a_worker_that_is_gone_is_not_waited_for_but_for_its_lease(self) -> None:
        cluster = Cluster("a", "b")
        crew = self.crew(cluster, self.polls(4, every=0.01), lease=1.0)
        async with self.running(crew) as until:
            await until(lambda: self.owned(crew) == [2, 2])
            del cluster.workers["a"]
            await until(lambda: self.owned(crew) == [4])

    async def test_a_member_that_is_over_has_no_lease(self) -> None:
        cluster = Cluster("a")
        crew = self.crew(cluster, self.polls(4))
        async with self.running(crew) as until:
            await until(lambda: crew.status().tally.polls["ok"] == 4)
            cluster.workers["a"].members[0].end()
            await until(lambda: len(cluster.workers["a"].members) == 2 and self.owned(crew) == [4])

    async def test_what_is_not_due_is_not_polled_by_the_next_owner(self) -> None:
        cluster = Cluster("a")
        crew = self.crew(cluster, self.polls(4))
        async with self.running(crew) as until:
            await until(lambda: crew.status().tally.polls["ok"] == 4)
            cluster.workers["b"] = worker = Worker()
            await until(lambda: self.owned(crew) == [2, 2] and len(worker.orders) > 10)
        self.assertEqual(crew.status().tally.polls, {"ok": 4})
        self.assertTrue(all(turn.due_in > 1e8 for order in worker.orders for turn in order.own))

    async def test_what_was_polled_once_is_not_polled_by_the_next_owner(self) -> None:
        cluster = Cluster("a")
        quick = self.polls(3)
        slow = Poll(self.account("messages=1 bad=1 how=endless"))
        crew = self.crew(cluster, [*quick, slow], lease=1.0)
        with quiet():
            once = asyncio.create_task(crew.once())
            await self.until(lambda: once.done() or crew.status().tally.polls["ok"] == 3)
            cluster.workers = {"b": Worker()}
            await self.until(lambda: once.done() or self.owned(crew) == [4])
            orders = cluster.workers["b"].orders
            await self.until(lambda: once.done() or any(order.own for order in orders))
            once.cancel()
            await asyncio.gather(once, return_exceptions=True)
        due = {name_of(turn.poll.account): turn.due_in for order in orders for turn in order.own}
        self.assertEqual(due, {**{name_of(poll.account): math.inf for poll in quick}, name_of(slow.account): 0})

    async def test_an_account_that_does_well_again_fails_no_more(self) -> None:
        poll = Poll(self.account())
        crew = self.crew(Cluster("a"), [poll])
        name = name_of(poll.account)
        for result, failing in (("Timeout", 1), ("Timeout", 1), ("ok", 0)):
            report = Report([Polled(name, result, 0, 0)], [], 0, False)
            crew._hear(_Hand("a", None, {}), report)
            self.assertEqual((crew.status().failing, len(list(crew.status().failures))), (failing, failing))
        # of one that is not polled any more nothing is kept
        crew._hear(_Hand("a", None, {}), Report([Polled("other", "Timeout", 0, 0)], [], 0, False))
        self.assertEqual(crew.status().failing, 0)

    async def test_the_next_owner_asks_an_account_that_fails_less_often_too(self) -> None:
        mailbox = _Mailbox("alice@host")
        mailbox.change(Poll(self.account(), every=100))
        for result, factor in (("Timeout", 2), ("Timeout", 4), ("ok", 1)):
            mailbox.note(Polled("alice@host", result, 0, 10.0))
            turn = mailbox.turn(time.monotonic())
            self.assertEqual(turn.factor, factor)
            self.assertAlmostEqual(turn.due_in, 100 * factor - 10, delta=60)

    async def test_failures_are_told_and_forgotten(self) -> None:
        cluster = Cluster("a")
        bad = Poll(self.account("messages=1", user="bob"), every=1e6)
        crew = self.crew(cluster, [bad])
        async with self.running(crew) as until:
            await until(lambda: crew.status().tally.polls["AuthError"] == 1)
            self.assertEqual([polled.account for polled in crew.status().failures], [name_of(bad.account)])
            crew.update([Poll(self.account("messages=1"))])
            await until(lambda: crew.status().tally.polls["ok"] == 1 and not crew.status().failures)

    async def test_update(self) -> None:
        cluster = Cluster("a", "b")
        one, two, three = self.polls(3)
        crew = self.crew(cluster, [one, two])
        taken = crew.status
        async with self.running(crew) as until:
            await until(lambda: taken().tally.polls["ok"] == 2)
            crew.update([two, three])
            await until(lambda: taken().tally.polls["ok"] == 3 and taken().tally.accounts == 2)
            self.assertEqual(self.owned(crew), [1, 1])
            # with other options it is polled anew
            crew.update([two, replace(three, account=replace(three.account, user="bob"))])
            await until(lambda: taken().tally.polls["AuthError"] == 1)
            crew.update([replace(two, every=1.0), three])
            await until(lambda: taken().tally.polls["ok"] == 5)
            crew.update([])
            await until(lambda: self.owned(crew) == [0, 0] and taken().tally.accounts == 0)
        self.assertEqual(self.recorder.whole(), 3)
        self.assertRaises(ValueError, crew.update, [one, one])

    async def test_limits_are_for_all_workers_together(self) -> None:
        cluster = Cluster("a", "b")
        polls = self.polls(4)
        crew = self.crew(cluster, polls, limit=HostLimit(7, burst=3), at_once=9, at_once_each_host=5)
        async with self.running(crew) as until:
            await until(lambda: crew.status().tally.polls["ok"] == 4)
            crew.update(polls[:3])
            await until(lambda: self.owned(crew) == [1, 2])
        for worker in cluster.workers.values():
            in_all = [order.in_all["127.0.0.1"] for order in worker.orders if order.in_all]
            self.assertEqual(in_all, [4, 3])
            self.assertEqual({order.at_once for order in worker.orders}, {9})
            self.assertEqual(worker.orders[-1].at_once_each_host, 2)
            limit = worker.members[0]._harvester._places._limit
            assert limit is not None
            self.assertEqual((limit.rate, limit.burst), (7, 3))
            self.assertEqual(worker.members[0]._harvester._in_all, {"127.0.0.1": 3})
        unlimited = self.crew(cluster, polls, at_once_each_host=0)
        self.assertEqual(unlimited._limits()[1], 0)

    async def test_where_a_worker_joins_it_has_something_to_do(self) -> None:
        cluster = Cluster("a", "b")
        crew = self.crew(cluster, self.polls(4))
        async with self.running(crew) as until:
            await until(lambda: self.owned(crew) == [2, 2])
            cluster.workers.update(c=Worker())
            await asyncio.wait_for(until(lambda: self.owned(crew) == [1, 1, 2]), LONG)

    async def test_many_accounts_are_given_in_parts(self) -> None:
        cluster = Cluster("a")
        polls = self.polls(7, "messages=0", every=0.01)
        with patch("pop3connect.harvest.crew.MOST", 3):
            crew = self.crew(cluster, polls)

            def on_order(worker: Worker, order: Order) -> None:
                if not worker.orders:
                    crew.update([])

            cluster.on_order = on_order
            async with self.running(crew) as until:
                await until(lambda: crew.status().tally.accounts == 0)
        orders = cluster.workers["a"].orders
        self.assertEqual([len(order.own) for order in orders[:3]], [3, 3, 1])
        self.assertEqual([len(order.leave) for order in orders[:3]], [0, 0, 7])
        self.assertEqual(self.owned_by(cluster.members()[0], polls), 0)

    async def test_a_cancellation_is_never_lost(self) -> None:
        crew = self.crew(Cluster(), [])
        crew._beat = 1e9
        for steps in range(6):
            run = asyncio.create_task(crew.run())
            await asyncio.sleep(0.01)
            crew._news.set()
            for _ in range(steps):
                await asyncio.sleep(0)
            run.cancel()
            await asyncio.wait([run], timeout=10)
            self.assertTrue(run.cancelled(), steps)

    async def test_what_is_on_its_way_at_the_end_is_heard(self) -> None:
        cluster = Cluster("a")
        crew = self.crew(cluster, self.polls(4))
        run = asyncio.create_task(crew.run())
        await self.until(lambda: bool(cluster.members()))
        cluster.reports.clear()
        member = cluster.members()[0]
        await self.until(lambda: member._harvester.tally.polls["ok"] == 4)
        cluster.reports.set()
        await asyncio.sleep(0)
        cluster.reports.clear()
        await self.until(lambda: not member._polled)
        run.cancel()
        await asyncio.sleep(0.01)
        cluster.reports.set()
        await asyncio.gather(run, return_exceptions=True)
        self.assertEqual(crew.status().tally.polls, {"ok": 4})

    async def test_cancelled_twice_it_can_be_run_again(self) -> None:
        cluster = Cluster("a")
        crew = self.crew(cluster, self.polls(2), lease=1.0)
        run = asyncio.create_task(crew.run())
        await self.until(lambda: crew.status().tally.polls["ok"] == 2)
        with quiet():
            cluster.workers["a"].is_cut_off = True
            run.cancel()
            await asyncio.sleep(0.01)
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            self.assertEqual(self.owned(crew), [])
            cluster.workers["a"].is_cut_off = False
            await asyncio.wait_for(crew.once(), LONG)

    async def test_a_worker_that_cannot_be_reached_does_not_end_it(self) -> None:
        cluster = Cluster("a", "b")
        cluster.workers["a"].is_cut_off = True
        crew = self.crew(cluster, self.polls(2), lease=0.2)
        crew._setting = replace(crew._setting, lease=LONG)
        asked: list[str] = []
        submit = cluster.submit

        async def count(kind: type[Member], setting: Packed, *, workers: list[str], **more: Any) -> Actor:
            asked.extend(workers)
            return await submit(kind, setting, workers=workers, **more)

        with patch.object(cluster, "submit", count):
            async with self.running(crew) as until:
                await until(lambda: asked.count("a") > 4)
                self.assertEqual(self.owned(crew), [2])

    async def test_what_goes_and_comes_back_has_one_owner(self) -> None:
        cluster = Cluster("a", "b")
        polls = self.polls(2, every=0.01)
        crew = self.crew(cluster, polls, lease=1.0)
        moved: list[bool] = []
        async with self.running(crew) as until:
            await until(lambda: self.owned(crew) == [1, 1])
            lost = cluster.workers.pop("a").members[0]
            await until(lambda: self.owned(crew) == [1])
            cluster.on_order = lambda worker, order: moved.extend(
                time.monotonic() > lost._until for turn in order.own if lost._harvester.owns(name_of(turn.poll.account))
            )
            crew.update([])
            crew.update(polls)
            await until(lambda: bool(moved))
        self.assertEqual(moved, [True])

    async def test_members_that_end_at_once_are_not_made_without_a_pause(self) -> None:
        cluster = Cluster("a")
        crew = self.crew(cluster, self.polls(1))
        crew._beat = 0.05
        began = time.monotonic()
        with patch.object(Member, "_carry_out", side_effect=ZeroDivisionError):
            async with self.running(crew) as until:
                await until(lambda: len(cluster.members()) == 4)
        self.assertLessEqual(cluster.asked, (time.monotonic() - began) / crew._beat + 2)

    def test_what_is_out_of_range(self) -> None:
        for wrong in {"at_once": -1}, {"at_once_each_host": -1}, {"lease": 0}:
            with self.assertRaises(ValueError):
                self.crew(Cluster(), [], **wrong)

    async def test_run_again_after_a_worker_took_no_work(self) -> None:
        cluster = Cluster("a", "b")
        crew = self.crew(cluster, self.polls(2))
        with patch.object(Cluster, "submit", side_effect=ImportError("no pop3connect")), quiet():
            with self.assertRaises(RuntimeError):
                await crew.once()
        await asyncio.wait_for(crew.once(), LONG)

    async def test_a_worker_that_takes_no_work(self) -> None:
        cluster = Cluster("a")
        crew = self.crew(cluster, self.polls(1))
        with patch.object(Cluster, "submit", side_effect=ImportError("no pop3connect")), quiet():
            with self.assertRaisesRegex(RuntimeError, "a takes no work: ImportError: no pop3connect"):
                await crew.run()


class Real(Case, PostgresCase):
    """Workers that are processes of Dask's."""

    def polls(self, every: float) -> list[Poll]:
        return [Poll(self.account("messages=20"), every) for _ in range(40)]

    async def amid(self, task: asyncio.Task[None]) -> int:
        """Waits until both workers have taken some; the process of one of them."""
        await self.until(lambda: task.done() or len(self.recorder.takes()) == 2 and self.recorder.whole() >= 200)
        self.assertFalse(task.done(), task)
        return min(self.recorder.takes())

    def assert_once(self, polls: list[Poll], lost: int) -> None:
        """Nothing is lost, and nothing has come twice but what the lost process was at."""
        wanted = [f"{name_of(poll.account)} uid-{number}" for poll in polls for number in range(1, 21)]
        self.assertEqual(self.recorder.faults(wanted, lost), [])
        self.assertLessEqual(len(self.recorder.twice()), EACH)

    async def test_what_a_worker_cannot_load_is_told(self) -> None:
        module = types.ModuleType("only_here")
        exec("def take(name, message): pass", module.__dict__)
        with patch.dict(sys.modules, only_here=module):
            async with workers(1, harvest_logs="critical") as client:
                crew = Crew(client, self.polls(every=300)[:1], module.take, self.job)
                crew._beat = 0.01
                with quiet(), self.assertRaisesRegex(RuntimeError, "takes no work: .*only_here"):
                    await crew.run()

    async def test_a_worker_is_killed(self) -> None:
        await self.kill_one(self.job, None)

    async def test_a_worker_is_killed_with_the_book_in_postgresql(self) -> None:
        await self.kill_one(Job(), PostgresBook(self.conninfo()))

    async def kill_one(self, job: Job, books: Books | None) -> None:
        polls = self.polls(every=300)
        async with workers(2, harvest_logs="critical") as client:
            take = self.recorder.take
            crew = Crew(client, polls, take, job, books=books, lease=2.0, at_once_each_host=2 * EACH)
            once = asyncio.create_task(crew.once())
            lost = await self.amid(once)
            os.kill(lost, signal.SIGKILL)
            with quiet():
                await once
        self.assert_once(polls, lost)

    async def test_a_worker_stands_still_and_goes_on(self) -> None:
        polls = self.polls(every=0.5)
        async with workers(2, harvest_logs="critical") as client:
            crew = Crew(client, polls, self.recorder.take, self.job, lease=2.0, at_once_each_host=2 * EACH)
            run = asyncio.create_task(crew.run())
            lost = await self.amid(run)
            with quiet():
                os.kill(lost, signal.SIGSTOP)
                try:
                    # the other one gets its accounts, but not those that it is at
                    await self.until(lambda: run.done() or crew.status().tally.polls["MailboxInUse"] > 0)
                finally:
                    os.kill(lost, signal.SIGCONT)
                await self.until(lambda: run.done() or self.recorder.whole() == 800)
                self.assertFalse(run.done(), run)
                run.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await run
        self.assert_once(polls, lost)


@contextmanager
def quiet() -> Iterator[None]:
    """Logs of lost workers, which are expected here, are not printed."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    unittest.main()
