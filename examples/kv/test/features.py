#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What kv promises beyond the answer to one request: features.py KV [TEST...]."""
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

from server import Client, Error, Server, check, request, within

program = sys.argv[1]


# --- atomicity ---

def run_all(functions):
    failed = []

    def guarded(fn):
        try:
            fn()
        except (Exception, SystemExit) as e:
            failed.append(e)
    threads = [threading.Thread(target=guarded, args=(fn,)) for fn in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not failed, repr(failed))


def no_half_transactions(server):
    """Who sees one effect of a transaction, or of a command with several, sees what it did before and
    with it; by commands that read on their own and by those that go to the store."""
    done = threading.Event()

    def write():
        c = server.client()
        for n in range(1, 600):
            c.send(b"".join(request(*r) for r in (
                ("MULTI",), ("SET", "x", n), ("HSET", "h", "f", n, "g", n), ("SET", "y", n),
                ("DEL", "l"), ("RPUSH", "l", n, n, n), ("EXEC",), ("MSET", "p", n, "q", n),
                ("SET", "d", n), ("DEL", "d", "nothing"))))
            for _ in range(10):
                check(not isinstance(c.read(), Error), "an error")
        done.set()

    def read():
        c = server.client()
        while not done.is_set():
            c.send(b"".join(request(*r) for r in (
                ("GET", "x"), ("GET", "y"), ("HGET", "h", "f"), ("HGET", "h", "g"), ("GET", "y"),
                ("GET", "p"), ("GET", "q"), ("MGET", "x", "y"), ("HGETALL", "h"),
                ("LRANGE", "l", 0, -1), ("LLEN", "l"), ("MGET", "p", "q"))))
            got = [c.read() for _ in range(12)]
            numbers = [int(g or 0) for g in got[:5]]
            check(numbers == sorted(numbers), "half of a transaction: %r" % got)
            check(int(got[5] or 0) <= int(got[6] or 0), "half of an MSET: %r" % got)
            check(got[7][0] == got[7][1] and got[11][0] == got[11][1], "MGET: %r" % got)
            check(not got[8] or got[8][1] == got[8][3], "HGETALL: %r" % got)
            check(len(set(got[9])) <= 1 and len(got[9]) in (0, 3), "LRANGE: %r" % got)
            check(got[10] in (0, 3), "LLEN: %r" % got)

    def disturb():
        c = server.client()
        while not done.is_set():
            c("HSET", "other", "f", 1)
    run_all([write, disturb, read, read, read])


def counts(server):
    def add():
        c = server.client()
        for _ in range(20):
            c.send((request("INCR", "sum") + request("HSET", "hash", "f", 1)
                    + request("RPUSH", "list", 1) + request("APPEND", "text", "x")) * 25)
            for _ in range(100):
                c.read()
    run_all([add] * 8)
    c = server.client()
    check(c("GET", "sum") == b"4000" and c("LLEN", "list") == 4000 and c("STRLEN", "text") == 4000,
          "a change was lost")


# --- expiry ---

def expiry(server):
    c = server.client()
    c("FLUSHALL")
    for i in range(500):
        c("SET", "e%d" % i, "x", "PX", 1 + i % 50)
    c("HSET", "he", "f", "v")
    c("PEXPIRE", "he", 20)
    c("SET", "later", "x", "PX", 20)
    c("SET", "later", "y", "PX", 10000000)
    c("SET", "never", "x", "PX", 20)
    c("PERSIST", "never")
    c("SELECT", 3)
    c("SET", "there", "x", "PX", 20)
    c("SELECT", 0)
    # Nobody looks at them; they go by themselves.
    within(10, lambda: c("DBSIZE") == 2, "expired keys stay")
    check(c("MGET", "later", "never") == [b"y", b"x"], "a time that was changed")
    c("SET", "now", "x", "PX", 1)
    within(10, lambda: c("GET", "now") is None, "an expired key is read")
    check(c("SET", "now", "y", "NX") == "OK" and c("PTTL", "now") == -1, "an expired key is there")


def expiry_in_log():
    server = Server(program, "--appendonly", "yes", "--appendfsync", "always")
    c = server.client()
    c("SET", "soon", "1", "PX", 30)
    c("SET", "during", "1", "PX", 200)
    c("SET", "long", "1", "EX", 1000)
    within(10, lambda: c("EXISTS", "soon") == 0, "it does not expire")
    c("INCR", "soon")
    server.kill()
    time.sleep(0.3)
    server = Server(program, "--appendonly", "yes", folder=server.folder)
    c = server.client()
    check(c("GET", "soon") == b"1" and c("PTTL", "soon") == -1, "what came after an expired key")
    check(c("GET", "during") is None and 900 < c("TTL", "long") <= 1000, "times after a start")
    within(10, lambda: c("DBSIZE") == 2, "what has expired meanwhile stays")
    server.stop()


# --- publish and subscribe ---

