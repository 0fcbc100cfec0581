# SPDX-License-Identifier: MIT
"""Runs programs, one fresh operating system process per value, and keeps the values."""

import os
import re
import statistics
import subprocess
import sys
from dataclasses import dataclass, field

TIME_LIMIT_S = 120
NOISY = 0.10  # Of the median, between the least and the greatest value.


class RunFailed(Exception):
    pass


@dataclass
class Values:
    """What one peer reached in one row on one number of cores."""
    values: list = field(default_factory=list)
    failure: str = ""
    check: str = ""  # What the program computed, when it says so.

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def spread(self):
        return (max(self.values) - min(self.values)) / self.median

    @property
    def is_noisy(self):
        return bool(self.values) and self.spread > NOISY


@dataclass
class Result:
    row: object
    cores: int
    by_peer: dict = field(default_factory=dict)  # Name of the peer -> Values.

    def ratio(self, peer):
        """How many times better Troupe is than the peer, or None when one of them has no value."""
        troupe, other = self.by_peer.get("troupe"), self.by_peer.get(peer)
        if not troupe or not other or not troupe.values or not other.values:
            return None
        return self.row.ratio(troupe.median, other.median)

    def missed(self):
        """The goals that were not reached, in words."""
        missed = []
        for peer, goal in self.row.goals.items():
            ratio = self.ratio(peer)
            if ratio is not None and ratio < goal:
                missed.append(f"{ratio:.2f} x {peer}, not {goal:g} x")
        troupe = self.by_peer.get("troupe")
        if self.row.limit and troupe and troupe.values and troupe.median > self.row.limit:
            missed.append(f"{troupe.median:.0f} {self.row.unit}, not {self.row.limit:g}")
        return missed


def pinned(command, cores):
    """The command, confined to the first cores that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    return ["taskset", "-c", ",".join(map(str, allowed)), *command]


def run_once(row, command):
    """Runs the command and returns the value that it prints, and its check ("" if none)."""
    try:
        done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIME_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise RunFailed(f"no end within {TIME_LIMIT_S} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise RunFailed(f"ended with status {done.returncode}: {said[-1]}")
    line = re.search(rf"^{row.folder} ([0-9.]+) {re.escape(row.unit)}$", done.stdout, re.M)
    if not line:
        raise RunFailed(f"printed no line '{row.folder} VALUE {row.unit}'")
    check = re.search(r"^check (.+)$", done.stdout, re.M)
    return float(line.group(1)), check.group(1) if check else ""


def disagreement(result):
    """What the peers computed, in words, when it is not the same; else nothing."""
    checks = {name: values.check for name, values in result.by_peer.items() if values.check}
    if len(set(checks.values())) <= 1:
        return ""
    return ", ".join(f"{name} computed {check}" for name, check in checks.items())


def measure(row, cores, peers, runs):
    """Runs the peers of a row in turn, A B C A B C, so that a drift of the machine meets all."""
    taking_part = [peer for peer in peers if peer.takes_part(row)]
    result = Result(row, cores, {peer.name: Values() for peer in taking_part})

    for turn in range(runs):
        for peer in taking_part:
            values = result.by_peer[peer.name]
            if values.failure:
                continue
            say(f"{row.name}, {cores} core(s), run {turn + 1} of {runs}: {peer.title}")
            command = pinned(peer.command(row, cores, row.size), cores)
            try:
                value, values.check = run_once(row, command)
                values.values.append(value)
            except RunFailed as failure:
                values.failure = str(failure)
                values.values.clear()
    wrong = disagreement(result)
    if wrong:
        for values in result.by_peer.values():
            values.failure = wrong
            values.values.clear()
    return result


def say(text):
    """Shows progress where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
