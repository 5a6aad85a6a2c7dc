"""Workers that are processes of Dask's, on this machine."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dask
from distributed import Client, LocalCluster


@asynccontextmanager
async def workers(count: int, harvest_logs: str = "warning") -> AsyncIterator[Any]:
    """A client of theirs, who know the tests too. What Dask says of workers that are lost is not to be seen."""
    # neither is typed
    make_cluster: Any = LocalCluster
    make_client: Any = Client
    silent = dask.config.set({"logging": {"distributed": "critical", "pop3connect.harvest": harvest_logs}})
    with silent, tempfile.TemporaryDirectory() as folder:
        # not the folder that they are in: it has the package's sources as well
        os.symlink(Path(__file__).parent, Path(folder) / "tests")
        # they look where this process does, when they begin and when they begin again
        with patch.object(sys, "path", [folder, *sys.path]):
            async with make_cluster(
                n_workers=count,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
                asynchronous=True,
            ) as cluster, make_client(cluster, asynchronous=True) as client:
                yield client