def subscribers(server):
    a, b, p = server.client(), server.client(), server.client()
    check(a("SUBSCRIBE", "x") == [b"subscribe", b"x", 1], "SUBSCRIBE")
    check(a("SUBSCRIBE", "x") == [b"subscribe", b"x", 1], "the same again")
    check(a("SUBSCRIBE", "y") == [b"subscribe", b"y", 2], "another one")
    check(b("PSUBSCRIBE", "[xy]*") == [b"psubscribe", b"[xy]*", 1], "PSUBSCRIBE")
    check(p("PUBLISH", "x", "1") == 2 and p("PUBLISH", "yy", "2") == 1, "how many got it")
    check(a.read() == [b"message", b"x", b"1"], "message")
    check(b.read() == [b"pmessage", b"[xy]*", b"x", b"1"], "pmessage")
    check(b.read() == [b"pmessage", b"[xy]*", b"yy", b"2"], "pmessage")
    check(a("GET", "k").startswith("ERR Can't execute 'get': only (P|S)SUBSCRIBE"), "only listens")
    check(a("PING") == [b"pong", b""] and a("PING", "z") == [b"pong", b"z"], "PING")
    check(a("UNSUBSCRIBE", "z") == [b"unsubscribe", b"z", 2], "UNSUBSCRIBE of none")
    a.send(request("UNSUBSCRIBE"))
    check(a.read() == [b"unsubscribe", b"x", 1] and a.read() == [b"unsubscribe", b"y", 0], "of all")
    check(a("UNSUBSCRIBE") == [b"unsubscribe", None, 0], "of nothing")
    check(a("SET", "k", "v") == "OK" and p("PUBLISH", "x", "1") == 1, "it listens no more")
    # All hear everything in one order, also from a transaction.
    listeners = [server.client() for _ in range(4)]
    for c in listeners:
        c("HELLO", 3)
        check(c("SUBSCRIBE", "order")[0] == b"subscribe", "SUBSCRIBE")
    def publish():
        c = server.client()
        for i in range(100):
            c("PUBLISH", "order", "%d %d" % (threading.get_ident(), i))
    run_all([publish] * 3)
    c = server.client()
    c("MULTI"), c("PUBLISH", "order", "in"), c("PUBLISH", "order", "it")
    check(c("EXEC") == [4, 4], "PUBLISH in a transaction")
    heard = [[c.read()[2] for _ in range(302)] for c in listeners]
    check(all(h == heard[0] for h in heard) and heard[0][-2:] == [b"in", b"it"], "one order")
    # In version 3 they may do anything meanwhile.
    check(listeners[1]("HELLO", 2)[0] == b"server", "HELLO")
    check(listeners[1]("UNSUBSCRIBE") == [b"unsubscribe", b"order", 0], "version 2 again")
    check(listeners[0]("GET", "k") == b"v" and listeners[0]("PING") == "PONG", "version 3")
    check(listeners[0]("QUIT") == "OK" and listeners[0].closed() == b"", "QUIT")
    within(10, lambda: p("PUBLISH", "order", "x") == 2, "who has gone still listens")


# --- walks ---

def walks(server):
    c = server.client()
    c("FLUSHALL")
    c.send(b"".join(request("SET", "k%d" % i, i) for i in range(1000)))
    check(all(c.read() == "OK" for _ in range(1000)), "SET")
    c("HSET", "hash", "f", "v")
    seen, cursor, n = [], b"0", 0
    while True:
        cursor, keys = c("SCAN", cursor, "COUNT", 7)
        seen += keys
        n += 1
        c("SET", "new%d" % n, 1), c("DEL", "new%d" % (n - 5))
        if cursor == b"0":
            break
    old = [k for k in seen if not k.startswith(b"new")]
    check(sorted(old) == sorted([b"k%d" % i for i in range(1000)] + [b"hash"]), "SCAN misses keys")
    check(c("SCAN", 0, "TYPE", "hash", "COUNT", 10000)[1] == [b"hash"], "SCAN TYPE")
    check(sorted(c("KEYS", "k99[0-4]")) == [b"k990", b"k991", b"k992", b"k993", b"k994"], "KEYS")
    check(c("SCAN", 123456789) == "ERR invalid cursor", "a cursor of nobody")
    c("HSET", "many", *[x for i in range(3000) for x in ("f%04d" % i, i)])
    got = c("HGETALL", "many")
    check(got[::2] == [b"f%04d" % i for i in range(3000)] and got[1::2] == [b"%d" % i for i in range(3000)],
          "a large hash")
    c("SADD", "members", *range(3000))
    check(sorted(int(x) for x in c("SMEMBERS", "members")) == list(range(3000)), "a large set")


# --- the log ---

