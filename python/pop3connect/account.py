"""An account: where the mailbox is, who logs in, and how the connection is made."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from ._library import PROGRESS_CB, STATUS_CONTEXT_CB, checked, is_bundled, lib, raw, text
from ._worker import Host, Stopped
from .errors import ParameterError

log = logging.getLogger("pop3connect")

Secure = Literal["tls", "starttls", "clear"]
Family = Literal["any", "ipv4", "ipv6"]
TlsVersion = Literal["1.0", "1.1", "1.2", "1.3"]

_SECURE: dict[str, int] = {"clear": 0, "tls": 1, "starttls": 2}
_FAMILY: dict[str, int] = {"any": 0, "ipv4": 4, "ipv6": 6}
_TLS_VERSION: dict[str, int] = {"1.0": 10, "1.1": 11, "1.2": 12, "1.3": 13}

#: Where systems keep the CA certificates of the platform in one file, other than OpenSSL's own place /etc/ssl/certs:
#: Fedora and its kin, openSUSE.
_PLATFORM_FILES = ("/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")


@dataclass(frozen=True)
class Account:
    """A mailbox on a server, and the options of its connections.

    All but the first three are keywords. What is out of range is a ParameterError at once. Secrets are not shown by
    `repr`. Times are in seconds.
    """

    #: A name, an IPv4 or IPv6 address, each with `:port` if it is not the default one (995 for "tls", else 110), an
    #: IPv6 address then in brackets.
    server: str
    #: Bytes are passed on as they are, a string as UTF-8.
    user: str | bytes = ""
    password: str | bytes = field(default="", repr=False)

    _: KW_ONLY

    #: "tls" is implicit TLS, "starttls" begins with STLS before anything secret is sent, "clear" is neither.
    secure: Secure = "tls"
    #: Whether the server's certificate and name must verify.
    verify: bool = True

    #: For the name, the connection, the proxy and the TLS handshake, each; None is 60.
    connect_timeout: float | None = None
    #: For each reply, and anew for each 64 KiB of a long one; None is 60.
    reply_timeout: float | None = None
    #: For a whole call, connecting included; for a whole run of `collect`; None is no limit.
    call_timeout: float | None = None

    #: The address family to connect by; "any" tries both (Happy Eyeballs, RFC 8305).
    family: Family = "any"
    #: The address of this machine to connect from.
    source_address: str | None = None
    #: `socks5://[user:password@]host:port` or `http://[user:password@]host:port`.
    proxy: str | None = field(default=None, repr=False)

    #: An OAuth access token, for XOAUTH2 and OAUTHBEARER; with one the password is never sent.
    oauth_token: str | None = field(default=None, repr=False)
    #: The authorization identity (authzid): the user to act as, if not the one who logs in.
    authzid: str | None = None
    #: The mechanism to log in by: "auto", "USER", "APOP" or a SASL name as "SCRAM-SHA-256".
    mechanism: str = "auto"
    #: Whether the password may be sent over a connection in the clear.
    clear_password: bool = True

    #: A folder whose folder `cacerts` holds CA certificates (trust anchors) beside the platform's.
    secure_dir: str | os.PathLike[str] | None = None
    #: A file of CA certificates that counts instead of that folder.
    ca_file: str | os.PathLike[str] | None = None
    #: Whether the platform's CA certificates are used.
    platform_trust: bool = True
    #: SHA-256 of the only certificate that the server may have, in hexadecimal digits (certificate pinning).
    fingerprint: str | None = None
    #: A client certificate in PEM: the file of the certificate, and that of its key.
    client_cert: tuple[str | os.PathLike[str], str | os.PathLike[str]] | None = None
    #: A client certificate in PKCS #12, and its password.
    client_pkcs12: str | os.PathLike[str] | None = None
    client_pkcs12_password: str | None = field(default=None, repr=False)
    #: The oldest version of TLS that is accepted.
    tls_min: TlsVersion = "1.2"
    #: The name to send as SNI and to verify the certificate against, if not the server's.
    tls_name: str | None = None

    #: Whether the server may speak UTF-8 (RFC 6856).
    utf8: bool = False
    #: The language of the server's texts, as "de" (RFC 6856).
    language: str | None = None
    #: Whether commands may be sent ahead of earlier answers, where the server lists PIPELINING.
    pipelining: bool = True
    #: Whether the server may be asked for its capabilities (CAPA).
    capa: bool = True
    #: How many octets a message may have that a call returns in memory; 0 for no limit.
    max_message: int = 0

    #: Is called with each line of the dialogue, without secrets. They are logged at DEBUG as well, as "pop3connect",
    #: where that is on when a session begins.
    on_status: Callable[[str], object] | None = field(default=None, compare=False)
    #: Is called about five times a second during a call, with the octets of the message that have come, and those of
    #: the whole, or None where that is not known. Whatever it raises ends the call and the session.
    on_progress: Callable[[int, int | None], object] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Has the library look at each option."""
        Options(self, _Nobody()).__exit__(None, None, None)


