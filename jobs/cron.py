"""Five-field cron lines: in, a line and a moment; out, the next slot, the words for it, or what is wrong. Pure.

Slots are those that django-q2 computes: croniter on local time, so that a daily job keeps its hour across a DST change.
"""

import datetime as dt
import re
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter
from django.utils.translation import gettext

FIELDS = 5


def problem(cron: str) -> str:
    """What is wrong with this line; empty when it is fine and fires some day."""
    if len(cron.split()) != FIELDS:
        return f"“{cron}” must have five fields: minute, hour, day of month, month, day of week."
    try:
        croniter(cron, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)).get_next(dt.datetime)
    except (CroniterError, ValueError) as error:
        return f"“{cron}”: {error}."
    return ""


def next_slot(cron: str, after: dt.datetime, *, tz: str) -> dt.datetime:
    """The first slot after that moment, in UTC. `tz` is the IANA name of the zone that the line is written in."""
    found: dt.datetime = croniter(cron, after.astimezone(ZoneInfo(tz))).get_next(dt.datetime)
    return found.astimezone(dt.UTC)


def nth_slot(cron: str, after: dt.datetime, count: int, *, tz: str) -> dt.datetime:
    """The slot `count` slots after that moment, in UTC."""
    moment = after
    for _ in range(count):
        moment = next_slot(cron, moment, tz=tz)
    return moment


def in_words(cron: str) -> str:
    """«every 5 minutes», «daily at 06:00», in the reader's language; the line itself where words would be longer."""
    if cron == "* * * * *":
        return gettext("every minute")
    if step := re.fullmatch(r"\*/(\d+) \* \* \* \*", cron):
        return gettext("every %(count)s minutes") % {"count": step[1]}
    if step := re.fullmatch(r"(\d+)-59/(\d+) \* \* \* \*", cron):
        return gettext("every %(count)s minutes from :%(minute)s") % {
            "count": step[2],
            "minute": f"{int(step[1]):02d}",
        }
    if cron == "0 * * * *":
        return gettext("every hour")
    if hourly := re.fullmatch(r"(\d+) \* \* \* \*", cron):
        return gettext("hourly at :%s") % f"{int(hourly[1]):02d}"
    if daily := re.fullmatch(r"(\d+) (\d+) \* \* \*", cron):
        return gettext("daily at %s") % f"{int(daily[2]):02d}:{int(daily[1]):02d}"
    return cron
