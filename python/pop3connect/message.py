"""Messages: as they come, and taken apart."""

from __future__ import annotations

import email
import email.policy
from ctypes import byref
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from functools import cached_property

from . import _library
from ._library import NO_DATE, checked, lib, octets, text


@dataclass(frozen=True)
class Message:
    """A message that has come whole."""

    #: In the session in which it came, from 1.
    number: int
    #: Byte for byte as the server stores it, line ends as sent.
    data: bytes
    #: The unique id, which stays the same in every session; "" where it was not asked for, or there is none.
    uid: str = ""

    @property
    def size(self) -> int:
        """How many octets have come."""
        return len(self.data)

    @cached_property
    def email(self) -> EmailMessage:
        """The message as Python's own package `email` takes it apart; made when it is first asked for."""
        return email.message_from_bytes(self.data, policy=email.policy.default)

    def split(self) -> Mail:
        """The message as the library takes it apart: see `split`."""
        return split(self.data)


@dataclass(frozen=True)
class Part:
    """A part of a message. Strings are "" where the message does not say."""

    #: 0 is the message itself; what a multipart or another message contains is one level below it, and follows it.
    level: int
    #: In lower case, as "text" and "plain".
    content_type: str
    content_subtype: str
    #: The charset that the part names, in lower case; the text below is decoded.
    charset: str
    #: The Content-Transfer-Encoding, in lower case; the data below is decoded.
    encoding: str
    #: In lower case, as "attachment" or "inline".
    disposition: str
    #: The Content-ID without its angle brackets.
    content_id: str
    #: As the sender wrote it: it may be a path, or anything else, so do not open it unchecked.
    file_name: str
    #: Of a text part; None of any other. What is not valid in its charset is U+FFFD.
    text: str | None
    #: Of a part that contains no others; of a message in a message its header, for another `split`; else None.
    data: bytes | None


@dataclass(frozen=True)
class Mail:
    """A message taken apart."""

    #: The fields of the header, in order, repeated ones too: name, and value, unfolded and decoded.
    fields: list[tuple[str, str]]
    #: One at least.
    parts: list[Part]
    #: When it was written, in UTC; None where it does not say, or not so that it can be understood.
    date: datetime | None

    def value(self, name: str) -> str | None:
        """The value of the first field of that name, in upper or lower case; None if there is none."""
        return next((value for each, value in self.fields if each.lower() == name.lower()), None)


def split(message: bytes) -> Mail:
    """Takes a message apart: fields and MIME parts, decoded. What is broken is taken as a mail program would show it.

    Raises LimitExceeded (parts deeper than level 64, more than 10 000 parts).
    """
    out = _library.Mail()
    checked(lib.pop3_split(message, len(message), byref(out)))
    try:
        return Mail(
            [(text(field.name), text(field.value)) for field in out.fields[: out.field_count]],
            [_part(part) for part in out.parts[: out.part_count]],
            _date(out.date),
        )
    finally:
        lib.pop3_mail_free(byref(out))


def _part(part: _library.Part) -> Part:
    return Part(
        part.level,
        text(part.content_type),
        text(part.content_subtype),
        text(part.charset),
        text(part.encoding),
        text(part.disposition),
        text(part.content_id),
        text(part.file_name),
        text(octets(part.text, part.text_len)) if part.text else None,
        octets(part.data, part.data_len) if part.data else None,
    )


def _date(seconds: int) -> datetime | None:
    try:
        return None if seconds == NO_DATE else datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    except OverflowError:
        return None  # beyond the years that Python knows
