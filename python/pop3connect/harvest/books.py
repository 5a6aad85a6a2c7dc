"""Books for many accounts, of which a run takes the part that is its account's."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from ..collecting import Book


class Books(Protocol):
    """What has a book for each account: PostgresBook, or a program's own."""

    def open(self, account: str) -> AbstractContextManager[Book]:
        """The book of an account, told by user@server, for one run: `with` it.

        It is MailboxInUse where another run has it. An exception that leaves the `with` says that the run has failed.
        """
