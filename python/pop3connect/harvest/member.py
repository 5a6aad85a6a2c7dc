"""What polls in a worker: a Harvester on a thread of its own, which does what its coordinator says (see crew.py).

The coordinator sends an order about once a second, and what a member answers is its report. A member owns accounts for
as long as it knows that its reports arrive, which the next order tells: without one it stops when its lease is over.
The coordinator, which counts from when a report came, and so from later, gives the accounts to others after that.
"""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from ..collecting import Job
from ..errors import Cancelled
from ..message import Message
from .books import Books
from .harvester import Harvester, Take, Turn
from .limits import HostLimit
from .tally import Polled


@dataclass(frozen=True)
class Setting:
    """What a member is told once."""

    take: Take
    job: Job
    books: Books | None
    #: Of HostLimit, for all members together; None for no limit.
    rate: float | None
    burst: int
    #: In seconds.
    lease: float


class Packed:
    """A setting on its way. It is opened where a member is made, so that what fails by it is told."""

    def __init__(self, setting: Setting) -> None:
        # comes with distributed
        import cloudpickle

        self._octets: bytes = cloudpickle.dumps(setting)

    def open(self) -> Setting:
        setting: Setting = pickle.loads(self._octets)
        return setting


@dataclass(frozen=True)
class Order:
    """What a member is to do. Accounts are told by name."""

    own: list[Turn] = field(default_factory=list)
    leave: list[str] = field(default_factory=list)
    #: How many accounts of a host there are in all, where that is new.
    in_all: dict[str, int] = field(default_factory=dict)
    #: How many polls are to be under way at the most, and how many with one host.
    at_once: int = 1
    at_once_each_host: int = 1


@dataclass(frozen=True)
class Report:
    """What has become of orders, since the last report."""

    #: The polls that have ended.
    polled: list[Polled]
    #: The accounts that are not owned any more.
    left: list[str]
    #: How many polls are under way.
    under_way: int
    #: Whether it polls no more, for good: nothing is owned then.
    is_over: bool
    #: Why, where that is no order.
    why: str = ""


class LeaseOver(Cancelled):
    """Nothing was heard of the coordinator for too long: others may own the accounts."""


class Member:
    """An actor of Dask's: `exchange` and `end` are called by the coordinator, one at a time."""

    def __init__(self, setting: Setting | Packed) -> None:
        setting = setting.open() if isinstance(setting, Packed) else setting
        self._setting = setting
        # from now: the coordinator, which counts from when it hears that this stands, counts from later
        self._reported = time.monotonic()
        self._until = self._reported + setting.lease
        self._polled: deque[Polled] = deque()
        self._leaving: dict[str, int] = {}
        self._orders = 0
        self._obeyed = 0
        self._is_over = False
        self._why = ""
        limit = None if setting.rate is None else HostLimit(setting.rate, setting.burst)
        self._harvester = Harvester(
            [], self._take, setting.job, books=setting.books, limit=limit, on_polled=self._polled.append
        )
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="pop3connect-harvest", daemon=True)
        self._thread.start()
        self._ready.wait()

    def exchange(self, order: Order) -> Report:
        """Does what is ordered, and reports. That it comes says that the last report has arrived."""
        self._until = self._reported + self._setting.lease
        self._orders += 1
        self._leaving.update((name, self._orders) for name in order.leave)
        self._call(partial(self._obey, self._orders, order))
        return self._report()

    def end(self) -> Report:
        """Stops polling, and reports for the last time."""
        self._call(lambda: self._polling.cancel())
        self._thread.join(self._setting.lease)
        return self._report()

    def _report(self) -> Report:
        is_over = self._is_over
        left = [
            name for name, order in self._leaving.items() if self._obeyed >= order and not self._harvester.owns(name)
        ]
        for name in left:
            del self._leaving[name]
        # after that: the last poll of what was left is among them, so that the next owner does not poll it again
        polled = [self._polled.popleft() for _ in range(len(self._polled))]
        self._reported = time.monotonic()
        return Report(polled, left, self._harvester.tally.under_way, is_over, self._why)

    def _call(self, function: Callable[[], object]) -> None:
        """Has the thread call a function."""
        with suppress(RuntimeError):  # it has ended, and says so
            self._loop.call_soon_threadsafe(function)

    # on the thread

    def _poll(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            self._why = f"{type(error).__name__}: {error}"
        finally:
            self._is_over = True
            self._ready.set()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._polling = self._loop.create_task(self._harvester.run())
        watch = self._loop.create_task(self._watch())
        self._ready.set()
        await asyncio.wait([self._polling, watch], return_when=asyncio.FIRST_COMPLETED)
        self._polling.cancel()
        watch.cancel()
        for result in await asyncio.gather(self._polling, watch, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    def _obey(self, number: int, order: Order) -> None:
        try:
            self._carry_out(order)
        except Exception as error:
            # what was not carried out would be forgotten: it goes to another member
            self._why = f"{type(error).__name__}: {error}"
            self._polling.cancel()
        else:
            self._obeyed = number

    def _carry_out(self, order: Order) -> None:
        self._harvester.set_limits(order.at_once, order.at_once_each_host)
        self._harvester.set_in_all(order.in_all)
        for turn in order.own:
            self._harvester.own(turn)
        for name in order.leave:
            self._harvester.leave(name)

    async def _watch(self) -> None:
        """Ends when the lease is over."""
        while (left := self._until - time.monotonic()) > 0:
            await asyncio.sleep(left)
        raise LeaseOver(f"nothing was heard of the coordinator for {self._setting.lease:g} seconds")

    def _take(self, name: str, message: Message) -> None:
        # the thread may have stood still before it could see that
        if time.monotonic() > self._until:
            raise LeaseOver("others may own this account by now")
        self._setting.take(name, message)
