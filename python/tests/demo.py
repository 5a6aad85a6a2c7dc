"""Harvesting shown: many mailboxes, two workers, one of which is killed in the middle; what came is counted.

    demo.py [--mailboxes 2000] [--messages 3] [--workers 2] [--book postgres|sqlite] [--spare]
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

# the tests as a package, from wherever this is started
sys.path.insert(0, str(Path(__file__).parents[1]))

from pop3connect import Job
from pop3connect.harvest import Books, Crew, Poll
from pop3connect.harvest.harvester import name_of
from pop3connect.harvest.postgres import PostgresBook
from pop3connect.harvest.status import Page
from tests.postgres import Cluster
from tests.recorder import Recorder
from tests.support import Server, account_at
from tests.workers import workers

#: For how many seconds the accounts of the killed worker wait.
LEASE = 5.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=2000)
    parser.add_argument("--messages", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--spare", action="store_true", help="kills none")
    parser.add_argument("--book", choices=["postgres", "sqlite"], default="postgres")
    arguments = parser.parse_args()
    # a port for each mailbox, and connections
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as folder:
        in_file = arguments.book == "sqlite"
        job = Job(Path(folder) / "book" if in_file else None)
        books = None if in_file else PostgresBook(Cluster().conninfo())
        return asyncio.run(show(arguments, Recorder(Path(folder)), job, books))


async def show(arguments: argparse.Namespace, recorder: Recorder, job: Job, books: Books | None) -> int:
    server = Server()
    options = f"messages={arguments.messages} size=4000"
    polls = [Poll(account_at(server.mailbox(options))) for _ in range(arguments.mailboxes)]
    wanted = [f"{name_of(poll.account)} uid-{number + 1}" for poll in polls for number in range(arguments.messages)]
    what = "none is killed" if arguments.spare else "one is killed when a third of the messages has come"
    print(f"{len(polls)} mailboxes with {arguments.messages} messages each; {arguments.workers} workers, {what}")
    each_host = 100 * arguments.workers
    async with workers(arguments.workers) as client:
        crew = Crew(client, polls, recorder.take, job, books=books, lease=LEASE, at_once_each_host=each_host)
        began = time.monotonic()
        lost = await collect(crew, recorder, math.inf if arguments.spare else len(wanted) // 3)
        seconds = time.monotonic() - began
        faults = recorder.faults(wanted, lost)
        twice = recorder.twice()
        print(f"{len(wanted)} messages were there, {recorder.whole()} are in the Maildir after {seconds:.1f} s;")
        print(f"{len(twice)} were handed over twice: what the killed worker had taken and not noted, one an account")
        began = time.monotonic()
        await crew.once()
        seconds = time.monotonic() - began
        print(f"once more, with nothing new: {len(polls) / seconds:.0f} mailboxes a second; {recorder.whole()} messages")
    for fault in faults[:20]:
        print(f"wrong: {fault}")
    print("harvest-demo: nothing lost, nothing twice but that" if not faults else "harvest-demo: failed")
    return 1 if faults else 0


async def collect(crew: Crew, recorder: Recorder, until: float) -> int:
    """Polls each account once, and kills a worker when so many messages have come; its process."""
    page = asyncio.create_task(Page(crew.status).run())
    once = asyncio.create_task(crew.once())
    while not once.done() and recorder.whole() < until:
        await asyncio.wait([once], timeout=0.1)
    lost = max(recorder.takes())
    if not once.done():
        os.kill(lost, signal.SIGKILL)
    try:
        await once
    finally:
        page.cancel()
        await asyncio.gather(page, return_exceptions=True)
    return lost


if __name__ == "__main__":
    sys.exit(main())
