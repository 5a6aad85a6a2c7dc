"""How many round trips a session takes, counted between client and server."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pop3connect import Account, Mailbox, forget

from .support import ServerCase, account_at

#: What the picture in docs/guide.md is drawn from.
SESSION = Path(__file__).parents[2] / "bench/results/session.json"
COMMANDS = {"CAPA", "STLS", "AUTH", "QUIT"}


#: What a client says in two pieces must come before what the server answers to the first, or one more is counted. Where
#: the machine is so busy that it does not, another session will do: none counts too few.
PAUSE = 0.05
TRIES = 20


class Line:
    """A line to a server that counts how often a client has waited for an answer: what the server sends until the
    client says something again is one."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.to = port
        self.port: int = self._listener.getsockname()[1]
        #: Of the latest connection.
        self.waits = 0
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listener.accept()
                with client, socket.create_connection(("127.0.0.1", self.to)) as server:
                    self.waits = 0
                    with contextlib.suppress(ConnectionError):
                        self._carry(client, server)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        client_has_spoken = True  # a server greets when somebody is there
        while True:
            ready, _, _ = select.select([client, server], [], [])
            if client not in ready and client_has_spoken:
                ready, _, _ = select.select([client], [], [], PAUSE)
            from_client = client in ready
            data = (client if from_client else server).recv(65536)
            if not data:
                return
            if client_has_spoken and not from_client:
                self.waits += 1
            client_has_spoken = from_client
            (server if from_client else client).sendall(data)


def fewest(attempt: Callable[[], int], wanted: int) -> int:
    counts = [attempt()]
    while counts[-1] > wanted and len(counts) < TRIES:
        counts.append(attempt())
    return min(counts)


class RoundTrips(ServerCase):
    def line(self, options: str) -> Line:
        line = Line(self.server.mailbox(options))
        self.addCleanup(line.close)
        return line

    def account_for(self, row: dict[str, Any], port: int) -> Account:
        secure = {"": "clear", "tls=implicit": "tls", "tls=stls": "starttls"}[row["server"].split(" ")[0]]
        return account_at(port, **{**self.tls(), "secure": secure})

    def test_the_picture_has_them(self) -> None:
        for row in json.loads(SESSION.read_text())["rows"]:
            account = self.account_for(row, (line := self.line(row["server"])).port)

            def open_again() -> int:
                with Mailbox.of(account) as box:
                    box.open()
                    return line.waits

            def open_first() -> int:
                forget()
                return open_again()

            # connecting itself comes before the first one, and QUIT is still to come
            for which, attempt in ("first", open_first), ("again", open_again):
                with self.subTest(row["mode"], which=which):
                    wanted = len(row[which]) - 2
                    self.assertEqual(fewest(attempt, wanted), wanted)

    def test_the_picture_names_what_is_said(self) -> None:
        for row in json.loads(SESSION.read_text())["rows"]:
            with self.subTest(row["mode"]):
                forget()
                port = self.server.mailbox(f"record=yes {row['server']}")
                for _ in range(2):
                    with Mailbox.of(self.account_for(row, port)) as box:
                        box.open()
                said = [words.split(" ")[0] for words in self.server.received(port).split("\\r\\n")[:-1]]
                self.assertEqual(said, [step for step in row["first"] + row["again"] if step in COMMANDS])

    def test_user_and_pass_take_one_where_the_server_pipelines(self) -> None:
        line = self.line("tls=implicit sasl=none")
        # the handshake and the greeting come before; where a mechanism is named CAPA is not asked: nothing is known
        for mechanism, said, wanted in ("auto", "CAPA; USER and PASS", 4), ("USER", "USER; PASS", 4):
            account = account_at(line.port, **{**self.tls(), "mechanism": mechanism})

            def open_first() -> int:
                forget()
                with Mailbox.of(account) as box:
                    box.open()
                    return line.waits

            with self.subTest(said):
                self.assertEqual(fewest(open_first, wanted), wanted)

    def test_many_messages_take_one(self) -> None:
        line = self.line("messages=15 size=500")

        def read_all() -> int:
            with Mailbox.of(account_at(line.port)) as box:
                numbers = list(box.list())
                before = line.waits
                self.assertEqual(len(list(box.messages(numbers, ahead=15))), 15)
                return line.waits - before

        self.assertEqual(fewest(read_all, 1), 1)


if __name__ == "__main__":
    unittest.main()
