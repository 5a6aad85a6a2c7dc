#!/usr/bin/env python3
"""Runs a program for Windows under Wine: wine.py PROGRAM [ARGUMENT…]

WINEPREFIX must say where Wine's own drive is: it does not come to lie in anybody's home.

A program there cannot start any of Linux that it could talk to. So it connects to a port of this process instead, which
starts one for each connection (companion.c is the other side). A line of words with tabs between them says which:

    TOKEN talk PROGRAM                      its standard input and output are the connection
    TOKEN run [NAME=VALUE…] SCRIPT [WORD…]  ended by SIGTERM when the connection's other side ends; then "ended" is said,
                                            or "killed" where that had to be done to what the script had started
"""

import ctypes
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
import time

WINE = "/usr/lib/wine/wine64"
# no screen, no messages of its own, no installers that it would begin; and no debugger, after which a program that has
# crashed may end with 0
SILENT = {"DISPLAY": "", "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml,winedbg.exe="}
PATIENCE = 10  # seconds in which what a script has started must end
PR_SET_CHILD_SUBREAPER = 36

groups = set()  # process groups of scripts


def main(arguments):
    if "WINEPREFIX" not in os.environ:
        sys.exit("wine.py: WINEPREFIX is not set; tests are run by make test-windows")
    # processes that lose their parent become this one's children, so that it sees when all of a script's have ended
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    token = secrets.token_hex(16)
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        threading.Thread(target=listen, args=(listener, token), daemon=True).start()
        environment = dict(os.environ, **SILENT, POP3_COMPANIONS=f"{listener.getsockname()[1]} {token}")
        code = subprocess.run([WINE, *arguments], env=environment, check=False).returncode
    for group in list(groups):
        end(group)
    return code if code >= 0 else 128 - code


def listen(listener, token):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # the program has ended
        threading.Thread(target=serve, args=(connection, token), daemon=True).start()


def serve(connection, token):
    with connection:
        given, kind, *words = read_line(connection).split("\t")
        if not secrets.compare_digest(given, token):
            return
        if kind == "talk":
            talk(connection, words)
        else:
            run(connection, words)


def read_line(connection):
    """Byte by byte: what follows is for the program."""
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            break
        line += byte
    return line.decode().rstrip("\n")


def talk(connection, words):
    process = subprocess.Popen(words, stdin=connection, stdout=connection)
    # the program alone holds it now, so that its end is seen
    connection.close()
    process.wait()


def run(connection, words):
    process = subprocess.Popen(["env", *words], stdin=subprocess.DEVNULL, start_new_session=True)
    groups.add(process.pid)
    # until it ends by itself or is to end
    while process.poll() is None and not select.select([connection], [], [], 0.05)[0]:
        pass
    said = b"ended\n" if end(process.pid) else b"killed\n"
    connection.sendall(said)


def end(group):
    """Whether all of its processes have ended by themselves."""
    groups.discard(group)
    signal_group(os.kill, group, signal.SIGTERM)
    for _ in range(PATIENCE * 100):
        if not is_there(group):
            return True
        time.sleep(0.01)
    signal_group(os.killpg, group, signal.SIGKILL)
    return False


def signal_group(kill, group, number):
    try:
        kill(group, number)
    except ProcessLookupError:
        pass


def is_there(group):
    try:
        while os.waitpid(-group, os.WNOHANG)[0] != 0:
            pass
        return True
    except ChildProcessError:
        return False


sys.exit(main(sys.argv[1:]))
