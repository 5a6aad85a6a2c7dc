"""The samples in Python in docs/guide.md run, and do what is said there."""

from __future__ import annotations

import asyncio
import contextlib
import io
import unittest
from pathlib import Path
from typing import Any

import pop3connect
from pop3connect import AuthError, ConnectionLost, Mailbox, ServerError, TlsError

from .sample import SampleCase, samples

GUIDE = Path(__file__).parents[2] / "docs/guide.md"
MAIL = (
    b"From: =?utf-8?q?M=C3=BCller?= <eva@example.com>\r\nTo: x@example.com\r\nSubject: files\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee there\n\r\n--b\r\n\r\nnot this\r\n--b\r\n"
    b"Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAP8=\r\n--b--\r\n"
)


class Guide(SampleCase):
    def function(self, sample: str, name: str) -> Any:
        """A function that a sample defines."""
        names: dict[str, Any] = {"__name__": "sample"}
        exec(compile(samples(GUIDE)["sample", sample], sample, "exec"), names)
        return names[name]

    def test_each_has_a_test(self) -> None:
        named = {name.removeprefix("test_sample_") for name in dir(self) if name.startswith("test_sample_")}
        self.assertEqual({name for _, name in samples(GUIDE)}, named)

    def test_sample_mailbox(self) -> None:
        source = samples(GUIDE)["sample", "mailbox"]
        port = self.server.mailbox("tls=implicit messages=3")
        self.assertEqual(self.run_sample(source, port).count("Subject: "), 3)
        self.assertEqual(self.run_sample(source, port), "")
        with self.assertRaisesRegex(SystemExit, "^error -2002: "):
            self.run_sample(source.replace('"secret"', '"guessed"'), port)

    def test_sample_stream(self) -> None:
        save_message = self.function("stream", "save_message")
        with self.box("messages=2 size=300000") as box:
            save_message(box, 2, "2.eml")
            self.assertEqual(Path("2.eml").read_bytes(), box.fetch(2))
            with self.assertRaises(ServerError):
                save_message(box, 3, "3.eml")
            with self.assertRaises(OSError):
                save_message(box, 1, "none/1.eml")
            # a file that takes nothing ends the session
            with self.assertRaises(OSError):
                save_message(box, 1, "/dev/full")
            with self.assertRaises(ConnectionLost):
                box.close()

    def test_sample_bulk(self) -> None:
        with self.box("messages=4") as box:
            found = [message.number for message in self.function("bulk", "read_new")(box, {"uid-2"})]
        self.assertEqual(found, [1, 3, 4])

    def test_sample_collect(self) -> None:
        collect_mail = self.function("collect", "collect_mail")
        account = self.account("messages=3 size=400")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            self.assertEqual([collect_mail(account, "book") for _ in range(2)], [1200, 0])
        self.assertEqual(
            printed.getvalue(), "3 taken, 0 deleted, 0 left, 0 failed\n0 taken, 0 deleted, 0 left, 0 failed\n"
        )

    def test_sample_split(self) -> None:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            self.function("split", "print_mail")(MAIL)
        self.assertEqual(
            printed.getvalue(), "From: Müller <eva@example.com>\nSubject: files\nsee there\n[a.png, 2 bytes]\n"
        )

    def test_sample_options(self) -> None:
        port, log = self.server.mailbox("tls=implicit"), io.StringIO()
        source = samples(GUIDE)["sample", "options"]
        use = "\n\nwith of(account('alice', 'secret', log)) as box:\n    box.count()\n"
        self.run_sample(source + use, port, of=Mailbox.of, log=log)
        self.assertIn("pop3: C: STAT\npop3: S: +OK", log.getvalue())
        self.assertIn("pop3: C: QUIT\n", log.getvalue())

    def test_sample_trust(self) -> None:
        connect_trusting = self.function("trust", "connect_trusting")
        account = self.account("tls=implicit", secure="tls")
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            connect_trusting(account, str(self.server.folder / "ca.pem")).close()
            with self.assertRaises(TlsError):
                connect_trusting(account, str(self.server.folder / "other-ca.pem"))
        self.assertRegex(printed.getvalue(), "^TLSv1.3, TLS_[A-Z0-9_]+, verified\nnot trusted: .")

    def test_sample_many(self) -> None:
        right = self.account("messages=7")
        wrong = pop3connect.Account(right.server, "alice", "guessed", secure="clear")
        counts = asyncio.run(self.function("many", "count_side_by_side")([right, wrong, right]))
        self.assertEqual([counts[0], type(counts[1]), counts[2]], [7, AuthError, 7])


if __name__ == "__main__":
    unittest.main()
