"""Polling many accounts on one thread, for as long as it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..account import Account
from ..aio import Loop
from ..collecting import Job, Outcome
from ..errors import Pop3Error
from ..message import Message
from .accounts import Poll
from .books import Books
from .counters import Counters
from .limits import HostLimit

log = logging.getLogger("pop3connect.harvest")

#: Takes a message of an account, which is told by user@server. Quick, and on the disk when it returns: Maildir.take.
Take = Callable[[str, Message], object]

#: How many times its own interval an account waits at the most whose polls fail.
LONGEST = 16


class Harvester:
    """Polls accounts, each as often as it says, and takes what is new in each of them once.

    An account whose poll fails waits twice as long as before the next one, up to 16 times; what went wrong is counted,
    by the name of the exception, and logged as "pop3connect.harvest". No account waits for another one but by the
    limits.
    """

    def __init__(
        self,
        polls: Iterable[Poll],
        take: Take,
        job: Job,
        *,
        books: Books | None = None,
        limit: HostLimit | None = None,
        counters: Counters | None = None,
        at_once: int = 500,
        at_once_each_host: int = 20,
    ) -> None:
        """What to poll, and where messages go.

        - `job`: what to take of each account, and the book, without which each poll takes all that is there.
        - `books`: a book for each account, as a PostgresBook has them; the job then has none, and deletes either in
          the same run or never.
        - `limit`: how often a server may be asked; none if it is not given.
        - `counters`: those that it counts in, where other things may be counted too.
        - `at_once`, `at_once_each_host`: how many polls are under way at the most, and how many with one host.
        """
        if books is not None and job.book is not None:
            raise ValueError("the job has a book already: give either that or books")
        if books is not None and job.delete_after:
            raise ValueError(f"delete_after is {job.delete_after}: days are counted by a book in a file alone")
        self._polls = list(polls)
        self._take = take
        self._job = job
        self._books = books
        self._limit = limit
        self._at_once = (at_once, at_once_each_host)
        self.counters = Counters() if counters is None else counters
        self.counters.gauge("pop3_accounts", "Accounts that are polled.")
        self.counters.gauge("pop3_polls_under_way", "Polls that have begun and not ended.")
        self.counters.counter("pop3_polls_total", "Polls that have ended, by what became of them.", ["result"])
        for name, help in _OF_OUTCOME.values():
            self.counters.counter(name, help)

    async def run(self) -> None:
        """Polls until the task is cancelled. What is being taken then comes again in the next run."""
        await self._each(self._keep)

    async def once(self) -> None:
        """Polls each account once."""
        await self._each(self._poll)

    async def _each(self, work: Callable[[Loop, Poll], Awaitable[object]]) -> None:
        self.counters.set("pop3_accounts", len(self._polls))
        at_once, at_once_each_host = self._at_once
        async with Loop(at_once=at_once, at_once_each_host=at_once_each_host) as mail:
            await asyncio.gather(*(work(mail, poll) for poll in self._polls))

    async def _keep(self, mail: Loop, poll: Poll) -> None:
        """Polls an account again and again."""
        clock = asyncio.get_running_loop().time
        factor = 1
        while True:
            began = clock()
            factor = 1 if await self._poll(mail, poll) else min(2 * factor, LONGEST)
            await asyncio.sleep(began + factor * poll.every - clock())

    async def _poll(self, mail: Loop, poll: Poll) -> bool:
        """Polls an account; whether that went well."""
        account = poll.account
        if self._limit is not None:
            await asyncio.sleep(self._limit.reserve(account.server.lower()))
        name = name_of(account)
        result = "Cancelled"
        self.counters.add("pop3_polls_under_way")
        try:
            with self._job_of(name) as job:
                self._count(await mail.collect(account, lambda message: self._take(name, message), job))
            result = "ok"
        except Pop3Error as error:
            self._count(error.outcome)
            result = type(error).__name__
            log.warning("%s: %s", name, error)
        except Exception as error:  # of `take`: the next poll may do better
            result = type(error).__name__
            log.exception("%s: a message could not be taken", name)
        finally:
            self.counters.add("pop3_polls_under_way", -1)
            self.counters.add("pop3_polls_total", result=result)
        return result == "ok"

    @contextmanager
    def _job_of(self, name: str) -> Iterator[Job]:
        """The job for an account, with its book."""
        if self._books is None:
            yield self._job
        else:
            with self._books.open(name) as book:
                yield replace(self._job, book=book)

    def _count(self, outcome: Outcome | None) -> None:
        for field, (name, _) in _OF_OUTCOME.items() if outcome is not None else ():
            self.counters.add(name, getattr(outcome, field))


#: What is counted of each poll's outcome.
_OF_OUTCOME = {
    "taken": ("pop3_messages_taken_total", "Messages that were taken."),
    "octets": ("pop3_octets_taken_total", "Octets of the messages that were taken."),
    "deleted": ("pop3_messages_deleted_total", "Messages that servers have deleted."),
    "failed": ("pop3_messages_failed_total", "Messages that did not arrive, once for each poll."),
    "reconnects": ("pop3_reconnects_total", "Connections that broke and were made again."),
}


def name_of(account: Account) -> str:
    """What tells an account from others, without secrets: user@server."""
    user = account.user if isinstance(account.user, str) else account.user.decode("utf-8", "surrogateescape")
    return f"{account.authzid or user}@{account.server}"