class Options:
    """What pop3_options are of an account. `with` it: they are freed, secrets wiped, at its end.

    The callbacks are called for as long as a session lives that was made by them: keep this as long.
    """

    def __init__(self, account: Account, host: Host) -> None:
        self._host = host
        # not the account: it may be a mailbox, which is to be forgotten while a session lives
        self._on_status, self._on_progress = account.on_status, account.on_progress
        self._callbacks = (STATUS_CONTEXT_CB(self._status), PROGRESS_CB(self._progress))
        self.pointer = lib.pop3_options_new()
        if not self.pointer:
            raise MemoryError("pop3_options_new")
        try:
            self._fill(account)
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __enter__(self) -> Options:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pointer, self.pointer = self.pointer, None
        lib.pop3_options_free(pointer)

    def _fill(self, account: Account) -> None:
        self._set("server", raw(account.server))
        self._set("user", raw(account.user))
        self._set("password", raw(account.password))
        self._set("secure", _chosen("secure", account.secure, _SECURE))
        self._change("verify", account.verify, True)
        timeouts = account.connect_timeout, account.reply_timeout, account.call_timeout
        if timeouts != (None, None, None):
            self._set("timeouts", *map(_milliseconds, timeouts))
        self._change("family", _chosen("family", account.family, _FAMILY), _FAMILY["any"])
        self._text("source_address", account.source_address)
        self._text("proxy", account.proxy)
        self._text("oauth_token", account.oauth_token)
        self._text("authzid", account.authzid)
        self._text("mechanism", None if account.mechanism == "auto" else account.mechanism)
        self._change("clear_password", account.clear_password, True)
        self._text("secure_dir", account.secure_dir)
        self._text("ca_file", _ca_file(account))
        self._change("platform_trust", account.platform_trust, True)
        self._text("fingerprint", account.fingerprint)
        if account.client_cert is not None:
            self._set("client_cert", *map(raw, account.client_cert))
        if account.client_pkcs12 is not None:
            password = account.client_pkcs12_password
            self._set("client_pkcs12", raw(account.client_pkcs12), None if password is None else raw(password))
        self._change("tls_min", _chosen("tls_min", account.tls_min, _TLS_VERSION), _TLS_VERSION["1.2"])
        self._text("tls_name", account.tls_name)
        self._change("utf8", account.utf8, False)
        self._text("language", account.language)
        self._change("pipelining", account.pipelining, True)
        self._change("capabilities", account.capa, True)
        self._change("max_message", account.max_message, 0)
        status, progress = self._callbacks
        if self._on_status is not None or log.isEnabledFor(logging.DEBUG):
            self._set("status_cb", status, None)
        self._set("progress_cb", progress, None)

    def _set(self, name: str, *values: Any) -> None:
        checked(getattr(lib, f"pop3_options_set_{name}")(self.pointer, *values))

    # what is the library's own default need not be set, which is most of an account

    def _change(self, name: str, value: int, default: int) -> None:
        if value != default:
            self._set(name, value)

    def _text(self, name: str, value: str | bytes | os.PathLike[str] | None) -> None:
        if value is not None:
            self._set(name, raw(value))

    def _status(self, line: bytes, _context: object) -> None:
        try:
            said = text(line)
            log.debug("%s", said)
            if self._on_status is not None:
                self._host.ask(self._on_status, said)
        except Stopped:
            pass  # the progress callback, which can end the call, finds it stopped
        except BaseException as failure:
            self._host.fail(failure)

    def _progress(self, done: int, total: int, _context: object) -> int:
        try:
            if self._host.stopped:
                return 1
            if self._on_progress is not None:
                self._host.ask(self._on_progress, done, None if total < 0 else total)
            return 0
        except Stopped:
            return 1
        except BaseException as failure:
            self._host.fail(failure)
            return 1


class _Nobody:
    """The host of options that nothing is called by."""

    stopped = True

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        raise Stopped

    def fail(self, failure: BaseException) -> None:
        pass


def _chosen(name: str, value: str, choices: dict[str, int]) -> int:
    if value not in choices:
        raise ParameterError(f"{name} is {value!r}, which is none of {', '.join(choices)}")
    return choices[value]


def _milliseconds(seconds: float | None) -> int:
    """For the library, for which 0 is its default."""
    if seconds is None:
        return 0
    if not 0 < seconds <= 2_000_000:
        raise ParameterError(f"a timeout is {seconds} seconds: it must be more than 0, and at most 2000000")
    return math.ceil(seconds * 1000)


def _ca_file(account: Account) -> str | os.PathLike[str] | None:
    """The wheel's OpenSSL looks for CA certificates where Debian has them, so it is told of other places."""
    if account.ca_file is not None or account.secure_dir is not None or not (is_bundled and account.platform_trust):
        return account.ca_file
    if "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ:
        return None
    return next((file for file in _PLATFORM_FILES if Path(file).exists()), None)
