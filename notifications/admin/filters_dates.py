"""When a message was asked for: in, moments by the operator's clock, or a name such as «today»; out, the rows in between.

What is kept of a filter for later names moments by no clock of anybody's (`by_any_clock`): a worker has another one.
"""

import datetime as dt
from typing import Any, ClassVar

from django.db.models import Q
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from notifications.admin.choosing import Choosing, Cost
from notifications.admin.filters import Admin, Choices, Rows
from notifications.admin.standings import PARAMETER
from notifications.models import Notification
from notifications.models.queue import WITHHELD_AT

Status = Notification.Status
# What was sent had been due for no longer than that; of what waited longer, the list by its end knows nothing.
LONGEST_WAIT = dt.timedelta(days=3)
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
    cost = Cost.SINCE
    comparison = "gte"


class UntilFilter(_Moment):
    title = _("asked for until")
    parameter_name = "created_at__lt"
    cost = Cost.RANGE
    comparison = "lt"


class EndedFilter(_Moment):
    """As the first page counts what ended: by its last try, or by when a rule or a person withheld it. No index holds that
    in the order of a tab."""

    title = _("ended from")
    parameter_name = "ended__gte"
    cost = Cost.LOOSE

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self._tab = request.GET.get(PARAMETER, "")
        super().__init__(request, *args, **kwargs)

    def rows(self, rows: Rows, value: str) -> Rows:
        at = moment_of(value)
        if at is None:
            return rows.none()
        tried = Q(status__in=[Status.SENT, Status.FAILED], last_attempt_at__gte=at)
        # Not beside what was tried: of «or» the planner expects so many that it reads the table for them.
        if self._tab == Status.SENT:
            # No index holds the last try of what was sent; when it had been due, the tab's own does.
            return rows.filter(tried, scheduled_at__gte=at - LONGEST_WAIT)
        if self._tab == Status.FAILED:
            return rows.filter(tried)
        withheld = Q(status=Status.CANCELLED, withheld_at__gte=at.astimezone(dt.UTC).isoformat())
        return rows.alias(withheld_at=WITHHELD_AT).filter(
            withheld if self._tab == Status.CANCELLED else tried | withheld
        )


# Parameters that hold a moment.
MOMENTS = tuple(str(one.parameter_name) for one in (SinceFilter, UntilFilter, EndedFilter))


class PeriodFilter(Choosing):
    title = _("asked for")
    parameter_name = "period"
    cost = Cost.SINCE

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
    since, period = str(SinceFilter.parameter_name), str(PeriodFilter.parameter_name)
    for name in MOMENTS:
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
