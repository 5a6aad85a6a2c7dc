"""The exceptions: one class for each POP3_ERR_ code of the library, all of them Pop3Error."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .collecting import Outcome


class Pop3Error(Exception):
    """What a call of the library raises that fails; its subclasses say what kind of failure it was.

    An error whose class says that it ends the session has closed the connection: what was marked is not deleted.
    """

    #: The POP3_ERR_ code; 0 for a code that this version does not know.
    code: int = 0
    #: Whether the connection is closed by it. After any other error the session goes on.
    ends_session: ClassVar[bool] = False

    #: What became of a run of `collect` that ended with this error; None for any other call.
    outcome: Outcome | None = None

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        #: What happened in words, with the server's own reply where there was one. It holds no password.
        self.text = text
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return self.text


class ParameterError(Pop3Error, ValueError):
    """An argument is out of range or too long, or holds a forbidden byte."""

    code = -501


class BadSocket(Pop3Error):
    """There is no such session any more, or it is that of the process before a fork."""

    code = -509


class NoAddress(Pop3Error, ValueError):
    """The server is empty, has no host or an unusable port."""

    code = -511


class Cancelled(Pop3Error):
    """`cancel` ended the call. Ends the session."""

    code = -516
    ends_session = True


class Timeout(Pop3Error, TimeoutError):
    """A wait ran past its timeout. Ends the session."""

    code = -522
    ends_session = True


class BadFormat(Pop3Error):
    """Not valid POP3: a reply begins with neither +OK nor -ERR, or clear text came after STLS. Ends the session."""

    code = -523
    ends_session = True


class ShortResponse(Pop3Error):
    """A reply lacks a field that it must have."""

    code = -524


class ReplySyntax(Pop3Error):
    """A field of a reply is malformed: a number, a SASL challenge."""

    code = -525


class OutOfMemory(Pop3Error, MemoryError):
    """There is no memory left, or no descriptor or thread. Ends the session."""

    code = -1010
    ends_session = True


class TlsError(Pop3Error):
    """TLS failed, or the server's certificate did not verify; the text says why. Ends the session."""

    code = -1021
    ends_session = True


class HostNotFound(Pop3Error, ConnectionError):
    """The name of the server, or of its proxy, has no address."""

    code = -11001


class ConnectFailed(Pop3Error, ConnectionError):
    """No address of the server could be connected to, or none of its proxy, or the proxy failed or refused."""

    code = -10061


class ConnectionLost(Pop3Error, ConnectionError):
    """The server closed or reset the connection, or the session had ended before. Ends the session."""

    code = -10054
    ends_session = True


class ServerError(Pop3Error):
    """The server answered -ERR, with no more exact meaning."""

    code = -2001


class AuthError(Pop3Error):
    """The server refused the credentials."""

    code = -2002


class NoStls(Pop3Error):
    """The server does not offer STLS, or refused it."""

    code = -2003


class Busy(Pop3Error):
    """The session is in use by another call."""

    code = -10036


class LimitExceeded(Pop3Error):
    """A limit was passed: a line of 64 KiB, a list of 1 000 000 entries, the size of a message. Ends the session."""

    code = -2004
    ends_session = True


class MailboxInUse(Pop3Error):
    """Another session has the mailbox, or another run collects from this account into this book."""

    code = -2005


class LoginDelay(Pop3Error):
    """Logged in again too soon."""

    code = -2006


class TemporaryFailure(Pop3Error):
    """The server says that it fails for now."""

    code = -2007


class Unsupported(Pop3Error):
    """The server has no such command, or not the mechanism asked for."""

    code = -2008


class BookError(Pop3Error):
    """The book of a job cannot be opened, read or written."""

    code = -2010


class InternalError(Pop3Error):
    """A defect of the library, caught. Ends the session."""

    code = -2009
    ends_session = True


#: The class of each code.
BY_CODE: dict[int, type[Pop3Error]] = {kind.code: kind for kind in Pop3Error.__subclasses__()}


def error_of(code: int, text: str) -> Pop3Error:
    """The exception for a code, with these words."""
    return BY_CODE.get(code, Pop3Error)(text, code)
