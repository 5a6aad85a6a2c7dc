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

    def reserve(self, host: str, share: float = 1.0) -> float:
        """Takes the next place with a host: in how many seconds it is, 0 for now.

        - `share`: of what the host allows is for this limit, where others stand beside it: more than 0, at most 1.
        """
        interval = 1 / (self.rate * share)
        slack = (max(1, int(self.burst * share)) - 1) * interval
        now = self._clock()
        due = max(self._next.get(host, now), now)
        self._next[host] = due + interval
        if len(self._next) > self._sweep_at:
            self._sweep(now)
        return max(0.0, due - slack - now)

    def _sweep(self, now: float) -> None:
        """Forgets the hosts whose limit does not bind any more."""
        self._next = {host: due for host, due in self._next.items() if due > now}
        self._sweep_at = max(1024, 2 * len(self._next))


class Places:
    """How many polls may be under way, in all and with each host; hosts take turns. For one asyncio loop."""

    def __init__(self, at_once: int, at_once_each_host: int) -> None:
        """Both limits, where 0 is none."""
        #: How many have a place.
        self.taken = 0
        self._of_host: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        # the hosts for one of which a place may be free, in the order of their turns
        self._turns: dict[str, None] = {}
        self.set_limits(at_once, at_once_each_host)

    def set_limits(self, at_once: int, at_once_each_host: int) -> None:
        """Changes both; who has a place keeps it."""
        self._limits = (at_once or math.inf, at_once_each_host or math.inf)
        self._turns = dict.fromkeys(self._waiting)
        self._give()

    @asynccontextmanager
    async def place(self, host: str) -> AsyncIterator[None]:
        """Waits for a place with a host, and keeps it meanwhile."""
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(host, deque()).append(given)
        self._turns[host] = None
        self._give()
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
        if host in self._waiting:
            self._turns[host] = None
        self._give()

    def _give(self) -> None:
        """Gives the places that are free to those that wait, one host after the other."""
        at_once, at_once_each_host = self._limits
        while self._turns and self.taken < at_once:
            host = next(iter(self._turns))
            del self._turns[host]
            if self._of_host[host] >= at_once_each_host:
                continue
            waiting = self._waiting[host]
            given = waiting.popleft()
            if waiting:
                self._turns[host] = None
            else:
                del self._waiting[host]
            if not given.done():
                self.taken += 1
                self._of_host[host] += 1
                given.set_result(None)
