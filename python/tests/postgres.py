"""A PostgreSQL of the tests' own: a cluster in a folder, reached by a socket there, and by nothing else."""

from __future__ import annotations

import atexit
import functools
import itertools
import logging
import os
import shutil
import subprocess
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

from psycopg import sql

from pop3connect.harvest.postgres import connect

#: Where tools/setup.sh unpacks it, and where Debian has it.
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).parents[2] / "target"))
PLACES = (TARGET / "servers/postgresql", Path("/"))
#: Ends a server when the tests end, also where they are killed: their end of a pipe is closed then. Whoever is connected.
GUARD = ["sh", "-c", '"$@" & read -r _; kill -INT $!; wait $!', "guard"]
PATIENCE = 120  # seconds, in which it is a matter of one or two

# it warns of connections that the tests break
logging.getLogger("psycopg").setLevel(logging.CRITICAL)


class Cluster:
    """A cluster, from when it is made until the process ends."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pop3-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = os.getpid()
        atexit.register(self._end)
        programs = self._programs()
        # it does not run as root
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            self._as = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(self.folder, "nobody", "nogroup")
        data = self.folder / "data"
        options = ["--username=pop3", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        make = [programs / "initdb", "--pgdata", data, *options]
        self._run(make, "initdb").communicate(timeout=PATIENCE)
        where = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}"]
        self._process = self._run([*GUARD, programs / "postgres", "-D", data, *where], "postgres")
        end = time.monotonic() + PATIENCE
        while not self._is_ready():
            if time.monotonic() > end:
                raise AssertionError(f"PostgreSQL does not come up: {self.log()}")
            time.sleep(0.02)

    def conninfo(self, options: str = "") -> str:
        return f"host={self.folder} user=pop3 dbname=postgres options='{options}'"

    def log(self) -> str:
        return "\n".join(log.read_text() for log in self.folder.glob("*.log"))

    def _programs(self) -> Path:
        """The folder with its programs, the newest where there are several."""
        for place in PLACES:
            found = sorted(place.glob("usr/lib/postgresql/*/bin"), key=lambda folder: int(folder.parent.name))
            if found and place != Path("/"):
                # a copy, since it runs as somebody who may not come to the original
                shutil.copytree(place, self.folder / "programs", symlinks=True)
                return self.folder / "programs" / found[-1].relative_to(place)
            if found:
                return found[-1]
        program = shutil.which("initdb")
        if program is None:
            raise AssertionError("there is no PostgreSQL: tools/setup.sh python-check installs it")
        return Path(program).resolve().parent

    def _run(self, command: list[Any], name: str) -> subprocess.Popen[bytes]:
        with open(self.folder / f"{name}.log", "wb") as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                [*map(str, command)], stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.folder, **self._as
            )
            return process

    def _is_ready(self) -> bool:
        try:
            return "ready" in (self.folder / "data/postmaster.pid").read_text()
        except FileNotFoundError:
            return False

    def _end(self) -> None:
        if self._pid != os.getpid():
            return
        if self._process is not None:
            self._process.communicate(timeout=PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)


@functools.cache
def cluster() -> Cluster:
    """One for all tests."""
    return Cluster()


_numbers = itertools.count(1)


class PostgresCase(unittest.TestCase):
    """Tests that need PostgreSQL: each in a schema of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.schema = f"test_{next(_numbers)}"
        self.database = connect(self.conninfo())
        self.addCleanup(self.database.close)
        self.database.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self.schema)))

    def conninfo(self, options: str = "") -> str:
        """Where the schema is; what connects by it has the name of the schema too."""
        return cluster().conninfo(f"-c search_path={self.schema} -c application_name={self.schema} {options}")

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self.database.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def backends(self) -> list[int]:
        """The processes of PostgreSQL that others than the test are connected to."""
        found = self.rows(
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND pid != pg_backend_pid()", self.schema
        )
        return [pid for (pid,) in found]

    def terminate_backends(self) -> None:
        for pid in self.backends():
            self.rows("SELECT pg_terminate_backend(%s, %s)", pid, PATIENCE * 1000)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not is_so():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
