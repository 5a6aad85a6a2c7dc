"""Polling many accounts by several workers, on one machine or many: the workers of a cluster of Dask's.

Dask has the workers started, joined, watched and started again, and carries what is said. Here is decided who polls
what: each account has one owner at any time. An account goes to another owner when the one it had has given it up, or
when the lease of an owner that is lost is over: a worker that was killed, or cannot be reached, stops by itself before.

    async with LocalCluster(threads_per_worker=1, dashboard_address="127.0.0.1:0", asynchronous=True) as cluster:
        async with Client(cluster, asynchronous=True) as client:
            await Crew(client, from_csv("accounts.csv"), Maildir("mail").take, Job("mail.book")).run()
"""

from __future__ import annotations

import asyncio
import dataclasses
import heapq
import itertools
import logging
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from ..collecting import Job
from .accounts import Poll
from .books import Books, check_books
from .harvester import Take, Turn, host_of, latest, name_of, next_factor
from .limits import HostLimit, Places
from .member import Member, Order, Packed, Report, Setting
from .tally import Polled, Status, Tally, WorkerStatus

log = logging.getLogger("pop3connect.harvest")

T = TypeVar("T")

#: How many times a member reports while its lease lasts.
REPORTS = 10
#: How many times a worker is asked in vain to take work.
TRIES = 3
#: How long a worker may take to make a member, in seconds: it may have to load all that this needs.
START = 30.0
#: How many accounts an order gives at the most: one that takes longer than a lease would be given again and again.
MOST = 5000


