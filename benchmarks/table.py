"""How figures are shown: in, the machine and the figures; out, a table that reads well in a terminal and in Markdown, or JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby

from benchmarks.figures import Figure, Spread
from benchmarks.machine import Machine

HEADINGS = ("median", "lowest to highest", "of its limit", "target")


def as_text(machine: Machine, figures: Sequence[Figure], *, times: int) -> str:
    """The machine, then a table for each group."""
    lines = [
        *machine.lines(),
        f"Medians of {times} runs, with the lowest and the highest." if times > 1 else "One run.",
    ]
    if machine.is_busy():
        lines.append(
            f"The machine was busy before the start (load {machine.load:.1f} on {machine.cores} cores): "
            "trust ratios and CPU time, not rates."
        )
    for group, members in groupby(figures, key=lambda figure: figure.group):
        lines += ["", *_table(group, members)]
    return "\n".join(lines)


def as_json(machine: Machine, figures: Sequence[Figure], *, options: Mapping[str, object]) -> str:
    """The same for programs: {machine, options, figures}."""
    answer = {
        "machine": machine.as_dict(),
        "options": dict(options),
        "figures": [asdict(figure) for figure in figures],
    }
    return json.dumps(answer, indent=2, ensure_ascii=False)


def _table(group: str, figures: Iterable[Figure]) -> list[str]:
    rows = [row for figure in figures for row in _rows(figure)]
    head = (group, *HEADINGS)
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str], fill: str = " ") -> str:
        padded = (cell.ljust(width, fill) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    return [line(head), line(["-"] * len(head), "-"), *map(line, rows)]


def _rows(figure: Figure) -> Iterator[tuple[str, ...]]:
    """The figure, and below it its limit."""
    ratio = f"{_number(figure.ratio.median)} ({_range(figure.ratio)})" if figure.ratio else ""
    yield figure.name, *_measured(figure.value, figure.unit), ratio, _target(figure)
    if figure.limit:
        yield f"– limit: {figure.limit_name}", *_measured(figure.limit, figure.unit), "", ""


def _target(figure: Figure) -> str:
    """What it should reach, and whether it does."""
    target = figure.target
    if target is None:
        return ""
    unit = "" if figure.ratio else figure.unit
    bounds = [("≥", target.least), ("≤", target.most)]
    words = ", ".join(f"{sign} {bound:g}{unit}" for sign, bound in bounds if bound is not None)
    return f"{words}: {'met' if target.is_met(figure.reached()) else 'missed'}"


def _measured(spread: Spread, unit: str) -> tuple[str, str]:
    return f"{_number(spread.median)}{unit}", _range(spread)


def _range(spread: Spread) -> str:
    low, high = _number(spread.low), _number(spread.high)
    return low if low == high else f"{low} to {high}"


def _number(value: float) -> str:
    """Three digits that mean something, and thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
