"""Messages to take apart, made for that: what mail looks like, and what it should not look like but does."""

import base64
import quopri

CRLF = b"\r\n"


def lines(*given):
    """Lines of bytes or text, each with its end."""
    return b"".join((line if isinstance(line, bytes) else line.encode()) + CRLF for line in given)


def part(*header, body=b""):
    return lines(*header) + CRLF + (body if isinstance(body, bytes) else body.encode())


def multipart(subtype, boundary, *parts, header=(), preamble=b"", end=True):
    text = part(*header, f'Content-Type: multipart/{subtype}; boundary="{boundary}"', body=preamble)
    for each in parts:
        text += f"--{boundary}\r\n".encode() + each + CRLF
    return text + (f"--{boundary}--\r\n".encode() if end else b"")


TEXTS = {
    "us-ascii": "plain",
    "utf-8": "Grüße, мир, 世界 😀",
    "iso-8859-1": "Grüße aus Köln",
    "iso-8859-2": "Zażółć gęślą jaźń",
    "iso-8859-5": "Привет",
    "iso-8859-7": "Καλημέρα",
    "iso-8859-15": "5 € für Zoë",
    "windows-1250": "Příliš žluťoučký kůň",
    "windows-1251": "Съешь ещё",
    "windows-1252": "„5 €“ — fünf",
    "windows-1256": "مرحبا",
    "windows-874": "สวัสดี",
    "koi8-r": "Привет, мир",
    "koi8-u": "Привіт, їжак",
    "macintosh": "Äpfel & Öl",
    "iso-2022-jp": "こんにちは、世界",
    "shift_jis": "こんにちは、世界",
    "euc-jp": "こんにちは、世界",
    "gb2312": "你好，世界",
    "gbk": "你好，世界",
    "gb18030": "你好，世界 €",
    "big5": "你好，世界",
    "euc-kr": "안녕하세요",
    "utf-7": "Grüße 世界 +",
    "utf-16": "Grüße 世界",
}


def codec(charset):
    return {"macintosh": "mac_roman", "windows-874": "cp874"}.get(charset, charset)


def encoded(data, encoding):
    if encoding == "base64":
        return base64.encodebytes(data).replace(b"\n", CRLF)
    if encoding == "quoted-printable":
        return quopri.encodestring(data, quotetabs=True).replace(b"\n", CRLF)
    return data


def texts():
    """Each charset in each encoding, and in encoded words."""
    for charset, text in TEXTS.items():
        data = text.encode(codec(charset))
        for encoding in ("8bit", "quoted-printable", "base64"):
            yield f"text {charset} {encoding}", part(
                "From: alice@example.com",
                f"Content-Type: text/plain; charset={charset}",
                f"Content-Transfer-Encoding: {encoding}",
                body=encoded(data, encoding),
            )
        quoted = "".join(f"={byte:02X}" for byte in data)
        word = f"=?{charset}?q?{quoted}?= plain =?{charset.upper()}?B?{base64.b64encode(data).decode()}?="
        yield f"word {charset}", part(f"Subject: {word}", body="x")


NAMES = {
    "quoted": 'filename="a b.txt"',
    "token": "filename=a.txt",
    "escaped": r'filename="a\"b\\c.txt"',
    "words": 'filename="=?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?b?LnR4dA==?="',
    "charset": "filename*=utf-8'de'Gr%C3%BC%C3%9Fe.txt",
    "latin": "filename*=iso-8859-1''Gr%FC%DFe.txt",
    "pieces": 'filename*0="a very long "; filename*1="name.txt"',
    "pieces and charset": "filename*0*=utf-8''Gr%C3%BC; filename*1*=%C3%9Fe; filename*2=\".txt\"",
    "pieces, cut": "filename*0*=utf-8''Gr%C3; filename*1*=%BC%C3; filename*2*=%9Fe.txt",
    "pieces, turned": "filename*1*=%C3%9Fe.txt; filename*0*=utf-8''Gr%C3%BC",
    "both": "filename=plain.txt; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt",
    "8-bit": 'filename="Grüße.txt"',
    "blanks": "filename=a b.txt",
    "comment": "filename=a.txt (a file)",
    "folded": 'filename="a\r\n b.txt"',
    "none": "size=3",
}


