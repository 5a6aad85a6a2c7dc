"""What Prometheus reads, over HTTP."""

from __future__ import annotations

import contextlib
import io
import socket
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from unittest.mock import patch

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from pop3connect.harvest import metrics
from pop3connect.harvest.metrics import Collector, serve
from pop3connect.harvest.tally import Status, Tally, WorkerStatus

SECONDS = 60
OPEN = "application/openmetrics-text"
#: Labels that somebody else has made.
HOSTILE = (
    'o"k\\\n{}',
    "\n# HELP pop3_accounts none\npop3_accounts 7\n",
    "\x1b[31m\x9b\u202e\u2028\r\x00",
    "\udc80\ud800",
    "",
    "Jörg ✉",
)


def get(port: int, accept: str = "", host: str = "127.0.0.1") -> str:
    request = urllib.request.Request(f"http://{host}:{port}/metrics", headers={"Accept": accept} if accept else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=SECONDS) as answer:
        return str(answer.read().decode())


def values(text: str, parser: Callable[[str], Iterable[Metric]] = parse) -> dict[tuple[str, str], float]:
    """The samples of an answer, by name and the label `result`, each of which is there once."""
    found: dict[tuple[str, str], float] = {}
    for family in parser(text):
        for sample in family.samples:
            key = (sample.name, sample.labels.get("result", "-"))
            assert key not in found, key
            found[key] = sample.value
    return found


TALLY = Tally(
    accounts=10_000,
    under_way=500,
    polls=Counter(ok=12_000, AuthError=7),
    taken=345,
    octets=2**53,
    deleted=21,
    failed=3,
    reconnects=4,
)
EXPECTED = {
    ("pop3_accounts", "-"): 10_000,
    ("pop3_polls_under_way", "-"): 500,
    ("pop3_workers", "-"): 2,
    ("pop3_polls_total", "ok"): 12_000,
    ("pop3_polls_total", "AuthError"): 7,
    ("pop3_messages_taken_total", "-"): 345,
    ("pop3_octets_taken_total", "-"): 2**53,
    ("pop3_messages_deleted_total", "-"): 21,
    ("pop3_messages_failed_total", "-"): 3,
    ("pop3_reconnects_total", "-"): 4,
}


def status(tally: Tally = TALLY, failing: int | None = None) -> Status:
    # an iterator, which can be gone through once
    workers = iter([WorkerStatus("a", 5_000, 250), WorkerStatus("b", 5_000, 250)])
    return Status(tally, workers, failing=failing)


