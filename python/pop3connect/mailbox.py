"""A mailbox: an account and the session with it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from ctypes import byref, c_int32
from dataclasses import dataclass, fields
from functools import partial
from inspect import GEN_CLOSED, GEN_RUNNING, getgeneratorstate
from types import TracebackType
from typing import Any, Protocol, TypeVar

from . import _library, collecting
from ._library import DATA_CB, MESSAGE_CB, NO_STATUS, checked, lib, octets, raw, text
from ._worker import Host, Stopped, Worker
from .account import Account, Options
from .collecting import Arrival, Book, Job, OnFailure, Outcome
from .errors import Busy, ParameterError, Pop3Error, Unsupported, error_of
from .message import Message

T = TypeVar("T")
# inside Mailbox `list` is a method
Words = list[str]
Numbers = list[int]
Results = list["Message | Pop3Error"]


@dataclass(frozen=True)
class MailboxSize:
    """What a mailbox holds, as the server reports it."""

    #: How many messages; most servers leave out those marked for deletion.
    count: int
    #: How many octets together.
    size: int


@dataclass(frozen=True)
class TlsInfo:
    """The TLS facts of a session."""

    #: As "TLSv1.3".
    version: str
    #: The cipher suite.
    cipher: str
    #: Whether an earlier session was resumed.
    resumed: bool
    #: Whether the server's certificate and name were verified, or its fingerprint was.
    verified: bool
    #: The server's certificate in PEM, "" if it sent none.
    peer_pem: str


class Writable(Protocol):
    """What a message can be written into: a file opened for bytes, or anything like it."""

    def write(self, data: bytes, /) -> object: ...


class Mailbox(Account):
    """An account and the session with it; takes the arguments of Account.

        with Mailbox("pop.example.com", "alice", "secret") as box:
            for number in box.list():
                print(box.fetch(number))

    The first command connects, or `open`. At the end of the `with` the server deletes what was marked, and the session
    is closed; after an exception it is closed and nothing is deleted. A session takes one call at a time: a second one,
    of another thread or inside a callable that is called by the first one, is Busy at once. An interrupt (ctrl-C) ends
    a call within a quarter of a second, and the session with it. Any method may raise a Pop3Error; one that
    `ends_session` has closed the connection, and further commands are ConnectionLost until `close` or `open`.
    """

    #: What became of the latest run of `new` that has come to its end.
    outcome: Outcome | None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.outcome = None
        self._session: _Session | None = None
        # of the session, from when it is begun, or of a run of `new`
        self._worker: Worker | None = None
        # not held, so that a loop that breaks off ends its run
        self._arrivals: weakref.ref[Generator[Message, None, None]] | None = None
        self._opening = threading.Lock()

    # Account's compare what it is made of: two sessions are two all the same
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @classmethod
    def of(cls, account: Account) -> Mailbox:
        """The mailbox of an account."""
        return cls(**{each.name: getattr(account, each.name) for each in fields(account)})

    # the session

    def __enter__(self) -> Mailbox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self.close()
        else:
            self.discard()

    def open(self) -> None:
        """Connects and logs in, anew where there is a session already, which is closed before."""
        self.close()
        self._open()

    def close(self) -> None:
        """Has the server delete what was marked, and closes the session (QUIT). Nothing where there is none.

        What it raises says that the server may not have deleted: ConnectionLost also where the session had ended
        before. The session is closed in any case.
        """
        with self._alone():
            self._close()

    def _close(self) -> None:
        self._end_run()
        session = self._session
        if session is None:
            return
        try:
            session.close()
        except Busy:
            raise  # it is still open
        except BaseException:
            self._session = None
            raise
        self._session = None

    def discard(self) -> None:
        """Closes the session so that nothing is deleted: without QUIT. Nothing where there is none."""
        self._end_run()
        session, self._session = self._session, None
        if session is not None:
            session.worker.end()

    def cancel(self) -> None:
        """Ends the call that is under way in another thread, which raises Cancelled, and the session with it.

        From any thread, at any time; it takes a quarter of a second at most. Nothing where no call is under way.
        """
        worker = self._worker
        if worker is not None:
            worker.stop()

    # what there is

    def __len__(self) -> int:
        return self.count()

    def __bool__(self) -> bool:
        # `if box` is not to ask the server how many messages there are
        return True

    def count(self) -> int:
        """How many messages the mailbox holds, those marked for deletion included."""
        return self._call(lib.pop3_message_count)

    def stat(self) -> MailboxSize:
        """How many messages the server says that there are, and how many octets."""
        out = _library.MailboxSize()
        self._call(lib.pop3_mailbox, byref(out))
        return MailboxSize(out.count, out.size)

    def size(self) -> int:
        """How many octets the messages have together, as the server reports it."""
        return self.stat().size

    def list(self) -> dict[int, int]:
        """The size of each message that is not marked for deletion, by its number, in the server's order."""
        return self._sizes(0)

    def size_of(self, number: int) -> int:
        """The size of a message in octets, as the server reports it."""
        return next(iter(self._sizes(_number(number)).values()))

    def uids(self) -> dict[int, str]:
        """The unique id of each message that is not marked for deletion, by its number, in the server's order."""
        return self._uids(0)

    def uid_of(self, number: int) -> str:
        """The unique id of a message."""
        return next(iter(self._uids(_number(number)).values()))

    # messages

    def fetch(self, which: int | str) -> bytes:
        """A message, byte for byte as the server stores it: by its number, or by its unique id."""
        if isinstance(which, str):
            return self._bytes(lib.pop3_recv_uid, raw(which))
        return self._bytes(lib.pop3_recv_message, which)

    def fetch_into(self, number: int, file: Writable) -> int:
        """Writes a message of any size into a file as it comes, in pieces of about 64 KiB; how many octets.

        It has come whole if this does not raise.
        """
        written = 0

        def take(data: int | None, length: int, _context: object) -> int:
            nonlocal written
            session.host.ask(file.write, octets(data, length))
            written += length
            return 0

        session = self._open()
        callback = DATA_CB(_guarded(session.host, take))
        self._call(lib.pop3_recv_message_to, number, callback, None)
        return written

    def headers(self, number: int) -> bytes:
        """The header of a message, the empty line after it included."""
        return self._bytes(lib.pop3_recv_headers, number)

    def top(self, number: int, lines: int) -> bytes:
        """The header of a message, and so many lines of its body."""
        return self._bytes(lib.pop3_recv_top, number, lines)

    def messages(self, numbers: Iterable[int] | None = None, *, ahead: int = 16) -> Iterator[Message]:
        """These messages, or all, one after the other; pipelined where the server can.

        A message that the server refuses is raised when its turn comes.

        - `ahead`: how many are asked for at once, and may be in memory.
        """
        return self._each(lib.pop3_recv_messages, (), numbers, ahead)

    def tops(self, numbers: Iterable[int] | None = None, *, lines: int = 0, ahead: int = 16) -> Iterator[Message]:
        """The headers of these messages, or of all, and so many lines of their bodies, as `messages`."""
        return self._each(lib.pop3_recv_tops, (lines,), numbers, ahead)

    # deleting

    def delete(self, which: int | str) -> None:
        """Marks a message for deletion, by its number or its unique id. The server deletes it at `close`."""
        if isinstance(which, str):
            self._call(lib.pop3_delete_uid, raw(which))
        else:
            self._call(lib.pop3_delete_message, which)

    def delete_all(self, numbers: Iterable[int] | None = None) -> int:
        """Marks these messages for deletion, or all; pipelined where the server can. How many were marked.

        Where the server refuses some, all others are marked all the same, and the first refusal is raised.
        """
        chosen = _numbers(self.list() if numbers is None else numbers)
        return self._call(lib.pop3_delete_messages, _array(chosen), len(chosen))

    def reset(self) -> None:
        """Takes back every mark for deletion of this session."""
        self._call(lib.pop3_undo_deletes)

    # the rest

    def noop(self) -> None:
        """Keeps the server from ending the session as idle."""
        self._call(lib.pop3_noop)

    def capabilities(self) -> dict[str, Words]:
        """What the server says that it can do (CAPA): each capability in capitals, and its arguments."""
        said = self._bytes(lib.pop3_capabilities).decode("utf-8", "surrogateescape")
        words = (line.split() for line in said.splitlines())
        return {each[0].upper(): each[1:] for each in words if each}

    def tls_info(self) -> TlsInfo | None:
        """Version, cipher suite and certificate; None of a connection in the clear. Asks nothing of the server."""

        def take(out: _library.TlsInfo) -> TlsInfo:
            facts = text(out.version), text(out.cipher), bool(out.resumed), bool(out.verified), text(out.peer_pem)
            return TlsInfo(*facts)

        session = self._open()
        try:
            get = partial(lib.pop3_get_tls_info, session.socket)
            return session.worker.run(partial(_filled, get, _library.TlsInfo, lib.pop3_tls_info_free, take))
        except Unsupported:
            return None

    # collecting

    def new(
        self,
        book: str | os.PathLike[str] | Book | None = None,
        *,
        delete_after: int | None = None,
        newest_first: bool = False,
        max_messages: int = 0,
        max_size: int = 0,
        max_total: int = 0,
        lines: int | None = None,
        wanted: Callable[[Arrival], bool] | None = None,
        on_failure: OnFailure | None = None,
    ) -> Iterator[Message]:
        """What is new in the mailbox, each message once, whatever breaks. The arguments are those of Job.

        A message counts as taken when the loop comes back for the next one, and is in the book then. So one that the
        body of the loop leaves by an exception, `break` or `return` is not taken, and comes again in the next run: end
        early by `max_messages`. A program that is killed loses nothing, and gets at most the message again that it was
        at.

        It makes connections of its own, since a server lets only one session into a mailbox: an open session is closed
        first, and what was marked in it deleted. `outcome` says afterwards what became of it.

        Raises MailboxInUse (also where another run collects from this account into this book), BookError, or any error
        of connecting and reading, each with the outcome until then.
        """
        job = Job(book, delete_after, newest_first, max_messages, max_size, max_total, lines, wanted)
        return self._new(job, on_failure)

    def _new(self, job: Job, on_failure: OnFailure | None) -> Iterator[Message]:
        with self._alone():
            self._close()
            self._worker = worker = Worker()
            arrivals = self._arriving(job, on_failure, worker)
            self._arrivals = weakref.ref(arrivals)
        return arrivals

    def _arriving(self, job: Job, on_failure: OnFailure | None, worker: Worker) -> Generator[Message, None, None]:
        try:
            self.outcome = yield from collecting.new(self, job, on_failure, worker)
        except Pop3Error as error:
            self.outcome = error.outcome
            raise

    def _run(self) -> Generator[Message, None, None] | None:
        """The run of `new` whose end nobody has come to yet."""
        arrivals = None if self._arrivals is None else self._arrivals()
        return None if arrivals is None or getgeneratorstate(arrivals) == GEN_CLOSED else arrivals

    def _end_run(self) -> None:
        run = self._run()
        if run is not None and getgeneratorstate(run) == GEN_RUNNING:
            raise Busy("the mailbox is being collected from")
        if run is not None:
            run.close()

    # how it is done

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._opening.acquire(blocking=False):
            raise Busy("the mailbox is being opened by another call")
        try:
            yield
        finally:
            self._opening.release()

    def _open(self) -> _Session:
        """The session, which is begun where there is none."""
        if self._session is None:
            with self._alone():
                if self._run() is not None:
                    raise Busy("the mailbox is being collected from")
                self._worker = worker = Worker()
                self._session = _Session(self, worker)
        return self._session

    def _call(self, function: Callable[..., int], *arguments: Any) -> int:
        session = self._open()
        return session.worker.run(lambda: checked(function(session.socket, *arguments, NO_STATUS)))

    def _filled(
        self,
        function: Callable[..., int],
        arguments: tuple[Any, ...],
        kind: Callable[[], Any],
        free: Callable[[Any], None],
        take: Callable[[Any], T],
    ) -> T:
        """What a function writes into a structure that is to be freed."""
        session = self._open()

        def get(out: Any) -> int:
            return function(session.socket, *arguments, out, NO_STATUS)

        return session.worker.run(partial(_filled, get, kind, free, take))

    def _bytes(self, function: Callable[..., int], *arguments: Any) -> bytes:
        return self._filled(
            function, arguments, _library.Buffer, lib.pop3_buffer_free, lambda out: octets(out.data, out.len)
        )

    def _sizes(self, number: int) -> dict[int, int]:
        return self._filled(
            lib.pop3_list_messages,
            (number,),
            _library.MessageList,
            lib.pop3_list_free,
            lambda out: {each.number: each.size for each in out.items[: out.count]},
        )

    def _uids(self, number: int) -> dict[int, str]:
        return self._filled(
            lib.pop3_unique_ids,
            (number,),
            _library.UidList,
            lib.pop3_uid_list_free,
            lambda out: {each.number: text(each.uid) for each in out.items[: out.count]},
        )

    def _each(
        self, function: Callable[..., int], arguments: tuple[Any, ...], numbers: Iterable[int] | None, ahead: int
    ) -> Iterator[Message]:
        if ahead < 1:
            raise ParameterError(f"ahead is {ahead}: it must be 1 or more")
        chosen = _numbers(self.list() if numbers is None else numbers)
        for begin in range(0, len(chosen), ahead):
            for each in self._batch(function, arguments, chosen[begin : begin + ahead]):
                if isinstance(each, Pop3Error):
                    raise each
                yield each

    def _batch(self, function: Callable[..., int], arguments: tuple[Any, ...], numbers: Numbers) -> Results:
        """What becomes of these messages; where the session ends among them that is the last one."""
        results: Results = []
        data = bytearray()

        def take(number: int, piece: int | None, length: int, last: int, _context: object) -> int:
            data.extend(octets(piece, length))
            if last != 0:
                error = error_of(last, f"message {number}: {text(lib.pop3_error_text(last))}")
                results.append(Message(number, bytes(data)) if last > 0 else error)
                data.clear()
            return 0

        session = self._open()
        callback = MESSAGE_CB(_guarded(session.host, take))
        try:
            self._call(function, _array(numbers), len(numbers), *arguments, callback, None)
        except Pop3Error as error:
            results.append(error)
        return results


