"""Where messages go: a Maildir, or a folder. When `take` returns a message is on the disk, under its name."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from ..message import Message


class _Sink:
    """Writes each message into a folder for what is begun, and moves it into one for what is whole.

    Its name is made of the account, its unique id and what is in it. So where a message comes again, since a program
    was killed between taking it and noting that in the book, it takes its own place and there are not two of it, unless
    it has been moved elsewhere meanwhile, as readers of a Maildir do. Nobody else can read what is made here.
    """

    def __init__(self, begun: Path, whole: Path, suffix: str) -> None:
        self._begun = begun
        self._whole = whole
        self._suffix = suffix

    def take(self, account: str, message: Message) -> Path:
        """Writes a message; where it is. Thread-safe.

        - `account`: what tells accounts apart, as user@host.
        """
        path = self._whole / f"{_digest(account, message)}{self._suffix}"
        if path.exists():
            # whoever has given it its name may have been killed before this
            _sync(self._whole)
            return path
        # of nobody else, also not of a killed process with the same number
        begun = self._begun / f"{path.name}.{os.getpid()}-{secrets.token_hex(8)}"
        file = open(begun, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))
        try:
            with file:
                file.write(message.data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(begun, path)
        except BaseException:
            begun.unlink(missing_ok=True)
            raise
        _sync(self._whole)
        return path


class Maildir(_Sink):
    """A Maildir, which is made where there is none: messages come into its `new`.

    What killed processes leave in its `tmp` readers of a Maildir remove when it is old.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        folder = Path(path)
        for name in ("tmp", "new", "cur"):
            _make(folder / name)
        super().__init__(folder / "tmp", folder / "new", ".pop3connect")


class Folder(_Sink):
    """A folder, which is made where there is none, with a file for each message, *.eml.

    *.eml.* are not whole: they are being written, or were when a process was killed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        folder = Path(path)
        _make(folder)
        super().__init__(folder, folder, ".eml")


def _digest(account: str, message: Message) -> str:
    digest = hashlib.sha256()
    for part in (
        account.encode("utf-8", "surrogateescape"),
        message.uid.encode("utf-8", "surrogateescape"),
        message.data,
    ):
        # with its length, lest the end of one is taken for the begin of another
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:40]


def _make(folder: Path) -> None:
    """Makes a folder, and those that it is in, where there is none; each name is on the disk then."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    """Has the names in a folder on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
