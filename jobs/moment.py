"""A moment that a person typed: in, text; out, an aware datetime, or a ValueError that says the format."""

import datetime as dt

from django.utils import timezone

from consent.local_moment import read_local

FORMAT = "Use ISO 8601, such as 2026-11-15T08:00 (local time) or 2026-11-15T12:00:00Z."
EARLIEST, LATEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def parse_moment(text: str) -> dt.datetime:
    """The moment in UTC; without an offset it is taken in the current time zone: in the admin its reader's, else TIME_ZONE."""
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"“{text}” is not a moment. {FORMAT}") from None
    if timezone.is_naive(moment):
        moment = read_local(moment)
    if not EARLIEST <= moment < LATEST:
        raise ValueError(f"“{text}” is not between 2000 and 2100. {FORMAT}")
    return moment.astimezone(dt.UTC)
