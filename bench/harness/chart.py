# SPDX-License-Identifier: MIT
"""Draws results as SVG: how far ahead of its peers Troupe is, and what an operation costs as the
number of things grows. Plain shapes and text, readable on a light and on a dark page."""

import math
from html import escape

COLOURS = {"erlang": "#a90533", "elixir": "#6e4a7e", "go": "#00a5c8"}
LINES = ("#a90533", "#00a5c8", "#6e4a7e", "#c87800")
GREY = "#888888"
FONT = 'font-family="sans-serif" font-size="12"'


def text(x, y, words, anchor="start", colour=GREY):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def line(x1, y1, x2, y2, dashes=""):
    return (f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" stroke="{GREY}" '
            f'stroke-width="0.5" stroke-dasharray="{dashes}"/>')


def page(width, height, shapes):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" {FONT}>', *shapes, "</svg>", ""])


def legend(names_and_colours, x, y):
    for name, colour in names_and_colours:
        yield f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
        yield text(x + 15, y, name)
        x += 90


def ratios(results):
    """A bar for each row, number of cores and peer: how many times better, on a logarithmic scale."""
    left, width, bar, top = 150, 760, 11, 50
    bars = [(f"{r.row.name}, {r.cores}", peer, r.ratio(peer))
            for r in results for peer in COLOURS if r.ratio(peer)]
    greatest = max([2.0, *(ratio for _, _, ratio in bars)])
    least = min([1.0, *(ratio for _, _, ratio in bars)])

    def x(ratio):
        return left + (width - left - 60) * math.log(ratio / least) / math.log(greatest / least)

    height = top + bar * len(bars) + 20
    shapes = [*legend([(f"vs {p.title()}", c) for p, c in COLOURS.items()], left, 20)]
    for mark in (0.5, 1, 2, 4, 8, 16, 32, 64):
        if least <= mark <= greatest:
            shapes += [line(x(mark), top - 8, x(mark), height - 15, "" if mark == 1 else "3 3"),
                       text(x(mark), top - 12, f"{mark:g} x", "middle")]
    said = None
    for i, (label, peer, ratio) in enumerate(bars):
        y = top + bar * i
        start, end = sorted((x(1), x(ratio)))
        shapes.append(f'<rect x="{start:.1f}" y="{y}" width="{max(end - start, 1):.1f}" '
                      f'height="{bar - 2}" fill="{COLOURS[peer]}"/>')
        shapes.append(text(end + 4, y + 9, f"{ratio:.1f}"))
        if label != said:
            shapes.append(text(left - 8, y + 9, label, "end"))
            said = label
    return page(width, height, shapes)


def growth(results):
    """A line for each part: ns for an operation over the number of things, both logarithmic."""
    width, height, left, right, bottom = 660, 360, 60, 50, 40
    lines = {}
    for r in results:
        values = r.by_peer["troupe"]
        if values.values and r.cores == 1:
            lines.setdefault(r.row.arguments[0], []).append((r.row.size, values.median))
    costs = [ns for points in lines.values() for _, ns in points] or [1]
    low, high = math.log10(min(costs)), math.log10(max(costs)) + 0.1

    def place(size, ns):
        return (left + (width - left - right) * (math.log10(size) - 3) / 4,
                height - bottom - (height - bottom - 50) * (math.log10(ns) - low) / (high - low))

    colours = dict(zip(lines, LINES))
    shapes = [*legend(colours.items(), left, 20)]
    for exponent in range(3, 8):
        shapes.append(text(place(10**exponent, 1)[0], height - 20, f"{10**exponent:,}", "middle"))
    for ns in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000):
        if 10**low <= ns <= 10**high:
            y = place(1000, ns)[1]
            shapes += [line(left, y, width - right, y, "3 3"), text(left - 6, y + 4, f"{ns} ns", "end")]
    for part, points in lines.items():
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        shapes.append(f'<polyline points="{path}" fill="none" stroke="{colours[part]}" stroke-width="2"/>')
    return page(width, height, shapes)
