#!/usr/bin/env python3
"""Saves a message of a mailbox as a file, piece by piece as it arrives.

    POP3_PASS=password save.py SERVER[:PORT] USER NUMBER FILE [SECURE [VERIFY]]

The file has its name when all of the message is on the disk, and is never one that was there before. SECURE is 0 (in the clear), 1 (TLS) or 2 (STARTTLS), VERIFY 0 or 1. The library is the one that the loader finds, or
that of the environment's POP3CONNECT_LIBRARY. Nothing but the standard library stands between: the C ABI is plain.
"""

import ctypes
import os
import sys
import tempfile
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int32, c_int64, c_size_t, c_void_p

STATUS_CB = CFUNCTYPE(None, c_char_p)
# the data as an address: it does not end with NUL
DATA_CB = CFUNCTYPE(c_int32, c_void_p, c_size_t, c_void_p)


class MessageInfo(Structure):
    _fields_ = [("number", c_int32), ("size", c_int64)]


class MessageList(Structure):
    _fields_ = [("items", POINTER(MessageInfo)), ("count", c_size_t)]


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


# Both callbacks are called by the library: no exception can pass through it.


@STATUS_CB
def print_status(line):
    print("   ", line.decode())


def saver(file):
    """Takes the pieces of a message into a file; stops at a failure, which it keeps in `failures`."""
    failures = []

    @DATA_CB
    def take(data, length, _context):
        try:
            file.write(ctypes.string_at(data, length))
        except BaseException as failure:  # whatever it is, the interrupt of a user included
            failures.append(failure)
            return 1
        return 0

    return take, failures


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
        take, failures = saver(file)
        result = library.pop3_recv_message_to(socket, number, take, None, print_status)
        if failures:
            raise failures[0]
        checked(library, result)


def main(server, user, number, path, secure="0", verify="1"):
    library = load()
    password = os.environb[b"POP3_PASS"]
    number = int(number)
    account = [os.fsencode(server), os.fsencode(user), password]
    socket = checked(library, library.pop3_connect(*account, print_status, int(secure), int(verify)))
    try:
        listed = sizes(library, socket)
        print(f"{len(listed)} messages")
        save(library, socket, number, path)
        print(f"message {number}: {listed[number]} octets listed, {os.path.getsize(path)} saved")
    finally:
        # essential, even after an error: it frees the socket
        result = library.pop3_disconnect(socket, print_status)
    checked(library, result)


if __name__ == "__main__":
    if len(sys.argv) not in range(5, 8) or "POP3_PASS" not in os.environ:
        sys.exit("usage: POP3_PASS=password save.py SERVER[:PORT] USER NUMBER FILE [SECURE [VERIFY]]")
    try:
        main(*sys.argv[1:])
    except (Pop3Error, OSError, ValueError) as error:
        sys.exit(str(error))
