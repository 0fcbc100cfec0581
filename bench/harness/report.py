# SPDX-License-Identifier: MIT
"""Tells the results: a table as text or Markdown, with its notes, and the same as JSON."""

import datetime
import json
import math
import os
import platform
import re
from pathlib import Path

from harness.measure import NOISY


def machine():
    """What the figures depend on besides the programs."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.*)$", cpuinfo, re.M)
    memory_kib = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text()).group(1))
    return {
        "cpu": model.group(1) if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory_kib / 2**20, 1),
        "kernel": platform.release(),
        "architecture": platform.machine(),
    }


def heading(peers, runs):
    now = datetime.datetime.now().astimezone()
    return {
        "date": now.isoformat(timespec="seconds"),
        "machine": machine(),
        "runs": runs,
        "versions": {peer.name: peer.version() for peer in peers},
    }


def short(value, unit):
    """Three or four digits that say the size: 1.83M, 940k, 26.1."""
    if unit.endswith("/s"):
        for scale, letter in ((1e6, "M"), (1e3, "k")):
            if value >= scale:
                return f"{value / scale:.{2 if value < 100 * scale else 0}f}{letter}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def cell(values, unit):
    if not values:
        return "-"
    if not values.values:
        return "failed"
    noisy = " ~" if values.is_noisy else ""
    least, greatest = (short(v, unit) for v in (min(values.values), max(values.values)))
    return f"{short(values.median, unit)} ({least} - {greatest}){noisy}"


def ratio_cell(result, peer):
    ratio = result.ratio(peer)
    if ratio is None:
        return "-"
    missed = " !" if ratio < result.row.goals.get(peer, 0) else ""
    return f"{ratio:.2f} x{missed}"


def grid(results, peers):
    with_troupe = any(peer.name == "troupe" for peer in peers)
    others = [peer for peer in peers if with_troupe and peer.name != "troupe"]
    yield ["benchmark", "cores", "unit", *(peer.title for peer in peers),
           *(f"vs {peer.title}" for peer in others)]
    for result in results:
        row = result.row
        yield [row.name, str(result.cores), row.unit,
               *(cell(result.by_peer.get(peer.name), row.unit) for peer in peers),
               *(ratio_cell(result, peer.name) for peer in others)]


def aligned(lines):
    lines = list(lines)
    widths = [max(map(len, column)) for column in zip(*lines)]
    return ["  ".join(c.ljust(w) for c, w in zip(line, widths)).rstrip() for line in lines]


def markdown(lines):
    first, *rest = lines
    rule = ["---"] * 3 + ["---:"] * (len(first) - 3)
    return ["| " + " | ".join(line) + " |" for line in (first, rule, *rest)]


SUITE_GOAL = 4  # Of the geometric mean of the ratios to Erlang.


def means(results):
    """For each suite and number of cores the geometric mean of the ratios to Erlang."""
    suites = sorted({(r.row.suite, r.cores) for r in results if r.row.suite})
    for suite, cores in suites:
        mine = [r for r in results if (r.row.suite, r.cores) == (suite, cores)]
        ratios = {r.row.name: r.ratio("erlang") for r in mine}
        bound = [ratios[r.row.name] for r in mine if r.row.messages and ratios[r.row.name]]
        if bound:
            mean = math.exp(sum(map(math.log, bound)) / len(bound))
            mark = "" if mean >= SUITE_GOAL else f"! below the goal of {SUITE_GOAL} x: "
            yield (f"{mark}{suite}, {cores} core(s): {mean:.2f} x Erlang, the geometric mean of "
                   f"the {len(bound)} benchmarks that messages and processes bound.")
        behind = [f"{name} ({x:.2f} x)" for name, x in ratios.items() if x and x < 1]
        if behind:
            yield f"! {suite}, {cores} core(s): Troupe is behind in {', '.join(behind)}."


def notes(results):
    yield "Medians, with the least and the greatest value. A ratio above 1: Troupe is ahead."
    if any(values.is_noisy for result in results for values in result.by_peer.values()):
        yield (f"~ The machine was noisy here: the values lie more than {NOISY:.0%} of the median "
               "apart. Judge such a row by another run.")
    yield from means(results)
    for result in results:
        for words in result.missed():
            yield f"! {result.row.name}, {result.cores} core(s), misses its goal: {words}."
        for peer, values in result.by_peer.items():
            if values.failure:
                yield f"{result.row.name}, {result.cores} core(s), {peer} failed: {values.failure}."


def scale(results):
    """Troupe on two cores against one, in words: each row that was measured on both."""
    one = {r.row.name: r for r in results if r.cores == 1}
    for result in results:
        before = one.get(result.row.name)
        if result.cores != 2 or not before:
            continue
        values = [r.by_peer["troupe"] for r in (before, result) if "troupe" in r.by_peer]
        if len(values) != 2 or not all(v.values for v in values) or result.row.limit:
            continue
        ratio = result.row.ratio(values[1].median, values[0].median)
        wanted = 1.6 if result.row.independent else 1
        missed = f" ! wanted: {wanted:g} x" if ratio < wanted - 0.02 else ""
        yield f"{result.row.name}: {ratio:.2f} x{missed}"


def as_text(head, results, peers, form):
    where = head["machine"]
    bullet = "- " if form is markdown else ""
    return "\n".join([
        f"{bullet}{head['date']}, {where['cpu']}, {where['cores']} cores, "
        f"{where['memory_gib']} GiB, Linux {where['kernel']}; runs of each: {head['runs']}",
        *(f"{bullet}{peer.title}: {head['versions'][peer.name]}" for peer in peers),
        "",
        *form(list(grid(results, peers))),
        "",
        *(f"{bullet}{note}" for note in notes(results)),
        *(f"{bullet}two cores against one, {line}" for line in scale(results)),
    ])


def as_json(head, results):
    return json.dumps({**head, "results": [
        {
            "name": result.row.name,
            "work": result.row.work,
            "size": result.row.size,
            "unit": result.row.unit,
            "lower_is_better": result.row.lower_is_better,
            "cores": result.cores,
            "peers": {
                peer: {
                    "values": values.values,
                    "median": values.median if values.values else None,
                    "spread": round(values.spread, 4) if values.values else None,
                    "failure": values.failure or None,
                    "ratio": result.ratio(peer) if peer != "troupe" else None,
                    "goal": result.row.goals.get(peer),
                }
                for peer, values in result.by_peer.items()
            },
            "limit": result.row.limit or None,
            "missed": result.missed(),
        }
        for result in results
    ]}, indent=2) + "\n"
