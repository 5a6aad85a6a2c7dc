"""The C library: where it is, and what its functions take and answer (include/pop3connect.h)."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from collections.abc import Iterable, Iterator
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_int32,
    c_int64,
    c_size_t,
    c_void_p,
)
from typing import Any

from .errors import ParameterError, Pop3Error, error_of

#: What this package was written for: a library of this major version, and of this minor one or a later one.
NEEDED = (1, 0)

#: By its name for the loader, which has the version of its ABI in it.
FILE_NAME = {"darwin": "libpop3connect.1.dylib", "win32": "pop3connect.dll"}.get(sys.platform, "libpop3connect.so.1")

#: Where the wheel has it.
_OWN = os.path.join(os.path.dirname(__file__), FILE_NAME)

#: In pop3_mail, where a message has no date.
NO_DATE = -(2**63)


class MailboxSize(Structure):
    _fields_ = [("count", c_int32), ("size", c_int64)]


class MessageInfo(Structure):
    _fields_ = [("number", c_int32), ("size", c_int64)]


class MessageList(Structure):
    _fields_ = [("items", POINTER(MessageInfo)), ("count", c_size_t)]


class Uid(Structure):
    _fields_ = [("number", c_int32), ("uid", c_char_p)]


class UidList(Structure):
    _fields_ = [("items", POINTER(Uid)), ("count", c_size_t)]


class Buffer(Structure):
    # as an address: a c_char_p would end at a NUL
    _fields_ = [("data", c_void_p), ("len", c_size_t)]


class TlsInfo(Structure):
    _fields_ = [
        ("version", c_char_p),
        ("cipher", c_char_p),
        ("resumed", c_int32),
        ("verified", c_int32),
        ("peer_pem", c_char_p),
    ]


class Arrival(Structure):
    _fields_ = [("uid", c_char_p), ("number", c_int32), ("size", c_int64)]


class Outcome(Structure):
    _fields_ = [
        ("taken", c_int32),
        ("deleted", c_int32),
        ("left", c_int32),
        ("failed", c_int32),
        ("octets", c_int64),
        ("reconnects", c_int32),
    ]


class Field(Structure):
    _fields_ = [("name", c_char_p), ("value", c_char_p)]


class Part(Structure):
    _fields_ = [
        ("level", c_int32),
        ("content_type", c_char_p),
        ("content_subtype", c_char_p),
        ("charset", c_char_p),
        ("encoding", c_char_p),
        ("disposition", c_char_p),
        ("content_id", c_char_p),
        ("file_name", c_char_p),
        ("text", c_void_p),
        ("text_len", c_size_t),
        ("data", c_void_p),
        ("data_len", c_size_t),
    ]


class Mail(Structure):
    _fields_ = [
        ("fields", POINTER(Field)),
        ("field_count", c_size_t),
        ("parts", POINTER(Part)),
        ("part_count", c_size_t),
        ("date", c_int64),
    ]


# data as addresses: pieces do not end with NUL
STATUS_CB = CFUNCTYPE(None, c_char_p)
STATUS_CONTEXT_CB = CFUNCTYPE(None, c_char_p, c_void_p)
PROGRESS_CB = CFUNCTYPE(c_int32, c_int64, c_int64, c_void_p)
DATA_CB = CFUNCTYPE(c_int32, c_void_p, c_size_t, c_void_p)
MESSAGE_CB = CFUNCTYPE(c_int32, c_int32, c_void_p, c_size_t, c_int32, c_void_p)
BOOK_CB = CFUNCTYPE(c_int32, c_char_p, c_char_p, c_void_p)
WANTED_CB = CFUNCTYPE(c_int32, POINTER(Arrival), c_void_p)
COLLECT_CB = CFUNCTYPE(c_int32, POINTER(Arrival), c_void_p, c_size_t, c_int32, c_void_p)
DONE_CB = CFUNCTYPE(None, c_int32, c_int32, c_void_p)

NO_STATUS = STATUS_CB()

_SESSION = [c_int32]
_ONE = [c_int32, c_int32]
_SETTER = [c_void_p, c_char_p]
_SWITCH = [c_void_p, c_int32]

#: What each function answers, and what it takes.
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "pop3_version": (c_char_p, []),
    "pop3_error_text": (c_char_p, [c_int32]),
    "pop3_get_last_error": (c_char_p, []),
    "pop3_forget": (None, [c_char_p]),
    "pop3_connect_with": (c_int32, [c_void_p]),
    "pop3_disconnect": (c_int32, [*_SESSION, STATUS_CB]),
    "pop3_message_count": (c_int32, [*_SESSION, STATUS_CB]),
    "pop3_mailbox": (c_int32, [*_SESSION, POINTER(MailboxSize), STATUS_CB]),
    "pop3_list_messages": (c_int32, [*_ONE, POINTER(MessageList), STATUS_CB]),
    "pop3_unique_ids": (c_int32, [*_ONE, POINTER(UidList), STATUS_CB]),
    "pop3_delete_message": (c_int32, [*_ONE, STATUS_CB]),
    "pop3_delete_messages": (c_int32, [*_SESSION, POINTER(c_int32), c_size_t, STATUS_CB]),
    "pop3_delete_uid": (c_int32, [*_SESSION, c_char_p, STATUS_CB]),
    "pop3_undo_deletes": (c_int32, [*_SESSION, STATUS_CB]),
    "pop3_noop": (c_int32, [*_SESSION, STATUS_CB]),
    "pop3_capabilities": (c_int32, [*_SESSION, POINTER(Buffer), STATUS_CB]),
    "pop3_get_tls_info": (c_int32, [*_SESSION, POINTER(TlsInfo)]),
    "pop3_recv_headers": (c_int32, [*_ONE, POINTER(Buffer), STATUS_CB]),
    "pop3_recv_top": (c_int32, [*_ONE, c_int32, POINTER(Buffer), STATUS_CB]),
    "pop3_recv_message": (c_int32, [*_ONE, POINTER(Buffer), STATUS_CB]),
    "pop3_recv_uid": (c_int32, [*_SESSION, c_char_p, POINTER(Buffer), STATUS_CB]),
    "pop3_recv_message_to": (c_int32, [*_ONE, DATA_CB, c_void_p, STATUS_CB]),
    "pop3_recv_messages": (c_int32, [*_SESSION, POINTER(c_int32), c_size_t, MESSAGE_CB, c_void_p, STATUS_CB]),
    "pop3_recv_tops": (c_int32, [*_SESSION, POINTER(c_int32), c_size_t, c_int32, MESSAGE_CB, c_void_p, STATUS_CB]),
    "pop3_stat_with": (c_int32, [c_void_p]),
    "pop3_recv_with": (c_int32, [c_void_p, MESSAGE_CB, c_void_p, c_int32, c_int32]),
    "pop3_job_new": (c_void_p, []),
    "pop3_job_free": (None, [c_void_p]),
    "pop3_job_set_book": (c_int32, _SETTER),
    "pop3_job_set_book_cb": (c_int32, [c_void_p, BOOK_CB, BOOK_CB, c_void_p]),
    "pop3_job_set_delete": (c_int32, _SWITCH),
    "pop3_job_set_order": (c_int32, _SWITCH),
    "pop3_job_set_limits": (c_int32, [c_void_p, c_int32, c_int64, c_int64]),
    "pop3_job_set_lines": (c_int32, _SWITCH),
    "pop3_job_set_wanted_cb": (c_int32, [c_void_p, WANTED_CB, c_void_p]),
    "pop3_job_set_message_cb": (c_int32, [c_void_p, COLLECT_CB, c_void_p]),
    "pop3_collect": (c_int32, [c_void_p, c_void_p, POINTER(Outcome)]),
    "pop3_split": (c_int32, [c_char_p, c_size_t, POINTER(Mail)]),
    "pop3_mail_free": (None, [POINTER(Mail)]),
    "pop3_buffer_free": (None, [POINTER(Buffer)]),
    "pop3_list_free": (None, [POINTER(MessageList)]),
    "pop3_uid_list_free": (None, [POINTER(UidList)]),
    "pop3_tls_info_free": (None, [POINTER(TlsInfo)]),
    "pop3_options_new": (c_void_p, []),
    "pop3_options_free": (None, [c_void_p]),
    "pop3_options_set_timeouts": (c_int32, [c_void_p, c_int32, c_int32, c_int32]),
    "pop3_options_set_client_cert": (c_int32, [c_void_p, c_char_p, c_char_p]),
    "pop3_options_set_client_pkcs12": (c_int32, [c_void_p, c_char_p, c_char_p]),
    "pop3_options_set_max_message": (c_int32, [c_void_p, c_int64]),
    "pop3_options_set_status_cb": (c_int32, [c_void_p, STATUS_CONTEXT_CB, c_void_p]),
    "pop3_options_set_progress_cb": (c_int32, [c_void_p, PROGRESS_CB, c_void_p]),
    **{
        f"pop3_options_set_{name}": (c_int32, _SETTER)
        for name in (
            "server", "user", "password", "oauth_token", "authzid", "mechanism", "source_address", "proxy",
            "secure_dir", "ca_file", "fingerprint", "tls_name", "language",
        )
    },
    **{
        f"pop3_options_set_{name}": (c_int32, _SWITCH)
        for name in (
            "family", "clear_password", "secure", "verify", "platform_trust", "tls_min", "utf8", "pipelining",
            "capabilities",
        )
    },
    "pop3_loop_new": (c_void_p, []),
    "pop3_loop_free": (None, [c_void_p]),
    "pop3_loop_stat": (c_int32, [c_void_p, c_void_p, DONE_CB, c_void_p]),
    "pop3_loop_recv": (c_int32, [c_void_p, c_void_p, MESSAGE_CB, c_int32, c_int32, DONE_CB, c_void_p]),
    "pop3_loop_collect": (c_int32, [c_void_p, c_void_p, c_void_p, POINTER(Outcome), DONE_CB, c_void_p]),
    "pop3_loop_cancel": (c_int32, [c_void_p, c_int32]),
    "pop3_loop_run": (c_int32, [c_void_p, c_int32]),
    "pop3_loop_fd": (c_int32, [c_void_p]),
    "pop3_loop_timeout": (c_int32, [c_void_p]),
    "pop3_loop_set_limits": (c_int32, [c_void_p, c_int32, c_int32]),
}  # fmt: skip


def candidates() -> Iterator[str]:
    """Where the library may be, the first that is there counts: the environment's, the wheel's, the system's."""
    named = os.environ.get("POP3CONNECT_LIBRARY")
    if named:
        yield named
        return
    if os.path.exists(_OWN):
        yield _OWN
    yield FILE_NAME
    # which may run programs to find out
    found = ctypes.util.find_library("pop3connect")
    if found:
        yield found