class Crew:
    """Polls accounts as a Harvester does, by a member in each worker of a cluster.

    Workers may join and leave at any time: accounts are spread anew then. The book decides where workers may be: a file
    is for one machine, a PostgresBook for many. Should two workers take themselves for the owner of an account after
    all, as when a machine stands still and goes on, the book lets only one of them collect at a time.

    Passwords travel from here to the workers: have the cluster use TLS (Dask's `Security`) where others could listen.
    """

    def __init__(
        self,
        client: Any,
        polls: Iterable[Poll],
        take: Take,
        job: Job,
        *,
        books: Books | None = None,
        limit: HostLimit | None = None,
        at_once: int = 500,
        at_once_each_host: int = 20,
        lease: float = 10.0,
    ) -> None:
        """What to poll, and where messages go.

        - `client`: a distributed.Client that is asynchronous.
        - `take`, `job`, `books`: go to each worker by cloudpickle, and are used there.
        - `limit`: how often a host may be asked by all workers together; each has its part of it, as many accounts of
          the host as it owns, and a burst of one at least.
        - `at_once`: how many polls of each worker are under way at the most.
        - `at_once_each_host`: how many of all workers are under way with one host, but one for each worker at least.
        - `lease`: for how many seconds a worker owns its accounts that is heard of no more.

        Raises ValueError where an account is there twice, the job and the books do not go together, or a number is out
        of range.
        """
        check_books(job, books)
        Places(at_once, at_once_each_host)  # which looks at them
        if not lease > 0:
            raise ValueError(f"lease is {lease}: it must be more than 0")
        self._client = client
        rate, burst = (None, 1) if limit is None else (limit.rate, limit.burst)
        self._lease = lease
        self._beat = lease / REPORTS
        # a member stops a little earlier, so that what it is at has ended by then
        self._setting = Setting(take, job, books, rate, burst, lease - self._beat)
        self._at_once = (at_once, at_once_each_host)
        self._tally = Tally()
        self._failures: dict[str, Polled] = {}
        self._mailboxes: dict[str, _Mailbox] = {}
        # those without an owner
        self._free: dict[str, _Mailbox] = {}
        self._in_all: Counter[str] = Counter()
        # by the address of their workers
        self._hands: dict[str, _Hand] = {}
        self._hiring: dict[str, asyncio.Task[None]] = {}
        self._in_vain: Counter[str] = Counter()
        # those that `once` waits for; None in a run that does not end
        self._unpolled: set[str] | None = None
        # why there is no going on
        self._broken = ""
        self._news = asyncio.Event()
        self.update(polls)

    def update(self, polls: Iterable[Poll]) -> None:
        """Polls these accounts from now on: new ones come in, others go, and those that have changed begin anew."""
        new: dict[str, Poll] = {}
        for poll in polls:
            name = name_of(poll.account)
            if name in new:
                raise ValueError(f"{name} is there twice")
            new[name] = poll
        for name, poll in new.items():
            if name not in self._mailboxes:
                self._mailboxes[name] = self._free[name] = _Mailbox(name)
            self._change(self._mailboxes[name], poll)
        for name in self._mailboxes.keys() - new.keys():
            self._change(self._mailboxes[name], None)
        before, self._in_all = self._in_all, Counter(host_of(poll.account) for poll in new.values())
        for hand in self._hands.values():
            hand.in_all.update((host, count) for host, count in self._in_all.items() if count != before[host])

    def status(self) -> Status:
        """What is known at the moment. What a lost worker did last may not be in it. It may be called on any thread."""
        # a copy first: another thread may ask
        hands = list(self._hands.values())
        self._tally.accounts = len(self._mailboxes)
        self._tally.under_way = sum(hand.under_way for hand in hands)
        workers = [WorkerStatus(hand.address, len(hand.owned), hand.under_way) for hand in hands]
        return Status(self._tally, workers, latest(self._failures), len(self._failures))

    async def run(self) -> None:
        """Polls until the task is cancelled. What is being taken then comes again in the next run.

        Raises RuntimeError where a worker cannot be given work, as when it does not have the module that `take` is in; one
        that does not answer, which may be as it has no pop3connect installed, is asked again. What Dask raises where the cluster is closed, or its scheduler not found again, for
        30 seconds, ends it too.
        """
        self._unpolled = None
        await self._run()

    async def once(self) -> None:
        """Polls each account once; one whose worker is lost meanwhile may be polled again."""
        self._unpolled = {name for name, mailbox in self._mailboxes.items() if mailbox.poll is not None}
        for mailbox in self._mailboxes.values():
            mailbox.change(mailbox.poll)
        await self._run()

    async def _run(self) -> None:
        self._broken = ""
        self._in_vain.clear()
        muster_at = -math.inf
        try:
            while self._unpolled is None or self._unpolled:
                self._news.clear()
                # not with all news: a worker whose members end at once would be asked without a pause
                if time.monotonic() >= muster_at:
                    await self._muster()
                    muster_at = time.monotonic() + self._beat
                self._share()
                if self._broken:
                    raise RuntimeError(self._broken)
                await _within(self._beat, self._news.wait())
        finally:
            await self._dismiss()

    # the members

    async def _muster(self) -> None:
        """Sees which workers there are."""
        addresses = set(await self._client.nthreads())
        for address, hand in list(self._hands.items()):
            if address not in addresses:
                self._lose(hand, "the worker is gone")
        for address in addresses - self._hands.keys() - self._hiring.keys():
            self._hiring[address] = asyncio.ensure_future(self._hire(address))

    async def _hire(self, address: str) -> None:
        """Has a worker make a member."""
        try:
            made = self._client.submit(
                Member, Packed(self._setting), actor=True, pure=False, workers=[address], allow_other_workers=False
            )
            hand = _Hand(address, await _answer(max(self._lease, START), made), dict(self._in_all))
        except TimeoutError as error:
            # it stands still, or cannot be reached: the others go on meanwhile
            log.warning("%s takes no work: %s", address, error)
        except Exception as error:
            log.warning("%s takes no work: %s: %s", address, type(error).__name__, error)
            self._in_vain[address] += 1
            if self._in_vain[address] == TRIES:
                self._broken = f"{address} takes no work: {type(error).__name__}: {error}"
        else:
            self._in_vain.pop(address, None)
            self._hands[address] = hand
            hand.task = asyncio.ensure_future(self._attend(hand))
        finally:
            self._hiring.pop(address, None)
            self._news.set()

    async def _attend(self, hand: _Hand) -> None:
        """Gives a member its orders, and hears its reports, until one of both does not arrive."""
        while not hand.is_over:
            await _within(self._beat, hand.has_order.wait())
            if hand.is_ending:
                return
            order = hand.order(*self._limits())
            left = hand.heard + self._lease - time.monotonic()
            try:
                self._hear(hand, await _answer(left, hand.actor.exchange(order)))
            except Exception as error:
                self._lose(hand, f"{type(error).__name__}: {error}")
                return
        self._lose(hand, hand.why)

    def _limits(self) -> tuple[int, int]:
        at_once, at_once_each_host = self._at_once
        # 0 is no limit
        return at_once, at_once_each_host and max(1, at_once_each_host // max(1, len(self._hands)))

    def _hear(self, hand: _Hand, report: Report) -> None:
        hand.hear(report)
        for polled in report.polled:
            self._tally.add(polled)
            self._have_polled(polled.account)
            self._failures.pop(polled.account, None)
            mailbox = self._mailboxes.get(polled.account)
            if mailbox is not None:
                mailbox.note(polled)
                if not polled.is_ok:
                    self._failures[polled.account] = polled
        for name in report.left:
            self._release(hand.owned.pop(name))
        self._news.set()

    def _lose(self, hand: _Hand, why: str) -> None:
        """Hears a member no more: its accounts are free when its lease is over."""
        if self._hands.get(hand.address) is hand:
            log.warning("%s is lost with %d accounts: %s", hand.address, len(hand.owned), why)
            self._part(hand)

    def _part(self, hand: _Hand) -> None:
        if hand.task is not None and hand.task is not asyncio.current_task():
            hand.task.cancel()
        del self._hands[hand.address]
        for mailbox in hand.owned.values():
            if not hand.is_over:
                mailbox.free_at = hand.heard + self._lease
            self._release(mailbox)
        self._news.set()

    async def _dismiss(self) -> None:
        """Has all members stop, and hears what they did last."""
        hiring = list(self._hiring.values())
        for task in hiring:
            task.cancel()
        try:
            await asyncio.gather(*hiring, return_exceptions=True)
            await asyncio.gather(*(self._end(hand) for hand in self._hands.values()))
        finally:
            # also where this was cancelled, or a task that hires never began: the next run begins with none
            self._hiring.clear()
            for hand in list(self._hands.values()):
                self._part(hand)

    async def _end(self, hand: _Hand) -> None:
        assert hand.task is not None
        # a report that is on its way is heard first
        hand.is_ending = True
        hand.has_order.set()
        await asyncio.wait([hand.task])
        if self._hands.get(hand.address) is not hand:
            return  # lost meanwhile
        try:
            self._hear(hand, await _answer(2 * self._lease, hand.actor.end()))
        except Exception as error:
            log.warning("%s: %s: %s", hand.address, type(error).__name__, error)

    # the accounts

    def _change(self, mailbox: _Mailbox, poll: Poll | None) -> None:
        """Has an account be polled otherwise, or with None no more."""
        if poll == mailbox.poll:
            return
        mailbox.change(poll)
        for hand in self._hands.values():
            if mailbox.name in hand.owned:
                hand.leave(mailbox)
                return
        # it has no owner
        if poll is None:
            self._release(mailbox)

    def _release(self, mailbox: _Mailbox) -> None:
        """An account that has no owner any more."""
        self._free[mailbox.name] = mailbox
        if mailbox.poll is None:
            self._failures.pop(mailbox.name, None)
            self._have_polled(mailbox.name)
            # else it may come back while a lost owner polls it
            if mailbox.free_at <= time.monotonic():
                self._forget(mailbox)

    def _forget(self, mailbox: _Mailbox) -> None:
        del self._free[mailbox.name], self._mailboxes[mailbox.name]

    def _have_polled(self, name: str) -> None:
        if self._unpolled is not None:
            self._unpolled.discard(name)

    def _turn(self, mailbox: _Mailbox, now: float) -> Turn:
        turn = mailbox.turn(now)
        if self._unpolled is not None:
            due_in = turn.due_in if mailbox.name in self._unpolled else math.inf
            turn = Turn(dataclasses.replace(turn.poll, every=math.inf), due_in)
        return turn

    def _share(self) -> None:
        """Spreads the accounts over the members, so that none has more than another by more than one."""
        if not self._hands:
            return
        now = time.monotonic()
        free = [mailbox for mailbox in self._free.values() if mailbox.free_at <= now]
        fair, more = divmod(len(self._mailboxes), len(self._hands))
        by_size = sorted(self._hands.values(), key=_Hand.stay, reverse=True)
        for place, hand in enumerate(by_size):
            surplus = hand.stay() - fair - (place < more)
            for mailbox in itertools.islice(hand.staying(), max(0, surplus)):
                hand.leave(mailbox)
        least = [(len(hand.owned), address) for address, hand in self._hands.items()]
        heapq.heapify(least)
        for mailbox in free:
            if mailbox.poll is None:
                self._forget(mailbox)
                continue
            count, address = least[0]
            heapq.heapreplace(least, (count + 1, address))
            del self._free[mailbox.name]
            hand = self._hands[address]
            hand.own(mailbox, self._turn(mailbox, now))


class _Mailbox:
    """An account, and when it is polled next."""

    def __init__(self, name: str) -> None:
        self.name = name
        #: None where it is to be polled no more.
        self.poll: Poll | None = None
        #: Until when a lost owner may poll it, by time.monotonic().
        self.free_at = -math.inf
        self._due = -math.inf
        self._factor = 1

    def change(self, poll: Poll | None) -> None:
        self.poll = poll
        self._due, self._factor = -math.inf, 1

    def note(self, polled: Polled) -> None:
        if self.poll is not None:
            self._factor = next_factor(self._factor, polled)
            self._due = time.monotonic() - polled.seconds + self._factor * self.poll.every

    def turn(self, now: float) -> Turn:
        assert self.poll is not None
        return Turn(self.poll, max(0.0, self._due - now), self._factor)


class _Hand:
    """A member as the crew knows it: what it owns, and what it is told next."""

    def __init__(self, address: str, actor: Any, in_all: dict[str, int]) -> None:
        self.address = address
        self.actor = actor
        #: When the last report came.
        self.heard = time.monotonic()
        self.owned: dict[str, _Mailbox] = {}
        self.leaving: set[str] = set()
        self.under_way = 0
        self.is_over = False
        #: Whether it gets no orders any more.
        self.is_ending = False
        self.why = ""
        #: What the next order has.
        self.has_order = asyncio.Event()
        self.in_all = in_all
        self._own: list[Turn] = []
        self._leave: list[str] = []
        self.task: asyncio.Task[None] | None = None

    def own(self, mailbox: _Mailbox, turn: Turn) -> None:
        self.owned[mailbox.name] = mailbox
        self._own.append(turn)
        self.has_order.set()

    def leave(self, mailbox: _Mailbox) -> None:
        if mailbox.name not in self.leaving:
            self.leaving.add(mailbox.name)
            self._leave.append(mailbox.name)
            self.has_order.set()

    def stay(self) -> int:
        """How many it keeps."""
        return len(self.owned) - len(self.leaving)

    def staying(self) -> Iterable[_Mailbox]:
        return (mailbox for name, mailbox in self.owned.items() if name not in self.leaving)

    def order(self, at_once: int, at_once_each_host: int) -> Order:
        own, self._own = self._own[:MOST], self._own[MOST:]
        leave: list[str] = []
        if not self._own:
            # not before all of them are owned: what is left must not come after that
            leave, self._leave = self._leave, []
            self.has_order.clear()
        order = Order(own, leave, self.in_all, at_once, at_once_each_host)
        self.in_all = {}
        return order

    def hear(self, report: Report) -> None:
        self.heard = time.monotonic()
        self.under_way = report.under_way
        self.is_over = report.is_over
        self.why = report.why
        self.leaving.difference_update(report.left)


async def _result(answer: Awaitable[T]) -> T:
    """What an actor answers, which is no coroutine."""
    return await answer


async def _answer(seconds: float, answer: Awaitable[T]) -> T:
    """What an actor or Dask answers; TimeoutError where that takes longer.

    Not asyncio.wait_for, by which, before Python 3.12, a cancellation is lost that comes together with the answer.
    """
    task = asyncio.ensure_future(_result(answer))
    try:
        if not (await asyncio.wait([task], timeout=seconds))[0]:
            raise TimeoutError(f"no answer within {seconds:.1f} seconds")
        return task.result()
    finally:
        task.cancel()


async def _within(seconds: float, what: Awaitable[object]) -> None:
    """Waits for something, but not for long."""
    with suppress(TimeoutError):
        await _answer(seconds, what)
