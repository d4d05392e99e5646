"""How full the queue is: in, a moment; out, counts by status and channel, and how long the oldest due message has waited.

At most CAP index entries are read for a status (for a channel, where they are queued), so that the answer costs the
same however long the table is.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from consent.models import Channel
from notifications.models import Notification

CAP = 10_000

# Each part walks an index in its own order and stops. `queued` and `processing` stand as literals, so that the partial
# indexes notification_queue_due and notification_queue_inflight apply; the ended ones are read from the newest.
DEPTHS = """
SELECT 'queued', c.channel, (
    SELECT count(*) FROM (
        SELECT 1 FROM notification_queue WHERE status = 'queued' AND channel = c.channel
        ORDER BY priority, scheduled_at LIMIT %(more)s
    ) AS head)
FROM unnest(%(channels)s::text[]) AS c(channel)
UNION ALL
SELECT 'processing', channel, count(*) FROM (
    SELECT channel FROM notification_queue WHERE status = 'processing' ORDER BY id LIMIT %(more)s
) AS head GROUP BY channel
UNION ALL
SELECT s.status, head.channel, count(*)
FROM unnest(ARRAY['sent', 'failed', 'cancelled']) AS s(status)
CROSS JOIN LATERAL (
    SELECT channel FROM notification_queue WHERE status = s.status ORDER BY scheduled_at DESC LIMIT %(more)s
) AS head
GROUP BY s.status, head.channel
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
    """How many rows of one channel have one status; `capped` when there may be more."""

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
    arguments: dict[str, Any] = {"channels": list(Channel.values), "more": CAP + 1}
    with connection.cursor() as cursor:
        cursor.execute(DEPTHS, arguments)
        counts = {(status, channel): count for status, channel, count in cursor.fetchall()}
    return QueueStats(tuple(_depths(counts)), oldest_due(now=now))


def oldest_due(*, now: dt.datetime) -> Mapping[str, float]:
    """By channel, how many seconds the oldest due message has waited. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(OLDEST, {"channels": list(Channel.values), "now": now})
        return dict(cursor.fetchall())


def _depths(counts: Mapping[tuple[str, str], int]) -> Iterator[Depth]:
    for status in Notification.Status.values:
        found = {channel: counts.get((status, channel), 0) for channel in Channel.values}
        # Those queued are counted a channel, the others together: past the cap, none of them is certain.
        full = status != Notification.Status.QUEUED and sum(found.values()) > CAP
        for channel, count in found.items():
            yield Depth(status, channel, min(count, CAP), full or count > CAP)
