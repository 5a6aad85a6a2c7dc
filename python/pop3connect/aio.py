"""Many mailboxes at once on the thread of an asyncio loop.

    async with Loop() as mail:
        counts = await asyncio.gather(*(mail.stat(account) for account in accounts))

Nothing here waits but in `await`, and no thread is used for it: asyncio watches one descriptor of the library's.
Cancelling a task cancels its call. It needs a library that has pop3_loop, and a system where that has a descriptor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from ctypes import byref
from functools import cache
from types import TracebackType
from typing import Any, Generic, TypeVar

from . import _library
from ._library import DONE_CB, LOOP_FUNCTIONS, MESSAGE_CB, checked, declare, lib, octets
from ._worker import Stopped
from .account import Account, Options
from .collecting import Delivery, Job, NativeJob, OnFailure, Outcome, Pieces, Take, TakePiece, Whole, finished
from .errors import Cancelled, Unsupported
from .message import Message

T = TypeVar("T")

__all__ = ["Loop"]


class Loop:
    """Mailboxes on the thread of the asyncio loop in which it is entered; `async with` it.

    At its end what is under way is cancelled. Several may run side by side, each in the thread of a loop of its own.

    Callables that take messages are called on that thread and must be quick: while one runs, nothing else goes on. An
    exception of one ends its call, and is raised there.
    """

    def __init__(self, *, at_once: int = 1000, at_once_each_host: int = 10) -> None:
        """How many calls may be under way at once, and how many of them with one host; others wait their turn."""
        _bind()
        self._limits = (at_once, at_once_each_host)
        self._native: int | None = None
        self._calls: dict[int, _Call[Any]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._done_cb = DONE_CB(self._done)

    async def __aenter__(self) -> Loop:
        self._loop = asyncio.get_running_loop()
        self._native = lib.pop3_loop_new()
        if not self._native:
            raise MemoryError("pop3_loop_new")
        try:
            checked(lib.pop3_loop_set_limits(self._native, *self._limits))
            self._descriptor: int = lib.pop3_loop_fd(self._native)
            if self._descriptor < 0:
                raise Unsupported("a loop of the library has no descriptor on this system")
            self._loop.add_reader(self._descriptor, self._run)
        except BaseException:
            native, self._native = self._native, None
            lib.pop3_loop_free(native)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._loop.remove_reader(self._descriptor)
        if self._timer is not None:
            self._timer.cancel()
        native, self._native = self._native, None
        lib.pop3_loop_free(native)

    async def stat(self, account: Account) -> int:
        """How many messages wait in a mailbox."""
        call: _Call[int] = _Call(self._loop, checked)
        options = call.keep(Options(account, call))
        return await self._made(call, lib.pop3_loop_stat, options.pointer)

    async def recv(self, account: Account, take: Take, *, delete: bool = False, max_messages: int = 0) -> int:
        """Has `take` take the messages of a mailbox, and deletes them if wanted. How many came whole.

        What was marked is deleted at the end, so that after an error the messages that were taken come again; `collect`
        with a book is for each message once. A message that the server refuses is passed over.

        - `delete`: deletes each message that was taken.
        - `max_messages`: at the most; 0 for all.
        """
        call: _Call[int] = _Call(self._loop, checked)
        options = call.keep(Options(account, call))
        callback = call.callback(MESSAGE_CB, _whole_messages(take))
        return await self._made(call, lib.pop3_loop_recv, options.pointer, callback, delete, max_messages)

    async def collect(
        self, account: Account, take: Take, job: Job = Job(), *, on_failure: OnFailure | None = None
    ) -> Outcome:
        """Takes what is new in a mailbox: as `pop3connect.collect`."""
        return await self._collected(account, job, lambda call: Whole(call, take, on_failure))

    async def collect_pieces(
        self, account: Account, take: TakePiece, job: Job = Job(), *, on_failure: OnFailure | None = None
    ) -> Outcome:
        """Takes what is new in a mailbox in pieces of about 64 KiB: as `pop3connect.collect_pieces`."""
        return await self._collected(account, job, lambda call: Pieces(call, take, on_failure))

    async def _collected(self, account: Account, job: Job, delivery: Callable[[_Call[Outcome]], Delivery]) -> Outcome:
        out = _library.Outcome()
        call: _Call[Outcome] = _Call(self._loop, lambda result: finished(result, out))
        options = call.keep(Options(account, call))
        native = call.keep(NativeJob(job, call, delivery(call)))
        return await self._made(call, lib.pop3_loop_collect, options.pointer, native.pointer, byref(out))

    async def _made(self, call: _Call[T], function: Callable[..., int], *arguments: Any) -> T:
        if self._native is None:
            call.close()
            raise Cancelled("the loop is closed")
        try:
            number = checked(function(self._native, *arguments, self._done_cb, None))
        except BaseException:
            call.close()
            raise
        self._calls[number] = call
        self._schedule()
        try:
            return await call.future
        except asyncio.CancelledError:
            call.stopped = True
            if self._native is not None:
                lib.pop3_loop_cancel(self._native, number)
                self._schedule()
            raise

    def _run(self) -> None:
        """Does what is ready. Callbacks are called in here."""
        if self._native is not None:
            lib.pop3_loop_run(self._native, 0)
            self._schedule()

    def _schedule(self) -> None:
        """Has the loop run when it must even though nothing comes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        milliseconds = -1 if self._native is None else lib.pop3_loop_timeout(self._native)
        if milliseconds >= 0:
            self._timer = self._loop.call_later(milliseconds / 1000, self._run)

    def _done(self, number: int, result: int, _context: object) -> None:
        self._calls.pop(number).finish(result)