def survives_stop():
    """All kinds of data are there again after an end in order; without fsync, too."""
    server = Server(program, "--appendonly", "yes", "--appendfsync", "no")
    c = server.client()
    large = os.urandom(300000)
    for r in (("SET", "s", large), ("APPEND", "s", "end"), ("INCRBY", "n", 7), ("DECR", "n"),
              ("HSET", "h", "f", large, "g", 1), ("HDEL", "h", "g"), ("RPUSH", "l", "a", "b", "c"),
              ("LPOP", "l"), ("LPUSH", "l", "z"), ("RPOP", "l", 1), ("SADD", "t", "a", "b"),
              ("SREM", "t", "a"), ("SELECT", 5), ("MSET", "a", 1, "b", 2), ("DEL", "a"),
              ("SET", "c", 1, "EX", 1000), ("SET", "c", 2, "KEEPTTL"), ("SET", "c", 3, "NX"),
              ("EXPIRE", "b", -1), ("SELECT", 6), ("SET", "x", 1), ("FLUSHDB",), ("SELECT", 0)):
        check(not isinstance(c(*r), Error), r[0])
    c.send(request("MULTI") + request("SET", "m", 1) + request("NOSUCH") + request("EXEC"))
    [c.read() for _ in range(4)]
    server.stop()
    server = Server(program, "--appendonly", "yes", folder=server.folder)
    c = server.client()
    check(c("GET", "s") == large + b"end" and c("GET", "n") == b"6", "strings")
    check(c("HGETALL", "h") == [b"f", large] and c("LRANGE", "l", 0, -1) == [b"z", b"b"], "more")
    check(c("SMEMBERS", "t") == [b"b"] and c("GET", "m") is None, "sets, transactions")
    c("SELECT", 5)
    check(c("MGET", "a", "b", "c") == [None, None, b"2"] and 900 < c("TTL", "c") <= 1000, "database 5")
    c("SELECT", 6)
    check(c("DBSIZE") == 0, "database 6")
    server.stop()


def full_disk():
    """A log that cannot be written: what was acknowledged stays, and the server ends or serves on."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
    server = Server(program, "--appendonly", "yes", "--appendfsync", "no", before=limit)
    acked, starts = 0, time.monotonic()
    while server.process.poll() is None:
        check(time.monotonic() - starts < 60, "it neither ends nor serves")
        try:
            c = server.client()
            while True:
                check(c("SET", "k%d" % acked, "x" * 1000) == "OK", "SET")
                acked += 1
        except (OSError, EOFError):
            pass
    check(server.process.returncode != 0 and 50 < acked < 100, "%d acknowledged" % acked)
    check("cannot write the log: File too large" in server.log(), server.log())
    server = Server(program, "--appendonly", "yes", folder=server.folder)
    c = server.client()
    check(c("EXISTS", *["k%d" % i for i in range(acked)]) == acked, "what was acknowledged is lost")
    server.stop()


# --- real clients ---

def redis_cli(server):
    if not shutil.which("redis-cli"):
        print("without redis-cli")
        return
    def cli(*args, **kwargs):
        return subprocess.run(["redis-cli", "-p", str(server.port), *args], capture_output=True,
                              timeout=60, check=True, **kwargs).stdout.decode()
    cli("FLUSHALL")
    check(cli("SET", "a", "1") == "OK\n" and cli("-3", "HSET", "h", "f", "v") == "1\n", "redis-cli")
    check(cli("-3", "--no-raw", "HGETALL", "h") == '1# "f" => "v"\n', cli("-3", "--no-raw", "HGETALL", "h"))
    check(sorted(cli("--scan").split()) == ["a", "h"], "--scan")
    many = b"".join(request("SET", "k%d" % i, i) for i in range(5000))
    out = cli("--pipe", input=many)
    check("errors: 0, replies: 5000" in out, out)
    check(int(cli("INFO").split("uptime_in_seconds:")[1].split()[0]) < 600, "uptime")
    check("# Server" in cli("INFO") and "appendonly" in cli("CONFIG", "GET", "append*"), "INFO, CONFIG")
    check("Biggest string" in cli("--bigkeys"), "--bigkeys")


def redis_benchmark(server):
    if not shutil.which("redis-benchmark"):
        print("without redis-benchmark")
        return
    tests = "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,lrange_100,mset"
    for more in ((), ("-P", "16"), ("-3",)):
        out = subprocess.run(["redis-benchmark", "-p", str(server.port), "-t", tests, "-n", "2000",
                              "-r", "100", "--csv", *more], capture_output=True, timeout=120)
        text = out.stdout.decode() + out.stderr.decode()
        check(out.returncode == 0 and "LRANGE_100" in text and "rror" not in text, text)


def main():
    wanted = sys.argv[2:]
    shared = (no_half_transactions, counts, expiry, subscribers, walks, redis_cli, redis_benchmark)
    alone = (expiry_in_log, survives_stop, full_disk)
    for options in ((), ("--appendonly", "yes", "--appendfsync", "always")):
        server = Server(program, *options)
        for test in shared:
            if not wanted or test.__name__ in wanted:
                test(server)
        check("CRASH" not in server.log(), server.log())
        server.stop()
    for test in alone:
        if not wanted or test.__name__ in wanted:
            test()


main()