class _Session:
    """A session, and the thread that its calls are made on."""

    def __init__(self, account: Account, worker: Worker) -> None:
        self.worker = worker
        self.host = worker.host()
        self.socket = 0
        try:
            with Options(account, self.host) as options:
                worker.run(partial(self._connect, options))
        except BaseException:
            worker.end()
            raise

    def _connect(self, options: Options) -> None:
        self.socket = checked(lib.pop3_connect_with(options.pointer))
        # whatever comes of this object the socket is freed; the callbacks are good until then
        self.worker.last.append(partial(_leave, self.socket, options))

    def close(self) -> None:
        try:
            self.worker.run(lambda: checked(lib.pop3_disconnect(self.socket, NO_STATUS)))
        except Busy:
            raise
        except BaseException:
            self.worker.end()
            raise
        self.worker.end()


def _leave(socket: int, _options: Options) -> None:
    """Frees a socket, if it is not free, without QUIT: no call is under way, so the progress callback ends this one."""
    lib.pop3_disconnect(socket, NO_STATUS)


def _filled(
    get: Callable[[Any], int], kind: Callable[[], Any], free: Callable[[Any], None], take: Callable[[Any], T]
) -> T:
    out = kind()
    checked(get(byref(out)))
    try:
        return take(out)
    finally:
        free(byref(out))


