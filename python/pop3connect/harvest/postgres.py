"""A book in PostgreSQL, for any number of machines that take mail from the same accounts.

It needs psycopg, which `pip install pop3connect[harvest]` brings. For people there is the view pop3connect_taken.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

try:
    import psycopg
except ImportError as error:
    raise ImportError("PostgreSQL needs psycopg: pip install pop3connect[harvest]") from error
from psycopg import sql
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict

from ..collecting import Book
from ..errors import BookError, MailboxInUse

if TYPE_CHECKING:
    from typing_extensions import LiteralString

T = TypeVar("T")

__all__ = ["PostgresBook"]

#: Of the tables below.
VERSION = 1

_TABLES: LiteralString = """
CREATE TABLE pop3connect_accounts (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account bytea NOT NULL UNIQUE               -- user@server, which need not be UTF-8
);
CREATE TABLE pop3connect_messages (
    account  bigint NOT NULL REFERENCES pop3connect_accounts ON DELETE CASCADE,
    uid      bytea NOT NULL,                    -- by UIDL
    taken_at timestamptz NOT NULL,
    gone_on  date,                              -- since when the server does not list it
    PRIMARY KEY (account, uid)
);
CREATE VIEW pop3connect_taken AS
    SELECT encode(accounts.account, 'escape') AS account, encode(uid, 'escape') AS uid, taken_at, gone_on
    FROM pop3connect_messages AS messages JOIN pop3connect_accounts AS accounts ON accounts.id = messages.account;
