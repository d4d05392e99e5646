"""Which stretch of time is shown, in which pieces: in, a moment in its reader's zone; out, the beginnings of the pieces. Pure."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from notifications.traffic.steps import hour_of, minute_of


class Period(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


# By period, the step of the table that is summed up. Days and their quarters are the reader's, made of hours (in a zone that is
# half an hour off, an hour belongs to the day it begins in); weeks are made of days of UTC.
STEPS: Final[Mapping[Period, str]] = {
    Period.HOUR: "minute",
    Period.DAY: "hour",
    Period.WEEK: "hour",
    Period.MONTH: "hour",
    Period.YEAR: "day",
}
_MINUTES, _HOURS, _QUARTERS, _DAYS, _WEEKS = 60, 24, 28, 30, 52


@dataclass(frozen=True, slots=True)
class Span:
    """`starts` are the beginnings of the pieces, oldest first; the last one is still going on."""

    period: Period
    step: str
    starts: tuple[dt.datetime, ...]

    @property
    def since(self) -> dt.datetime:
        return self.starts[0]


def span(period: Period, *, now: dt.datetime, zone: dt.tzinfo) -> Span:
    """The last hour by minutes, day by hours, week by quarters of a day, month by days, year by weeks."""
    return Span(period, STEPS[period], tuple(_starts(period, now, zone)))


def _starts(period: Period, now: dt.datetime, zone: dt.tzinfo) -> list[dt.datetime]:
    match period:
        case Period.HOUR:
            return [minute_of(now) - dt.timedelta(minutes=back) for back in reversed(range(_MINUTES))]
        case Period.DAY:
            return [hour_of(now) - dt.timedelta(hours=back) for back in reversed(range(_HOURS))]
        case Period.WEEK:
            local = now.astimezone(zone)
            last = local.replace(
                hour=local.hour // 6 * 6, minute=0, second=0, microsecond=0, fold=0, tzinfo=None
            )
            return [_at(last - dt.timedelta(hours=6 * back), zone) for back in reversed(range(_QUARTERS))]
        case Period.MONTH:
            day = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0, tzinfo=None)
            return [_at(day - dt.timedelta(days=back), zone) for back in reversed(range(_DAYS))]
        case Period.YEAR:
            today = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            monday = today - dt.timedelta(days=today.weekday())
            return [monday - dt.timedelta(weeks=back) for back in reversed(range(_WEEKS))]


def _at(wall: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """The moment at which clocks on the wall show that; in UTC, so that it is compared as a moment."""
    return wall.replace(tzinfo=zone).astimezone(dt.UTC)
