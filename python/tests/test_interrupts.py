"""Signals: an interrupt ends a call that waits for a server; what is left at the end of the process does no harm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pop3connect
from pop3connect import Account, BadSocket, ConnectionLost, Job, Mailbox, collect
from pop3connect._worker import Stopped, Worker

from .support import SILENT_AT_NOOP, ServerCase, account_at, silent_server


class Interrupts(ServerCase):
    def setUp(self) -> None:
        # a shell has what it starts in the background ignore interrupts
        here = handler(signal.SIGINT, signal.default_int_handler)
        here.__enter__()
        self.addCleanup(here.__exit__, None, None, None)

    def interrupt_when(self, there: threading.Event) -> None:
        """Sends an interrupt to this process when a client is there, and waits."""

        def send() -> None:
            there.wait()
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=send, daemon=True).start()

    def test_while_it_connects(self) -> None:
        waits: list[Callable[[Account], object]] = [
            lambda account: Mailbox.of(account).open(),
            pop3connect.stat,
            lambda account: collect(account, lambda message: None),
            lambda account: list(Mailbox.of(account).new()),
        ]
        for number, wait in enumerate(waits):
            port, there = silent_server(self)
            threads = threading.active_count()
            self.interrupt_when(there)
            with self.subTest(number), self.assertRaises(KeyboardInterrupt):
                wait(account_at(port))
            # no worker is left; the thread that sent the interrupt may be
            self.assertLessEqual(threading.active_count(), threads + 1)

    def test_in_a_session_which_is_over_then(self) -> None:
        is_open, there = threading.Event(), threading.Event()

        def progress(*_: object) -> None:
            if is_open.is_set():
                there.set()

        port = self.server.play(SILENT_AT_NOOP)
        box = Mailbox.of(account_at(port, on_progress=progress))
        box.open()
        is_open.set()
        self.interrupt_when(there)
        self.assertRaises(KeyboardInterrupt, box.noop)
        self.assertRaises(ConnectionLost, box.noop)
        box.discard()
        self.assertEqual(self.server.played(port), "")

    def test_other_signal_handlers_run_meanwhile(self) -> None:
        port, there = silent_server(self)
        box = Mailbox.of(account_at(port))
        ran_at: list[float] = []

        def handle(*_: object) -> None:
            ran_at.append(time.monotonic())
            box.cancel()

        def send() -> None:
            there.wait()
            os.kill(os.getpid(), signal.SIGUSR1)

        with handler(signal.SIGUSR1, handle):
            threading.Thread(target=send, daemon=True).start()
            self.assertRaises(pop3connect.Cancelled, box.open)
        self.assertEqual(len(ran_at), 1)

    def test_at_any_moment(self) -> None:
        """Interrupts that come whenever: each ends what it meets, and what is collected is not lost."""
        account = self.account("messages=30")
        with tempfile.TemporaryDirectory() as folder:
            taken: list[str] = []
            job = Job(Path(folder) / "book")
            interrupted = 0
            for delay in range(1, 200):
                try:
                    signal.setitimer(signal.ITIMER_REAL, delay / 5000)
                    with handler(signal.SIGALRM, signal.default_int_handler):
                        collect(account, lambda message: taken.append(message.uid), job)
                        break
                except KeyboardInterrupt:
                    interrupted += 1
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            collect(account, lambda message: taken.append(message.uid), job)
            self.assertGreater(interrupted, 0)
            self.assertEqual({*taken}, {f"uid-{number}" for number in range(1, 31)})
            # the one that was being taken, of each run that was interrupted
            self.assertLessEqual(len(taken), 30 + interrupted)


class Stopping(unittest.TestCase):
    def test_a_call_that_is_stopped_asks_nobody_any_more(self) -> None:
        worker = Worker()
        self.addCleanup(worker.end)
        host, go, asked = worker.host(), threading.Event(), list[int]()

        def make() -> None:
            go.wait()
            host.ask(asked.append, 1)

        with worker.begin(make) as call:
            worker.stop()
            go.set()
            self.assertIsNone(call.wait())
            self.assertRaises(Stopped, call.result)
        self.assertEqual(asked, [])


class TheEndOfTheProcess(ServerCase):
    def run_python(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, timeout=60
        )
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("end\n", "", 0))
        return done

    def test_an_open_session_and_an_open_run(self) -> None:
        port = self.server.mailbox("messages=3 record=yes")
        self.run_python(
            """if True:
            import sys
            from pop3connect import Mailbox
            box = Mailbox(f"127.0.0.1:{sys.argv[1]}", "alice", "s3cret pass", secure="clear")
            box.delete(1)
            other = Mailbox(f"127.0.0.1:{sys.argv[1]}", "alice", "s3cret pass", secure="clear")
            run = other.new()
            next(run)
            print("end")
            """,
            port,
        )
        self.assertNotIn("QUIT", self.server.received(port))

    def test_a_call_in_another_thread(self) -> None:
        port, there = silent_server(self)
        self.run_python(
            """if True:
            import contextlib, sys, threading
            from pop3connect import Cancelled, Mailbox
            began = threading.Event()
            box = Mailbox(f"127.0.0.1:{sys.argv[1]}", "alice", "", secure="clear", on_progress=lambda *_: began.set())
            def wait():
                with contextlib.suppress(Cancelled):
                    box.open()
            threading.Thread(target=wait, daemon=True).start()
            began.wait()
            print("end")
            """,
            port,
        )

    def test_a_fork_has_no_session(self) -> None:
        with self.box() as box:
            box.open()
            child = os.fork()
            if child == 0:
                try:
                    box.noop()
                except BadSocket:
                    os._exit(7)
                finally:
                    os._exit(1)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 7)
            box.noop()


@contextmanager
def handler(number: int, function: Callable[..., object]) -> Iterator[None]:
    before = signal.signal(number, function)
    try:
        yield
    finally:
        signal.signal(number, before)


if __name__ == "__main__":
    unittest.main()
