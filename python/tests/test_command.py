"""Harvesting from the command line."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

import psycopg

from . import postgres
from .support import PASSWORD, ServerCase

#: In seconds; what is done here takes one or two.
PATIENCE = 120


class Command(ServerCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def begin(self, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "error", "-m", "pop3connect.harvest", *arguments]
        return self.begin_program(command, cwd=self.folder)

    def run_it(self, *arguments: object) -> tuple[int, str, str]:
        """Its exit code, and what it has printed."""
        process = self.begin(*arguments)
        out, told = process.communicate(timeout=PATIENCE)
        return process.returncode, out, told

    def accounts(self, *users: str, messages: int = 2) -> Path:
        lines = ["server,user,password,secure"]
        lines += [f"127.0.0.1:{self.server.mailbox(f'messages={messages}')},{user},{PASSWORD},clear" for user in users]
        (self.folder / "accounts.csv").write_text("\n".join(lines) + "\n")
        return self.folder / "accounts.csv"

    def whole(self, folder: str) -> int:
        place = self.folder / folder
        return len(os.listdir(place)) if place.exists() else 0

    def wait_for(self, process: subprocess.Popen[str], folder: str, count: int) -> None:
        end = time.monotonic() + PATIENCE
        while self.whole(folder) < count:
            self.assertIsNone(process.poll(), "it has ended")
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def test_each_once(self) -> None:
        accounts = self.accounts("alice", "alice")
        for _ in range(2):
            self.assertEqual(self.run_it(accounts, "--once", "--maildir", "mail", "--book", "book"), (0, "", ""))
            self.assertEqual(self.whole("mail/new"), 4)

    def test_one_that_fails(self) -> None:
        accounts = self.accounts("alice", "bob")
        log = self.folder / "log"
        code, out, told = self.run_it(accounts, "--once", "--folder", "mail", "--book", "book", "--log", log)
        self.assertEqual((code, out, told), (1, "", ""))
        self.assertEqual(self.whole("mail"), 2)
        self.assertRegex(log.read_text(), "WARNING bob@127.0.0.1:.*")
        self.assertNotIn(PASSWORD, log.read_text())

    def test_until_it_is_stopped(self) -> None:
        for number in signal.SIGTERM, signal.SIGINT:
            accounts = self.accounts("alice")
            mail = f"mail-{number}"
            process = self.begin(accounts, "--folder", mail, "--book", "book")
            self.wait_for(process, mail, 2)
            process.send_signal(number)
            self.assertEqual(process.communicate(timeout=PATIENCE), ("", ""))
            self.assertEqual(process.returncode, 0)

    def test_it_is_stopped_while_its_workers_begin(self) -> None:
        options = ["--folder", "mail", "--book", "book", "--workers", 2, "--log", "log"]
        process = self.begin(self.accounts("alice"), *options)
        log = self.folder / "log"
        end = time.monotonic() + PATIENCE
        while not log.exists() or "2 workers begin" not in log.read_text():
            self.assertIsNone(process.poll(), "it has ended")
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=PATIENCE)
        self.assertNotIn("Traceback", told)
        self.assertEqual(process.returncode, 0)

    def test_each_once_but_stopped_before(self) -> None:
        # the second one may not be asked yet
        options = ["--once", "--folder", "mail", "--book", "book", "--rate", 0.0001]
        process = self.begin(self.accounts("alice", "alice"), *options)
        self.wait_for(process, "mail", 2)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1)

    def test_workers_and_postgresql(self) -> None:
        conninfo = postgres.cluster().conninfo()
        with psycopg.connect(conninfo, autocommit=True) as database:
            database.execute("CREATE TABLE command_accounts (server text, \"user\" text, password text, secure text)")
            for _ in range(3):
                server = f"127.0.0.1:{self.server.mailbox('messages=2')}"
                row = [server, "alice", PASSWORD, "clear"]
                database.execute("INSERT INTO command_accounts VALUES (%s, %s, %s, %s)", row)
            host = database.info.host
        accounts = f"postgresql://pop3@/postgres?host={host}"
        arguments = [accounts, "--table", "command_accounts", "--folder", "mail", "--postgres", conninfo, "--once"]
        for _ in range(2):
            code, _, told = self.run_it(*arguments, "--workers", 2, "--lease", 60)
            self.assertEqual(code, 0, told)
            self.assertEqual(self.whole("mail"), 6)

    def test_what_is_shown(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = ["--status", "--metrics", port]
        process = self.begin(self.accounts("alice"), "--folder", "mail", "--book", "book", *options)
        self.wait_for(process, "mail", 2)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
            self.assertIn("pop3_accounts 1.0", answer.read().decode())
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertRegex(out, re.compile(r"^\S+ \S+ accounts 1, ", re.MULTILINE))

    def test_what_is_wrong(self) -> None:
        (self.folder / "bad.csv").write_text(f"server,password\nhost,{PASSWORD},more\n")
        mail = ["--once", "--folder", "mail"]
        for arguments, words in (
            (["bad.csv", *mail, "--book", "book"], "bad.csv, line 2: there are more values"),
            (["none.csv", *mail, "--book", "book"], "No such file"),
            (["none.db", *mail, "--book", "book"], "unable to open"),
            (["postgresql://nobody@/x?host=/nowhere", *mail, "--book", "book"], "connection"),
            ([self.accounts("alice"), *mail, "--book", "book", "--rate", "0"], "rate is 0"),
            ([self.accounts("alice"), *mail, "--postgres", "", "--delete-after", "3"], "delete_after is 3"),
        ):
            with self.subTest(words):
                code, _, told = self.run_it(*arguments)
                self.assertEqual(code, 2)
                self.assertRegex(told, f"^pop3connect.harvest: .*{words}")
                self.assertNotIn(PASSWORD, told)
                self.assertNotIn("Traceback", told)
        code, _, told = self.run_it(self.accounts("alice"), *mail)
        self.assertEqual(code, 2)
        self.assertIn("usage:", told)


if __name__ == "__main__":
    unittest.main()
