"""Samples in documents: found, and run with the test server in the place of the one that they name."""

from __future__ import annotations

import contextlib
import io
import os
import poplib
import re
import ssl
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pop3connect

from .support import PASSWORD, ServerCase


def samples(document: Path) -> dict[tuple[str, str], str]:
    """The samples, by their kind and name."""
    found = re.findall(r"^```python (\w+) (\w+)\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)
    return {(kind, name): source for kind, name, source in found}


class SampleCase(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)

    def run_sample(self, source: str, port: int, **names: Any) -> str:
        """What a sample prints, which finds those names beside its own."""
        context = ssl.create_default_context(cafile=str(self.server.folder / "ca.pem"))

        def replaced(kind: Any) -> Any:
            def make(server: str, user: str, password: str, **options: Any) -> Any:
                assert (server, user) == ("pop.example.com", "alice")
                password = PASSWORD if password == "secret" else password
                return kind(f"127.0.0.1:{port}", user, password, **{**self.tls(), **options})

            return make

        class Poplib(poplib.POP3_SSL):
            def __init__(self, host: str, **options: Any) -> None:
                assert host == "pop.example.com"
                super().__init__("127.0.0.1", port, context=context, **options)

            def pass_(self, pswd: str) -> bytes:
                return super().pass_(PASSWORD if pswd == "secret" else pswd)

        printed = io.TextIOWrapper(io.BytesIO(), newline="")
        with (
            patch.object(poplib, "POP3_SSL", Poplib),
            patch.multiple(pop3connect, Mailbox=replaced(pop3connect.Mailbox), Account=replaced(pop3connect.Account)),
            contextlib.redirect_stdout(printed),
        ):
            exec(compile(source, "sample", "exec"), {"__name__": "__main__", **names})
        printed.seek(0)
        return printed.read()
