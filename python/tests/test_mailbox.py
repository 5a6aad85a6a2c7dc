"""Sessions: what there is, messages, deleting, and how a session ends."""

from __future__ import annotations

import io
import logging
import resource
import threading
import unittest
from pathlib import Path
from typing import Any

import pop3connect
from pop3connect import Busy, Cancelled, ConnectionLost, Mailbox, ServerError, TlsInfo, split

from .support import PASSWORD, SILENT_AT_NOOP, ServerCase, account_at, in_thread, silent_server


class Commands(ServerCase):
    def test_what_there_is(self) -> None:
        with self.box("messages=3 size=300") as box:
            self.assertEqual(len(box), 3)
            self.assertEqual(box.list(), {1: 300, 2: 300, 3: 300})
            self.assertEqual(box.size_of(2), 300)
            self.assertEqual(box.size(), 900)
            self.assertEqual(box.stat(), pop3connect.MailboxSize(3, 900))
            self.assertEqual(box.uids(), {1: "uid-1", 2: "uid-2", 3: "uid-3"})
            self.assertEqual(box.uid_of(3), "uid-3")
            self.assertIn("PIPELINING", box.capabilities())
            self.assertIn("TOP", box.capabilities())
            box.noop()

    def test_one_message_is_asked_for_by_its_number_alone(self) -> None:
        with self.box() as box:
            for ask in (box.size_of, box.uid_of):
                self.assertRaises(pop3connect.ParameterError, ask, 0)
                self.assertRaises(ServerError, ask, 6)

    def test_a_mailbox_is_true_and_is_not_asked_for_that(self) -> None:
        port = self.server.mailbox("messages=0")
        box = Mailbox.of(account_at(port))
        self.assertTrue(box)
        self.assertEqual(self.server.connections(port), 0)
        with box:
            self.assertEqual(len(box), 0)
            self.assertTrue(box)

    def test_messages(self) -> None:
        with self.box("messages=2 size=5000") as box:
            message = box.fetch(2)
            self.assertEqual(len(message), box.size_of(2))
            self.assertEqual(box.fetch("uid-2"), message)
            self.assertNotEqual(box.fetch("uid-1"), message)
            head = box.headers(2)
            self.assertTrue(message.startswith(head) and head.endswith(b"\r\n\r\n"))
            self.assertEqual(box.top(2, 2), b"".join(message.splitlines(True)[: head.count(b"\r\n") + 2]))
            self.assertRaises(ServerError, box.fetch, 3)
            self.assertRaises(ServerError, box.fetch, "uid-3")

    def test_a_large_message_goes_into_a_file_in_pieces(self) -> None:
        pieces: list[int] = []

        class File(io.BytesIO):
            def write(self, data: bytes) -> int:  # type: ignore[override]
                pieces.append(len(data))
                return super().write(data)

        with self.box("messages=1 size=1000000") as box:
            file = File()
            self.assertEqual(box.fetch_into(1, file), 1_000_000)
            self.assertEqual(file.getvalue(), box.fetch(1))
            self.assertLess(max(pieces), 70_000)

    def test_many_messages(self) -> None:
        with self.box("messages=40 size=100") as box:
            self.assertEqual([message.number for message in box.messages()], list(range(1, 41)))
            some = list(box.messages([7, 3], ahead=1))
            self.assertEqual(
                [(message.number, message.data) for message in some], [(7, box.fetch(7)), (3, box.fetch(3))]
            )
            some = list(box.messages([7, 3]))
            self.assertEqual([message.data for message in some], [box.fetch(7), box.fetch(3)])
            self.assertEqual([message.data for message in box.tops([5])], [box.headers(5)])
            # leaving early costs nothing
            for message in box.messages():
                break
            self.assertEqual(message.number, 1)
            self.assertEqual(len(box), 40)

    def test_a_refused_message_is_raised_when_its_turn_comes(self) -> None:
        with self.box("messages=3 bad=2 how=refused") as box:
            messages = box.messages()
            self.assertEqual(next(messages).number, 1)
            with self.assertRaisesRegex(ServerError, "message 2"):
                next(messages)
            self.assertEqual([message.number for message in box.messages([1, 3])], [1, 3])

    def test_where_a_session_ends_among_many_those_before_come(self) -> None:
        box = self.box("messages=3 bad=2 how=cut")
        messages = box.messages()
        self.assertEqual(next(messages).number, 1)
        self.assertRaises(ConnectionLost, next, messages)
        self.assertRaises(ConnectionLost, box.close)

    def test_tls_facts(self) -> None:
        with self.box() as box:
            self.assertIsNone(box.tls_info())
        for options, secure in ("tls=implicit", "tls"), ("tls=stls", "starttls"):
            with self.box(options, **{**self.tls(), "secure": secure}) as box:
                info = box.tls_info()
                assert isinstance(info, TlsInfo)
                self.assertEqual((info.version, info.verified, info.resumed), ("TLSv1.3", True, False))
                self.assertIn("BEGIN CERTIFICATE", info.peer_pem)


