"""The samples in README.md run, and those of poplib beside them do the same."""

from __future__ import annotations

import re
import unittest
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pop3connect import harvest
from pop3connect.harvest import postgres

from .postgres import PostgresCase
from .sample import SampleCase, samples
from .support import PASSWORD

README = Path(__file__).parents[1] / "README.md"


class Samples(PostgresCase, SampleCase):
    def run_sample(self, source: str, port: int, **names: Any) -> str:
        """With the tests' own PostgreSQL too."""

        def here(function: Any) -> Any:
            def call(conninfo: str) -> Any:
                assert conninfo == "host=db.example.com dbname=mail"
                return function(self.conninfo())

            return call

        with (
            patch.object(harvest, "from_postgres", here(harvest.from_postgres)),
            patch.object(postgres, "PostgresBook", here(postgres.PostgresBook)),
        ):
            return super().run_sample(source, port, **names)

    def test_side_by_side(self) -> None:
        found = samples(README)
        names = [name for kind, name in found if kind == "poplib"]
        self.assertEqual(names, ["count", "subjects", "message", "file", "delete", "new"])
        for name in names:
            with self.subTest(name):
                said = {}
                for kind in "poplib", "pop3connect":
                    port = self.server.mailbox("tls=implicit messages=3 size=5000")
                    said[kind] = [self.run_sample(found[kind, name], port) for _ in range(2)]
                self.assertEqual(said["poplib"], said["pop3connect"])
                self.assertNotEqual(said["poplib"][0], "")
                # the second time nothing is left, or nothing new
                self.assertEqual(said["poplib"][1] == "", name in ("delete", "new"))

    def test_the_others(self) -> None:
        expected = {
            "first": "uid-1 5000 Message 0000000001\nuid-2 5000 Message 0000000002\n",
            "collect": "2 taken, 0 left\n",
            "errors": "the password is wrong\n",
            "aio": "[2]\n",
            "harvest": "2 messages taken\n",
            "shown": "2 messages taken\n",
            "postgres": "2 messages taken\n",
            "crew": "2 messages taken\n",
        }
        found = {name: source for (kind, name), source in samples(README).items() if kind == "sample"}
        self.assertEqual({*found}, {*expected})
        for name, words in expected.items():
            with self.subTest(name):
                port = self.server.mailbox("tls=implicit messages=2 size=5000")
                values = (f"127.0.0.1:{port}", "alice", PASSWORD, f"{self.server.folder}/ca.pem", "60")
                Path("accounts.csv").write_text(f"server,user,password,ca_file,every\n{','.join(values)}\n")
                self.rows("DROP TABLE IF EXISTS accounts")
                self.rows('CREATE TABLE accounts (server text, "user" text, password text, ca_file text, every int)')
                self.rows("INSERT INTO accounts VALUES (%s, %s, %s, %s, %s)", *values)
                # on any port, which may be taken
                printed = self.run_sample(found[name].replace("port=9110", "port=0"), port)
                # without the lines of a page, which begin with the time
                printed, lines = re.subn(r"^20\d\d-\S* .* accounts 1, .*\n", "", printed, flags=re.MULTILINE)
                self.assertEqual((printed, lines > 0), (words, name == "shown"))
        self.assertEqual(len(Path("message-2.eml").read_bytes()), 5000)


if __name__ == "__main__":
    unittest.main()
