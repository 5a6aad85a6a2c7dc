"""The samples in README.md run, and those of poplib beside them do the same."""

from __future__ import annotations

import unittest
from pathlib import Path

from .sample import SampleCase, samples
from .support import PASSWORD

README = Path(__file__).parents[1] / "README.md"


class Samples(SampleCase):
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
        }
        found = {name: source for (kind, name), source in samples(README).items() if kind == "sample"}
        self.assertEqual({*found}, {*expected})
        for name, words in expected.items():
            with self.subTest(name):
                port = self.server.mailbox("tls=implicit messages=2 size=5000")
                Path("accounts.csv").write_text(
                    "server,user,password,ca_file,every\n"
                    f"127.0.0.1:{port},alice,{PASSWORD},{self.server.folder}/ca.pem,60\n"
                )
                self.assertEqual(self.run_sample(found[name], port), words)
        self.assertEqual(len(Path("message-2.eml").read_bytes()), 5000)


if __name__ == "__main__":
    unittest.main()
