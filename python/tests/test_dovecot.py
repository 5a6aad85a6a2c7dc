"""A real server: Dovecot."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from pathlib import Path

from pop3connect import AuthError, Mailbox

from .support import ServerCase, account_at

SCRIPT = Path(__file__).parents[2] / "ctest/support/dovecot.sh"


class Dovecot(ServerCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="pop3-dovecot-")
        self.addCleanup(folder.cleanup)
        # it runs as another user there
        Path(folder.name).chmod(0o755)
        self.port, self.tls_port = free_port(), free_port()
        self.log = Path(folder.name) / "log"
        with self.log.open("w") as log:
            command = [str(SCRIPT), f"{folder.name}/it", str(self.server.folder), str(self.port), str(self.tls_port)]
            process = subprocess.Popen(command, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        while not (answers(self.port) and answers(self.tls_port)):
            if process.poll() is not None:
                self.fail(f"Dovecot does not come up: {self.log.read_text()}")
            time.sleep(0.05)
        self.book = Path(folder.name) / "book"

    def test_sessions_and_collecting(self) -> None:
        for port, how in (
            (self.port, {}),
            (self.port, {**self.tls(), "secure": "starttls"}),
            (self.tls_port, self.tls()),
        ):
            with self.subTest(how), Mailbox.of(account_at(port, **how)) as box:
                self.assertEqual(len(box), 5)
                self.assertIn("UIDL", box.capabilities())
                (uid, *_) = box.uids().values()
                self.assertIn(b"Subject: message 1\r\n", box.fetch(uid))
                self.assertEqual(
                    [message.email["Subject"] for message in box.messages([2, 3])], ["message 2", "message 3"]
                )
        with self.assertRaises(AuthError):
            Mailbox.of(account_at(self.port, password="wrong")).open()

        box = Mailbox.of(account_at(self.tls_port, **self.tls()))
        for message in box.new(self.book):
            if message.email["Subject"] == "message 3":
                break
        subjects = [message.email["Subject"] for message in box.new(self.book, delete_after=0)]
        self.assertEqual(subjects, ["message 3", "message 4", "message 5"])
        with box:
            self.assertEqual(len(box), 0)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
