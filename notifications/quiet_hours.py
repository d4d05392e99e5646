"""When may a message go out, by the recipient's own clock? In: a week of windows, zones and a moment; out, the next opening.

Pure. A moment is open where every clock that may be the recipient's shows a time within a window: half-open [from, until),
until before from goes on past midnight. Where DST skips an edge, the first moment after the gap stands for it; where a
closing comes twice, the first one closes.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HORIZON = dt.timedelta(days=8)
_DAY = 24 * 60
_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")

Spec = str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Week:
    """A window for each weekday, Monday first: (from, until) in minutes after local midnight; None is closed all day."""

    days: tuple[tuple[int, int] | None, ...]


def week_of(spec: Spec) -> Week:
    """«08:00-21:00» for every day, or by weekday {"mon-fri": …, "sat,sun": …}. Raises ValueError that says what to write."""
    if isinstance(spec, str):
        return _every_day(spec)
    if isinstance(spec, Mapping):
        return _by_day(tuple(spec.items()))
    raise ValueError(f"has {spec!r}: write a window as 08:00-21:00")


def is_open(week: Week, zone: ZoneInfo, at: dt.datetime) -> bool:
    wall = at.astimezone(zone).replace(tzinfo=None)
    for date in (wall.date(), wall.date() - dt.timedelta(days=1)):
        if edges := _edges(week, date):
            opens, closes = edges
            # The clock alone would open a second time after a fall-back behind the closing.
            if opens <= wall < closes and at < instant(closes, zone):
                return True
    return False


def next_opening(week: Week, zones: Sequence[ZoneInfo], after: dt.datetime) -> dt.datetime | None:
    """The first moment from `after` on that is open in every zone; None if there is none within 8 days.

    An opening is always an edge of some zone's window, so the edges are all there is to try.
    """
    if all(is_open(week, zone, after) for zone in zones):
        return after
    edges = sorted({edge for zone in zones for edge in _openings(week, zone, after)})
    return next((edge for edge in edges if all(is_open(week, zone, edge) for zone in zones)), None)


def spread(
    week: Week, zones: Sequence[ZoneInfo], opening: dt.datetime, *, over: dt.timedelta, lot: int
) -> dt.datetime:
    """A moment in [opening, opening + over), by a lot of 32 bits; the opening itself where that would be closed again."""
    at = opening + over * (lot % 2**32) // 2**32
    return at if all(is_open(week, zone, at) for zone in zones) else opening


def instant(wall: dt.datetime, zone: ZoneInfo, *, fold: int = 0) -> dt.datetime:
    """When that zone's clock shows `wall`, in UTC; in a gap, the first moment after it."""
    at = wall.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    # PEP 495: in a gap, fold 1 answers a moment before the change and fold 0 one after it.
    before = int(wall.replace(tzinfo=zone, fold=1).timestamp())
    after = int(wall.replace(tzinfo=zone, fold=0).timestamp())
    old = _offset(before, zone)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return dt.datetime.fromtimestamp(after, dt.UTC)


def _offset(timestamp: int, zone: ZoneInfo) -> dt.timedelta | None:
    return dt.datetime.fromtimestamp(timestamp, zone).utcoffset()


def _openings(week: Week, zone: ZoneInfo, after: dt.datetime) -> Iterator[dt.datetime]:
    today = after.astimezone(zone).date()
    for day in range(-1, HORIZON.days + 1):
        if edges := _edges(week, today + dt.timedelta(days=day)):
            for fold in (0, 1):
                at = instant(edges[0], zone, fold=fold)
                if after < at <= after + HORIZON:
                    yield at


def _edges(week: Week, date: dt.date) -> tuple[dt.datetime, dt.datetime] | None:
    window = week.days[date.weekday()]
    if window is None:
        return None
    midnight = dt.datetime.combine(date, dt.time())
    return midnight + dt.timedelta(minutes=window[0]), midnight + dt.timedelta(minutes=window[1])


@lru_cache(maxsize=64)
def _every_day(text: str) -> Week:
    return Week((_window(text),) * 7)


@lru_cache(maxsize=64)
def _by_day(windows: tuple[tuple[str, str], ...]) -> Week:
    days: list[tuple[int, int] | None] = [None] * 7
    for names, text in windows:
        for day in _named(names):
            if days[day] is not None:
                raise ValueError(f"names {DAYS[day]} twice")
            days[day] = _window(text)
    if not any(days):
        raise ValueError("has no day on which anything may go out")
    return Week(tuple(days))


def _named(names: str) -> Iterator[int]:
    """«sat,sun» and «mon-fri» as numbers."""
    for part in names.lower().split(","):
        first, _, last = (text.strip() for text in part.partition("-"))
        if first not in DAYS or (last or first) not in DAYS:
            raise ValueError(f"has “{names}”: write days as mon-fri or sat,sun")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        yield from (day % 7 for day in range(begin, begin + (end - begin) % 7 + 1))


def _window(text: str) -> tuple[int, int]:
    found = _WINDOW.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"has “{text}”: write a window as 08:00-21:00")
    opens = int(found[1]) * 60 + int(found[2])
    closes = int(found[3]) * 60 + int(found[4]) if found[3] else _DAY
    if opens == closes:
        raise ValueError(f"has “{text}”, which is no time at all: leave it out for any hour")
    return opens, closes if closes > opens else closes + _DAY
