"""Harvesting: what polling many accounts for a long time needs, besides the polling itself.

Where accounts come from, where messages go, how often a host may be asked, and what a monitoring system is told.
"""

from .accounts import Poll, from_csv, from_sqlite
from .counters import Counters
from .limits import HostLimit
from .sinks import Folder, Maildir

__all__ = ["Counters", "Folder", "HostLimit", "Maildir", "Poll", "from_csv", "from_sqlite"]