def _guarded(host: Host, function: Callable[..., int]) -> Callable[..., int]:
    """A function as a callback of C, which ends the call where it fails."""

    def callback(*arguments: Any) -> int:
        try:
            return function(*arguments)
        except Stopped:
            return 1
        except BaseException as failure:
            host.fail(failure)
            return 1

    return callback


def _number(number: int) -> int:
    # to the library 0 is all messages
    if number < 1:
        raise ParameterError(f"{number} is no message number: they begin with 1")
    return number


def _numbers(numbers: Iterable[int]) -> Numbers:
    return [_number(number) for number in numbers]


def _array(numbers: Numbers) -> Any:
    return (c_int32 * len(numbers))(*numbers)


# without a session


def stat(account: Account) -> int:
    """How many messages wait in a mailbox: connects, asks, disconnects."""
    worker = Worker()
    host = worker.host()

    def ask() -> int:
        with Options(account, host) as options:
            return checked(lib.pop3_stat_with(options.pointer))

    try:
        return worker.run(ask)
    finally:
        worker.end()


def forget(server: str | None = None) -> None:
    """Forgets what the process remembers of a server, or of all: capabilities, TLS sessions, and that it breaks."""
    lib.pop3_forget(None if server is None else raw(server))


def version() -> str:
    """The version of the C library."""
    return text(lib.pop3_version())
