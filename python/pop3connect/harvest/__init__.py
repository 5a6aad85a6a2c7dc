"""Harvesting: polling many accounts for a long time.

Where accounts come from, where messages go, how often a host may be asked, and what is shown of that. A Harvester does
the polling on the thread of an asyncio loop, a Crew by many workers on any number of machines. What is taken is noted in
the book of the job, a file, or in a PostgresBook. `python -m pop3connect.harvest` does it from the command line.

PostgresBook, what Prometheus reads and the status page are in modules of their own, `postgres`, `metrics` and `status`:
they need libraries that come with `pip install pop3connect[harvest]`.

    maildir = Maildir("mail")
    asyncio.run(Harvester(from_csv("accounts.csv"), maildir.take, Job("mail.book")).run())
"""

from .accounts import Poll, from_csv, from_postgres, from_sqlite
from .books import Books
from .crew import Crew
from .harvester import Harvester
from .limits import HostLimit
from .sinks import Folder, Maildir
from .tally import Polled, Status, Tally, WorkerStatus

__all__ = [
    "Books",
    "Crew",
    "Folder",
    "Harvester",
    "HostLimit",
    "Maildir",
    "Poll",
    "Polled",
    "Status",
    "Tally",
    "WorkerStatus",
    "from_csv",
    "from_postgres",
    "from_sqlite",
]
