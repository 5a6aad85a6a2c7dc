"""Where accounts come from: a file of comma-separated values, or a table in SQLite or PostgreSQL.

Either has a column for each option of an Account that it sets, by that name, where a client certificate in PEM is two,
`client_cert` and `client_key`. It may have one `every`: how many seconds there are between two polls. What is empty, or
NULL, is not set.
"""

from __future__ import annotations

import csv
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ..account import Account

#: Seconds between two polls of an account that does not say.
EVERY = 300.0

# what a line has in place of what is missing, and of a name; nobody writes that
_TOO_FEW = "\0few"
_TOO_MANY = "\0many"


@dataclass(frozen=True)
class Poll:
    """An account, and how often it is polled."""

    account: Account
    #: In seconds.
    every: float = EVERY


def from_csv(path: str | os.PathLike[str], *, every: float = EVERY) -> list[Poll]:
    """The accounts in a file, whose first line has the names of the columns; in UTF-8.

    Raises ValueError, which names the line.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, strict=True, restkey=_TOO_MANY, restval=_TOO_FEW)
        _check_columns(reader.fieldnames or [], path)
        rows = ((f"{os.fspath(path)}, line {reader.line_num}", row) for row in reader)
        return list(_polls(rows, every))


def from_sqlite(path: str | os.PathLike[str], table: str = "accounts", *, every: float = EVERY) -> list[Poll]:
    """The accounts in a table of a database, which is not made where it is not there.

    Raises sqlite3.Error; ValueError, which names the row.
    """
    quoted = table.replace('"', '""')
    with closing(sqlite3.connect(f"file:{_uri(path)}?mode=ro", uri=True)) as database:
        found = database.execute(f'SELECT * FROM "{quoted}"')
        names = [column[0] for column in found.description]
        _check_columns(names, path)
        rows = ((f"{os.fspath(path)}, row {number}", dict(zip(names, row))) for number, row in enumerate(found, 1))
        return list(_polls(rows, every))


def from_postgres(conninfo: str, table: str = "accounts", *, every: float = EVERY) -> list[Poll]:
    """The accounts in a table of a database, `table` or `schema.table`; `every` may be an interval.

    - `conninfo`: where the database is, as PostgresBook takes it.

    It needs psycopg: `pip install pop3connect[harvest]`. Raises psycopg.Error; ValueError, which names the row.
    """
    from .postgres import connect, select_all

    with closing(connect(conninfo)) as database:
        found = select_all(database, table)
        names = [column.name for column in found.description or []]
        _check_columns(names, table)
        rows = ((f"{table}, row {number}", dict(zip(names, row))) for number, row in enumerate(found, 1))
        return list(_polls(rows, every))


def _polls(rows: Iterable[tuple[str, Mapping[str, Any]]], every: float) -> Iterator[Poll]:
    for where, row in rows:
        try:
            yield _poll(row, every)
        except (TypeError, ValueError) as error:
            # what was wrong is told, not what else is in the row: it has a password
            raise ValueError(f"{where}: {error}") from None


def _poll(row: Mapping[str, Any], every: float) -> Poll:
    if _TOO_MANY in row or _TOO_FEW in row.values():
        raise ValueError("there are more values than columns, or fewer")
    values = {name: _OPTIONS[name](value) for name, value in row.items() if value not in (None, "")}
    every = values.pop("every", every)
    if not every > 0:
        raise ValueError(f"every is {every}: it must be more than 0 seconds")
    if "server" not in values:
        raise ValueError("there is no server")
    if "client_cert" in values or "client_key" in values:
        values["client_cert"] = (values.pop("client_cert", ""), values.pop("client_key", ""))
    return Poll(Account(**values), every)


def _check_columns(names: Iterable[str], path: str | os.PathLike[str]) -> None:
    unknown = [name for name in names if name not in _OPTIONS]
    if unknown:
        raise ValueError(f"{os.fspath(path)}: no option of an account has the name {', '.join(unknown)}")


def _text(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _seconds(value: Any) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def _flag(value: Any) -> bool:
    word = str(value).strip().lower()
    if word in ("1", "yes", "true", "on"):
        return True
    if word in ("0", "no", "false", "off"):
        return False
    raise ValueError(f"{value!r} is neither yes nor no")


#: How what is in each column becomes the option.
_OPTIONS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("every", "connect_timeout", "reply_timeout", "call_timeout"), _seconds),
    **dict.fromkeys(("verify", "clear_password", "platform_trust", "utf8", "pipelining", "capa"), _flag),
    "max_message": int,
    **dict.fromkeys(
        (
            *("server", "user", "password", "secure", "family", "source_address", "proxy", "oauth_token", "authzid"),
            *(
                "mechanism",
                "secure_dir",
                "ca_file",
                "fingerprint",
                "client_cert",
                "client_key",
                "client_pkcs12",
                "client_pkcs12_password",
            ),
            *("tls_min", "tls_name", "language"),
        ),
        _text,
    ),
}


def _uri(path: str | os.PathLike[str]) -> str:
    return os.fspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
