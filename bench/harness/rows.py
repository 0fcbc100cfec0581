# SPDX-License-Identifier: MIT
"""What is measured: one Row per line of the table.

A row is the program bench/PROGRAM/PROGRAM.{c,erl,go} run with a size and perhaps more arguments. A
peer takes part in a row when its source file is there, unless the row names its peers itself. The
programs of a suite lie together in bench/SUITE (harness/savina.py).
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    name: str
    work: str
    size: int
    unit: str
    program: str = ""           # The folder, when it is not the name.
    arguments: tuple = ()       # After the size.
    peers: tuple = ()           # The only peers, when the source files do not say it.
    lower_is_better: bool = False
    goals: dict = field(default_factory=dict)  # How many times better than each peer.
    limit: float = 0            # Or the value to stay below.
    independent: bool = False   # The work falls apart into pieces: two cores should nearly double it.
    suite: str = ""             # The suite it belongs to.
    smoke: int = 0              # The size as a test; the word smoke when 0.
    messages: bool = False      # Time goes to messages and processes: part of the suite's mean.

    @property
    def folder(self):
        return self.program or self.name

    @property
    def path(self):
        """Of its sources, without suffix, below bench."""
        return f"{self.suite or self.folder}/{self.folder}"

    def ratio(self, troupe, peer):
        """How many times better Troupe's value is: above 1 is ahead."""
        better, worse = (peer, troupe) if self.lower_is_better else (troupe, peer)
        return better / worse


ROWS = [
    Row("spawn", "1,000,000 processes that end at once", 1_000_000, "processes/s",
        goals={"erlang": 6, "go": 3},
        independent=True),
    Row("spawn_monitor", "300,000 processes, all DOWN messages collected", 300_000, "processes/s",
        goals={"erlang": 8}),
    Row("mem", "1,000,000 processes blocked in mid-function, memory of each", 1_000_000, "bytes",
        arguments=("suspended",), lower_is_better=True, limit=4700),
    Row("mem_hibernated", "1,000,000 hibernated processes, memory of each", 1_000_000, "bytes",
        program="mem", arguments=("hibernated",), peers=("erlang",), lower_is_better=True,
        limit=512),
    Row("pingpong", "2 processes, 2,000,000 round trips", 2_000_000, "messages/s",
        goals={"erlang": 8, "go": 3.5}),
    Row("ring", "1,000 processes, 5,000,000 hops", 5_000_000, "hops/s",
        goals={"erlang": 8, "go": 4}),
    Row("fanin", "8 senders, 500,000 messages each, to one", 500_000, "messages/s",
        goals={"erlang": 8, "go": 1.2}),
    Row("big", "Savina Big: 128 actors, 10,000 pings each", 10_000, "messages/s",
        goals={"erlang": 7, "go": 3}),
    Row("skynet", "tree of 1,000,000 leaves", 1_000_000, "ms", lower_is_better=True,
        goals={"erlang": 6, "go": 2},
        independent=True),
    Row("selective", "one match behind 10,000 queued messages", 10_000, "us", lower_is_better=True,
        goals={"erlang": 3}),
    Row("table", "1,000,000 keys, 2 processes, 95 % lookups, 5 % inserts", 5_000_000,
        "operations/s", goals={"erlang": 3.5, "go": 1.1},
        independent=True),
    Row("table_ordered", "the same with an ordered_set", 1_000_000, "operations/s",
        program="table", arguments=("ordered",), peers=("erlang",), goals={"erlang": 3}),
    Row("timers", "1,000,000 started, all pending, then cancelled; again", 1_000_000, "timers/s",
        goals={"erlang": 8, "go": 4}),
    Row("timer_late", "100,000 timers due within 1 s, 99th percentile of how late", 100_000, "ms",
        lower_is_better=True, limit=1),
    Row("gencall", "1,000,000 calls of a server, one client", 1_000_000, "calls/s",
        goals={"erlang": 8, "go": 4}),
    Row("gencall16", "1,000,000 calls of a server, 16 clients", 1_000_000, "calls/s",
        program="gencall", arguments=("16",), goals={"erlang": 7, "go": 2.5},
        independent=True),
    Row("gencall_100k", "a call with 100,000 other messages queued", 100_000, "us",
        lower_is_better=True, goals={"erlang": 8}),
    Row("castin", "8 clients, 500,000 casts each, to one server", 500_000, "casts/s",
        goals={"erlang": 8}),
    Row("pmap", "100,000 items of 1 us, bounded, in order", 100_000, "items/s",
        independent=True),
    Row("pmap_array", "the same as a parallel map over an array", 100_000, "items/s",
        program="pmap", arguments=("array",), peers=("none",)),
    Row("msg_1k", "tuples of 1 KiB, copied", 1_000_000, "messages/s",
        goals={"erlang": 4, "go": 2}),
    Row("msg_1m", "binaries of 1 MiB, shared", 1_000_000, "messages/s",
        goals={"erlang": 4, "go": 1.4}),
    Row("fair", "8 endless loops; a sleeper of 1 ms, 99th percentile of how late", 2_000, "ms",
        lower_is_better=True, limit=2),
    Row("fair_max", "the same, the worst", 2_000, "ms", program="fair", arguments=("max",),
        lower_is_better=True, limit=10),
    Row("restart", "crash and restart of a supervised server", 200_000, "restarts/s",
        goals={"erlang": 10, "go": 1}),
    Row("task", "task started, then awaited, one at a time", 500_000, "tasks/s",
        goals={"elixir": 8}),
    Row("registry", "lookup of one of 10,000 registered names", 5_000_000, "lookups/s",
        goals={"elixir": 8}),
    Row("pubsub", "one publisher, 1,000 subscribers", 2_000, "deliveries/s", goals={"elixir": 8}),
    Row("children", "dynamic supervisor: child started and ended", 200_000, "children/s",
        goals={"elixir": 10}),
    Row("servers", "1,000,000 servers started one after the other, idle then", 1_000_000,
        "servers/s", goals={"erlang": 5}),
    Row("servers_memory", "the same, memory of each, 16 bytes of state", 1_000_000, "bytes",
        program="servers", arguments=("memory",), lower_is_better=True, limit=600),
]

# What an operation costs as the number of things grows. There are as many processes as memory has
# room for: one of a pair in mid-function takes a page.
GROWTH = [
    Row(f"growth_{part}_{size}", f"{part} among {size:,}", size, "ns", program="growth",
        arguments=(part,), peers=("none",), lower_is_better=True)
    for part, largest in (("spawn", 10**7), ("pingpong", 10**6), ("table", 10**7), ("timers", 10**7))
    for size in (10**n for n in range(3, 8)) if size <= largest
]
