"""The project's own test server, and servers of a few lines for what it does not do."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import threading
import unittest
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pop3connect import Account, Mailbox

PASSWORD = "s3cret pass"
#: A transcript of a log-in, and after that a NOOP that is never answered.
SILENT_AT_NOOP = r"""
send "+OK\r\n"
expect "CAPA\r\n"
send "-ERR\r\n"
expect "USER alice\r\n"
send "+OK\r\n"
expect "PASS s3cret pass\r\n"
send "+OK\r\n"
expect "NOOP\r\n"
expect-eof
""".strip()
#: Of the project's sources, where nothing says where it is.
BUILT = Path(__file__).parents[2] / "target/release/pop3-test-server"


class Server:
    """A test server with its mailboxes; see ctest/server/src/control.rs for its language."""

    def __init__(self) -> None:
        program = os.environ.get("POP3_TEST_SERVER", str(BUILT))
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(self._end)
        self.folder = Path(self._answer("ready"))

    def mailbox(self, options: str = "") -> int:
        """A mailbox, by options as `messages=3 tls=implicit`; its port."""
        return int(self._ask(f"mailbox {options}", "port"))

    def play(self, transcript: str, options: str = "") -> int:
        """A server for one connection that says what is written; its port."""
        return int(self._ask(f"play {options}\n{transcript}\nend", "port"))

    def played(self, port: int) -> str:
        """Waits for the end of a transcript; empty if all went as written, else why not."""
        return self._ask(f"result {port}", "ok", "failed")

    def received(self, port: int) -> str:
        """What clients of a port have said, of a mailbox with `record=yes`."""
        return self._ask(f"received {port}", "received")

    def connections(self, port: int) -> int:
        return int(self._ask(f"connections {port}", "connections"))

    def _ask(self, question: str, *keys: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        return self._answer(*keys)

    def _answer(self, *keys: str) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().rstrip("\n")
        key, _, answer = line.partition(" ")
        if key not in keys:
            raise AssertionError(f"the test server says: {line}")
        return answer

    def _end(self) -> None:
        self._process.communicate()


class ServerCase(unittest.TestCase):
    """Tests that need the server: one for all of them."""

    _server: Server | None = None

    @property
    def server(self) -> Server:
        if ServerCase._server is None:
            ServerCase._server = Server()
        return ServerCase._server

    def account(self, options: str = "", **more: Any) -> Account:
        """The account of a new mailbox, in the clear unless `secure` says otherwise."""
        return account_at(self.server.mailbox(options), **more)

    def box(self, options: str = "", **more: Any) -> Mailbox:
        return Mailbox.of(self.account(options, **more))

    def begin_program(self, command: Iterable[object], **options: Any) -> subprocess.Popen[str]:
        """A program that ends with the test at the latest, and what it says by pipes."""
        process = subprocess.Popen(
            [*map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

        def end() -> None:
            if process.poll() is None:
                process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    def tls(self) -> dict[str, Any]:
        """What an account needs to believe the server."""
        return {"secure": "tls", "ca_file": self.server.folder / "ca.pem", "platform_trust": False}


def account_at(port: int, **more: Any) -> Account:
    return Account(**{"server": f"127.0.0.1:{port}", "user": "alice", "password": PASSWORD, "secure": "clear", **more})


def silent_server(case: unittest.TestCase) -> tuple[int, threading.Event]:
    """A server that takes a connection and says nothing; its port, and what is set when a client is there."""
    listener = socket.create_server(("127.0.0.1", 0))
    case.addCleanup(listener.close)
    there = threading.Event()

    def accept() -> None:
        with listener.accept()[0] as connection:
            there.set()
            while connection.recv(1000):
                pass

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    return listener.getsockname()[1], there


def in_thread(function: Callable[[], object]) -> Callable[[], BaseException | None]:
    """Runs a function in a thread; what is answered waits for it and says what it raised."""
    raised: list[BaseException | None] = [None]

    def run() -> None:
        try:
            function()
        except BaseException as error:
            raised[0] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join() -> BaseException | None:
        thread.join()
        return raised[0]

    return join
