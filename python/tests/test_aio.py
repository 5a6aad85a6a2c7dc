"""Many mailboxes at once on the thread of an asyncio loop."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import threading
import unittest
from pathlib import Path

from pop3connect import AuthError, Cancelled, Job, Mailbox, Message, Outcome, ServerError, Timeout
from pop3connect.aio import Loop

from .support import ServerCase, account_at, silent_server


class Calls(ServerCase, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        # which would tell how long a test takes
        asyncio.get_running_loop().set_debug(False)

    async def test_many_at_once_on_one_thread(self) -> None:
        accounts = [self.account(f"messages={number}") for number in range(50)]
        threads = threading.active_count()
        async with Loop() as mail:
            counts = await asyncio.gather(*(mail.stat(account) for account in accounts))
        self.assertEqual(counts, list(range(50)))
        self.assertEqual(threading.active_count(), threads)

    async def test_over_tls(self) -> None:
        async with Loop() as mail:
            self.assertEqual(await mail.stat(self.account("messages=3 tls=implicit", **self.tls())), 3)
            starttls = {**self.tls(), "secure": "starttls"}
            self.assertEqual(await mail.stat(self.account("messages=4 tls=stls", **starttls)), 4)

    async def test_recv(self) -> None:
        account = self.account("messages=3 size=100000 bad=2 how=refused")
        taken: list[Message] = []
        async with Loop() as mail:
            self.assertEqual(await mail.recv(account, taken.append, max_messages=1), 1)
            self.assertEqual(await mail.recv(account, taken.append, delete=True), 2)
            self.assertEqual(await mail.stat(account), 1)
        self.assertEqual([message.number for message in taken], [1, 1, 3])
        self.assertEqual([len(message.data) for message in taken], [100_000] * 3)

    async def test_collect(self) -> None:
        account = self.account("messages=3 size=300")
        taken: list[Message] = []
        pieces = bytearray()
        with tempfile.TemporaryDirectory() as folder:
            job = Job(Path(folder) / "book")
            async with Loop() as mail:
                outcome = await mail.collect(account, taken.append, job)
                self.assertEqual(outcome, Outcome(3, 0, 0, 0, 900, 0))
                self.assertEqual(await mail.collect(account, taken.append, job), Outcome(0, 0, 0, 0, 0, 0))
                await mail.collect_pieces(account, lambda arrival, data, is_last: pieces.extend(data))
        self.assertEqual([message.uid for message in taken], ["uid-1", "uid-2", "uid-3"])
        self.assertEqual(bytes(pieces), b"".join(message.data for message in taken))

    async def test_errors(self) -> None:
        port, _ = silent_server(self)
        async with Loop() as mail:
            results = await asyncio.gather(
                mail.stat(self.account(user="bob")),
                mail.stat(account_at(port, reply_timeout=0.2)),
                mail.collect(self.account(user="bob"), lambda message: None),
                mail.stat(self.account("messages=2")),
                return_exceptions=True,
            )
        self.assertEqual([type(result) for result in results], [AuthError, Timeout, AuthError, int])
        assert isinstance(results[2], AuthError)
        self.assertEqual(results[2].outcome, Outcome(0, 0, 0, 0, 0, 0))
        self.assertIn("Timeout", type(results[1]).__name__)

    async def test_what_callables_raise_ends_their_call_alone(self) -> None:
        def fail(*_: object) -> None:
            raise LookupError("mine")

        account = self.account("messages=3")
        async with Loop() as mail:
            results = await asyncio.gather(
                mail.collect(account, fail),
                mail.recv(account, fail),
                mail.stat(self.account(on_progress=fail)),
                mail.stat(self.account(on_status=fail)),
                mail.stat(account),
                return_exceptions=True,
            )
        self.assertEqual([repr(result) for result in results], ["LookupError('mine')"] * 4 + ["3"])

    async def test_what_would_be_taken_for_the_end_of_a_task(self) -> None:
        def fail(message: Message) -> None:
            raise kind

        account = self.account("messages=3")
        async with Loop() as mail:
            for kind in StopIteration, asyncio.CancelledError:
                with self.assertRaisesRegex(RuntimeError, f"a callable raised {kind.__name__}"):
                    await mail.collect(account, fail)

    async def test_a_cancelled_task_cancels_its_call(self) -> None:
        port, there = silent_server(self)
        async with Loop() as mail:
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(mail.stat(account_at(port)), 0.3)
            self.assertTrue(there.is_set())
            # its place is free
            self.assertEqual(await mail.stat(self.account("messages=2")), 2)
        self.assertEqual(mail._calls, {})

    async def test_the_end_cancels_what_is_under_way(self) -> None:
        port, there = silent_server(self)
        async with Loop() as mail:
            task = asyncio.create_task(mail.stat(account_at(port)))
            while not there.is_set():
                await asyncio.sleep(0.01)
        with self.assertRaises(Cancelled):
            await task
        with self.assertRaises(Cancelled):
            await mail.stat(account_at(port))

    async def test_asyncio_watches_the_descriptor_until_the_end(self) -> None:
        running = asyncio.get_running_loop()
        async with Loop() as mail:
            self.assertTrue(running.remove_reader(mail._descriptor))
            running.add_reader(mail._descriptor, mail._run)
        self.assertFalse(running.remove_reader(mail._descriptor))

    async def test_nothing_that_is_called_is_collected_as_garbage(self) -> None:
        account = self.account("messages=3")
        seen: list[str] = []
        async with Loop() as mail:
            tasks = [
                asyncio.create_task(mail.stat(self.account(on_status=seen.append))),
                asyncio.create_task(mail.recv(account, lambda message: None)),
                asyncio.create_task(mail.collect(account, lambda message: None)),
            ]
            while not all(task.done() for task in tasks):
                await asyncio.sleep(0)
                gc.collect()
        self.assertEqual([task.result() for task in tasks], [5, 3, Outcome(3, 0, 0, 0, 600, 0)])
        self.assertNotEqual(seen, [])

    async def test_limits(self) -> None:
        port, there = silent_server(self)
        async with Loop(at_once=1) as mail:
            first = asyncio.create_task(mail.stat(account_at(port)))
            while not there.is_set():
                await asyncio.sleep(0.01)
            waiting = self.server.mailbox("messages=2")
            second = asyncio.create_task(mail.stat(account_at(waiting)))
            await asyncio.sleep(0.3)
            self.assertEqual(self.server.connections(waiting), 0)
            first.cancel()
            self.assertEqual(await second, 2)

    async def test_a_refused_message_is_told(self) -> None:
        told: list[str] = []
        async with Loop() as mail:
            outcome = await mail.collect(
                self.account("messages=3 bad=2 how=refused"),
                lambda message: None,
                on_failure=lambda arrival, error: told.append(f"{arrival.uid} {type(error) is ServerError}"),
            )
        self.assertEqual((told, outcome.failed), (["uid-2 True"], 1))

    async def test_a_mailbox_is_an_account(self) -> None:
        async with Loop() as mail:
            self.assertEqual(await mail.stat(Mailbox.of(self.account("messages=4"))), 4)


if __name__ == "__main__":
    unittest.main()
