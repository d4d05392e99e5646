"""When a view is due: in, its name, the moment it was last computed for, `now` and the local zone; out, is it due, is it late. Pure.

A rhythm has slots (15:00, 15:15, …), and a view is due where it was not computed since the newest one began. By slots,
not by age: runs begin some seconds sooner or later each time, and an age of 14:58 would wait for the next run.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop as _

HOUR = dt.timedelta(hours=1)
# Three runs of the job that refreshes: past that, a view that is due is late.
PATIENCE = dt.timedelta(minutes=15)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Rhythm(Protocol):
    @property
    def words(self) -> str: ...
    def slot(self, now: dt.datetime, *, zone: ZoneInfo) -> dt.datetime:
        """When the newest slot began: at `now` or before."""


@dataclass(frozen=True, slots=True)
class Every:
    """Slots of one length, counted in UTC, so that no change of the clocks makes one longer."""

    interval: dt.timedelta
    words: str

    def slot(self, now: dt.datetime, *, zone: ZoneInfo) -> dt.datetime:  # noqa: ARG002 (a rhythm's shape)
        return now - (now - _EPOCH) % self.interval


@dataclass(frozen=True, slots=True)
class ByDay:
    """One rhythm between two hours of the local day, another at night."""

    day: Every
    night: Every
    begins: dt.time
    ends: dt.time
    words: str

    def slot(self, now: dt.datetime, *, zone: ZoneInfo) -> dt.datetime:
        is_day = self.begins <= now.astimezone(zone).time() < self.ends
        return (self.day if is_day else self.night).slot(now, zone=zone)


@dataclass(frozen=True, slots=True)
class Nightly:
    """Once a local day, from this time on. Where the clocks skip it, at the moment they do; where it comes twice, the first."""

    at: dt.time
    words: str

    def slot(self, now: dt.datetime, *, zone: ZoneInfo) -> dt.datetime:
        today = now.astimezone(zone).date()
        tonight = self._on(today, zone)
        return tonight if tonight <= now else self._on(today - dt.timedelta(days=1), zone)

    def _on(self, date: dt.date, zone: ZoneInfo) -> dt.datetime:
        return dt.datetime.combine(date, self.at, zone).astimezone(dt.UTC)


_FIVE_MINUTES = Every(dt.timedelta(minutes=5), _("every 5 minutes"))
_HOURLY = Every(HOUR, _("every hour"))
_BY_DAY = ByDay(
    day=Every(dt.timedelta(minutes=15), _("every 15 minutes")),
    night=_HOURLY,
    begins=dt.time(6),
    ends=dt.time(22),
    words=_("every 15 minutes by day, every hour at night"),
)
# In the order of their urgency: alerts are made from the first.
RHYTHMS: Mapping[str, Rhythm] = {
    "mv_alert_candidates": _FIVE_MINUTES,
    "mv_support_sla": _FIVE_MINUTES,
    "mv_dashboard_kpis": _BY_DAY,
    "mv_equipment_utilization": _HOURLY,
    "mv_booking_trends": _HOURLY,
    "mv_revenue_trends": _HOURLY,
    "mv_financial_summary": _HOURLY,
    "mv_customer_cohorts": Nightly(dt.time(2), _("every night at 02:00")),
}


def is_due(view: str, *, computed_for: dt.datetime | None, now: dt.datetime, zone: ZoneInfo) -> bool:
    """Should it be refreshed at `now`? Also where it was computed for a moment yet to come (`run_job --at`)."""
    if computed_for is None or computed_for > now:
        return True
    return computed_for < RHYTHMS[view].slot(now, zone=zone)


def is_late(view: str, *, computed_for: dt.datetime | None, now: dt.datetime, zone: ZoneInfo) -> bool:
    """Was it due so long ago that somebody should look?"""
    return computed_for is None or computed_for < RHYTHMS[view].slot(now - PATIENCE, zone=zone)
