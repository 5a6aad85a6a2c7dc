#!/usr/bin/env python3
"""MB a second of messages taken apart by pop3_split, libEtPan and Python's email package.

    bench_split.py PROGRAM

PROGRAM is bench_split. CPU time, of one process each. All parse and decode each body; what is decoded is of the same size.
"""

import base64
import email
import email.policy
import quopri
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LEAST_SECONDS = 2


def crlf(text):
    return text.replace(b"\n", b"\r\n")


def attachment(size):
    data = random.Random(1).randbytes(size)
    return crlf(
        b"From: alice@example.com\nSubject: =?utf-8?q?ein_gro=C3=9Fer_Anhang?=\nDate: Fri, 21 Nov 1997 09:55:06 -0600\n"
        b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nsee there\n'
        b'--b\nContent-Type: application/octet-stream; name="a.bin"\nContent-Transfer-Encoding: base64\n\n'
        + base64.encodebytes(data) + b"--b--\n"
    )


def small(number):
    text = f"Grüße Nummer {number}, und noch etwas mehr Text.\n" * 20
    html = "<p>" + text.replace("\n", "<br>\n")
    received = "".join(
        f"Received: from mail{hop}.example.com (mail{hop}.example.com [192.0.2.{hop}])\n\tby mx.example.net with ESMTPS id {number:08x}"
        f"\n\tfor <bob@example.net>; Fri, 21 Nov 1997 09:55:0{hop} -0600\n" for hop in range(5)
    )
    header = (
        f"{received}From: =?utf-8?q?M=C3=BCller?= <eva@example.com>\nTo: Bob <bob@example.net>\n"
        f"Subject: =?utf-8?b?R3LDvMOfZQ==?= {number}\nMessage-ID: <{number}@example.com>\nMIME-Version: 1.0\n"
        'Date: Fri, 21 Nov 1997 09:55:06 -0600\nContent-Type: multipart/alternative; boundary="=_b"\n\n'
        "--=_b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
    )
    return crlf(
        header.encode() + quopri.encodestring(text.encode())
        + b"\n--=_b\nContent-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"
        + quopri.encodestring(html.encode("iso-8859-1")) + b"\n--=_b--\n"
    )


def plain(size):
    line = b"A line of plain text as it is in any mail, of a usual length of some letters.\n"
    return crlf(b"From: alice@example.com\nSubject: text\n\n" + line * (size // len(line)))


KINDS = {
    "one of 10 MB, base64": lambda: [attachment(10_000_000)],
    "2000 small multiparts": lambda: [small(number) for number in range(2000)],
    "one of 10 MB, plain text": lambda: [plain(10_000_000)],
}


def split_by_python(message):
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    for _, value in parsed.items():
        str(value)
    return sum(len(part.get_payload(decode=True)) for part in parsed.walk() if not part.is_multipart())


def measure(messages):
    rounds, begin = 0, time.process_time()
    while True:
        decoded = sum(map(split_by_python, messages))
        rounds += 1
        seconds = time.process_time() - begin
        if seconds >= LEAST_SECONDS:
            return sum(map(len, messages)) * rounds / seconds / 1e6, decoded


def main():
    print("| messages | pop3connect | libEtPan | Python's email |", "| --- | --- | --- | --- |", sep="\n")
    for kind, make in KINDS.items():
        messages = make()
        with tempfile.TemporaryDirectory() as folder:
            for number, message in enumerate(messages):
                (Path(folder) / str(number)).write_bytes(message)
            output = subprocess.run([sys.argv[1], folder], check=True, capture_output=True, text=True).stdout
        (_, ours, our_size), (_, etpans, _) = (line.split() for line in output.splitlines())
        theirs, their_size = measure(messages)
        if int(our_size) != their_size:
            sys.exit(f"bench_split: {kind}: we decode {our_size} octets and Python {their_size}")
        print(f"| {kind} | {ours} | {etpans} | {theirs:.1f} |")


main()