class Deleting(ServerCase):
    def test_marks_are_kept_to_the_end(self) -> None:
        account = self.account("messages=5")
        with Mailbox.of(account) as box:
            box.delete(1)
            box.delete("uid-2")
            self.assertEqual(box.delete_all([3, 4]), 2)
            self.assertEqual(list(box.list()), [5])
        with Mailbox.of(account) as box:
            self.assertEqual(box.uids(), {1: "uid-5"})

    def test_all(self) -> None:
        account = self.account("messages=5")
        with Mailbox.of(account) as box:
            self.assertEqual(box.delete_all(), 5)
        self.assertEqual(pop3connect.stat(account), 0)

    def test_reset_takes_the_marks_back(self) -> None:
        account = self.account("messages=5")
        with Mailbox.of(account) as box:
            box.delete_all()
            box.reset()
        self.assertEqual(pop3connect.stat(account), 5)

    def test_after_an_exception_nothing_is_deleted(self) -> None:
        account = self.account("messages=5 record=yes")
        with self.assertRaises(ZeroDivisionError), Mailbox.of(account) as box:
            box.delete(1)
            1 // 0
        port = int(account.server.partition(":")[2])
        self.assertNotIn("QUIT", self.server.received(port))
        self.assertEqual(pop3connect.stat(account), 5)

    def test_a_mailbox_that_is_forgotten_deletes_nothing_and_frees_the_session(self) -> None:
        account = self.account("messages=5 record=yes")
        threads = threading.active_count()
        box = Mailbox.of(account)
        box.delete(1)
        session = box._session
        assert session is not None
        socket = session.socket
        del box, session
        self.assertEqual(threading.active_count(), threads)
        self.assertEqual(pop3connect.stat(account), 5)
        free = pop3connect._library.lib.pop3_noop(socket, pop3connect._library.NO_STATUS)
        self.assertEqual(free, pop3connect.BadSocket.code)


class Ending(ServerCase):
    def test_a_session_begins_with_the_first_command_and_anew_after_the_end(self) -> None:
        port = self.server.mailbox()
        with Mailbox.of(account_at(port)) as box:
            self.assertEqual(self.server.connections(port), 0)
            box.noop()
            box.noop()
            self.assertEqual(self.server.connections(port), 1)
            box.close()
            box.close()
            box.noop()
            self.assertEqual(self.server.connections(port), 2)
            box.open()
            self.assertEqual(self.server.connections(port), 3)

    def test_after_an_error_that_ends_the_session_only_open_begins_another(self) -> None:
        box = self.box("messages=3 bad=2 how=cut")
        with self.assertRaises(ConnectionLost) as raised:
            box.fetch(2)
        self.assertTrue(raised.exception.ends_session)
        self.assertRaises(ConnectionLost, box.noop)
        # what was marked may not be deleted
        self.assertRaises(ConnectionLost, box.close)
        box.open()
        self.assertEqual(len(box), 3)
        box.close()

    def test_an_error_that_does_not_end_it(self) -> None:
        with self.box() as box:
            with self.assertRaises(ServerError) as raised:
                box.delete(99)
            self.assertFalse(raised.exception.ends_session)
            self.assertEqual(len(box), 5)

    def test_cancel_from_another_thread(self) -> None:
        progress = threading.Semaphore(0)
        port = self.server.play(SILENT_AT_NOOP)
        box = Mailbox.of(account_at(port, on_progress=lambda done, total: progress.release()))
        box.open()
        while progress.acquire(blocking=False):
            pass
        join = in_thread(box.noop)
        # it begins, and it waits
        progress.acquire()
        progress.acquire()
        box.cancel()
        self.assertIsInstance(join(), Cancelled)
        self.assertRaises(ConnectionLost, box.close)

    def test_cancel_while_it_connects(self) -> None:
        port, there = silent_server(self)
        box = Mailbox.of(account_at(port))
        join = in_thread(box.open)
        there.wait()
        box.cancel()
        self.assertIsInstance(join(), Cancelled)
        box.cancel()

    def test_one_call_at_a_time(self) -> None:
        inside: list[BaseException] = []

        def progress(done: int, total: int | None) -> None:
            for call in (box.noop, box.close, box.open):
                with self.assertRaises(Busy) as raised:
                    call()
                inside.append(raised.exception)

        box = Mailbox.of(account_at(self.server.mailbox(), on_progress=progress))
        with box:
            box.noop()
        self.assertGreaterEqual(len(inside), 6)

        port, there = silent_server(self)
        box = Mailbox.of(account_at(port))
        join = in_thread(box.open)
        there.wait()
        self.assertRaises(Busy, box.noop)
        box.cancel()
        self.assertIsInstance(join(), Cancelled)


