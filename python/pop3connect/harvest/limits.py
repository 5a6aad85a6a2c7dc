"""How often a host may be asked."""

from __future__ import annotations

import time
from collections.abc import Callable


class HostLimit:
    """At most `rate` polls a second with each host, after `burst` at once (a token bucket).

    For one thread; what it remembers of a host is forgotten when that has been left alone for long enough.
    """

    def __init__(self, rate: float, burst: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        if not rate > 0 or burst < 1:
            raise ValueError(f"rate is {rate}, burst {burst}: they must be more than 0")
        self._interval = 1 / rate
        self._slack = (burst - 1) * self._interval
        self._clock = clock
        # when the next poll of each host would come, if all were spread evenly
        self._next: dict[str, float] = {}
        self._sweep_at = 1024

    def reserve(self, host: str) -> float:
        """Takes the next place with a host: in how many seconds it is, 0 for now."""
        now = self._clock()
        due = max(self._next.get(host, now), now)
        self._next[host] = due + self._interval
        if len(self._next) > self._sweep_at:
            self._sweep(now)
        return max(0.0, due - self._slack - now)

    def _sweep(self, now: float) -> None:
        """Forgets the hosts whose limit does not bind any more."""
        self._next = {host: due for host, due in self._next.items() if due > now}
        self._sweep_at = max(1024, 2 * len(self._next))
