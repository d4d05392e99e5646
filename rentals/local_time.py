"""The recipient's own day in SQL: in, `now` and the column of a time zone; out, expressions for filters and annotations.

A query first narrows a bare date column by `days_near`, so that an index answers; `zone` is the path to the IANA name.
"""

import datetime as dt

from django.db.models import DateField, DateTimeField, ExpressionWrapper, F, Func, TimeField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

ZONE = "customer__timezone"


def days_near(now: dt.datetime, *, first: int = 0, last: int = 0) -> tuple[dt.date, dt.date]:
    """The dates that lie `first` to `last` days from today for somebody on Earth: local dates are UTC's or a day off."""
    today = now.astimezone(dt.UTC).date()
    return today + dt.timedelta(days=first - 1), today + dt.timedelta(days=last + 1)


def local_date(now: dt.datetime, *, zone: str = ZONE) -> Cast:
    return Cast(local(now, zone=zone), DateField())


def local_time(now: dt.datetime, *, zone: str = ZONE) -> Cast:
    return Cast(local(now, zone=zone), TimeField())


def local(now: dt.datetime, *, zone: str = ZONE) -> Func:
    """What the recipient's clock shows, as a timestamp without a zone."""
    return Func(F(zone), Value(now), function="timezone", output_field=DateTimeField())


def local_date_of(column: str, *, zone: str) -> Cast:
    """The recipient's date at the moment that a column holds."""
    moment = Func(F(zone), F(column), function="timezone", output_field=DateTimeField())
    return Cast(moment, DateField())


def last_day_of(column: str, *, zone: str) -> Cast:
    """The recipient's last date before the moment that a column holds: what ends at midnight ends with the day before."""
    before = ExpressionWrapper(F(column) - Value(dt.timedelta(microseconds=1)), output_field=DateTimeField())
    return Cast(Func(F(zone), before, function="timezone", output_field=DateTimeField()), DateField())


def moment_at(day: str, time: dt.time, *, zone: str) -> Func:
    """The moment at which the recipient's clock shows `time` on that local day."""
    clock = ExpressionWrapper(F(day) + Value(time, TimeField()), output_field=DateTimeField())
    return Func(F(zone), clock, function="timezone", output_field=DateTimeField())


def plus_days(column: str, days: int) -> Combinable:
    return ExpressionWrapper(F(column) + Value(days), output_field=DateField())


def midnight_before(column: str, *, zone: str = ZONE) -> Func:
    """The moment at which that local day begins."""
    return midnight(F(column), zone=zone)


def midnight_after(column: str, *, zone: str = ZONE) -> Func:
    """The moment at which that local day ends."""
    return midnight(plus_days(column, 1), zone=zone)


def midnight(day: Combinable, *, zone: str) -> Func:
    # PostgreSQL takes the first valid moment where a DST change skips midnight.
    return Func(
        F(zone),
        day,
        function="timezone",
        template="%(function)s(%(expressions)s::timestamp)",
        output_field=DateTimeField(),
    )