CREATE TABLE pop3connect_version (
    version integer NOT NULL
);
INSERT INTO pop3connect_version VALUES (1);
"""

#: For how many days a unique id stays that the server does not list any more.
GONE_FOR = 30

#: How long a connection is waited for, and an answer of the network, in seconds, where nothing else is said.
CONNECT_SECONDS = 10
NETWORK_SECONDS = 10

# What a connection of a book must have:
# - Dates are the same for all machines.
# - The book of an account is read after its lock was taken, also where both are asked for at once: at any other level
#   all that is asked for at once sees what had been committed before the first of it.
# - What is committed is on the disk; "local" and the like are the administrator's choice.
_SET_UP: LiteralString = """
SELECT set_config('TimeZone', 'UTC', false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), false)
"""
# What it has where neither the conninfo nor the administrator says something else: no statement takes forever, and the
# locks of a machine that is gone end in two minutes, not in two hours.
_DEFAULTS: LiteralString = """
SELECT set_config(name, ours.value, false)
FROM pg_settings JOIN (VALUES
    ('statement_timeout', '10s'),
    ('tcp_keepalives_idle', '60'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '6'),
    ('tcp_user_timeout', '120s')
) AS ours (name, value) USING (name)
WHERE source = 'default'
"""


class PostgresBook:
    """A book of what was taken, in the tables pop3connect_… of a database, which are made where there are none.

        Harvester(polls, take, Job(), books=PostgresBook("host=db.example.com dbname=mail"))

    One run at a time has an account, on whatever machine: it holds a lock of the database's (an advisory lock), which
    ends with its connection at the latest. Where that connection breaks, or PostgreSQL does not answer in time, every
    run that was using it ends with BookError when it next notes a message; that message may come twice, and none is
    lost. What was noted is on the server's disk.

    Each thread that uses it has a connection of its own, for all runs there; none goes along where the process forks
    or the book is pickled. A pooler between must leave a connection its session (pgbouncer: `pool_mode=session`).

    A unique id that the server does not list any more is forgotten after 30 days.
    """

    def __init__(self, conninfo: str = "") -> None:
        """Where the database is: `host=… dbname=…` or `postgresql://…`, as libpq takes it, with its PG… variables.

        - A connection is waited for 10 seconds, the network (TCP) for 10, a statement for 10, and a server that does not
          end it then for as long again, unless `connect_timeout`, `tcp_user_timeout` and
          `options=-c statement_timeout=…` say how long. After a connection that failed none is tried for as long again
          as that one took.
        - The tables are in the first schema of the search path: `options=-c search_path=mail`.

        Connects when it is first used. Raises ValueError where libpq cannot read it.
        """
        _parsed(conninfo)
        self._conninfo = conninfo
        self._threads = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return PostgresBook, (self._conninfo,)

    @contextmanager
    def open(self, account: str) -> Iterator[Book]:
        """The book of an account for one run, which must be on this thread.

        Its methods do not look at the account that they are given, user@host:port: it is that of this call.

        Raises MailboxInUse where another run has it, BookError.
        """
        session, run = self._begin(_octets(account))
        try:
            yield run
            run.note_what_is_gone()
        except BaseException:
            # what is on its way says why the run has ended
            with suppress(BookError):
                session.unlock(run.lock)
            raise
        session.unlock(run.lock)

    def _begin(self, account: bytes) -> tuple[_Session, _Run]:
        session: _Session | None = getattr(self._threads, "session", None)
        if session is not None and not session.is_lost:
            try:
                return session, session.begin(account)
            except BookError:
                # it may have been lost since it was last used
                if not session.is_lost:
                    raise
        session = self._threads.session = self._connected()
        return session, session.begin(account)

    def _connected(self) -> _Session:
        began = _clock()
        if began < getattr(self._threads, "not_before", began):
            raise BookError("PostgreSQL: the last connection has just failed, and none is tried for a moment")
        try:
            return _Session(self._conninfo)
        except BookError:
            # lest who polls many accounts on one thread only waits for connections
            self._threads.not_before = 2 * _clock() - began
            raise


class _Session:
    """A connection, with the accounts that are locked by it."""

    def __init__(self, conninfo: str) -> None:
        self._process = os.getpid()
        self._locks: set[int] = set()
        with _told():
            # the one that writes, where there are several servers
            self._connection = connect(conninfo, target_session_attrs="read-write")
        self.close = weakref.finalize(self, _close, self._connection, self._process)
        try:
            self.ask(_SET_UP)
            self.ask(_DEFAULTS)
            ((milliseconds,),) = self.ask("SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'")
            # the server ends a statement after that, and is itself waited for so long that it can tell
            self._connection.limit = 2 * milliseconds / 1000
            self._make_tables()
        except BaseException:
            self.close()
            raise

    @property
    def is_lost(self) -> bool:
        """Whether its locks may be another's."""
        return self._connection.closed or self._process != os.getpid()

    def ask(self, statement: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        """Has a statement done, on the disk if it changes something, and gives its rows."""
        self._check()
        with _told():
            cursor = self._connection.execute(statement, values, binary=True)
            return cursor.fetchall() if cursor.description else []

    def begin(self, account: bytes) -> _Run:
        """Locks an account and reads what was taken of it, in one round trip."""
        self._check()
        lock = _lock_of(account)
        if lock in self._locks:
            # this session would get it once more
            raise _in_use()
        try:
            with _told():
                with self._connection.pipeline():
                    locked = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [lock])
                    found = self._connection.execute(_READ, [account], binary=True)
                is_ours = locked.fetchone() == (True,)
                rows = found.fetchall()
            if is_ours:
                number = rows[0][0] if rows else self._add_account(account)
        except BaseException:
            # it may have been locked
            with suppress(BookError):
                self._release(lock)
            raise
        if not is_ours:
            raise _in_use()
        self._locks.add(lock)
        return _Run(self, lock, number, [(uid, days) for _, uid, days in rows if uid is not None])

    def unlock(self, lock: int) -> None:
        self._locks.discard(lock)
        if not self._release(lock):
            self.close()
            raise BookError("PostgreSQL: the lock is gone. A pooler must leave a connection its session")

    def _release(self, lock: int) -> bool:
        """Unlocks; whether it was locked."""
        try:
            return self.ask("SELECT pg_advisory_unlock(%s)", lock) == [(True,)]
        except BaseException:
            # with it all its locks end
            self.close()
            raise

    def _add_account(self, account: bytes) -> int:
        ((number,),) = self.ask("INSERT INTO pop3connect_accounts (account) VALUES (%s) RETURNING id", account)
        return int(number)

    def _check(self) -> None:
        if self._process != os.getpid():
            raise BookError("the process has forked, and the book is that of the one before")
        if self._connection.closed:
            raise BookError("PostgreSQL: the connection was lost, and with it the lock of the account")

    def _make_tables(self) -> None:
        """Makes them where there are none; refuses those of another version."""
        if not self._has_tables():
            # two that made them at once would fail, also by IF NOT EXISTS. It is no lock of a transaction, since what
            # others have made meanwhile may not be seen before the next one
            self.ask("SELECT pg_advisory_lock(%s)", _MAKING)
            if not self._has_tables():
                with _told():
                    # statements that are sent together are one transaction
                    self._connection.execute(_TABLES)
            self.ask("SELECT pg_advisory_unlock(%s)", _MAKING)
        versions = [version for (version,) in self.ask("SELECT version FROM pop3connect_version")]
        if versions != [VERSION]:
            is_of = ", ".join(map(str, versions)) or "none"
            raise BookError(f"PostgreSQL: the book is of version {is_of}, and version {VERSION} is known")

    def _has_tables(self) -> bool:
        return self.ask("SELECT to_regclass('pop3connect_version') IS NOT NULL") == [(True,)]


_READ: LiteralString = """
SELECT accounts.id, uid, current_date - gone_on
FROM pop3connect_accounts AS accounts LEFT JOIN pop3connect_messages AS messages ON messages.account = accounts.id
WHERE accounts.account = %s
"""


