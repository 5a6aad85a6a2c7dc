"""Collecting: what is new in a mailbox, each message once, whatever breaks."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from ctypes import byref
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Protocol

from . import _library
from ._library import BOOK_CB, COLLECT_CB, WANTED_CB, checked, last_error, lib, octets, raw, text
from ._worker import Host, Stopped, Worker
from .account import Account, Options, log
from .errors import Pop3Error, error_of
from .message import Message


@dataclass(frozen=True)
class Arrival:
    """A message that is new."""

    #: Its unique id by UIDL; of a server without UIDL a digest of its header; "" of one that has no TOP either.
    uid: str
    #: In the session that is open.
    number: int
    #: In octets, as the server reports it; None where it does not.
    size: int | None


@dataclass(frozen=True)
class Outcome:
    """What became of a run."""

    #: How many messages were taken, and are in the book.
    taken: int
    #: How many the server has deleted, as its answers to QUIT say.
    deleted: int
    #: How many new ones were left for another run: not wanted, too large, past a limit, or not come to.
    left: int
    #: How many new ones did not arrive: refused by the server, or the connection broke at them twice.
    failed: int
    #: How many octets those that were taken have together.
    octets: int
    #: How often a connection that had broken was made again.
    reconnects: int


class Book(Protocol):
    """A book of what was taken, for programs that keep it in a database of their own.

    `account` is user@host:port. Both are called on the thread that collects; what they raise ends the run.
    """

    def is_taken(self, account: str, uid: str) -> bool:
        """Whether the message with that unique id was taken."""

    def taken(self, account: str, uid: str) -> None:
        """That it has been. It must be on disk when this returns."""


Take = Callable[[Message], object]
TakePiece = Callable[[Arrival, bytes, bool], object]
OnFailure = Callable[[Arrival, Pop3Error], object]


@dataclass(frozen=True)
class Job:
    """What to collect."""

    #: A file of SQLite, made where there is none, for any number of accounts, threads and processes; or a book of the
    #: program's own; None for no book, so that every run takes all that is there. Never open the file by Python's
    #: `sqlite3` in a process that collects: the wheel's library has another SQLite, two of which in one process do not
    #: see each other's locks, and spoil the file.
    book: str | os.PathLike[str] | Book | None = None
    #: When what was taken is deleted on the server: None never, 0 in the same run, n in the first run that is n days or
    #: more after it was taken, which needs a book in a file.
    delete_after: int | None = None
    #: As the server numbers them, the oldest first, or the other way round.
    newest_first: bool = False
    #: How many messages a run takes at the most; 0 for no limit.
    max_messages: int = 0
    #: How many octets a message may have that is taken; larger ones are left. 0 for no limit.
    max_size: int = 0
    #: How many octets a run takes at the most; 0 for no limit.
    max_total: int = 0
    #: None for whole messages; n for the header and n lines of the body.
    lines: int | None = None
    #: Is asked about each new message before it is fetched, often about some ahead; False leaves it for another run.
    wanted: Callable[[Arrival], bool] | None = None


def collect(account: Account, take: Take, job: Job = Job(), *, on_failure: OnFailure | None = None) -> Outcome:
    """Takes what is new in a mailbox: connects, as often as connections break, and has `take` take each message.

    A message counts as taken when `take` returns, and never comes again with the same book; it is in the book before
    the next one is handed over. What `take` raises ends the run and flies on, and that message comes again in the next
    run. Each message is in memory whole; `collect_pieces` is for large ones. The callables are called on this thread.

    - `on_failure`: is called for each message that does not come, with the reason. A message on which the connection
      broke may still come in the same run.

    Raises MailboxInUse (also where another run collects from this account into this book), BookError, or any error of
    connecting and reading; its `outcome` says what was taken until then.
    """
    return _run(account, job, lambda host: Whole(host, take, on_failure))


def collect_pieces(
    account: Account, take: TakePiece, job: Job = Job(), *, on_failure: OnFailure | None = None
) -> Outcome:
    """Takes what is new in a mailbox, as `collect`, in pieces of about 64 KiB.

    - `take`: gets the message's next bytes, and whether they are the final ones, which may be none. When it returns
      from those the message counts as taken.
    - `on_failure`: is called for each message that does not come, or breaks off: then what has come of it is to be
      thrown away, and it may begin anew in the same run.
    """
    return _run(account, job, lambda host: Pieces(host, take, on_failure))


def new(account: Account, job: Job, on_failure: OnFailure | None, worker: Worker) -> Generator[Message, None, Outcome]:
    """What is new, message by message. One counts as taken when the next one is asked for, or the end."""
    arrived: list[Message] = []
    host = worker.host()
    try:
        with worker.begin(lambda: _collect(account, job, host, Whole(host, arrived.append, on_failure))) as call:
            while (request := call.wait()) is not None:
                request.perform()
                while arrived:
                    yield arrived.pop()
                request.confirm()
            return call.result()
    finally:
        worker.end()


def _run(account: Account, job: Job, delivery: Callable[[Host], Delivery]) -> Outcome:
    worker = Worker()
    host = worker.host()
    try:
        return worker.run(lambda: _collect(account, job, host, delivery(host)))
    finally:
        worker.end()


def _collect(account: Account, job: Job, host: Host, delivery: Delivery) -> Outcome:
    """The run itself, on the worker's thread."""
    out = _library.Outcome()
    with Options(account, host) as options, NativeJob(job, host, delivery) as native:
        result = lib.pop3_collect(options.pointer, native.pointer, byref(out))
        return finished(result, out)