class Callables(ServerCase):
    def test_they_run_on_the_thread_that_calls(self) -> None:
        threads = set()
        note = lambda *_: threads.add(threading.current_thread())  # noqa: E731
        with self.box("messages=1", on_status=note, on_progress=note) as box:
            box.noop()
        self.assertEqual(threads, {threading.current_thread()})

    def test_what_they_raise_ends_the_call_and_is_raised(self) -> None:
        def fail(*_: object) -> None:
            raise LookupError("mine")

        for callbacks in dict[str, Any](on_status=fail), dict[str, Any](on_progress=fail):
            with self.subTest(callbacks), self.assertRaisesRegex(LookupError, "mine"):
                self.box(**callbacks).open()

        class File:
            def write(self, data: bytes) -> None:
                raise LookupError("mine")

        box = self.box()
        with self.assertRaisesRegex(LookupError, "mine"):
            box.fetch_into(1, File())
        self.assertRaises(ConnectionLost, box.noop)
        box.discard()

    def test_progress_says_how_far_a_message_is(self) -> None:
        seen = []
        with self.box("messages=1 size=3000000", on_progress=lambda done, total: seen.append((done, total))) as box:
            box.fetch(1)
        self.assertIn((3_000_000, 3_000_000), seen)
        self.assertIn((0, None), seen)

    def test_the_dialogue_is_logged_without_secrets(self) -> None:
        with self.assertLogs("pop3connect", logging.DEBUG) as logged:
            seen: list[str] = []
            with self.box("sasl=none", on_status=seen.append) as box:
                box.noop()
        self.assertEqual([record.getMessage() for record in logged.records], seen)
        self.assertTrue(any("NOOP" in line for line in seen))
        self.assertFalse([line for line in seen if PASSWORD in line])

    def test_a_mailbox_that_is_forgotten_logs_nothing(self) -> None:
        with self.assertLogs("pop3connect", logging.DEBUG) as logged:
            box = self.box()
            box.noop()
            said = len(logged.records)
            del box
        self.assertEqual(len(logged.records), said)

    def test_what_a_logging_filter_raises_is_raised(self) -> None:
        def fail(record: logging.LogRecord) -> bool:
            raise LookupError("mine")

        log = logging.getLogger("pop3connect")
        log.addFilter(fail)
        self.addCleanup(log.removeFilter, fail)
        self.addCleanup(log.setLevel, log.level)
        log.setLevel(logging.DEBUG)
        with self.assertRaisesRegex(LookupError, "mine"):
            self.box().open()


class Memory(ServerCase):
    def test_what_the_library_hands_out_is_freed(self) -> None:
        page = resource.getpagesize()

        def resident() -> int:
            return int(Path("/proc/self/statm").read_text().split()[1]) * page

        with self.box("messages=1 size=1000000") as box:
            for _ in range(5):
                split(box.fetch(1))
            before = resident()
            for _ in range(100):
                split(box.fetch(1))
            self.assertLess(resident() - before, 30_000_000)


class WithoutSession(ServerCase):
    def test_stat(self) -> None:
        self.assertEqual(pop3connect.stat(self.account("messages=7")), 7)

    def test_forget(self) -> None:
        pop3connect.forget("pop.example.com")
        pop3connect.forget()


if __name__ == "__main__":
    unittest.main()
