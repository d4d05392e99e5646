"""How full the queue is: in, a moment; out, counts by status and channel, and how long the oldest due message has waited.

No count goes beyond CAP, so that the answer costs the same however long the table is.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from consent.models import Channel
from notifications.models import Notification

CAP = 10_000

DEPTHS = """
SELECT s.status, c.channel,
       (SELECT count(*) FROM (
            SELECT 1 FROM notification_queue AS q WHERE q.status = s.status AND q.channel = c.channel LIMIT %(more)s
       ) AS counted)
FROM unnest(%(statuses)s::text[]) WITH ORDINALITY AS s(status, place)
CROSS JOIN unnest(%(channels)s::text[]) WITH ORDINALITY AS c(channel, place)
ORDER BY s.place, c.place
"""
# The head of each priority's range in the claim's own index (notification_queue_due).
OLDEST = """
SELECT c.channel, COALESCE(EXTRACT(epoch FROM %(now)s - min(head.scheduled_at)), 0)::float8
FROM unnest(%(channels)s::text[]) WITH ORDINALITY AS c(channel, place)
CROSS JOIN (VALUES (0), (1), (2), (3)) AS level(priority)
LEFT JOIN LATERAL (
    SELECT scheduled_at FROM notification_queue
    WHERE status = 'queued' AND channel = c.channel AND priority = level.priority AND scheduled_at <= %(now)s
    ORDER BY scheduled_at LIMIT 1
) AS head ON true
GROUP BY c.channel, c.place
ORDER BY c.place
"""


@dataclass(frozen=True, slots=True)
class Depth:
    """How many rows of one channel have one status; `capped` when there are at least so many."""

    status: str
    channel: str
    count: int
    capped: bool


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Every status and channel has its Depth. The seconds are 0 where nothing waits past its time."""

    depths: tuple[Depth, ...]
    oldest_due_seconds: Mapping[str, float]


def queue_stats(*, now: dt.datetime) -> QueueStats:
    """Two statements."""
    arguments: dict[str, Any] = {
        "statuses": list(Notification.Status.values),
        "channels": list(Channel.values),
        "more": CAP + 1,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(DEPTHS, arguments)
        depths = tuple(
            Depth(status, channel, min(count, CAP), count > CAP)
            for status, channel, count in cursor.fetchall()
        )
        cursor.execute(OLDEST, arguments)
        oldest = dict(cursor.fetchall())
    return QueueStats(depths, oldest)
