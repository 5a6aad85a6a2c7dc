"""Many mailboxes at once on the thread of an asyncio loop.

    async with Loop() as mail:
        counts = await asyncio.gather(*(mail.stat(account) for account in accounts))

Nothing here waits but in `await`, and no thread is used for it: asyncio watches one descriptor of the library's.
Cancelling a task cancels its call. It needs a library that has pop3_loop, and a system where that has a descriptor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ctypes import byref
from types import TracebackType
from typing import Any, Generic, TypeVar

from . import _library
from ._library import DONE_CB, MESSAGE_CB, checked, lib, octets
from ._worker import Stopped
from .account import Account, Options
from .collecting import Delivery, Job, NativeJob, OnFailure, Outcome, Pieces, Take, TakePiece, Whole, finished
from .errors import Cancelled, OutOfMemory, Unsupported
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
        """How many calls may be under way at once, and how many with one host, 0 for any number; others wait."""
        self._limits = (at_once, at_once_each_host)
        self._native: int | None = None
        self._calls: dict[int, _Call[Any]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._done_cb = DONE_CB(self._done)

    async def __aenter__(self) -> Loop:
        self._loop = asyncio.get_running_loop()
        self._native = lib.pop3_loop_new()
        if not self._native:
            raise OutOfMemory("there is no descriptor or memory for a loop")
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
        with Options(account, call) as options:
            number = self._begin(call, lib.pop3_loop_stat, options.pointer)
        call.kept.append(options)
        return await self._end(number, call)

    async def recv(self, account: Account, take: Take, *, delete: bool = False, max_messages: int = 0) -> int:
        """Has `take` take the messages of a mailbox, and deletes them if wanted. How many came whole.

        What was marked is deleted at the end, so that after an error the messages that were taken come again; `collect`
        with a book is for each message once. A message that the server refuses is passed over.

        - `delete`: deletes each message that was taken.
        - `max_messages`: at the most; 0 for all.
        """
        call: _Call[int] = _Call(self._loop, checked)
        callback = call.callback(MESSAGE_CB, _whole_messages(take))
        with Options(account, call) as options:
            number = self._begin(call, lib.pop3_loop_recv, options.pointer, callback, delete, max_messages)
        call.kept.append(options)
        return await self._end(number, call)

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
        with Options(account, call) as options, NativeJob(job, call, delivery(call)) as native:
            number = self._begin(call, lib.pop3_loop_collect, options.pointer, native.pointer, byref(out))
        # their callbacks are called for as long as it is under way
        call.kept += [options, native]
        return await self._end(number, call)

    def _begin(self, call: _Call[Any], function: Callable[..., int], *arguments: Any) -> int:
        """Adds a call, which copies the options and the job."""
        if self._native is None:
            raise Cancelled("the loop is closed")
        number = checked(function(self._native, *arguments, self._done_cb, None))
        self._calls[number] = call
        self._schedule()
        return number

    async def _end(self, number: int, call: _Call[T]) -> T:
        try:
            return await call.future
        except asyncio.CancelledError:
            call.stopped = True
            if self._native is not None and number in self._calls:
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
        call = self._calls.pop(number)
        call.finish(result)
        # the library may be in one of its callbacks: they are forgotten later
        self._loop.call_soon(call.kept.clear)


class _Call(Generic[T]):
    """A call that is under way: the host of its callbacks, which are called on the thread of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[int], T]) -> None:
        self.future: asyncio.Future[T] = loop.create_future()
        self.stopped = False
        self._take = take
        self._failure: BaseException | None = None
        #: What has callbacks, which must be there until the call is over.
        self.kept: list[Any] = []

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
        self.kept.append(callback)
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
            elif isinstance(failure, StopIteration | asyncio.CancelledError):
                # no future takes the first, and the second would be taken for the task's own
                self.future.set_exception(RuntimeError(f"a callable raised {type(failure).__name__}"))
            else:
                self.future.set_exception(failure)


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
