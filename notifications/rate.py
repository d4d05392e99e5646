"""How fast a channel may send: in, a limit such as «10/s» and how many are wanted; out, how many may go now.

One row a channel holds the limit for all workers and hosts, and the database's clock measures it.
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from django.db import connection

_PERIODS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_LIMIT = re.compile(r"(?P<count>[1-9][0-9]{0,6})/(?P<unit>s|min|h|d)")

# The generic cell rate algorithm: `rate_tat` is the moment at which all that was taken will have been earned again, and
# may lie one burst ahead of the clock. The row's lock comes first and the clock is read after it, so that takers
# follow one another. A rate_tat too far ahead (the clock went back) is drawn in.
TAKE = """
WITH held AS MATERIALIZED (
    SELECT channel, rate_tat FROM channel_states WHERE channel = %(channel)s FOR UPDATE
), clocked AS MATERIALIZED (
    SELECT channel, rate_tat, COALESCE(%(now)s, clock_timestamp()) AS now FROM held
), counted AS MATERIALIZED (
    SELECT channel, now, LEAST(GREATEST(rate_tat, now), now + %(burst)s * %(each)s) AS tat FROM clocked
), taken AS MATERIALIZED (
    SELECT channel, now, tat, LEAST(%(wanted)s, floor(
        %(burst)s - EXTRACT(epoch FROM tat - now)::float8 / %(seconds)s + 1e-6)::int) AS count
    FROM counted
)
UPDATE channel_states AS s SET rate_tat = taken.tat + taken.count * %(each)s
FROM taken WHERE s.channel = taken.channel
RETURNING taken.count, s.rate_tat - taken.now
"""
GIVE_BACK = (
    "UPDATE channel_states SET rate_tat = rate_tat - %s * %s WHERE channel = %s AND rate_tat IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` a `period`; in one go, what a second allows, and one at the least."""

    count: int
    period: dt.timedelta

    @property
    def each(self) -> dt.timedelta:
        return self.period / self.count

    @property
    def burst(self) -> int:
        return max(1, int(self.count / self.period.total_seconds()))


def parse(text: str) -> Rate:
    """ValueError says how to write it."""
    found = _LIMIT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"“{text}” is no rate: write a count and s, min, h or d, such as 10/s or 600/min")
    return Rate(int(found["count"]), dt.timedelta(seconds=_PERIODS[found["unit"]]))


def take(
    channel: str, rate: Rate, wanted: int, *, now: dt.datetime | None = None
) -> tuple[int, dt.timedelta]:
    """How many of the wanted may go now, and (where none may) how long until the next. The channel has a row."""
    asked: dict[str, Any] = {
        "channel": channel,
        "wanted": wanted,
        "burst": rate.burst,
        "each": rate.each,
        "seconds": rate.period.total_seconds() / rate.count,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE, asked)
        count, ahead = cursor.fetchone()
    return count, max(dt.timedelta(), ahead - (rate.burst - 1) * rate.each)


def put_back(channel: str, rate: Rate, count: int) -> None:
    """What was taken and not used."""
    asked: list[Any] = [count, rate.each, channel]
    with connection.cursor() as cursor:
        cursor.execute(GIVE_BACK, asked)
