#!/usr/bin/env python3
"""Lists a mailbox: number, date, sender and subject of each message; or saves a message as a file.

    POP3_PASS=password save.py [--secure 0|1|2] [--verify 0|1] SERVER[:PORT] USER [NUMBER FILE]

The file is written piece by piece as the message arrives, has its name when all of it is on the disk, and is never one
that was there before. SECURE is 0 (in the clear), 1 (TLS) or 2 (STARTTLS). The library is the one that the loader
finds, or that of the environment's POP3CONNECT_LIBRARY. Nothing but the standard library stands between: the C ABI is
plain.
"""

import argparse
import ctypes
import os
import sys
import tempfile
import time
import unicodedata
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int32, c_int64, c_size_t, c_void_p
from email.utils import parseaddr

STATUS_CB = CFUNCTYPE(None, c_char_p)
# the data as an address: it does not end with NUL
DATA_CB = CFUNCTYPE(c_int32, c_void_p, c_size_t, c_void_p)
MESSAGE_CB = CFUNCTYPE(c_int32, c_int32, c_void_p, c_size_t, c_int32, c_void_p)


class MessageInfo(Structure):
    _fields_ = [("number", c_int32), ("size", c_int64)]


class MessageList(Structure):
    _fields_ = [("items", POINTER(MessageInfo)), ("count", c_size_t)]


class Field(Structure):
    _fields_ = [("name", c_char_p), ("value", c_char_p)]


class Mail(Structure):
    # of the parts, which a header has none of worth looking at, no more than that they are there
    _fields_ = [
        ("fields", POINTER(Field)),
        ("field_count", c_size_t),
        ("parts", c_void_p),
        ("part_count", c_size_t),
        ("date", c_int64),
    ]


NO_DATE = -(2**63)


class Pop3Error(Exception):
    pass


def load():
    library = ctypes.CDLL(os.environ.get("POP3CONNECT_LIBRARY", "libpop3connect.so.1"))
    library.pop3_connect.argtypes = [c_char_p, c_char_p, c_char_p, STATUS_CB, c_int32, c_int32]
    library.pop3_disconnect.argtypes = [c_int32, STATUS_CB]
    library.pop3_list_messages.argtypes = [c_int32, c_int32, POINTER(MessageList), STATUS_CB]
    library.pop3_list_free.argtypes = [POINTER(MessageList)]
    library.pop3_list_free.restype = None
    library.pop3_recv_message_to.argtypes = [c_int32, c_int32, DATA_CB, c_void_p, STATUS_CB]
    library.pop3_recv_tops.argtypes = [c_int32, POINTER(c_int32), c_size_t, c_int32, MESSAGE_CB, c_void_p, STATUS_CB]
    library.pop3_split.argtypes = [c_char_p, c_size_t, POINTER(Mail)]
    library.pop3_mail_free.argtypes = [POINTER(Mail)]
    library.pop3_mail_free.restype = None
    library.pop3_get_last_error.restype = c_char_p
    library.pop3_error_text.argtypes = [c_int32]
    library.pop3_error_text.restype = c_char_p
    return library


def checked(library, result):
    """The result of a call, if it is no error."""
    if result < 0:
        kind, words = library.pop3_error_text(result), library.pop3_get_last_error()
        raise Pop3Error(f"error {result}: {kind.decode()}\n    {words.decode()}")
    return result


# The callbacks are called by the library: no exception can pass through it.


@STATUS_CB
def print_status(line):
    print("   ", line.decode())


def stopping(callback_type, take):
    """`take` as a callback, which stops at a failure of it, and the failures."""
    failures = []

    @callback_type
    def callback(*arguments):
        try:
            take(*arguments)
        except BaseException as failure:  # whatever it is, the interrupt of a user included
            failures.append(failure)
            return 1
        return 0

    return callback, failures


def sizes(library, socket):
    """The size of each message, by its number."""
    messages = MessageList()
    checked(library, library.pop3_list_messages(socket, 0, byref(messages), print_status))
    try:
        return {info.number: info.size for info in messages.items[: messages.count]}
    finally:
        library.pop3_list_free(byref(messages))


