# SPDX-License-Identifier: Apache-2.0
"""A small service manager: manager.py JSON PROGRAM ARGUMENT...

JSON: {"watchdog_ms": N, "sockets": ["NAME", ...], "starts": N, "host": ADDRESS,
"datagrams": BOOL}.  Opens a socket for notifications and one
listening socket on any free port a name, starts the program so many times, one run after the other, and says
on its output, one JSON object a line: {"port": [NAME, N]}, {"pid": N}, {"notify": {...}}, {"expired": true}
when the watchdog heard nothing, {"exit": N}.  It waits for a line on its input before each start but the first.
"""
import fcntl
import json
import os
import select
import signal
import socket
import sys
import tempfile

wanted = json.loads(sys.argv[1])
watchdog_ms = wanted.get("watchdog_ms", 0)


def say(**what):
    print(json.dumps(what), flush=True)


def listen(name):
    if wanted.get("datagrams"):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
    else:
        made = socket.create_server((wanted.get("host", "127.0.0.1"), 0))
    say(port=[name, made.getsockname()[1]])
    return made


def hand_over(sockets):
    """Runs in the child: descriptors from 3 on, and what tells of them."""
    high = [fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD, 3 + len(sockets)) for _, sock in sockets]
    for i, descriptor in enumerate(high):
        os.dup2(descriptor, 3 + i)
        os.set_inheritable(3 + i, True)
        os.set_inheritable(descriptor, False)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)),
                      LISTEN_FDNAMES=":".join(name for name, _ in sockets))


def start(sockets, address):
    pid = os.fork()
    if pid == 0:
        os.environ["NOTIFY_SOCKET"] = address
        if watchdog_ms:
            os.environ.update(WATCHDOG_USEC=str(1000 * watchdog_ms), WATCHDOG_PID=str(os.getpid()))
        if sockets:
            hand_over(sockets)
        os.execv(sys.argv[2], sys.argv[2:])
    say(pid=pid)
    return pid


def watch(pid, heard):
    """Tell what is heard until the program has ended."""
    ended = os.pidfd_open(pid)
    ready = expired = False
    while True:
        wait = watchdog_ms / 1000 if watchdog_ms and ready and not expired else None
        found, _, _ = select.select([heard, ended], [], [], wait)
        if heard in found:
            text = heard.recv(4096).decode()
            fields = dict(line.split("=", 1) for line in text.split("\n"))
            ready = ready or "READY" in fields
            if "WATCHDOG" in fields:
                expired = False
            say(notify=fields)
        elif ended in found:
            os.close(ended)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        else:
            expired = True
            say(expired=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        heard.bind(f"{folder}/notify")
        sockets = [(name, listen(name)) for name in wanted.get("sockets", [])]
        for i in range(wanted.get("starts", 1)):
            if i > 0:
                sys.stdin.readline()
            say(exit=watch(start(sockets, f"{folder}/notify"), heard))


signal.signal(signal.SIGPIPE, signal.SIG_DFL)
main()
