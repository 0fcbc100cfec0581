# SPDX-License-Identifier: MIT
"""What the tests of kv have in common: a server in a folder of its own, and a plain client."""
import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 30


def fail(text):
    print("failed:", text, file=sys.stderr)
    sys.exit(1)


def check(condition, text):
    if not condition:
        fail(text)


def within(seconds, condition, text):
    """Waits until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, text)
        time.sleep(0.005)


def new_folder():
    folder = tempfile.mkdtemp(prefix="kv.")
    atexit.register(shutil.rmtree, folder, True)
    return folder


class Server:
    def __init__(self, program, *options, folder=None, before=None):
        self.folder = folder or new_folder()
        self.errors = open(os.path.join(self.folder, "errors"), "ab")
        self.process = subprocess.Popen(
            [program, "--port", "0", "--dir", self.folder, *options],
            stdout=subprocess.PIPE, stderr=self.errors, preexec_fn=before)
        atexit.register(self.process.kill)
        line = self.process.stdout.readline().decode()
        found = re.match(r"listening on port (\d+)", line)
        self.port = int(found.group(1)) if found else None

    def log(self):
        with open(os.path.join(self.folder, "errors")) as f:
            return f.read()

    def client(self):
        return Client(self.port)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """In order: status 0."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        check(status == 0, "status %d after SIGTERM; %s" % (status, self.log()))

    def resident(self):
        with open("/proc/%d/statm" % self.process.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Error(str):
    pass


def request(*args):
    parts = [a if isinstance(a, bytes) else str(a).encode() for a in args]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.raw = b""

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError
        self.buffer += data

    def take(self, n):
        while len(self.buffer) < n:
            self.fill()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        self.raw += data
        return data

    def line(self):
        while b"\r\n" not in self.buffer:
            self.fill()
        return self.take(self.buffer.index(b"\r\n") + 2)[:-2]

    def read(self):
        """An answer: bytes, int, None, Error, list; maps as lists of pairs, sets as lists."""
        line = self.line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return Error(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"_":
            return None
        if kind == b"$":
            return None if rest == b"-1" else self.take(int(rest) + 2)[:-2]
        if kind in (b"*", b"~", b">"):
            return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        if kind == b"%":
            return [x for _ in range(int(rest)) for x in (self.read(), self.read())]
        fail("what is %r?" % line)

    def __call__(self, *args):
        self.send(request(*args))
        return self.read()

    def closed(self):
        """Waits for the end of the stream; what came before it."""
        data, self.buffer = self.buffer, b""
        try:
            while True:
                more = self.socket.recv(1 << 16)
                if not more:
                    return data
                data += more
        except ConnectionResetError:
            return data

    def close(self):
        self.socket.close()