@contextmanager
def new_file(path):
    """A file to write into, which gets its name at the end, on the disk; after a failure there is none."""
    folder = os.path.dirname(path) or "."
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".save-") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
        # fails where the name is taken
        os.link(file.name, path)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def save(library, socket, number, path):
    with new_file(path) as file:
        take, failures = stopping(DATA_CB, lambda data, length, _context: file.write(ctypes.string_at(data, length)))
        result = library.pop3_recv_message_to(socket, number, take, None, print_status)
        if failures:
            raise failures[0]
        checked(library, result)


def taken_apart(library, header):
    """The fields of a header, the first of each name, and its date or None."""
    mail = Mail()
    checked(library, library.pop3_split(header, len(header), byref(mail)))
    try:
        fields = {}
        for field in mail.fields[: mail.field_count]:
            fields.setdefault(field.name.decode(errors="replace").lower(), field.value.decode())
        return fields, None if mail.date == NO_DATE else mail.date
    finally:
        library.pop3_mail_free(byref(mail))


def fitted(text, columns):
    """As much of a text as goes into that many columns of a terminal, and blanks to fill them."""
    shown = ""
    for character in text:
        kind = unicodedata.category(character)
        if kind in ("Cc", "Cf"):  # no sender must give orders to the terminal
            character = " "
        needed = 0 if kind == "Mn" else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if needed > columns:
            break
        shown, columns = shown + character, columns - needed
    return shown + " " * columns


def print_message(number, date, sender, subject):
    print(f"{number:5}  {fitted(date, 16)}  {fitted(sender, 24)}  {fitted(subject, 70)}".rstrip())


def list_mailbox(library, socket, numbers):
    header = bytearray()

    def take(number, data, length, last, _context):
        if last < 0:
            print_message(number, "", "", f"({library.pop3_error_text(last).decode()})")
            return
        header.extend(ctypes.string_at(data, length) if length else b"")
        if last:
            fields, date = taken_apart(library, bytes(header))
            header.clear()
            when = "" if date is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(date))
            name, address = parseaddr(fields.get("from", ""))
            print_message(number, when, name or address, fields.get("subject", "(none)"))

    callback, failures = stopping(MESSAGE_CB, take)
    result = library.pop3_recv_tops(
        socket, (c_int32 * len(numbers))(*numbers), len(numbers), 0, callback, None, print_status
    )
    if failures:
        raise failures[0]
    checked(library, result)


def arguments():
    parser = argparse.ArgumentParser(description="Lists a mailbox, or saves one of its messages.")
    parser.add_argument("--secure", type=int, choices=(0, 1, 2), default=0, help="in the clear, TLS, STARTTLS")
    parser.add_argument("--verify", type=int, choices=(0, 1), default=1, help="whether the certificate is verified")
    parser.add_argument("server", metavar="SERVER[:PORT]", type=os.fsencode)
    parser.add_argument("user", type=os.fsencode)
    parser.add_argument("number", type=int, nargs="?")
    parser.add_argument("file", nargs="?")
    given = parser.parse_args()
    if given.number is not None and given.file is None:
        parser.error("which file?")
    if "POP3_PASS" not in os.environ:
        parser.error("the password goes into the environment's POP3_PASS")
    return given


def main(given):
    library = load()
    account = [given.server, given.user, os.environb[b"POP3_PASS"]]
    socket = checked(library, library.pop3_connect(*account, print_status, given.secure, given.verify))
    try:
        listed = sizes(library, socket)
        print(f"{len(listed)} messages")
        if given.number is None:
            list_mailbox(library, socket, list(listed))
        else:
            save(library, socket, given.number, given.file)
            size = os.path.getsize(given.file)
            print(f"message {given.number}: {listed[given.number]} octets listed, {size} saved")
    finally:
        # essential, even after an error: it frees the socket
        result = library.pop3_disconnect(socket, print_status)
    checked(library, result)


if __name__ == "__main__":
    try:
        main(arguments())
    except (Pop3Error, OSError, ValueError) as error:
        sys.exit(str(error))