class _Call(Generic[T]):
    """A call that is under way: the host of its callbacks, which are called on the thread of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[int], T]) -> None:
        self.future: asyncio.Future[T] = loop.create_future()
        self.stopped = False
        self._take = take
        self._failure: BaseException | None = None
        # options, jobs and callbacks, which must be there until the library is done with the call
        self._kept = ExitStack()
        self._callbacks: list[Any] = []

    def keep(self, thing: Any) -> Any:
        return self._kept.enter_context(thing)

    def callback(self, kind: Any, function: Callable[..., None]) -> Any:
        """A callback of C that ends the call where its function fails."""

        def guarded(*arguments: Any) -> int:
            try:
                if self.stopped:
                    return -1
                function(*arguments)
                return 0
            except BaseException as failure:
                self.fail(failure)
                return -1

        callback = kind(guarded)
        self._callbacks.append(callback)
        return callback

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if self.stopped:
            raise Stopped
        return function(*arguments)

    def fail(self, failure: BaseException) -> None:
        self._failure = self._failure or failure
        self.stopped = True

    def finish(self, result: int) -> None:
        """Inside the library's callback: its last error is this call's."""
        try:
            value = self._take(result)
            failure = self._failure
        except BaseException as error:
            failure = self._failure or error
        if not self.future.done():
            if failure is None:
                self.future.set_result(value)
            elif isinstance(failure, StopIteration):  # which no future takes, and no coroutine raises
                self.future.set_exception(RuntimeError("a callable raised StopIteration"))
            else:
                self.future.set_exception(failure)
        # the library is in this call's callback still: what it uses is freed when that is over
        self.future.get_loop().call_soon(self.close)

    def close(self) -> None:
        self._kept.close()
        self._callbacks.clear()


def _whole_messages(take: Take) -> Callable[..., None]:
    data = bytearray()

    def piece(number: int, piece: int | None, length: int, last: int, _context: object) -> None:
        data.extend(octets(piece, length))
        if last != 0:
            message = Message(number, bytes(data))
            data.clear()
            if last > 0:
                take(message)

    return piece


@cache
def _bind() -> None:
    try:
        declare(lib, LOOP_FUNCTIONS)
    except AttributeError:
        version = _library.text(lib.pop3_version())
        raise Unsupported(f"libpop3connect {version} has no pop3_loop, which pop3connect.aio needs") from None
