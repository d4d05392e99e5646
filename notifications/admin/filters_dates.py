"""When a message was asked for: in, moments by the operator's clock, or a name such as «today»; out, the rows in between.

What is kept of a filter for later names moments by no clock of anybody's (`by_any_clock`): a worker has another one.
"""

import datetime as dt
from typing import ClassVar

from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from notifications.admin.choosing import Choosing, Cost
from notifications.admin.filters import Admin, Choices, Rows

HOUR, TODAY, WEEK = "hour", "today", "week"
PERIODS = ((HOUR, _("Last hour")), (TODAY, _("Today")), (WEEK, _("Last 7 days")))


def moment_of(text: str) -> dt.datetime | None:
    """`2026-11-28T14:05` by the operator's clock, with a zone of its own by that, a day alone from its midnight on."""
    try:
        found = parse_datetime(text)
        if found is None and (day := parse_date(text)) is not None:
            found = dt.datetime.combine(day, dt.time())
        if found is not None and timezone.is_naive(found):
            found = timezone.make_aware(found)
        # The first and the last years have no neighbours to be converted into.
        return found if found is not None and 1900 < found.year < 9000 else None
    except (ValueError, OverflowError):
        return None


class _Moment(Choosing):
    kind = "moment"
    cost = Cost.RANGE
    comparison: ClassVar[str]

    def accepts(self, value: str) -> bool:
        return moment_of(value) is not None

    def rows(self, rows: Rows, value: str) -> Rows:
        return rows.filter(**{f"created_at__{self.comparison}": moment_of(value)})

    @property
    def shown(self) -> str:
        at = moment_of(self.chosen)
        return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else self.chosen

    @property
    def field_value(self) -> str:
        at = moment_of(self.chosen)
        return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M") if at else ""


class SinceFilter(_Moment):
    title = _("asked for from")
    parameter_name = "created_at__gte"
    comparison = "gte"


class UntilFilter(_Moment):
    title = _("asked for until")
    parameter_name = "created_at__lt"
    comparison = "lt"


class PeriodFilter(Choosing):
    title = _("asked for")
    parameter_name = "period"
    cost = Cost.RANGE

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Choices:
        return [(name, str(label)) for name, label in PERIODS]

    def rows(self, rows: Rows, value: str) -> Rows:
        return rows.filter(created_at__gte=since_of(value, now=self.now))


def since_of(period: str, *, now: dt.datetime) -> dt.datetime:
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        HOUR: now - dt.timedelta(hours=1),
        TODAY: midnight,
        WEEK: now - dt.timedelta(days=7),
    }[period]


def by_any_clock(query: QueryDict, *, now: dt.datetime) -> None:
    """Write moments with their offset, and a period as the moment it begins at. What is no moment stays, to be refused."""
    since, until, period = (
        str(one.parameter_name) for one in (SinceFilter, UntilFilter, PeriodFilter)
    )  # fmt: skip
    for name in (since, until):
        if at := moment_of(query.get(name, "").strip()):
            query[name] = at.isoformat()
    chosen, begins = query.get(period, "").strip(), query.get(since, "").strip()
    at = moment_of(begins)
    if chosen in dict(PERIODS) and (at or not begins):
        starts = since_of(chosen, now=now)
        query[since] = max(at or starts, starts).isoformat()
        del query[period]


def in_words(value: str) -> str:
    """By the reader's clock, and which one that is."""
    at = moment_of(value)
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M %Z") if at else value