class Served(unittest.TestCase):
    """With one server for all of them, since its end takes half a second."""

    source: Callable[[], Status] = staticmethod(status)
    port = 0

    @classmethod
    def setUpClass(cls) -> None:
        served = contextlib.ExitStack()
        cls.addClassCleanup(served.close)
        cls.port = served.enter_context(serve(lambda: Served.source()))

    def values_of(self, source: Callable[[], Status]) -> dict[tuple[str, str], float]:
        """What is answered from a source, which is the same in either format."""
        with patch.object(Served, "source", source):
            found = values(get(self.port))
            self.assertEqual(values(get(self.port, OPEN), parse_open), found)
        return found

    def test_values(self) -> None:
        self.assertEqual(self.values_of(status), EXPECTED)

    def test_types(self) -> None:
        with patch.object(Served, "source", lambda: status(failing=1)):
            kinds = {family.name: family.type for family in parse(get(self.port))}
        gauges = {"pop3_accounts", "pop3_accounts_failing", "pop3_polls_under_way", "pop3_workers"}
        self.assertEqual({name for name, kind in kinds.items() if kind == "gauge"}, gauges)
        self.assertEqual({kinds[name] for name in kinds.keys() - gauges}, {"counter"})

    def test_how_many_accounts_fail_is_said_where_it_is_known(self) -> None:
        for failing in None, 0, 1234:
            found = self.values_of(lambda: status(failing=failing))
            self.assertEqual(found.get(("pop3_accounts_failing", "-")), failing)

    def test_each_answer_is_of_its_moment(self) -> None:
        tally = Tally(accounts=1)
        for taken in 0, 2:
            tally.taken = taken
            self.assertEqual(self.values_of(lambda: Status(tally))["pop3_messages_taken_total", "-"], taken)

    def test_labels_may_hold_anything(self) -> None:
        counts = Counter({result: number for number, result in enumerate(HOSTILE, 1)})
        found = self.values_of(lambda: Status(Tally(polls=counts)))
        results = {label: value for (name, label), value in found.items() if name == "pop3_polls_total"}
        self.assertEqual(results, {result.replace("\udc80\ud800", "\\udc80\\ud800"): n for result, n in counts.items()})
        self.assertEqual(found["pop3_accounts", "-"], 0)

    def test_labels_that_are_alike_when_they_are_escaped_are_one(self) -> None:
        tally = Tally(polls=Counter({"\udc80": 2, "\\udc80": 3}))
        self.assertEqual(self.values_of(lambda: Status(tally))["pop3_polls_total", "\\udc80"], 5)

    def test_a_source_that_raises_is_answered_and_the_next_one_too(self) -> None:
        said = io.StringIO()
        with (
            patch.object(Served, "source", self.fail),
            contextlib.redirect_stderr(said),
            self.assertRaises(urllib.error.HTTPError) as raised,
        ):
            get(self.port)
        raised.exception.close()
        self.assertEqual(raised.exception.code, 500)
        self.assertIn("AssertionError", said.getvalue())
        self.assertEqual(self.values_of(status), EXPECTED)

    def test_one_that_says_nothing_keeps_nobody_waiting(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), SECONDS):
            self.assertEqual(self.values_of(status), EXPECTED)

    def test_it_answers_at_its_own_address_alone(self) -> None:
        with self.assertRaises(urllib.error.URLError):
            get(self.port, host="127.0.0.2")

    def test_a_port_that_is_taken(self) -> None:
        with self.assertRaises(OSError), serve(status, self.port):
            pass

    def test_the_port_is_given_back(self) -> None:
        def start(*how: Any) -> Any:
            # kept, since a socket that nobody has is closed too
            kept.append(start_http_server(*how))
            return kept[0]

        kept: list[Any] = []
        with (
            patch.object(metrics, "start_http_server", start),
            self.assertRaises(KeyError),
            serve(status) as port,
        ):
            get(port)
            raise KeyError
        servers = [thread for thread in threading.enumerate() if "serve_forever" in thread.name]
        self.assertEqual(len(servers), 1, "that of all tests")
        with socket.socket() as other:
            # past connections of the port that has been, not past one that listens
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", port))
            with self.assertRaises(urllib.error.URLError):
                get(port)
        with serve(status, port) as same:
            self.assertEqual(same, port)
            get(port)


class Registered(unittest.TestCase):
    def test_in_a_registry_of_the_programs_own(self) -> None:
        def source() -> Status:
            asked.append(1)
            return status(failing=1)

        asked: list[int] = []
        # one as REGISTRY is, which would ask a collector that does not describe itself
        registry = CollectorRegistry(auto_describe=True)
        collector = Collector(source)
        registry.register(collector)
        self.assertEqual(asked, [])
        for name in {name for name, _ in EXPECTED} | {"pop3_accounts_failing"}:
            with self.subTest(name), self.assertRaisesRegex(ValueError, "Duplicated"):
                registry.register(_Named(name))
        self.assertEqual(
            values(generate_latest(registry).decode()), EXPECTED | {("pop3_accounts_failing", "-"): 1}
        )
        registry.unregister(collector)
        self.assertEqual(generate_latest(registry), b"")

    def test_a_tally_that_grows_meanwhile(self) -> None:
        class Result(str):
            """While it is looked at the tally gets another one, as by another thread."""

            def encode(self, *how: str) -> bytes:
                tally.polls["later"] += 1
                return super().encode(*how)

        tally = Tally(polls=Counter({Result("ok"): 1, Result("AuthError"): 1}))
        list(Collector(lambda: Status(tally)).collect())
        self.assertEqual(tally.polls["later"], 2)

    def test_the_registry_of_the_process_is_left_alone(self) -> None:
        with serve(status) as port:
            self.assertNotIn("pop3_accounts", generate_latest(REGISTRY).decode())
            self.assertNotIn("python_info", get(port))


class _Named:
    """A collector of one metric."""

    def __init__(self, name: str) -> None:
        self._metric = Metric(name, "Another one.", "unknown")

    def describe(self) -> list[Metric]:
        return [self._metric]

    def collect(self) -> list[Metric]:
        return [self._metric]


class Missing(unittest.TestCase):
    def test_what_to_install_is_said(self) -> None:
        hide = "import sys; sys.modules['prometheus_client'] = None\n"
        for source, words in (
            ("import pop3connect.harvest", ""),
            ("import pop3connect.harvest.metrics", "pip install pop3connect[harvest]"),
        ):
            run = subprocess.run(
                [sys.executable, "-c", hide + source], capture_output=True, text=True, timeout=SECONDS
            )
            self.assertEqual(run.returncode != 0, words != "", run.stderr)
            self.assertIn(words, run.stderr)


if __name__ == "__main__":
    unittest.main()
