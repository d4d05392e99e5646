"""How a soak is shown: in, a Report; out, a table that reads well in a terminal and in Markdown, or JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from tests.chaos.soak import Report

HEADINGS = (
    "policy", "channel", "committed", "received once", "extra copies", "of at most", "unknown", "failed", "withheld",
    "lost",
)  # fmt: skip


def as_text(report: Report) -> str:
    options = report.options
    lines = [
        f"{options.messages:,} messages, {options.workers} workers, {report.chaos_seconds:.0f} s of faults (seed "
        f"{options.seed}), drained {report.drain_seconds:.1f} s after the last one",
        "",
        *_aligned([HEADINGS, *_rows(report)]),
        "",
        *_aligned([("fault", "times"), *((kind, str(number)) for kind, number in report.faults.items())]),
        "",
        f"The providers {_listed(report)}. {report.fell} workers gave up by themselves while the database was away, "
        f"{report.again} bursts of messages were asked for again, {report.rolled_back} messages were rolled back, and "
        f"{report.stalls} times the machine itself held a worker up for more than half a second.",
    ]
    return "\n".join([*lines, *report.problems, *(f"{one.id}: {one.what}" for one in report.breaches)])


def as_json(report: Report) -> str:
    """The same for programs."""
    answer = {name: value for name, value in asdict(report).items() if name != "log"}
    return json.dumps({"kept": report.is_kept(), **answer}, indent=2, default=str)


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    for line in report.lines:
        unknown = f"{line.unknown} ({line.unknown_received} received)" if line.unknown else "0"
        figures = (line.committed, line.once, line.copies, line.allowed)
        rest = (line.failed, line.withheld, line.lost)
        yield line.policy, line.channel, *map(_number, figures), unknown, *map(_number, rest)


def _listed(report: Report) -> str:
    parts = [f"{what} {number:,} times" for what, number in sorted(report.answers.items()) if number]
    return ", ".join(parts) or "behaved well"


def _number(value: int) -> str:
    return f"{value:,}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    head, *body = rows
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in (head, ["-" * width for width in widths], *body):
        yield f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
