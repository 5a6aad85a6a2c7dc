"""Messages: by Python's package `email`, and taken apart by the library."""

from __future__ import annotations

import datetime
import unittest

from pop3connect import LimitExceeded, Message, split

MIXED = b"""\
From: =?iso-8859-1?q?J=F6rg?= <joerg@mail.test>\r
Subject: =?utf-8?b?w6TDtg==?=\r
Date: Thu, 26 Nov 2026 21:00:00 +0200\r
Received: one\r
Received: two\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
Content-Type: text/plain; charset=iso-8859-1\r
Content-Transfer-Encoding: quoted-printable\r
\r
gr=FC=DFe\r
--b\r
Content-Type: application/octet-stream\r
Content-Disposition: attachment; filename*=utf-8''%C3%A4.bin\r
Content-ID: <one@mail.test>\r
Content-Transfer-Encoding: base64\r
\r
AAEC\r
--b--\r
"""


class Messages(unittest.TestCase):
    def test_as_email(self) -> None:
        message = Message(1, MIXED, "uid-1")
        self.assertEqual(message.size, len(MIXED))
        self.assertEqual(message.email["Subject"], "äö")
        self.assertIs(message.email, message.email)
        (attachment,) = message.email.iter_attachments()
        self.assertEqual(attachment.get_filename(), "ä.bin")

    def test_taken_apart(self) -> None:
        mail = Message(1, MIXED).split()
        self.assertEqual(mail, split(MIXED))
        self.assertEqual(mail.value("FROM"), "Jörg <joerg@mail.test>")
        self.assertEqual([value for name, value in mail.fields if name == "Received"], ["one", "two"])
        self.assertIsNone(mail.value("To"))
        self.assertEqual(mail.date, datetime.datetime(2026, 11, 26, 19, tzinfo=datetime.timezone.utc))
        whole, text, file = mail.parts
        self.assertEqual((whole.level, whole.content_type, whole.content_subtype), (0, "multipart", "mixed"))
        self.assertEqual((whole.text, whole.data), (None, None))
        self.assertEqual((text.level, text.charset, text.text, text.data), (1, "iso-8859-1", "grüße", b"gr\xfc\xdfe"))
        self.assertEqual((file.text, file.data), (None, b"\0\1\2"))
        self.assertEqual((file.file_name, file.disposition), ("ä.bin", "attachment"))
        self.assertEqual((file.content_id, file.encoding), ("one@mail.test", "base64"))

    def test_any_bytes_are_a_message(self) -> None:
        empty = split(b"")
        self.assertEqual((empty.fields, empty.date, empty.parts[0].text), ([], None, ""))
        self.assertEqual(split(b"\r\na\0b").parts[0].text, "a\0b")
        dated = split(b"Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n\r\n")
        self.assertEqual(dated.date, datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc))

    def test_limits(self) -> None:
        self.assertRaises(LimitExceeded, split, b"Content-Type: message/rfc822\r\n\r\n" * 70)


if __name__ == "__main__":
    unittest.main()