def finished(result: int, out: _library.Outcome) -> Outcome:
    """What a run has come to, on the thread of which the last call was that run."""
    outcome = Outcome(out.taken, out.deleted, out.left, out.failed, out.octets, out.reconnects)
    if result < 0:
        error = last_error(result)
        error.outcome = outcome
        raise error
    return outcome


class Delivery(Protocol):
    """Where messages go that come; called inside the library's callback."""

    def piece(self, arrival: Arrival, data: bytes, is_last: bool) -> None: ...

    def failed(self, arrival: Arrival, error: Pop3Error) -> None: ...


class Pieces:
    """Hands each piece over."""

    def __init__(self, host: Host, take: TakePiece, on_failure: OnFailure | None) -> None:
        self._host = host
        self._take = take
        self._on_failure = on_failure

    def piece(self, arrival: Arrival, data: bytes, is_last: bool) -> None:
        self._host.ask(self._take, arrival, data, is_last)

    def failed(self, arrival: Arrival, error: Pop3Error) -> None:
        if self._on_failure is not None:
            self._host.ask(self._on_failure, arrival, error)


class Whole:
    """Hands messages over when they have come whole."""

    def __init__(self, host: Host, take: Take, on_failure: OnFailure | None) -> None:
        self._host = host
        self._take = take
        self._on_failure = on_failure
        self._data = bytearray()

    def piece(self, arrival: Arrival, data: bytes, is_last: bool) -> None:
        self._data += data
        if is_last:
            message = Message(arrival.number, bytes(self._data), arrival.uid)
            self._data = bytearray()
            self._host.ask(self._take, message)

    def failed(self, arrival: Arrival, error: Pop3Error) -> None:
        self._data = bytearray()
        if self._on_failure is not None:
            self._host.ask(self._on_failure, arrival, error)


class NativeJob:
    """A pop3_job of a job, `with` it: it is freed at its end, and its callbacks with it."""

    def __init__(self, job: Job, host: Host, delivery: Delivery) -> None:
        self._host = host
        self._delivery = delivery
        self._callbacks: list[Any] = []
        self.pointer = lib.pop3_job_new()
        if not self.pointer:
            raise MemoryError("pop3_job_new")
        try:
            self._fill(job)
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __enter__(self) -> NativeJob:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pointer, self.pointer = self.pointer, None
        lib.pop3_job_free(pointer)

    def _fill(self, job: Job) -> None:
        if isinstance(job.book, str | os.PathLike):
            self._set("book", raw(job.book))
        elif job.book is not None:
            is_taken = self._callback(BOOK_CB, partial(self._is_taken, job.book))
            self._set("book_cb", is_taken, self._callback(BOOK_CB, partial(self._taken, job.book)), None)
        self._set("delete", -1 if job.delete_after is None else job.delete_after)
        self._set("order", job.newest_first)
        self._set("limits", job.max_messages, job.max_size, job.max_total)
        self._set("lines", -1 if job.lines is None else job.lines)
        if job.wanted is not None:
            self._set("wanted_cb", self._callback(WANTED_CB, partial(self._is_wanted, job.wanted)), None)
        self._set("message_cb", self._callback(COLLECT_CB, self._take), None)

    def _set(self, name: str, *values: Any) -> None:
        checked(getattr(lib, f"pop3_job_set_{name}")(self.pointer, *values))

    def _callback(self, kind: Any, function: Callable[..., int]) -> Any:
        """A callback of C that ends the run where its function fails."""

        def guarded(*arguments: Any) -> int:
            try:
                return function(*arguments)
            except Stopped:
                return -1
            except BaseException as failure:
                self._host.fail(failure)
                return -1

        callback = kind(guarded)
        self._callbacks.append(callback)
        return callback

    def _take(self, arrival: Any, data: int | None, length: int, last: int, _context: object) -> int:
        which = _arrival(arrival)
        if last >= 0:
            self._delivery.piece(which, octets(data, length), last > 0)
        else:
            error = error_of(last, f"message {which.number}: {text(lib.pop3_error_text(last))}")
            log.info("%s", error)
            self._delivery.failed(which, error)
        return 0

    def _is_wanted(self, wanted: Callable[[Arrival], bool], arrival: Any, _context: object) -> int:
        return int(bool(self._host.ask(wanted, _arrival(arrival))))

    def _is_taken(self, book: Book, account: bytes, uid: bytes, _context: object) -> int:
        return int(bool(self._host.ask(book.is_taken, text(account), text(uid))))

    def _taken(self, book: Book, account: bytes, uid: bytes, _context: object) -> int:
        self._host.ask(book.taken, text(account), text(uid))
        return 0


def _arrival(pointer: Any) -> Arrival:
    arrival = pointer.contents
    return Arrival(text(arrival.uid), arrival.number, None if arrival.size < 0 else arrival.size)
