"""Harvesting from the command line: python -m pop3connect.harvest accounts.csv --maildir mail --book mail.book

Polls the accounts until it is stopped (ctrl-C, SIGTERM), or each once. `--help` tells the rest.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from ..collecting import Job
from .accounts import Poll, from_csv, from_postgres, from_sqlite
from .books import Books
from .crew import Crew
from .harvester import Harvester
from .limits import HostLimit
from .sinks import Folder, Maildir
from .tally import OK

log = logging.getLogger("pop3connect.harvest")

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO, filename=options.log)
    try:
        return asyncio.run(_harvest(options))
    except Exception as error:
        log.debug("why it has ended", exc_info=True)
        print(f"pop3connect.harvest: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pop3connect.harvest", description="Polls many POP3 accounts.")
    parser.add_argument(
        "accounts",
        help="where the accounts are: a CSV file, a file of SQLite (.db, .sqlite), or postgresql://…",
    )
    parser.add_argument("--table", default="accounts", help="of a database, which has the accounts")
    parser.add_argument("--every", type=float, default=300, metavar="SECONDS", help="for accounts that do not say")
    parser.add_argument("--once", action="store_true", help="polls each account once")

    where = parser.add_argument_group("where messages go").add_mutually_exclusive_group(required=True)
    where.add_argument("--maildir", type=Path)
    where.add_argument("--folder", type=Path, help="a file for each message")
    book = parser.add_argument_group("what was taken").add_mutually_exclusive_group(required=True)
    book.add_argument("--book", type=Path, help="a file, for one machine")
    book.add_argument("--postgres", metavar="CONNINFO", help="as dbname=mail host=…, for any number of machines")
    parser.add_argument(
        "--delete-after", type=int, metavar="DAYS", help="deletes on the server what was taken; never if not given"
    )

    limits = parser.add_argument_group("limits")
    limits.add_argument("--at-once", type=int, default=500, help="polls of each worker")
    limits.add_argument("--at-once-each-host", type=int, default=20, help="polls of all workers")
    limits.add_argument("--rate", type=float, help="polls a second with each host")
    limits.add_argument("--burst", type=int, default=1, help="how many of them at once")

    workers = parser.add_argument_group("workers, by Dask; this process alone if none is given")
    count = workers.add_mutually_exclusive_group()
    count.add_argument("--workers", type=int, help="processes on this machine")
    count.add_argument("--scheduler", metavar="ADDRESS", help="of a cluster, as tcp://host:8786")
    workers.add_argument("--lease", type=float, default=10, metavar="SECONDS", help="until a lost worker's accounts move")

    shown = parser.add_argument_group("what is shown")
    shown.add_argument("--status", action="store_true", help="a page in the terminal")
    shown.add_argument("--metrics", type=int, metavar="PORT", help="for Prometheus, on the loopback address")
    shown.add_argument("--log", metavar="FILE", help="stderr if not given")
    return parser


async def _harvest(options: argparse.Namespace) -> int:
    """Polls as the options say; 1 where an account of `--once` has failed."""
    task = asyncio.ensure_future(_poll(options))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        # stopped, which is how a run ends; not each account was polled once
        return 1 if options.once else 0


async def _poll(options: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        harvest = await _harvester(options, stack)
        if options.metrics is not None:
            from .metrics import serve

            stack.enter_context(serve(harvest.status, options.metrics))
        if options.status:
            from .status import Page

            await stack.enter_async_context(_beside(Page(harvest.status).run()))
        await (harvest.once() if options.once else harvest.run())
    return 1 if options.once and harvest.status().tally.polls.keys() - {OK} else 0


async def _harvester(options: argparse.Namespace, stack: AsyncExitStack) -> Harvester | Crew:
    """What polls: here, or by workers, which end with the stack."""
    polls = _polls(options.accounts, options.table, options.every)
    sink = Folder(options.folder) if options.maildir is None else Maildir(options.maildir)
    job = Job(options.book, delete_after=options.delete_after)
    more: dict[str, Any] = {
        "books": _books(options.postgres),
        "limit": None if options.rate is None else HostLimit(options.rate, options.burst),
        "at_once": options.at_once,
        "at_once_each_host": options.at_once_each_host,
    }
    if options.workers is None and options.scheduler is None:
        return Harvester(polls, sink.take, job, **more)
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ImportError("workers need distributed: pip install pop3connect[harvest]") from error
    # it tells each step of its own
    logging.getLogger("distributed").setLevel(logging.WARNING)
    # neither is typed
    make_client: Any = Client
    make_cluster: Any = LocalCluster
    where = options.scheduler
    if where is None:
        cluster = make_cluster(
            n_workers=options.workers,
            threads_per_worker=1,
            # else it is open to all
            dashboard_address="127.0.0.1:0",
            asynchronous=True,
        )
        log.info("%d workers begin", options.workers)
        where = await _whole(stack.enter_async_context(cluster))
    client = await stack.enter_async_context(make_client(where, asynchronous=True))
    return Crew(client, polls, sink.take, job, lease=options.lease, **more)


def _polls(where: str, table: str, every: float) -> list[Poll]:
    if where.startswith(("postgresql://", "postgres://")):
        return from_postgres(where, table, every=every)
    if where.lower().endswith((".db", ".sqlite", ".sqlite3")):
        return from_sqlite(where, table, every=every)
    return from_csv(where, every=every)


def _books(conninfo: str | None) -> Books | None:
    if conninfo is None:
        return None
    from .postgres import PostgresBook

    return PostgresBook(conninfo)


async def _whole(beginning: Coroutine[Any, Any, T]) -> T:
    """Lets what begins come to its end, also where this is cancelled: half of a cluster cannot be closed."""
    task = asyncio.ensure_future(beginning)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        # ctrl-C of a terminal ends the workers too: that they fail by that is no news
        await asyncio.gather(task, return_exceptions=True)
        raise


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Does something beside, until the end of the `with`."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


if __name__ == "__main__":
    sys.exit(main())
