"""pop3connect: a POP3 client.

    with Mailbox("pop.example.com", "alice", "secret") as box:
        for message in box.new(book="mail.book"):
            print(message.email["Subject"])

A Mailbox is an account and the session with it. `collect` takes what is new by callables, `stat` asks how many messages
wait. `pop3connect.aio` has many mailboxes at once on the thread of an asyncio loop. Errors are exceptions, one class
for each code of the C library: Pop3Error and its subclasses. The dialogue with servers, without secrets, is logged at
DEBUG as "pop3connect".
"""

from .account import Account
from .collecting import Arrival, Book, Job, Outcome, collect, collect_pieces
from .errors import (
    AuthError,
    BadFormat,
    BadSocket,
    BookError,
    Busy,
    Cancelled,
    ConnectFailed,
    ConnectionLost,
    HostNotFound,
    InternalError,
    LimitExceeded,
    LoginDelay,
    MailboxInUse,
    NoAddress,
    NoStls,
    OutOfMemory,
    ParameterError,
    Pop3Error,
    ReplySyntax,
    ServerError,
    ShortResponse,
    TemporaryFailure,
    Timeout,
    TlsError,
    Unsupported,
)
from .mailbox import Mailbox, MailboxSize, TlsInfo, forget, stat, version
from .message import Mail, Message, Part, split

__all__ = [
    "Account",
    "Arrival",
    "AuthError",
    "BadFormat",
    "BadSocket",
    "Book",
    "BookError",
    "Busy",
    "Cancelled",
    "ConnectFailed",
    "ConnectionLost",
    "HostNotFound",
    "InternalError",
    "Job",
    "LimitExceeded",
    "LoginDelay",
    "Mail",
    "Mailbox",
    "MailboxInUse",
    "MailboxSize",
    "Message",
    "NoAddress",
    "NoStls",
    "OutOfMemory",
    "Outcome",
    "ParameterError",
    "Part",
    "Pop3Error",
    "ReplySyntax",
    "ServerError",
    "ShortResponse",
    "TemporaryFailure",
    "Timeout",
    "TlsError",
    "TlsInfo",
    "Unsupported",
    "collect",
    "collect_pieces",
    "forget",
    "split",
    "stat",
    "version",
]
