"""Polling many accounts on one thread, for as long as it runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from ..account import Account
from ..aio import Loop
from ..collecting import Job, Outcome
from ..errors import Pop3Error
from ..message import Message
from .accounts import Poll
from .books import Books, check_books
from .limits import HostLimit, Places
from .tally import OK, Polled, Status, Tally

log = logging.getLogger("pop3connect.harvest")

#: Takes a message of an account, which is told by user@server. Quick, and on the disk when it returns: Maildir.take.
Take = Callable[[str, Message], object]

#: How many times its own interval an account waits at the most whose polls fail.
LONGEST = 16
#: How many failing accounts a status names.
NAMED = 100
# what every loop can wait for at once
_LONG = 3600.0


@dataclass(frozen=True)
class Turn:
    """An account, and when it is polled next."""

    poll: Poll
    #: In how many seconds.
    due_in: float = 0.0
    #: How many times its own interval it waits after that, as its last polls failed.
    factor: int = 1


class Harvester:
    """Polls accounts, each as often as it says, and takes what is new in each of them once.

    An account whose poll fails waits twice as long as before the next one, up to 16 times; what went wrong is counted,
    by the name of the exception, and logged as "pop3connect.harvest". No account waits for another one but by the
    limits. It is for one thread, that of its asyncio loop.
    """

    def __init__(
        self,
        polls: Iterable[Poll],
        take: Take,
        job: Job,
        *,
        books: Books | None = None,
        limit: HostLimit | None = None,
        at_once: int = 500,
        at_once_each_host: int = 20,
        on_polled: Callable[[Polled], object] | None = None,
    ) -> None:
        """What to poll, and where messages go.

        - `job`: what to take of each account, and the book, without which each poll takes all that is there.
        - `books`: a book for each account, as a PostgresBook has them; the job then has none, and deletes either in
          the same run or never.
        - `limit`: how often a host may be asked; none if it is not given.
        - `at_once`, `at_once_each_host`: how many polls are under way at the most, and how many with one host.
        - `on_polled`: is called after each poll.

        Raises ValueError where an account is there twice, or the job and the books do not go together.
        """
        check_books(job, books)
        self._take = take
        self._job = job
        self._books = books
        self._limit = limit
        self._limits = (at_once, at_once_each_host)
        self._places = self._new_places()
        self._on_polled = on_polled
        #: What the polls have come to.
        self.tally = Tally()
        self._kept: dict[str, _Kept] = {}
        # how many accounts each host has, here, and in all where there are more
        self._here: Counter[str] = Counter()
        self._in_all: dict[str, int] = {}
        self._failures: dict[str, Polled] = {}
        self._mail: Loop | None = None
        # ends with what a task fails by that should not
        self._broken: asyncio.Future[None] | None = None
        for poll in polls:
            self.own(Turn(poll))

    async def run(self) -> None:
        """Polls until the task is cancelled. What is being taken then comes again in the next run."""
        self._broken = asyncio.get_running_loop().create_future()
        self._places = self._new_places()
        try:
            async with _loop() as self._mail:
                for kept in self._kept.values():
                    self._start(kept)
                try:
                    await self._broken
                finally:
                    await self._stop()
        finally:
            self._mail = None

    async def once(self) -> None:
        """Polls each account once."""
        self._places = self._new_places()
        async with _loop() as mail:
            await asyncio.gather(*(self._poll(mail, kept) for kept in self._kept.values()))

    def own(self, turn: Turn) -> None:
        """Takes an account on, also while it runs. Raises ValueError where it is there already."""
        kept = _Kept(turn)
        if kept.name in self._kept:
            raise ValueError(f"{kept.name} is there twice")
        self._kept[kept.name] = kept
        self._here[kept.host] += 1
        self.tally.accounts += 1
        if self._mail is not None:
            self._start(kept)

    def leave(self, name: str) -> None:
        """Gives an account up; a poll of it that is under way ends first. `owns` says when that is."""
        kept = self._kept.get(name)
        if kept is None:
            return
        kept.is_leaving = True
        if kept.task is None:
            self._forget(kept)
        elif not kept.is_under_way:
            kept.task.cancel()

    def owns(self, name: str) -> bool:
        return name in self._kept

    def set_limits(self, at_once: int, at_once_each_host: int) -> None:
        """Changes how many polls are under way at the most, and how many with one host."""
        self._limits = (at_once, at_once_each_host)
        self._places.set_limits(*self._limits)

    def set_in_all(self, in_all: Mapping[str, int]) -> None:
        """Says how many accounts of some hosts are polled in all, here and elsewhere: the limit is for all of them."""
        self._in_all.update(in_all)

    def status(self) -> Status:
        """What is known at the moment. It may be called on any thread."""
        return Status(self.tally, failures=latest(self._failures), failing=len(self._failures))

    def _new_places(self) -> Places:
        """Of a loop: another run may have another."""
        return Places(*self._limits, self._limit, self._share_of)

    def _start(self, kept: _Kept) -> None:
        kept.task = asyncio.get_running_loop().create_task(self._keep(kept))
        kept.task.add_done_callback(lambda task: self._ended(kept, task))

    async def _stop(self) -> None:
        tasks = [kept.task for kept in self._kept.values() if kept.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, kept: _Kept, task: asyncio.Task[None]) -> None:
        kept.task = None
        if kept.is_leaving:
            self._forget(kept)
        if not task.cancelled() and (error := task.exception()) is not None:
            if self._broken is not None and not self._broken.done():
                self._broken.set_exception(error)

    def _forget(self, kept: _Kept) -> None:
        del self._kept[kept.name]
        self._failures.pop(kept.name, None)
        self._here[kept.host] -= 1
        if not self._here[kept.host]:
            del self._here[kept.host]
        self.tally.accounts -= 1

    async def _keep(self, kept: _Kept) -> None:
        """Polls an account again and again."""
        assert self._mail is not None
        while not kept.is_leaving:
            while (wait := kept.due - time.monotonic()) > 0:
                await asyncio.sleep(min(wait, _LONG))
            await self._poll(self._mail, kept)

    async def _poll(self, mail: Loop, kept: _Kept) -> None:
        async with self._places.place(kept.host):
            await self._collect(mail, kept)

    async def _collect(self, mail: Loop, kept: _Kept) -> None:
        kept.begin()
        self.tally.under_way += 1
        take = partial(self._take, kept.name)
        result, error, outcome = "Cancelled", "", None
        try:
            with self._job_of(kept.name) as job:
                outcome = await mail.collect(kept.poll.account, take, job)
            result = OK
        except Pop3Error as failure:
            result, error, outcome = type(failure).__name__, str(failure), failure.outcome
            log.warning("%s: %s", kept.name, failure)
        except Exception as failure:  # of `take`: the next poll may do better
            result, error = type(failure).__name__, str(failure)
            log.exception("%s: a message could not be taken", kept.name)
        finally:
            self.tally.under_way -= 1
            self._note(kept, kept.end(result, error, outcome))

    def _share_of(self, host: str) -> float:
        here = self._here[host]
        return here / max(here, self._in_all.get(host, 0))

    @contextmanager
    def _job_of(self, name: str) -> Iterator[Job]:
        """The job for an account, with its book."""
        if self._books is None:
            yield self._job
        else:
            with self._books.open(name) as book:
                yield replace(self._job, book=book)

    def _note(self, kept: _Kept, polled: Polled) -> None:
        self.tally.add(polled)
        # anew, as the latest
        self._failures.pop(kept.name, None)
        if not polled.is_ok:
            self._failures[kept.name] = polled
        if self._on_polled is not None:
            self._on_polled(polled)


class _Kept:
    """An account that is polled."""

    def __init__(self, turn: Turn) -> None:
        self.poll = turn.poll
        self.name = name_of(turn.poll.account)
        self.host = host_of(turn.poll.account)
        #: When its next poll is, by time.monotonic().
        self.due = time.monotonic() + turn.due_in
        self.is_under_way = False
        self.is_leaving = False
        self.task: asyncio.Task[None] | None = None
        self._factor = turn.factor
        self._began = (0.0, 0.0)

    def begin(self) -> None:
        self.is_under_way = True
        self._began = (time.time(), time.monotonic())

    def end(self, result: str, error: str, outcome: Outcome | None) -> Polled:
        self.is_under_way = False
        began_at, began = self._began
        polled = Polled(self.name, result, began_at, time.monotonic() - began, outcome, error)
        self._factor = next_factor(self._factor, polled)
        self.due = began + self._factor * self.poll.every
        return polled


def _loop() -> Loop:
    # who waits for a place does so here, and can be given up meanwhile
    return Loop(at_once=0, at_once_each_host=0)


def next_factor(factor: int, polled: Polled) -> int:
    """How many times its own interval an account waits after a poll, which before that was `factor` times."""
    return 1 if polled.is_ok else min(2 * factor, LONGEST)


def latest(failures: dict[str, Polled]) -> list[Polled]:
    """The last ones of those that stand in the order in which they came, the latest first."""
    # a copy first: another thread may ask
    return list(failures.values())[: -NAMED - 1 : -1]


def name_of(account: Account) -> str:
    """What tells an account from others, without secrets: user@server."""
    user = account.user if isinstance(account.user, str) else account.user.decode("utf-8", "surrogateescape")
    return f"{account.authzid or user}@{account.server}"


def host_of(account: Account) -> str:
    """The server's name without its port, in one form: what limits count by."""
    server = account.server.lower()
    if server.startswith("["):
        return server[1:].partition("]")[0]
    # an IPv6 address without brackets has no port
    return server if server.count(":") > 1 else server.partition(":")[0].rstrip(".")
