"""What polls have come to: one, all of them together, and what is shown of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..collecting import Outcome

#: The result of a poll that went well; else it is the name of the exception.
OK = "ok"


@dataclass(frozen=True)
class Polled:
    """A poll that has ended."""

    #: user@server, which tells it from others.
    account: str
    #: "ok", or the name of the exception.
    result: str
    #: When it began, by time.time().
    began: float
    #: How long it took.
    seconds: float
    #: What was taken, also before an error; None where nothing is known.
    outcome: Outcome | None = None
    #: What went wrong, in words, which may be the server's; "" for nothing.
    error: str = ""

    @property
    def is_ok(self) -> bool:
        return self.result == OK


@dataclass
class Tally:
    """Many polls together. All but the first two only grow."""

    #: How many accounts are polled.
    accounts: int = 0
    #: How many polls have begun and not ended.
    under_way: int = 0
    #: How many have ended, by their result.
    polls: Counter[str] = field(default_factory=Counter)
    #: As in an Outcome.
    taken: int = 0
    octets: int = 0
    deleted: int = 0
    failed: int = 0
    reconnects: int = 0

    def add(self, polled: Polled) -> None:
        self.polls[polled.result] += 1
        if polled.outcome is not None:
            for name in OF_OUTCOME:
                setattr(self, name, getattr(self, name) + getattr(polled.outcome, name))


#: What a tally adds up of outcomes.
OF_OUTCOME = ("taken", "octets", "deleted", "failed", "reconnects")


@dataclass(frozen=True)
class WorkerStatus:
    """A worker, as the last that was heard of it says."""

    name: str
    #: How many accounts it owns.
    accounts: int
    #: How many of these it polls at the moment.
    under_way: int


@dataclass(frozen=True)
class Status:
    """What is known at a moment."""

    tally: Tally
    #: None of them where the program itself polls.
    workers: Iterable[WorkerStatus] = ()
    #: The last polls of accounts whose last poll failed, the latest first, at most 100.
    failures: Iterable[Polled] = ()
    #: Of how many accounts the last poll failed; None where that is not known.
    failing: int | None = None
