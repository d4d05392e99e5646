"""How much a channel has to do and does: in, a moment; out, what is due, and what became of the newest attempts.

Bounded, whatever the length of the tables: the heads of the claim's own index (notification_queue_due), and the newest attempts
by their ids.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from consent.models import Channel
from notifications.models import DeliveryAttempt

# What is counted of each priority, and how many attempts are looked at.
CAP = 10_000
SAMPLE = 2_000
# The present rate is that of so long.
LATELY = dt.timedelta(minutes=5)

DUE = """
SELECT c.channel, sum(head.count)::int, max(head.count)::int, min(head.oldest)
FROM unnest(%(channels)s::text[]) AS c(channel)
CROSS JOIN (VALUES (0), (1), (2), (3)) AS level(priority)
CROSS JOIN LATERAL (
    SELECT count(*), min(scheduled_at) AS oldest FROM (
        SELECT scheduled_at FROM notification_queue
        WHERE status = 'queued' AND channel = c.channel AND priority = level.priority AND scheduled_at <= %(now)s
        ORDER BY scheduled_at LIMIT %(more)s
    ) AS due
) AS head
GROUP BY c.channel
"""
NEWEST = """
WITH newest AS MATERIALIZED (
    SELECT notification_id, outcome, provider_code, finished_at FROM delivery_attempts ORDER BY id DESC LIMIT %(sample)s
), span AS MATERIALIZED (
    SELECT min(finished_at) AS since, count(*) AS count FROM newest
)
SELECT n.channel, a.outcome, a.provider_code, count(*), count(*) FILTER (WHERE a.finished_at > %(since)s),
       max(a.finished_at), max(span.since), max(span.count)
FROM newest AS a JOIN notification_queue AS n ON n.id = a.notification_id CROSS JOIN span
GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of refusal among the newest attempts: its class, the provider's code, how often, when last."""

    outcome: str
    code: str
    count: int
    last_at: dt.datetime

    @property
    def label(self) -> str:
        return str(DeliveryAttempt.Outcome(self.outcome).label)


@dataclass(frozen=True, slots=True)
class Work:
    """`due` waits for a worker, the longest since `oldest_at`; `capped`: there is more. `per_minute` is what was sent a minute
    lately, None where nothing was. `faults`: the most frequent first."""

    due: int = 0
    capped: bool = False
    oldest_at: dt.datetime | None = None
    per_minute: float | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def drained_in(self) -> dt.timedelta | None:
        """How long what is due takes at the present rate, if nothing new comes; None where that cannot be said."""
        if not self.due or not self.per_minute or self.capped:
            return None
        return dt.timedelta(minutes=self.due / self.per_minute)


def channel_work(*, now: dt.datetime) -> dict[str, Work]:
    """Of all channels, in two statements."""
    asked: dict[str, Any] = {
        "channels": list(Channel.values),
        "now": now,
        "more": CAP + 1,
        "since": now - LATELY,
        "sample": SAMPLE,
    }
    with connection.cursor() as cursor:
        cursor.execute(DUE, asked)
        due = {channel: rest for channel, *rest in cursor.fetchall()}
        cursor.execute(NEWEST, asked)
        newest = cursor.fetchall()
    return {
        channel: _work(due[channel], [row[1:] for row in newest if row[0] == channel], now)
        for channel in Channel.values
    }


def _work(due: Sequence[Any], newest: Sequence[Sequence[Any]], now: dt.datetime) -> Work:
    count, most, oldest_at = due
    sent = sum(row[3] for row in newest if row[0] == "sent")
    faults = [Fault(row[0], row[1], row[2], row[4]) for row in newest if row[0] != "sent"]
    per_minute = None
    if sent:
        since, looked_at = newest[0][5], newest[0][6]
        # Where the sample is full, what it saw may be less than the whole of that time.
        span = min(now - since, LATELY) if looked_at == SAMPLE else LATELY
        per_minute = sent / max(span / dt.timedelta(minutes=1), 1 / 60)
    return Work(
        min(count, CAP) if most > CAP else count,
        most > CAP,
        oldest_at,
        per_minute,
        tuple(sorted(faults, key=lambda fault: -fault.count)[:5]),
    )


def rate_used(tat: dt.datetime | None, *, each: dt.timedelta, burst: int, now: dt.datetime) -> int:
    """How many of the `burst` that may go at once are taken at this moment (`rate.py` has the algorithm)."""
    if tat is None or tat <= now:
        return 0
    return min(burst, -(-(tat - now) // each))
