"""Calls of the library, each made on a thread beside the one that wants it.

Python runs signal handlers on its main thread alone, and never while that thread is in a C library. If calls were made
on the main thread an interrupt (ctrl-C) would wait for the server. So the thread that wants a call waits in Python, and
a worker makes it. What the library calls back meanwhile, the worker has the waiting thread do: callables of the user
run where the user is, their exceptions fly from there, and end the call.
"""

from __future__ import annotations

import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from .errors import BadSocket, Busy

T = TypeVar("T")


class Stopped(Exception):
    """Inside a callback of the library: the call is to end. Nobody outside sees it."""


class Host(Protocol):
    """What callbacks of the library know of the call that they belong to."""

    #: Whether the call is to end.
    stopped: bool

    def ask(self, function: Callable[..., T], *arguments: Any) -> T:
        """Has the user's callable do its work; raises Stopped where the call is to end."""

    def fail(self, failure: BaseException) -> None:
        """Ends the call, which is to raise this."""


class Request:
    """What a call that is under way wants from the thread that waits for it."""

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._function = function
        self._arguments = arguments
        self._answer: Any = None
        self._replies: SimpleQueue[bool] = SimpleQueue()
        self.is_seen = False

    def perform(self) -> None:
        """Runs the user's callable. The call waits on, until `confirm`."""
        self._answer = self._function(*self._arguments)

    def confirm(self) -> None:
        """Lets the call go on."""
        self._replies.put(True)

    def refuse(self) -> None:
        """Ends the call."""
        self._replies.put(False)

    def answer(self) -> Any:
        """Waits for one of these two; on the worker's thread."""
        if not self._replies.get():
            raise Stopped
        return self._answer


#: For how long Python may not know of a signal, in seconds: it looks before it waits, and not again while it does.
_A_MOMENT = 0.25


class Call(Generic[T]):
    """A call of the library: `with` it, `wait` for what it wants, then take its `result`.

    Leaving the `with` before its end, as an exception does, stops it, and waits until it has ended.
    """

    # An interrupt may come between any two steps of the waiting thread. So nothing is handed over once: what the worker
    # wants stands in attributes, which are looked at again, and the queue only wakes.

    def __init__(self, make: Callable[[], T], lane: _Lane) -> None:
        self._make = make
        self._lane = lane
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._request: Request | None = None
        self._results: list[T] = []
        self._failure: BaseException | None = None
        self._is_over = False
        self.stopped = False

    # on the worker's thread

    def run(self) -> None:
        try:
            self._results.append(self._make())
        except BaseException as failure:
            self._failure = self._failure or failure
        self._is_over = True
        self._wake.put(None)

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        request = Request(function, arguments)
        # before looking whether it is stopped: who stops it does so in the other order
        self._request = request
        if self.stopped:
            raise Stopped
        self._wake.put(None)
        return request.answer()

    def fail(self, failure: BaseException) -> None:
        self._failure = self._failure or failure
        self.stopped = True

    # on any thread

    def stop(self) -> None:
        """Has the call end when the library next says how it goes, five times a second."""
        self.stopped = True
        if self._request is not None:
            self._request.refuse()

    # on the thread that wants it

    def wait(self) -> Request | None:
        """The next thing that the call wants; None when it is over."""
        while not self._is_over:
            request = self._request
            if request is not None and not request.is_seen:
                request.is_seen = True
                return request
            self._sleep()
        return None

    def _sleep(self) -> None:
        """Waits until the worker wakes it, or for a moment: a signal that comes just before is seen after that."""
        with suppress(Empty):
            self._wake.get(timeout=_A_MOMENT)

    def result(self) -> T:
        """What became of it."""
        if self._failure is not None:
            raise self._failure
        return self._results[0]

    def __enter__(self) -> Call[T]:
        self._lane.begin(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            while not self._is_over:
                try:
                    self.stop()
                    self._sleep()
                except BaseException:  # of a signal handler; an exception is on its way already
                    continue
        finally:
            self._lane.leave()


class _Lane:
    """What a worker and its thread share. It does not know the worker, with whom the thread ends."""

    def __init__(self) -> None:
        self.tasks: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self.in_use = threading.Lock()
        self.call: Call[Any] | None = None
        self.process = os.getpid()

    def begin(self, call: Call[Any]) -> None:
        if self.process != os.getpid():
            raise BadSocket("the session is that of the process before the fork")
        if not self.in_use.acquire(blocking=False):
            raise Busy("the session is in use by another call")
        self.call = call
        self.tasks.put(call.run)

    def leave(self) -> None:
        self.call = None
        self.in_use.release()

    def run(self) -> None:
        while (task := self.tasks.get()) is not None:
            task()
            del task  # lest it lives until the next one comes


@contextmanager
def _signals_held() -> Iterator[None]:
    """Holds signals back: `threading` is not made for an exception while a thread starts, which inherits this."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(lane: _Lane, thread: threading.Thread, last: list[Callable[[], Any]]) -> None:
    if lane.process != os.getpid():
        return  # the thread stayed in the process before the fork
    call, lane.call = lane.call, None
    if call is not None:
        call.stop()
    for task in last:
        lane.tasks.put(task)
    lane.tasks.put(None)
    # an interrupt may have come before it began
    if thread.is_alive() and thread is not threading.current_thread():
        thread.join()


class Worker:
    """A thread for calls of the library, one at a time. It ends by `end`, when this is forgotten, or at exit."""

    def __init__(self) -> None:
        self._lane = _Lane()
        thread = threading.Thread(target=self._lane.run, name="pop3connect", daemon=True)
        #: What the thread does before it ends.
        self.last: list[Callable[[], Any]] = []
        self._end = weakref.finalize(self, _end, self._lane, thread, self.last)
        with _signals_held():
            thread.start()

    def begin(self, make: Callable[[], T]) -> Call[T]:
        """A call, which `with` begins; Busy there, where one is under way."""
        return Call(make, self._lane)

    def run(self, make: Callable[[], T]) -> T:
        """Makes a call, does meanwhile what it wants, and gives its result."""
        with self.begin(make) as call:
            while (request := call.wait()) is not None:
                request.perform()
                request.confirm()
            return call.result()

    def stop(self) -> None:
        """Stops the call that is under way, if there is one; from any thread."""
        call = self._lane.call
        if call is not None:
            call.stop()

    def end(self) -> None:
        """Stops what is under way, and ends the thread."""
        self._end()

    def host(self) -> Host:
        """For callbacks that outlive a call: the call that is under way when they are called."""
        return _Current(self._lane)


class _Current:
    """The host that callbacks of a session know: its call of the moment."""

    def __init__(self, lane: _Lane) -> None:
        self._lane = lane

    @property
    def stopped(self) -> bool:
        # without a call the worker is about to leave, and the session to be left as it is
        return self._lane.call is None or self._lane.call.stopped

    @stopped.setter
    def stopped(self, stopped: bool) -> None:
        if self._lane.call is not None:
            self._lane.call.stopped = stopped

    def ask(self, function: Callable[..., T], *arguments: Any) -> T:
        if self._lane.call is None:
            raise Stopped
        answer: T = self._lane.call.ask(function, *arguments)
        return answer

    def fail(self, failure: BaseException) -> None:
        if self._lane.call is not None:
            self._lane.call.fail(failure)
