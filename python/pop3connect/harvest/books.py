"""Books for many accounts, of which a run takes the part that is its account's."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from ..collecting import Book, Job


class Books(Protocol):
    """What has a book for each account: PostgresBook, or a program's own."""

    def open(self, account: str) -> AbstractContextManager[Book]:
        """The book of an account, told by user@server, for one run: `with` it.

        It is MailboxInUse where another run has it. An exception that leaves the `with` says that the run has failed.
        """


def check_books(job: Job, books: Books | None) -> None:
    """Raises ValueError where they do not go together."""
    if books is not None and job.book is not None:
        raise ValueError("the job has a book already: give either that or books")
    if books is not None and job.delete_after:
        raise ValueError(f"delete_after is {job.delete_after}: days are counted by a book in a file alone")
