"""Harvesting: polling many accounts for a long time.

Where accounts come from, where messages go, how often a host may be asked, and what a monitoring system is told; and
Harvester, which does the polling on the thread of an asyncio loop. `pop3connect.harvest.postgres` has a book in
PostgreSQL, for many machines.

    maildir = Maildir("mail")
    asyncio.run(Harvester(from_csv("accounts.csv"), maildir.take, Job("mail.book")).run())
"""

from .accounts import Poll, from_csv, from_postgres, from_sqlite
from .books import Books
from .counters import Counters
from .harvester import Harvester
from .limits import HostLimit
from .sinks import Folder, Maildir

__all__ = [
    "Books",
    "Counters",
    "Folder",
    "Harvester",
    "HostLimit",
    "Maildir",
    "Poll",
    "from_csv",
    "from_postgres",
    "from_sqlite",
]
