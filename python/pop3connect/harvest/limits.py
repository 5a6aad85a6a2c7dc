"""How often a host may be asked, and how much at once."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class HostLimit:
    """At most `rate` polls a second with each host, after `burst` at once (a token bucket).

    For one thread; what it remembers of a host is forgotten when that has been left alone for long enough.
    """

    def __init__(self, rate: float, burst: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        if not rate > 0 or burst < 1:
            raise ValueError(f"rate is {rate}, burst {burst}: they must be more than 0")
        self.rate = rate
        self.burst = burst
        self._clock = clock
        # when the next poll of each host would come, if all were spread evenly
        self._next: dict[str, float] = {}
        self._sweep_at = 1024

    def wait(self, host: str, share: float = 1.0) -> float:
        """In how many seconds a poll of a host may begin, 0 for now.

        - `share`: what part of the limit is for those who ask here, where others have limits beside this one: more than
          0, at most 1. One poll at once there may always be.
        """
        now = self._clock()
        slack = (max(1, int(self.burst * share)) - 1) / (self.rate * share)
        return max(0.0, self._next.get(host, now) - slack - now)

    def begin(self, host: str, share: float = 1.0) -> None:
        """Counts a poll that begins now."""
        now = self._clock()
        self._next[host] = max(self._next.get(host, now), now) + 1 / (self.rate * share)
        if len(self._next) > self._sweep_at:
            self._sweep(now)

    def _sweep(self, now: float) -> None:
        """Forgets the hosts whose limit does not bind any more."""
        self._next = {host: due for host, due in self._next.items() if due > now}
        self._sweep_at = max(1024, 2 * len(self._next))


class Places:
    """When polls may begin: how many are under way, in all and with each host, and how often a host is asked.

    Those that wait for a place have it in the order in which they came, and hosts take turns. For one asyncio loop.
    """

    def __init__(
        self,
        at_once: int,
        at_once_each_host: int,
        limit: HostLimit | None = None,
        share_of: Callable[[str], float] = lambda host: 1.0,
    ) -> None:
        """The limits; of `limit` a host has the part that `share_of` says when a poll of it begins."""
        self._limit = limit
        self._share_of = share_of
        #: How many have a place.
        self.taken = 0
        self._of_host: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        # the hosts for one of which a place may be free, in the order of their turns
        self._turns: dict[str, None] = {}
        # those that may not be asked yet
        self._resting: dict[str, asyncio.TimerHandle] = {}
        self.set_limits(at_once, at_once_each_host)

    def set_limits(self, at_once: int, at_once_each_host: int) -> None:
        """Changes how many may be under way, where 0 is no limit; who has a place keeps it."""
        if at_once < 0 or at_once_each_host < 0:
            raise ValueError(f"at_once is {at_once}, at_once_each_host {at_once_each_host}: they must not be negative")
        self._limits = (at_once or math.inf, at_once_each_host or math.inf)
        # after those whose turn it is: with each change from the first one on, the last would never have theirs
        for host in self._waiting:
            self._turns.setdefault(host)
        self._give()

    @asynccontextmanager
    async def place(self, host: str) -> AsyncIterator[None]:
        """Waits for a place with a host, and keeps it meanwhile."""
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(host, deque()).append(given)
        self._take_turn(host)
        try:
            await given
            yield
        finally:
            # else it was cancelled before
            if given.done() and not given.cancelled():
                self._leave(host)

    def _leave(self, host: str) -> None:
        self.taken -= 1
        self._of_host[host] -= 1
        if not self._of_host[host]:
            del self._of_host[host]
        self._take_turn(host)

    def _take_turn(self, host: str) -> None:
        if host in self._waiting:
            self._turns[host] = None
        self._give()

    def _give(self) -> None:
        """Gives the places that are free to those that wait, one host after the other."""
        at_once, at_once_each_host = self._limits
        while self._turns and self.taken < at_once:
            host = next(iter(self._turns))
            del self._turns[host]
            waiting = self._waiting[host]
            # those that were cancelled
            while waiting and waiting[0].done():
                waiting.popleft()
            if not waiting:
                del self._waiting[host]
            elif self._of_host[host] < at_once_each_host and not self._must_rest(host):
                waiting.popleft().set_result(None)
                self.taken += 1
                self._of_host[host] += 1
                self._turns[host] = None

    def _must_rest(self, host: str) -> bool:
        """Whether a host may not be asked yet; if so it has another turn when it may. If not, it is counted."""
        if self._limit is None:
            return False
        share = self._share_of(host)
        wait = self._limit.wait(host, share)
        if wait == 0:
            self._limit.begin(host, share)
        elif host not in self._resting:
            self._resting[host] = asyncio.get_running_loop().call_later(wait, self._rested, host)
        return wait > 0

    def _rested(self, host: str) -> None:
        del self._resting[host]
        self._take_turn(host)
