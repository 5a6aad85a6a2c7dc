"""How fast counts grow."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

#: Over how many seconds, at the least, once there are as many.
WINDOW = 10.0


class Rates:
    """How much counts have grown a second, by what they were when they were looked at before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, tuple[int, ...]]] = deque()

    def of(self, *counts: int) -> tuple[float, ...] | None:
        """Of each count, which is remembered; None where there is nothing to compare it with."""
        now = self._clock()
        if self._samples and any(new < old for new, old in zip(counts, self._samples[-1][1])):
            # they have begun anew
            self._samples.clear()
        while len(self._samples) > 1 and self._samples[1][0] <= now - WINDOW:
            self._samples.popleft()
        # as many as the window needs, however often they are looked at
        if not self._samples or now - self._samples[-1][0] >= WINDOW / 100:
            self._samples.append((now, counts))
        before, first = self._samples[0]
        if now <= before:
            return None
        return tuple((new - old) / (now - before) for new, old in zip(counts, first))
