"""What waits in the queue: in, a moment; out, how many are ready and scheduled by channel, and how many outcomes wait for a person.

At most CAP entries of an index are read for each figure, so that the answer costs the same however long the table is.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

from consent.models import Channel
from notifications.stats import CAP

# A range of the claim's own index (notification_queue_due) for each priority; `queued` as a literal, or it does not apply.
WAITING = """
SELECT c.channel,
       sum((SELECT count(*) FROM (
           SELECT 1 FROM notification_queue
           WHERE status = 'queued' AND channel = c.channel AND priority = level.priority AND scheduled_at <= %(now)s
           ORDER BY scheduled_at LIMIT %(cap)s) AS head))::bigint,
       sum((SELECT count(*) FROM (
           SELECT 1 FROM notification_queue
           WHERE status = 'queued' AND channel = c.channel AND priority = level.priority AND scheduled_at > %(now)s
           ORDER BY scheduled_at LIMIT %(cap)s) AS head))::bigint
FROM unnest(%(channels)s::text[]) AS c(channel)
CROSS JOIN (VALUES (0), (1), (2), (3)) AS level(priority)
GROUP BY c.channel
"""
# Through notification_queue_error: what failed and what waits after a failure, by its code.
UNKNOWN = """
SELECT channel, count(*) FROM (
    SELECT channel, metadata FROM notification_queue
    WHERE status = 'failed' AND status IN ('failed', 'queued') AND error IS NOT NULL
      AND split_part(error, ':', 1) = 'outcome_unknown'
    LIMIT %s
) AS head
WHERE metadata @> '{"outcome_unknown": true}'
GROUP BY channel
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """By channel, each up to CAP (`ready` and `scheduled`: CAP for each of the four priorities)."""

    ready: Mapping[str, int]
    scheduled: Mapping[str, int]
    unknown: Mapping[str, int]


def backlog(*, now: dt.datetime) -> Backlog:
    """Two statements."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"channels": list(Channel.values), "cap": CAP, "now": now})
        rows = cursor.fetchall()
        cursor.execute(UNKNOWN, [CAP])
        unknown = dict(cursor.fetchall())
    return Backlog(
        ready={channel: ready for channel, ready, _ in rows},
        scheduled={channel: later for channel, _, later in rows},
        unknown={channel: unknown.get(channel, 0) for channel in Channel.values},
    )
