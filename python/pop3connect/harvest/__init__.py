"""Harvesting: polling many accounts for a long time.

Where accounts come from, where messages go, how often a host may be asked, and what a monitoring system is told; and
Harvester, which does the polling on the thread of an asyncio loop.

    maildir = Maildir("mail")
    asyncio.run(Harvester(from_csv("accounts.csv"), maildir.take, Job("mail.book")).run())
"""

from .accounts import Poll, from_csv, from_sqlite
from .counters import Counters
from .harvester import Harvester
from .limits import HostLimit
from .sinks import Folder, Maildir

__all__ = ["Counters", "Folder", "Harvester", "HostLimit", "Maildir", "Poll", "from_csv", "from_sqlite"]
