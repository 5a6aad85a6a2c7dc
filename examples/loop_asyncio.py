#!/usr/bin/env python3
"""What loop_epoll.c does, in asyncio's loop: POP3_PASS=password loop_asyncio.py SECONDS SECURE USER SERVER[:PORT]..."""

import asyncio
import os
import sys
from ctypes import CDLL, CFUNCTYPE, c_char_p, c_int32, c_void_p

DONE_CB = CFUNCTYPE(None, c_int32, c_int32, c_void_p)
pop3 = CDLL(os.environ.get("POP3CONNECT_LIBRARY", "libpop3connect.so.1"))
pop3.pop3_loop_new.restype = pop3.pop3_options_new.restype = c_void_p
pop3.pop3_get_last_error.restype = c_char_p


class Mailboxes:
    def __init__(self):
        self.host, self.loop = asyncio.get_running_loop(), c_void_p(pop3.pop3_loop_new())
        self.asked, self.timer, self.done = {}, None, DONE_CB(self.answer)
        self.host.add_reader(pop3.pop3_loop_fd(self.loop), self.run)

    def stat(self, options):
        """A future: how many messages wait, or the error, and words for it."""
        call = pop3.pop3_loop_stat(self.loop, options, self.done, None)
        future = self.asked[call] = self.host.create_future()
        if call < 0:
            self.answer(call, call, None)
        return future

    def answer(self, call, result, _context):
        self.asked.pop(call).set_result((result, pop3.pop3_get_last_error().decode() if result < 0 else "messages"))

    def run(self):
        if self.timer:
            self.timer.cancel()
        pop3.pop3_loop_run(self.loop, 0)
        due = pop3.pop3_loop_timeout(self.loop)
        self.timer = None if due < 0 else self.host.call_later(due / 1000, self.run)


async def ask(mailboxes, options, server):
    pop3.pop3_options_set_server(options, os.fsencode(server))
    result, words = await mailboxes.stat(options)
    print(f"{server}: {result} {words}")
    return result >= 0


async def main(seconds, secure, user, *servers):
    mailboxes, options = Mailboxes(), c_void_p(pop3.pop3_options_new())
    pop3.pop3_options_set_timeouts(options, 0, 0, int(seconds) * 1000)
    pop3.pop3_options_set_secure(options, int(secure))
    pop3.pop3_options_set_user(options, os.fsencode(user))
    pop3.pop3_options_set_password(options, os.environb[b"POP3_PASS"])
    return all(await asyncio.gather(*(ask(mailboxes, options, server) for server in servers)))


if len(sys.argv) < 5 or "POP3_PASS" not in os.environ:
    print(__doc__, file=sys.stderr)
    sys.exit(2)
sys.exit(0 if asyncio.run(main(*sys.argv[1:])) else 1)
