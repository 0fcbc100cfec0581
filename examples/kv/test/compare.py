#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that kv answers as Redis does: compare.py KV. Both are sent the same requests, in both
versions of the protocol; the answers must be the same bytes. Skipped (77) without redis-server."""
import atexit
import random
import shlex
import shutil
import socket
import subprocess
import sys

from server import Client, Error, Server, check, request, within

program = sys.argv[1]

# Requests whose answers must be the same to the byte, one behind the other in one connection.
SCRIPT = r"""
PING
PING hello
PING a b
ECHO x
ECHO
NOSUCH
nosuch 'a b' c
GET
SET a 1
GET a
SET a 2 NX
GET a
SET a 3 XX
SET b 3 XX
SET b 3 XX GET
GET b
SET a 4 GET
SET a 5 NX GET
SET a 5 NX XX
SET a 5 EX
SET a 5 EX 0
SET a 5 EX x
SET a 5 EX -1
SET a 5 PX 9223372036854775807
SET a 5 EX 9223372036854775807
SET a 5 EX 100 PX 100
SET a 5 EX 100 KEEPTTL
SET a 5 BAD
SET a 5 EX 100
TTL a
SET a 6 KEEPTTL
TTL a
SET a 7
TTL a
SET a 7 PX 100000
TTL a
SET a 7 EXAT 33333333333
TTL nothing
PTTL nothing
PTTL a1
SET a 1
INCR a
INCRBY a 41
INCRBY a x
INCRBY a 9223372036854775807
DECR a
DECRBY a 10
DECRBY a -9223372036854775808
DECRBY new 5
INCR new
SET a abc
INCR a
SET a 9223372036854775808
INCR a
SET a " 1"
INCR a
SET a 01
INCR a
SET a -0
INCR a
SET a ""
INCR a
STRLEN a
STRLEN none
APPEND a xyz
APPEND a ""
APPEND fresh start
APPEND fresh ""
GET fresh
STRLEN fresh
MSET a 1 b 2 c 3
MSET a
MSET a 1 b
MGET a b none c
EXISTS a
EXISTS a a none b
DEL a none b
DEL none
EXISTS a
TYPE none
SET s x
TYPE s
HSET h f v
TYPE h
HSET h f w
HSET h f v g w
HSET h f
HSET h f v g
HGET h f
HGET h none
HGET none f
HLEN h
HLEN none
HDEL h g none
HDEL h f
HDEL h f
EXISTS h
HGETALL h
HSET one f v
HGETALL one
RPUSH l a b c
TYPE l
LPUSH l x y
LRANGE l 0 -1
LRANGE l 1 2
LRANGE l -2 -1
LRANGE l 3 100
LRANGE l 5 6
LRANGE l -100 0
LRANGE l -100 -50
LRANGE l 2 1
LRANGE l x 1
LRANGE none 0 -1
LLEN l
LLEN none
LPOP l
RPOP l
LPOP l 2
LPOP l 0
LPOP l -1
LPOP l x
LPOP l 1 2
RPOP l 5
EXISTS l
LPOP l
LPOP l 2
RPOP l
RPOP l 0
SADD t a
SADD t a a
TYPE t
SCARD t
SCARD none
SISMEMBER t a
SISMEMBER t b
SISMEMBER none b
SMEMBERS t
SMEMBERS none
SREM t b
SREM t a
SREM t a
EXISTS t
SET s x
HSET h f v
RPUSH l a
SADD t a
HGET s f
HSET s f v
HDEL s f
HLEN s
HGETALL s
LPUSH s a
RPUSH h a
LPOP s
RPOP s 2
LLEN s
LRANGE s 0 1
SADD s a
SREM s a
SCARD s
SISMEMBER s a
SMEMBERS s
GET h
GET l
GET t
STRLEN h
APPEND h x
INCR h
SET h x GET
MGET s h l
SET l now
GET l
TTL l
EXPIRE s 100
TTL s
EXPIRE s 200 NX
EXPIRE s 200 XX
EXPIRE s 100 GT
EXPIRE s 300 GT
EXPIRE s 300 LT
EXPIRE s 100 LT
EXPIRE s 100 NX GT
EXPIRE s 100 GT LT
EXPIRE s 100 BAD
EXPIRE none 100
EXPIRE s x
EXPIRE s 9223372036854775807
PERSIST s
PERSIST s
PERSIST none
TTL s
EXPIRE s 100 GT
EXPIRE s 100 LT
EXPIRE s -1
EXISTS s
SET s x
PEXPIRE s 0
GET s
EXPIREAT t 33333333333
PEXPIREAT t 33333333333000
EXPIREAT t 1
DBSIZE
SELECT 1
DBSIZE
SET other 1
SELECT 0
GET other
SELECT 16
SELECT -1
SELECT x
SELECT 1
GET other
FLUSHDB
DBSIZE
SELECT 0
FLUSHDB BAD
KEYS c
KEYS none*
SCAN x
SCAN 0 MATCH
SCAN 0 COUNT 0
SCAN 0 COUNT x
SCAN 0 MATCH none* COUNT 1000
SCAN 0 MATCH c COUNT 1000
SCAN 0 COUNT 1000 TYPE nothing
EXEC
DISCARD
MULTI
MULTI
SET m 1
INCR m
GET m
LPUSH m x
HGET none f
EXEC
MULTI
SET m 5
DISCARD
GET m
MULTI
SET m 6
NOSUCH
SET
EXEC
GET m
MULTI
EXEC
MULTI
PING
ECHO x
EXEC
PUBLISH nobody x
CONFIG GET nosuchthing
CONFIG GET databases
CLIENT GETNAME
CLIENT SETNAME me
CLIENT GETNAME
CLIENT SETNAME "a b"
CLIENT SETNAME ""
CLIENT GETNAME
HELLO 4
HELLO x
SET bin "\x00\x01\r\n\xff"
GET bin
SET "k\x00" v
GET "k\x00"
SET n 10
GET n
FLUSHALL
DBSIZE
SET x 1
FLUSHALL ASYNC
GET x
"""

# What is not an answer to one request: malformed input, each in a connection of its own.
BAD = [
    b"*x\r\n", b"*2147483648\r\n", b"*1\r\nx\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$x\r\n",
    b"*1\r\n$999999999999\r\n", b"*2\r\n$3\r\nGET\r\n:1\r\n", b'SET a "b\r\n', b'SET a "b"c\r\n',
    b"*0\r\nPING\r\n", b"*-1\r\nPING\r\n", b"\r\n\r\nPING\r\n", b"PING\nPING\n", b"  PING  \r\n",
    b"SET q 'it\\'s' \r\nGET q\r\n", b'SET q "\\x41\\n\\t\\q"\r\nGET q\r\n', b"*" + b"1" * 70000,
    b"x" * 70000, b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n*x\r\n",
]


def words(line):
    """The line as the words of a request, as the inline protocol has them."""
    if '"' not in line:
        return shlex.split(line)
    out = []
    for part in shlex.split(line.replace("\\", "\\\\")):
        out.append(part.encode("latin-1").decode("unicode_escape").encode("latin-1"))
    return out


def compare(kv, redis, args):
    for c in (kv, redis):
        c.raw = b""
        c.send(request(*args))
        c.read()
    check(kv.raw == redis.raw, "%r: kv %r, redis %r" % (args, kv.raw, redis.raw))


def random_requests(seed, n):
    """Any commands on few keys, so that kinds meet."""
    r = random.Random(seed)
    def key():
        return "k%d" % r.randrange(6)
    def small():
        return str(r.randrange(-3, 6))
    makers = [
        lambda: ("SET", key(), small()), lambda: ("GET", key()), lambda: ("DEL", key(), key()),
        lambda: ("INCRBY", key(), small()), lambda: ("APPEND", key(), small()),
        lambda: ("STRLEN", key()), lambda: ("MGET", key(), key()), lambda: ("TYPE", key()),
        lambda: ("MSET", key(), small(), key(), small()), lambda: ("EXISTS", key(), key()),
        lambda: ("HSET", key(), small(), small(), small(), small()),
        lambda: ("HDEL", key(), small(), small()), lambda: ("HGET", key(), small()),
        lambda: ("HLEN", key()), lambda: ("LPUSH", key(), small(), small()),
        lambda: ("RPUSH", key(), small()), lambda: ("LPOP", key()), lambda: ("RPOP", key(), "2"),
        lambda: ("LLEN", key()), lambda: ("LRANGE", key(), small(), small()),
        lambda: ("SADD", key(), small(), small()), lambda: ("SREM", key(), small()),
        lambda: ("SISMEMBER", key(), small()), lambda: ("SCARD", key()),
        lambda: ("EXPIRE", key(), "100"), lambda: ("TTL", key()), lambda: ("PERSIST", key()),
        lambda: ("SET", key(), small(), "KEEPTTL", "GET"), lambda: ("DBSIZE",),
        lambda: ("MULTI",), lambda: ("EXEC",), lambda: ("EXEC",), lambda: ("DISCARD",),
        lambda: ("SELECT", r.choice("01")) if r.random() < 0.1 else ("PING",),
    ]
    for _ in range(n):
        yield r.choice(makers)()


def bad_answer(port, data):
    c = Client(port)
    c.send(data)
    c.socket.shutdown(1)
    return c.closed()


# Debian's redis-tools has it under another name: by which it is called decides what it does.
REDIS = shutil.which("redis-server") or shutil.which("redis-check-rdb")


class Redis:
    """redis-server, with what it has of the interface of Server."""

    def __init__(self, *options):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--save", "", *options],
            executable=REDIS, stdout=subprocess.DEVNULL)
        atexit.register(self.process.kill)
        within(10, self.is_up, "redis-server does not start")

    def is_up(self):
        try:
            return not isinstance(self.client()("PING"), Error)
        except OSError:
            return False

    def client(self):
        return Client(self.port)


def data(client):
    """All that is there."""
    readers = {"string": ("GET",), "hash": ("HGETALL",), "set": ("SMEMBERS",), "list": ("LRANGE",)}
    found = {}
    for db in (0, 1):
        client("SELECT", db)
        for key in client("KEYS", "*"):
            kind = client("TYPE", key)
            value = client(readers[kind][0], key, *((0, -1) if kind == "list" else ()))
            if kind == "hash":
                value = sorted(zip(value[::2], value[1::2]))
            found[db, key] = (kind, sorted(value) if kind == "set" else value,
                              client("TTL", key) > 0)
    return found


def same_answers(kv, redis):
    for proto in (2, 3):
        a, b = kv.client(), redis.client()
        a("FLUSHALL"), b("FLUSHALL")
        a("HELLO", proto), b("HELLO", proto)
        for line in SCRIPT.strip().split("\n"):
            compare(a, b, words(line))
    for seed in range(20):
        a, b = kv.client(), redis.client()
        a("FLUSHALL"), b("FLUSHALL")
        for args in random_requests(seed, 1000):
            if args[0] == "SELECT":
                a("DISCARD"), b("DISCARD")
            compare(a, b, args)
        a("DISCARD"), b("DISCARD")
        check(data(a) == data(b), "seed %d: other data" % seed)
    for bad in BAD:
        got, want = bad_answer(kv.port, bad), bad_answer(redis.port, bad)
        check(got == want, "%r: kv %r, redis %r" % (bad[:80], got, want))


def same_log():
    """What kv has written is read by itself and by redis-server."""
    kv = Server(program, "--appendonly", "yes")
    c = kv.client()
    for args in random_requests(77, 5000):
        c(*args)
    c("DISCARD")
    want = data(c)
    check(len(want) > 5, "few keys")
    kv.stop()
    kv = Server(program, "--appendonly", "yes", folder=kv.folder)
    check(data(kv.client()) == want, "other data after a start")
    kv.stop()
    redis = Redis("--appendonly", "yes", "--dir", kv.folder)
    within(10, lambda: b"loading:0" in redis.client()("INFO", "persistence"), "redis reads long")
    check(data(redis.client()) == want, "redis reads other data")
    redis.process.kill()


def main():
    if not REDIS:
        print("skipped: neither redis-server nor redis-tools")
        sys.exit(77)
    kv = Server(program)
    redis = Redis("--dir", kv.folder)
    same_answers(kv, redis)
    redis.process.kill()
    kv.stop()
    same_log()


main()
