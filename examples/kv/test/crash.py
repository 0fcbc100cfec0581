#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that no acknowledged write is lost: crash.py KV ROUNDS, or 100 with
TR_LONG. The server is killed (SIGKILL) while
clients write, and started again on what it has left; whatever was acknowledged must be there, and of
each transaction all or nothing. Then the same with a part of the running server."""
import os
import random
import sys
import threading
import time

from server import PATIENCE, Client, Server, check, new_folder, request, within

program = sys.argv[1]
rounds = 100 if os.environ.get("TR_LONG") else int(sys.argv[2])
CLIENTS = 8


class Writer(threading.Thread):
    """Counts upwards in keys of its own; knows what it has sent, and what was acknowledged."""

    def __init__(self, i):
        super().__init__()
        self.i, self.sent, self.acked, self.base = i, 0, 0, 0
        self.port = None

    def requests(self, n):
        i = self.i
        return b"".join([
            request("SET", "s%d" % i, n), request("INCR", "c%d" % i), request("INCR", "all"),
            request("RPUSH", "l%d" % i, n), request("HSET", "h%d" % i, n, n),
            request("SET", "e%d" % i, n, "PX", 100000000),
            request("MULTI"), request("SET", "x%d" % i, n), request("SADD", "z%d" % i, n),
            request("SET", "y%d" % i, n), request("EXEC")])

    def run(self):
        try:
            c = Client(self.port)
            while True:
                # Some rounds lie on their way at once.
                ahead = random.choice((1, 1, 1, 5))
                first = self.sent + 1
                self.sent += ahead
                c.send(b"".join(self.requests(first + j) for j in range(ahead)))
                for _ in range(ahead):
                    answers = [c.read() for _ in range(11)]
                    check(answers[0] == "OK" and len(answers[10]) == 3, repr(answers))
                    self.acked += 1
        except (OSError, EOFError):
            pass


def verify(server, writers):
    c = server.client()
    total = 0
    for w in writers:
        i = w.i

        def number(key):
            return int(c("GET", key) or 0)
        for key in ("s%d" % i, "c%d" % i, "e%d" % i, "x%d" % i):
            n = number(key)
            check(w.acked <= n <= w.sent, "%s is %d, acknowledged %d, sent %d"
                  % (key, n, w.acked, w.sent))
        x = number("x%d" % i)
        check(x == number("y%d" % i) == c("SCARD", "z%d" % i), "half of a transaction")
        items = [int(b) for b in c("LRANGE", "l%d" % i, 0, -1)]
        check(items == list(range(1, len(items) + 1)) and len(items) >= w.acked, "list %d" % i)
        check(c("HLEN", "h%d" % i) >= w.acked, "hash %d" % i)
        check(x == 0 or c("PTTL", "e%d" % i) > 0, "no time to live")
        # They go on from what there is.
        total += number("c%d" % i)
        for key in ("s", "c", "x", "y"):
            c("SET", "%s%d" % (key, i), w.sent)
        c("SET", "e%d" % i, w.sent, "PX", 100000000)
        c("DEL", "l%d" % i, "h%d" % i, "z%d" % i)
        c("RPUSH", "l%d" % i, *range(1, w.sent + 1)) if w.sent else None
        c("HSET", "h%d" % i, *[x for n in range(1, w.sent + 1) for x in (n, n)]) if w.sent else None
        c("SADD", "z%d" % i, *range(1, w.sent + 1)) if w.sent else None
        w.acked = w.sent
    # The two INCR are no transaction: the log may end between them.
    behind = total - int(c("GET", "all") or 0)
    check(0 <= behind <= CLIENTS, "the common counter is not the sum")
    c("SET", "all", sum(w.sent for w in writers))
    c.close()


def crash(policy):
    folder = new_folder()
    options = ("--appendonly", "yes", "--appendfsync", policy)
    known = [(0, 0)] * CLIENTS
    cut = 0
    for n in range(rounds):
        if n % 20 == 0:
            folder, known = new_folder(), [(0, 0)] * CLIENTS
        server = Server(program, *options, folder=folder)
        check(server.port, "it does not start: " + server.log())
        writers = [Writer(i) for i in range(CLIENTS)]
        for w, (sent, acked) in zip(writers, known):
            w.port, w.sent, w.acked = server.port, sent, acked
            w.start()
        time.sleep(random.uniform(0.01, 0.15))
        server.kill()
        for w in writers:
            w.join()
        server = Server(program, *options, folder=folder)
        check(server.port, "it does not start again: " + server.log())
        verify(server, writers)
        known = [(w.sent, w.acked) for w in writers]
        check(sum(w.sent for w in writers) > 0, "nothing was written")
        cut = server.log().count("cut off")
        server.stop()
    print("%s: %d crashes, %d records cut off in the last folder, %d writes at the end"
          % (policy, rounds, cut, sum(s for s, _ in known)))


def come_back(server, writer):
    writer.join()
    while True:
        try:
            c = server.client()
            check(c("PING") == "PONG", "it does not serve")
            c.close()
            return
        except (OSError, EOFError):
            time.sleep(0.01)


def part_crashes(part):
    """A part of the running server is killed while clients write: the service starts again from the
    log, each client learns of it, and can come back."""
    server = Server(program, "--appendonly", "yes", "--appendfsync", "always",
                    "--enable-debug-command", "yes")
    known = [(0, 0)] * CLIENTS
    for n in range(3):
        writers = [Writer(i) for i in range(CLIENTS)]
        for w, (sent, acked) in zip(writers, known):
            w.port, w.sent, w.acked = server.port, sent, acked
            w.start()
        c = server.client()
        time.sleep(random.uniform(0.05, 0.2))
        c.send(request("DEBUG", "CRASH", part))
        # Nobody is left without an answer and without an end, and all may come back at once.
        back = [threading.Thread(target=come_back, args=(server, w), daemon=True) for w in writers]
        for b in back:
            b.start()
        for b in back:
            b.join(PATIENCE)
            check(not b.is_alive(), "a client hangs after a crash of " + part)
        within(PATIENCE, lambda: server.log().count("changes from the log") == n + 2,
               "it does not start again after a crash of " + part)
        verify(server, writers)
        known = [(w.sent, w.acked) for w in writers]
        check(all(w.sent > 0 for w in writers), "nothing was written")
    server.stop()
    print("%s: 3 crashes, %d writes" % (part, sum(s for s, _ in known)))


def orderly():
    """SIGTERM while clients write: what was acknowledged is there, and the status is 0."""
    folder = new_folder()
    server = Server(program, "--appendonly", "yes", "--appendfsync", "no", folder=folder)
    writers = [Writer(i) for i in range(CLIENTS)]
    for w in writers:
        w.port = server.port
        w.start()
    time.sleep(0.2)
    server.stop()
    for w in writers:
        w.join()
    server = Server(program, "--appendonly", "yes", folder=folder)
    verify(server, writers)
    check("cut off" not in server.log(), server.log())
    server.stop()


def torn():
    """A log cut at any byte of its end, and one that is wrong in its middle."""
    folder = new_folder()
    path = os.path.join(folder, "appendonly.aof")
    options = ("--appendonly", "yes", "--appendfsync", "no")
    server = Server(program, *options, folder=folder)
    c = server.client()
    c("SET", "a", "1")
    c.send(b"".join(request(*r) for r in (
        ("MULTI",), ("SET", "b", "1"), ("INCR", "a"), ("EXEC",), ("RPUSH", "l", "x" * 40))))
    [c.read() for _ in range(5)]
    server.stop()
    with open(path, "rb") as f:
        whole = f.read()
    begin = whole.index(b"MULTI") - 20
    for size in range(begin, len(whole), 7):
        with open(path, "wb") as f:
            f.write(whole[:size])
        server = Server(program, *options, folder=folder)
        check(server.port, "cut at %d it does not start" % size)
        c = server.client()
        state = (c("GET", "a"), c("GET", "b"), c("LLEN", "l"))
        check(state in ((None, None, 0), (b"1", None, 0), (b"2", b"1", 0)), "%d: %r" % (size, state))
        check(c("SET", "after", "1") == "OK", "no writes after a cut")
        server.kill()
        server = Server(program, *options, folder=folder)
        check(server.client()("GET", "after") == b"1", "lost after a cut")
        server.kill()
    check("cut off" in server.log(), "nothing in the log")
    for old, new in ((b"MULTI", b"MULTO"), (b"$5\r\nMULTI", b"#5\r\nMULTI"), (b"incr", b"incx")):
        with open(path, "wb") as f:
            f.write(whole.replace(old, new, 1))
        server = Server(program, *options, folder=folder)
        check(server.port is None and server.process.wait(30) != 0, "it starts with a broken log")
        check("bad format behind byte" in server.log(), server.log())


def second():
    """Two servers do not write one log."""
    server = Server(program, "--appendonly", "yes")
    other = Server(program, "--appendonly", "yes", folder=server.folder)
    check(other.port is None and other.process.wait(30) != 0, "a second server starts")
    server.stop()


for name in ("always", "everysec", "no"):
    crash(name)
for name in ("store", "aof", "connections"):
    part_crashes(name)
orderly()
torn()
second()
