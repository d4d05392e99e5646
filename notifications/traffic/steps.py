"""The stretches of time that are counted: in, a moment; out, where its minute, hour or day begins, and how long each is kept.

All of UTC, so that no change of a clock makes a day of 23 hours here; whoever shows days sums up hours.
"""

import datetime as dt
from typing import Final

HOUR: Final = dt.timedelta(hours=1)
DAY: Final = dt.timedelta(days=1)
# What ended is counted anew for so long, since a dead worker's message may turn out to have failed long ago.
SWEPT: Final = dt.timedelta(hours=48)
# A little more than what is swept and shown, so that the hour of the oldest minute is whole.
MINUTES_KEPT: Final = SWEPT + 2 * HOUR
HOURS_KEPT: Final = dt.timedelta(days=62)
DAYS_KEPT: Final = dt.timedelta(days=400)


def minute_of(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(second=0, microsecond=0)


def hour_of(moment: dt.datetime) -> dt.datetime:
    return minute_of(moment).replace(minute=0)


def day_of(moment: dt.datetime) -> dt.datetime:
    return hour_of(moment).replace(hour=0)


def kept_since(now: dt.datetime) -> dict[str, dt.datetime]:
    """The beginning of what is kept, by step. Each begins where the next coarser one begins, too."""
    return {
        "minute": hour_of(now - MINUTES_KEPT),
        "hour": day_of(now - HOURS_KEPT),
        "day": day_of(now - DAYS_KEPT),
    }
