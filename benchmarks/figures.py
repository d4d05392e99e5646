"""From runs to figures: in, what repeated runs took; out, a median with its range, beside a limit, and their ratio. Pure.

A ratio is taken between a run and the run of the limit next to it, so that a machine that is busy for a while shifts
both and the ratio stays.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Run:
    """What one piece of work took. `peak_bytes` is the most memory the process held, `grown_bytes` how much of it is new.

    `database_cpu_seconds` is the processor time of the PostgreSQL backend that served it; None where it cannot be seen.
    """

    count: int
    seconds: float
    cpu_seconds: float
    database_cpu_seconds: float | None = None
    peak_bytes: int | None = None
    grown_bytes: int | None = None

    def rate(self) -> float:
        """How many a second."""
        return _rate(self.count, self.seconds)

    def rate_by_cpu(self) -> float:
        """How many a second of our own processor time."""
        return _rate(self.count, self.cpu_seconds)

    def rate_by_all_cpu(self) -> float:
        """How many a second of processor time, ours and that of our PostgreSQL backend as far as it can be seen."""
        return _rate(self.count, self.cpu_seconds + (self.database_cpu_seconds or 0.0))


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of several runs, and the lowest and highest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should reach, at least or at most."""

    least: float | None = None
    most: float | None = None

    def is_met(self, reached: float) -> bool:
        return (self.least is None or reached >= self.least) and (self.most is None or reached <= self.most)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a table: what was measured, the limit it is held against, and how much of the limit it is. A target is
    of the ratio, or of the value where there is no limit."""

    group: str
    name: str
    unit: str
    value: Spread
    limit_name: str = ""
    limit: Spread | None = None
    ratio: Spread | None = None
    target: Target | None = None

    def reached(self) -> float:
        """What the target speaks of."""
        return (self.ratio or self.value).median


Pairs = Sequence[tuple[Run, Run]]


def rates(
    pairs: Pairs,
    by_cpu: Callable[[Run], float],
    *,
    group: str,
    name: str,
    limit_name: str,
    target: Target | None = None,
    cpu_target: Target | None = None,
) -> Iterator[Figure]:
    """How many a second, and how many a second of processor time, of some runs beside their limits."""
    for of, unit, label, aim in (
        (Run.rate, "/s", name, target),
        (by_cpu, "/CPU-s", f"{name}, by CPU time", cpu_target),
    ):
        values, limits = [of(run) for run, _ in pairs], [of(limit) for _, limit in pairs]
        yield against(values, limits, unit, group=group, name=label, limit_name=limit_name, target=aim)


def against(
    values: Sequence[float],
    limits: Sequence[float],
    unit: str,
    *,
    group: str,
    name: str,
    limit_name: str,
    target: Target | None = None,
) -> Figure:
    """Values beside their limits, pair by pair. Beside a limit of nothing there is no ratio."""
    pairs = list(zip(values, limits, strict=True))
    ratio = Spread.of([value / limit for value, limit in pairs]) if all(limits) else None
    return Figure(group, name, unit, Spread.of(values), limit_name, Spread.of(limits), ratio, target)


def alone(
    values: Sequence[float], unit: str, *, group: str, name: str, target: Target | None = None
) -> Figure:
    """A figure that has no limit to be held against."""
    return Figure(group, name, unit, Spread.of(values), target=target)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share (0 to 1) of the values lies, between two neighbours in proportion."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0
