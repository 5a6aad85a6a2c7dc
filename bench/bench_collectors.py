#!/usr/bin/env python3
"""What is new in a mailbox of many small messages, taken into a Maildir by examples/collect, mpop and getmail.

    bench_collectors.py TEST_SERVER COLLECT [MESSAGES]

TEST_SERVER is the tests' own, COLLECT the example as a program. CPU time is that of the client. A second run of each
finds nothing new. All keep the mail on the server, and what they write is on the disk that TMPDIR names.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZE = 2000
USER, PASSWORD = "alice", "s3cret pass"


def maildir(folder):
    for name in ("new", "tmp", "cur"):
        (folder / "mail" / name).mkdir(parents=True)
    return folder / "mail"


def ours(program):
    def begin(folder, port):
        return [program, f"127.0.0.1:{port}", USER, str(maildir(folder))]

    return begin


def mpop(folder, port):
    configuration = folder / "mpoprc"
    configuration.write_text(
        f'account default\nhost 127.0.0.1\nport {port}\nuser {USER}\npassword "{PASSWORD}"\nauth user\ntls off\n'
        f"keep on\npipelining auto\nreceived_header off\ndelivery maildir {maildir(folder)}\nuidls_file {folder}/uidls\n"
    )
    configuration.chmod(0o600)
    return ["mpop", "--quiet", f"--file={configuration}"]


def getmail(folder, port):
    (folder / "getmailrc").write_text(
        f"[retriever]\ntype = SimplePOP3Retriever\nserver = 127.0.0.1\nport = {port}\nusername = {USER}\n"
        f"password = {PASSWORD}\n[destination]\ntype = Maildir\npath = {maildir(folder)}/\n"
        "[options]\nread_all = false\ndelete = false\nreceived = false\ndelivered_to = false\nverbose = 0\n"
    )
    return ["getmail", f"--getmaildir={folder}", "--rcfile=getmailrc"]


def run(command):
    """Seconds by the wall, and of the processor."""
    # getmail delivers for nobody but a user
    user = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "POP3_PASS": PASSWORD}, **user)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return time.monotonic() - begin, used.ru_utime + used.ru_stime


def main(server, collect, messages="10000"):
    messages = int(messages)
    collectors = {"examples/collect": ours(collect), "mpop": mpop, "getmail": getmail}
    print(f"| {messages} messages of {SIZE} octets | messages a second | CPU µs a message | second run, CPU ms |")
    print("| --- | --- | --- | --- |")
    with subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.stdin.write(f"mailbox messages={messages} size={SIZE} sasl=none\n")
        process.stdin.flush()
        port = int(process.stdout.readline().split()[1])
        for name, begin in collectors.items():
            with tempfile.TemporaryDirectory() as folder:
                command = begin(Path(folder), port)
                if os.geteuid() == 0:
                    for path in (folder, *Path(folder).rglob("*")):
                        shutil.chown(path, "nobody", "nogroup")
                wall, cpu = run(command)
                taken = len(os.listdir(Path(folder) / "mail" / "new"))
                if taken != messages:
                    sys.exit(f"{name} took {taken} messages")
                again = run(command)[1]
                if len(os.listdir(Path(folder) / "mail" / "new")) != messages:
                    sys.exit(f"{name} took messages again")
            print(f"| {name} | {messages / wall:.0f} | {cpu / messages * 1e6:.0f} | {again * 1000:.0f} |", flush=True)
        process.stdin.close()


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: bench_collectors.py TEST_SERVER COLLECT [MESSAGES]")
    main(*sys.argv[1:])