def load(paths: Iterable[str]) -> tuple[ctypes.CDLL, str]:
    """The first of these libraries that can be loaded, with its functions declared, and which that is.

    ImportError says which were tried and why they are not the one.
    """
    failures = []
    for path in paths:
        try:
            library = ctypes.CDLL(path)
            declare(library, {"pop3_version": _FUNCTIONS["pop3_version"]})
        except (OSError, AttributeError) as failure:
            failures.append(str(failure))
            continue
        check_version(library.pop3_version().decode(), path)
        declare(library, _FUNCTIONS)
        return library, path
    raise ImportError(
        f"libpop3connect was not found: {'; '.join(failures)}. Install the wheel, which has it in it, or the library,"
        " or have the environment's POP3CONNECT_LIBRARY name it."
    )


def declare(library: ctypes.CDLL, functions: dict[str, tuple[Any, list[Any]]]) -> None:
    """Has ctypes know what these functions take and answer; AttributeError where the library lacks one."""
    for name, (answer, arguments) in functions.items():
        function = getattr(library, name)
        function.restype = answer
        function.argtypes = arguments


def check_version(version: str, path: str) -> None:
    """ImportError unless a library of that version is one that this package can use."""
    major, minor = (int(number) for number in version.split(".")[:2])
    if major != NEEDED[0] or minor < NEEDED[1]:
        needed = ".".join(map(str, NEEDED))
        raise ImportError(f"{path} is libpop3connect {version}; this package needs {needed} or a later {NEEDED[0]}.x")


lib, _path = load(candidates())

#: Whether the library is the one that the wheel brought, which has an OpenSSL of its own.
is_bundled = _path == _OWN


def text(raw: bytes | None) -> str:
    """A C string. Bytes that are not UTF-8 survive the way back through `raw`."""
    return (raw or b"").decode("utf-8", "surrogateescape")


def raw(value: str | bytes | os.PathLike[str]) -> bytes:
    """A value as a C string; ParameterError where it has a NUL, which would end it there."""
    encoded = value if isinstance(value, bytes) else os.fspath(value).encode("utf-8", "surrogateescape")
    if b"\0" in encoded:
        raise ParameterError("a NUL is in an argument")
    return encoded


def octets(address: int | None, length: int) -> bytes:
    """A copy of what is in memory there."""
    return ctypes.string_at(address, length) if address and length else b""


def last_error(code: int) -> Pop3Error:
    """The exception for what this thread's last call answered."""
    words = text(lib.pop3_get_last_error()) or text(lib.pop3_error_text(code))
    return error_of(code, words)


def checked(result: int) -> int:
    """What a call on this thread has just answered, unless that is an error, which is raised."""
    if result < 0:
        raise last_error(result)
    return result
