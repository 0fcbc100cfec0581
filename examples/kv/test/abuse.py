#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What clients do wrong, and what it costs: abuse.py KV CONNECTIONS bounded|any. Others are served all the time,
and memory stays bounded. Then so many connections are held at once, and the server stops in order."""
import os
import resource
import socket
import struct
import sys
import threading
import time

from server import Client, Error, Server, check, request, within

program, connections, memory = sys.argv[1], int(sys.argv[2]), sys.argv[3]
MIB = 1 << 20


def check_memory(server, before, most, what):
    check(memory == "any" or server.resident() - before < most, "memory " + what)


def still_serves(server, what):
    c = server.client()
    check(c("SET", "alive", what) == "OK" and c("GET", "alive") == what.encode(), "after " + what)
    c.close()


def half_closed(server):
    """Who shuts down his side still gets all answers."""
    c = server.client()
    c.send(request("SET", "h", "x" * 100000) + request("GET", "h") * 20 + b"*1\r\n$4\r\nPI")
    c.socket.shutdown(socket.SHUT_WR)
    got = c.closed()
    check(len(got) == 5 + 20 * (100000 + 11), "half-closed: %d bytes" % len(got))


def too_large(server):
    c = server.client()
    c.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % (5 * MIB))
    check(c.closed() == b"-ERR Protocol error: invalid bulk length\r\n", "a value too large")
    c = server.client()
    check(c("SET", "k", b"x" * (3 * MIB)) == "OK", "a large value")
    check(c("APPEND", "k", b"x" * (2 * MIB)) ==
          "ERR string exceeds maximum allowed size (proto-max-bulk-len)", "APPEND too large")
    check(c("GET", "k") == b"x" * (3 * MIB), "a large value comes back")
    check(c("DEL", "k") == 1, "DEL")
    c.send(b"*100000\r\n")
    try:
        while True:
            c.send(b"$1000000\r\n" + b"x" * 1000000 + b"\r\n")
    except OSError:
        pass
    c = server.client()
    c.send(b"*1048577\r\n")
    check(c.closed() == b"-ERR Protocol error: invalid multibulk length\r\n", "too many arguments")
    c = server.client()
    check(c("MULTI") == "OK", "MULTI")
    try:
        while True:
            check(c("SET", "k", b"x" * MIB) in ("QUEUED", "ERR the transaction is too large"), "MULTI")
    except (EOFError, OSError):
        pass


def announced(server):
    """What is announced costs nothing: memory is taken for what has come."""
    before = server.resident()
    clients = [server.client() for _ in range(100)]
    for c in clients:
        c.send(b"*1000000\r\n$4000000\r\nx")
    time.sleep(0.2)
    check_memory(server, before, 20 * MIB, "for what was only announced")
    for c in clients:
        c.close()


def slowly(server):
    """A request that arrives byte by byte, and many in one piece."""
    c = server.client()
    for i in range(len(request("SET", "slow", "value"))):
        c.send(request("SET", "slow", "value")[i:i + 1])
    check(c.read() == "OK" and c("GET", "slow") == b"value", "byte by byte")
    n = 20000
    c.send(b"".join(request("SET", "p%d" % (i % 7), i) + request("GET", "p%d" % (i % 7))
                    for i in range(n)))
    for i in range(n):
        check(c.read() == "OK" and c.read() == b"%d" % i, "the order of a pipeline")


def never_reads(server):
    c = server.client()
    check(c("SET", "big", b"x" * MIB) == "OK", "SET")
    check(c("RPUSH", "items", *[b"x" * 1000] * 1000) == 1000, "RPUSH")
    for data in (request("GET", "big") * 100,
                 (request("SET", "a", 1) + request("LRANGE", "items", 0, -1) * 100),
                 (request("SET", "a", 1) + request("MGET", *["big"] * 10) * 100)):
        sends_only(server, data)
    # Who reads slowly, but reads, is not closed.
    c = server.client()
    c.send(request("GET", "big") * 30)
    for _ in range(10):
        time.sleep(0.15)
        c.take(3 * (MIB + 12))
    c.close()


def sends_only(server, data):
    """Output is bounded, and after some time the connection is closed."""
    c = server.client()
    before = server.resident()
    c.socket.setblocking(False)
    end = time.monotonic() + 30
    while True:
        check(time.monotonic() < end, "a client who never reads is not closed")
        try:
            c.socket.send(data)
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:
            break
        check_memory(server, before, 60 * MIB, "for one who never reads")
    c.close()


def never_takes_all():
    """Who always leaves something is served for ever, by bounded memory."""
    server = Server(program, "--max-output", str(8 * MIB))
    c, size = server.client(), 0
    values = {b"small": b"s" * 5000, b"large": b"l" * 50000}
    for key, value in values.items():
        check(c("SET", key, value) == "OK", "SET")
    before = server.resident()
    requests = (request("GET", "small") * 3 + request("GET", "large")) * 1000
    answers = b"$5000\r\n" + values[b"small"] + b"\r\n"
    answers = answers * 3 + b"$50000\r\n" + values[b"large"] + b"\r\n"
    total = 9000 * len(answers)
    sender = threading.Thread(target=c.send, args=(requests * 9,))
    sender.start()
    while size < total:
        check(c.take(len(answers)) == answers, "other answers")
        c.raw = b""
        size += len(answers)
        if size % (len(answers) * 100) == 0:
            check_memory(server, before, 60 * MIB, "for one who never takes all")
    sender.join()
    server.stop()


def never_reads_messages(server):
    """The same for one who listens to a channel; the publisher is not held up."""
    slow, publisher = server.client(), server.client()
    check(slow("SUBSCRIBE", "news") == [b"subscribe", b"news", 1], "SUBSCRIBE")
    before = server.resident()
    n = 0
    message = request("PUBLISH", "news", b"x" * 100000)
    while publisher("PUBLISH", "news", b"x" * 100000) == 1:
        n += 1
        check(n < 100000, "a subscriber who never reads is not closed")
        check_memory(server, before, 200 * MIB, "for a subscriber who never reads")
    slow.close()
    publisher.close()


def resets(server):
    for _ in range(200):
        c = server.client()
        c.send(request("SET", "r", "x" * 1000) * 10 + request("GET", "r") * 1000)
        c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()


def noise(server):
    for i in range(200):
        c = server.client()
        c.send(os.urandom(1000))
        c.socket.shutdown(socket.SHUT_WR)
        c.closed()
        c.close()


def hold(server):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    n = min(connections, hard - 100)
    within(10, lambda: b"connected_clients:1\r\n" in server.client()("INFO", "clients"), "all closed")
    before = server.resident()
    clients = [server.client() for _ in range(n)]
    for i, c in enumerate(clients):
        c.send(request("SET", "c%d" % i, i))
    for c in clients:
        check(c.read() == "OK", "SET")
    for i, c in enumerate(clients):
        c.send(request("GET", "c%d" % i))
    for i, c in enumerate(clients):
        check(c.read() == b"%d" % i, "GET")
    each = (server.resident() - before) // n
    print("%d connections, %d bytes each" % (n, each))
    check(clients[0]("INFO", "clients").find(b"connected_clients:%d\r\n" % n) > 0, "INFO")
    server.stop()
    for c in clients:
        c.closed()


def too_many():
    server = Server(program, "--maxclients", "3")
    clients = [server.client() for _ in range(3)]
    for c in clients:
        check(c("PING") == "PONG", "PING")
    check(server.client().closed() == b"-ERR max number of clients reached\r\n", "maxclients")
    clients[0].close()
    within(10, lambda: server.client()("PING") == "PONG", "a place that is free again")
    server.stop()


def main():
    server = Server(program, "--proto-max-bulk-len", str(4 * MIB), "--max-request", str(16 * MIB),
                    "--patience-ms", "1000")
    before = server.resident()
    for test in (half_closed, too_large, announced, slowly, never_reads, never_reads_messages,
                 resets, noise):
        test(server)
        still_serves(server, test.__name__)
    server.client()("FLUSHALL")
    check("CRASH" not in server.log(), server.log())
    check_memory(server, before, 200 * MIB, "at the end")
    hold(server)
    never_takes_all()
    too_many()


main()