def names():
    for kind, parameter in NAMES.items():
        yield f"name {kind}", part(
            "Content-Type: application/octet-stream; name=type.bin",
            f"Content-Disposition: attachment; {parameter}",
            "Content-Transfer-Encoding: base64",
            body="AP8B\r\n",
        )


HEADERS = {
    "folded": "Subject: one\r\n two\r\n\tthree",
    "repeated": "Received: one\r\nReceived: two\r\nReceived: one",
    "words in a row": "Subject: =?utf-8?q?a?=\r\n =?utf-8?q?b?= c =?utf-8?q?d?=",
    "a character in two words": "Subject: =?utf-8?q?=E2=82?= =?utf-8?q?=AC?=",
    "a character in two words of base64": "Subject: =?utf-8?b?4oI=?=\r\n =?utf-8?b?rA==?=",
    "a word in a word": "Subject: a=?utf-8?q?b?=c",
    "a word with blanks": "Subject: =?utf-8?q?a b?=",
    "a word with a language": "Subject: =?utf-8*en?q?a?=",
    "a word of no charset": "Subject: =?x-unknown?q?a?=",
    "a word of no encoding": "Subject: =?utf-8?x?a?=",
    "a word without an end": "Subject: =?utf-8?q?a",
    "line ends in a word": "Subject: =?utf-8?q?a=0D=0ABcc:_b?=",
    "utf-8": "Subject: Grüße",
    "addresses": 'From: "Müller, Eva" <eva@example.com>\r\nTo: a@example.com, Bob <b@example.com>',
    "words in addresses": "From: =?utf-8?q?M=C3=BCller?= <eva@example.com>\r\nCc: =?utf-8?b?Qm9i?= <b@example.com>, c@example.com",
    "words in quotes": 'From: "=?utf-8?q?M=C3=BCller?=" <eva@example.com>',
    "no value": "Subject:\r\nX-Empty: \r\nX-More: 1",
    "blanks before the colon": "Subject : one",
    "message id": "Message-ID: <a@example.com>\r\nReferences: <b@example.com>\r\n <c@example.com>",
    "date": "Date: Fri, 21 Nov 1997 09:55:06 -0600",
    "date, comment": "Date: Fri, 21 Nov 1997 09:55:06 -0600 (CST)",
    "date, no day": "Date: 21 Nov 97 09:55 EST",
    "date, turned": "Date: Fri Nov 21 09:55:06 1997",
    "date, rubbish": "Date: yesterday",
    "date, no zone": "Date: Fri, 21 Nov 1997 09:55:06 -0000",
}


def headers():
    for kind, header in HEADERS.items():
        yield f"header {kind}", part(header, body="x\r\n")
    yield "header 8-bit", part(b"Subject: Gr\xfc\xdfe", body="x")
    yield "header nul", part(b"Subject: a\0b", body="x")
    yield "header only", lines("Subject: one", "To: a@example.com")
    yield "header cut", b"Subject: one\r\nTo"
    yield "header none", b"\r\nbody\r\n"
    yield "header of no message", b"just text\r\n\r\nmore\r\n"
    yield "header from mbox", b"From alice Fri Nov 21\r\nSubject: one\r\n\r\nbody"
    yield "header with a line that is none", b"Subject: one\r\nno field\r\nTo: a@example.com\r\n\r\nbody"
    yield "header lf", b"Subject: one\n two\n\nbody\nmore\n"
    yield "header 10000", part(*(f"X-{at}: {at}" for at in range(10_000)), body="x")
    yield "empty", b""


PLAIN = part("Content-Type: text/plain; charset=utf-8", body="plain")
HTML = part("Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: quoted-printable", body="<b>=C3=A4</b>")
IMAGE = part(
    "Content-Type: image/png; name=a.png",
    "Content-Disposition: inline; filename=a.png",
    "Content-ID: <a@b>",
    "Content-Transfer-Encoding: base64",
    body="AP8B",
)
INNER = part("Subject: inner", "Content-Type: text/plain", body="inner")


def nested(depth):
    text = PLAIN
    for level in range(depth):
        text = multipart("mixed", f"level{level}x", text)
    return text


