"""What Prometheus reads of harvesting, by the library prometheus-client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

try:
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
except ImportError as error:
    raise ImportError("metrics need prometheus-client: pip install pop3connect[harvest]") from error

from .tally import Status, Tally


class Collector:
    """Gives the metrics of a status, for a registry of the program's own: `registry.register(Collector(source))`.

    `source` is asked whenever the registry is, on that thread, and not when it is registered. Where another thread adds
    to the tally meanwhile, each number is right, and they need not all be of one moment.
    """

    def __init__(self, source: Callable[[], Status]) -> None:
        self._source = source

    def describe(self) -> list[Metric]:
        """The metrics without values, by which a registry knows their names."""
        return [*_metrics(Status(Tally()), {})]

    def collect(self) -> Iterator[Metric]:
        status = self._source()
        results: Counter[str] = Counter()
        # a copy first: the tally may grow meanwhile
        for result, count in dict(status.tally.polls).items():
            results[_encodable(result)] += count
        return _metrics(status, results)


@contextmanager
def serve(source: Callable[[], Status], port: int = 0, address: str = "127.0.0.1") -> Iterator[int]:
    """Answers Prometheus by HTTP, whatever the path; gives the port, and ends with the `with`.

    Each request is answered on a thread of its own, so `source` is called there, also by several of them at once. What
    it raises is answered by 500, and reported on stderr. The threads are daemons: no program waits for them.

    - `port`: 0 for one that is free.
    - `address`: whoever can connect to it can read the metrics.
    """
    registry = CollectorRegistry()
    registry.register(Collector(source))
    server, thread = start_http_server(port, address, registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _metrics(status: Status, results: dict[str, int]) -> Iterator[Metric]:
    tally = status.tally
    yield GaugeMetricFamily("pop3_accounts", "Accounts that are polled.", tally.accounts)
    # which has no sample where it is None
    yield GaugeMetricFamily("pop3_accounts_failing", "Accounts whose last poll failed.", status.failing)
    yield GaugeMetricFamily("pop3_polls_under_way", "Polls that have begun and not ended.", tally.under_way)
    yield GaugeMetricFamily("pop3_workers", "Workers that are known.", sum(1 for _ in status.workers))
    polls = CounterMetricFamily("pop3_polls", "Polls that have ended, by what became of them.", labels=["result"])
    for result, count in sorted(results.items()):
        polls.add_metric([result], count)
    yield polls
    for name, (field, help) in _OF_TALLY.items():
        yield CounterMetricFamily(name, help, getattr(tally, field))


#: The other counters, whose names get `_total`, and of which number of a tally they are.
_OF_TALLY = {
    "pop3_messages_taken": ("taken", "Messages that were taken."),
    "pop3_octets_taken": ("octets", "Octets of the messages that were taken."),
    "pop3_messages_deleted": ("deleted", "Messages that servers have deleted."),
    "pop3_messages_failed": ("failed", "Messages that did not arrive, once for each poll."),
    "pop3_reconnects": ("reconnects", "Connections that broke and were made again."),
}


def _encodable(text: str) -> str:
    """A text that UTF-8 can hold; what it cannot, lone surrogates, escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