class _Run:
    """The book of an account, while it is locked."""

    def __init__(self, session: _Session, lock: int, account: int, rows: list[tuple[bytes, int | None]]) -> None:
        self.lock = lock
        self._session = session
        self._account = account
        self._known = {uid for uid, _ in rows}
        #: For how many days those have been gone that were not there the last time.
        self._gone = {uid: days for uid, days in rows if days is not None}
        #: Those which the server lists.
        self._listed: set[bytes] = set()

    def is_taken(self, account: str, uid: str) -> bool:
        octets = _octets(uid)
        self._listed.add(octets)
        return octets in self._known

    def taken(self, account: str, uid: str) -> None:
        octets = _octets(uid)
        self._session.ask(_TAKEN, self._account, octets)
        self._known.add(octets)
        self._listed.add(octets)

    def note_what_is_gone(self) -> None:
        """Once the server has listed all that it has; writes only where that has changed."""
        missing = self._known - self._listed
        for statement, uids in (
            (_GONE, [uid for uid in missing if uid not in self._gone]),
            (_BACK, [uid for uid in self._gone if uid in self._listed]),
            (_OVER, [uid for uid in missing if self._gone.get(uid, 0) >= GONE_FOR]),
        ):
            if uids:
                self._session.ask(statement, self._account, uids)


_TAKEN: LiteralString = """
INSERT INTO pop3connect_messages (account, uid, taken_at) VALUES (%s, %s, now()) ON CONFLICT DO NOTHING
"""
_GONE: LiteralString = """
UPDATE pop3connect_messages SET gone_on = current_date WHERE account = %s AND uid = ANY (%s)
"""
_BACK: LiteralString = """
UPDATE pop3connect_messages SET gone_on = NULL WHERE account = %s AND uid = ANY (%s)
"""
_OVER: LiteralString = """
DELETE FROM pop3connect_messages WHERE account = %s AND uid = ANY (%s)
"""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """One whose statements wait for the server no longer than a limit, after which it is closed.

    A server that hangs does not end a statement by its own limit, and the network does not find that it hangs.
    """

    #: In seconds; 0 for none.
    limit: float = 20

    def wait(self, gen: PQGen[T], *arguments: Any, **more: Any) -> T:
        return super().wait(self._limited(gen), *arguments, **more)

    def _limited(self, steps: PQGen[T]) -> PQGen[T]:
        """psycopg's steps of a statement, which it is asked for at least ten times a second."""
        end = _clock() + self.limit
        try:
            wanted = next(steps)
            while True:
                ready = yield wanted
                if self.limit and _clock() > end:
                    self.close()
                    raise psycopg.OperationalError(f"no answer in {self.limit:g} seconds")
                wanted = steps.send(ready)
        except StopIteration as ended:
            result: T = ended.value
            return result


def connect(conninfo: str, **more: str) -> Connection:
    """A connection that commits each statement and waits for none of them forever.

    - `more`: parameters that conninfo and the environment may set otherwise.

    Raises psycopg.Error; ValueError where libpq cannot read the conninfo.
    """
    parameters = {"tcp_user_timeout": str(NETWORK_SECONDS * 1000), **_parsed(conninfo)}
    for name, variable, value in (
        ("connect_timeout", "PGCONNECT_TIMEOUT", str(CONNECT_SECONDS)),
        ("target_session_attrs", "PGTARGETSESSIONATTRS", more.get("target_session_attrs")),
    ):
        if variable not in os.environ and value is not None:
            parameters.setdefault(name, value)
    return Connection.connect(**parameters, autocommit=True)


def select_all(connection: Connection, table: str) -> psycopg.Cursor[tuple[Any, ...]]:
    """What is in a table, `table` or `schema.table`."""
    return connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*table.split("."))))


def _parsed(conninfo: str) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(conninfo))
    except psycopg.Error:
        # what libpq says has parts of it, which may be the password
        raise ValueError("the conninfo is none that libpq can read") from None


def _close(connection: Connection, process: int) -> None:
    """Closes a connection. In a process that was forked since, only what that has of it."""
    with suppress(psycopg.Error, OSError):
        if process != os.getpid():
            # closing it tells the server, to which it must go on for the process before
            with open(os.devnull, "wb") as nothing:
                os.dup2(nothing.fileno(), connection.fileno())
        connection.close()


@contextmanager
def _told() -> Iterator[None]:
    """What psycopg raises, as what a book raises."""
    try:
        yield
    except psycopg.Error as error:
        raise BookError(f"PostgreSQL: {' '.join(str(error).split())}") from error


def _in_use() -> MailboxInUse:
    return MailboxInUse("another run collects from this account into this book")


def _octets(text: str) -> bytes:
    """As the library had it."""
    return text.encode("utf-8", "surrogateescape")


def _lock_of(account: bytes) -> int:
    """The number of the lock, which is one of all that there are in the database."""
    digest = hashlib.sha256(b"pop3connect account " + account).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


_MAKING = int.from_bytes(hashlib.sha256(b"pop3connect tables").digest()[:8], "big", signed=True)

#: For tests.
_clock = time.monotonic