def shapes():
    yield "shape mixed", multipart("mixed", "b", PLAIN, IMAGE, header=("Subject: one",), preamble=b"preamble\r\n")
    yield "shape alternative", multipart("alternative", "=_b?:", PLAIN, multipart("related", "=_b?:c", HTML, IMAGE))
    yield "shape message", multipart("mixed", "b", part("Content-Type: message/rfc822", body=INNER))
    yield "shape message of parts", multipart("mixed", "b", part("Content-Type: message/rfc822", body=multipart("mixed", "c", PLAIN, IMAGE)), PLAIN)
    yield "shape message alone", part("Content-Type: message/rfc822", body=INNER)
    yield "shape message, encoded", part("Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", body=base64.encodebytes(INNER))
    yield "shape digest", multipart("digest", "b", CRLF + INNER, CRLF + INNER)
    yield "shape empty part", multipart("mixed", "b", b"", CRLF, PLAIN)
    yield "shape no part", multipart("mixed", "b")
    yield "shape 60", nested(60)
    yield "shape flowed", part("Content-Type: text/plain; format=flowed; delsp=yes", body="a \r\nb\r\n-- \r\nc\r\n")
    yield "shape tnef", multipart("mixed", "b", PLAIN, part("Content-Type: application/ms-tnef; name=winmail.dat", "Content-Transfer-Encoding: base64", body="eJ8+IgEA"))
    yield "shape report", multipart("report", "b", PLAIN, part("Content-Type: message/delivery-status", body="Reporting-MTA: dns; a\r\n\r\nAction: failed\r\n"))
    yield "shape partial", part("Content-Type: message/partial; id=a; number=1", body="x")
    yield "broken, no end", multipart("mixed", "b", PLAIN, IMAGE, end=False)
    yield "broken, no end within", multipart("mixed", "b", multipart("mixed", "c", PLAIN, end=False), IMAGE)
    yield "broken, no boundary", part("Content-Type: multipart/mixed", body="shown")
    yield "broken, not found", part("Content-Type: multipart/mixed; boundary=b", body="shown")
    yield "broken, same boundary", multipart("mixed", "b", multipart("mixed", "b", PLAIN), IMAGE)
    yield "broken, blanks behind", multipart("mixed", "b", PLAIN, IMAGE).replace(b"--b\r", b"--b \t\r")
    yield "broken, another's beginning", multipart("mixed", "b", part(body="--bc\r\n--b-\r\n"), PLAIN)
    yield "broken, behind the end", multipart("mixed", "b", PLAIN) + b"--b\r\n\r\nx\r\n"
    yield "broken, no empty line", multipart("mixed", "b", b"no header\r\n", PLAIN)
    yield "broken, type", part("Content-Type: rubbish", body="x")
    yield "broken, types", part("Content-Type: text/plain", "Content-Type: text/html", body="x")
    yield "broken, charset", part("Content-Type: text/plain; charset=x-unknown", body="x")
    yield "broken, 8-bit utf-8", part("Content-Type: text/plain", body="ä")
    yield "broken, 8-bit", part("Content-Type: text/plain", body=b"\xe4\x80")
    yield "broken, not utf-8", part("Content-Type: text/plain; charset=utf-8", body=b"a\xffb")
    yield "broken, not its charset", part("Content-Type: text/plain; charset=shift_jis", body=b"a\x81\xffb\xfd")
    yield "broken, nul", part("Content-Type: text/plain; charset=utf-8", body=b"a\0b")
    yield "broken, comment", part("Content-Type: text/plain (a comment); charset=us-ascii (another)", body="x")
    yield "broken, no semicolon", part("Content-Type: text/html charset=utf-8", body="x")
    for encoding, body in (
        ("base64", "AP8B\r\n"),
        ("base64", "Q U\tF!B\r\nQUE\r\n"),
        ("base64", "QQ==\r\n-- \r\na list's footer\r\n"),
        ("BASE64", "QUFB"),
        ("quoted-printable", "a=\r\nb =ZZ 100% =3d=\r\nblanks  \r\nend="),
        ("x-uuencode", "begin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n"),
        ("binary", "a\r\nb"),
        ("x-unknown", "a=41"),
    ):
        yield f"encoding {encoding} {body[:4]}", part("Content-Type: application/octet-stream", f"Content-Transfer-Encoding: {encoding}", body=body)
    yield "text uuencode", part("Content-Type: text/plain", body="begin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n")


def messages():
    """Names and messages."""
    for kind in (texts, names, headers, shapes):
        yield from kind()
