"""How much a template is used: in, its id; out, how many messages wait with each of its versions, and its share of the newest ones.

`TEMPLATES_APP["TRAFFIC"]` names it: templates stand below the queue and cannot count in it. So many rows are looked at and
no more, so that the answer costs the same however long the queue is.
"""

import uuid
from collections import Counter
from typing import Any

from django.db import connection

from consent.models import Channel
from templates_app.usage import Traffic

# Of those that wait on one channel, in the order in which they will go; of all, the newest.
WAITING, NEWEST = 5_000, 10_000

# `queued` stands as a literal, so that the claim's partial index (notification_queue_due) applies.
QUEUED = """
SELECT c.channel, CASE WHEN head.template_id = %(template)s THEN head.template_version END, count(*)
FROM unnest(%(channels)s::text[]) AS c(channel)
CROSS JOIN LATERAL (
    SELECT template_id, template_version FROM notification_queue
    WHERE status = 'queued' AND channel = c.channel ORDER BY priority, scheduled_at LIMIT %(waiting)s
) AS head
GROUP BY 1, 2
"""
RECENT = """
SELECT count(*), min(created_at), count(*) FILTER (WHERE template_id = %(template)s),
    max(created_at) FILTER (WHERE template_id = %(template)s)
FROM (SELECT template_id, created_at FROM notification_queue ORDER BY created_at DESC LIMIT %(newest)s) AS head
"""


def traffic(template: uuid.UUID) -> Traffic:
    """Two statements."""
    arguments: dict[str, Any] = {
        "template": template, "channels": list(Channel.values), "waiting": WAITING, "newest": NEWEST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(QUEUED, arguments)
        waiting: Counter[uuid.UUID] = Counter()
        looked_at: Counter[str] = Counter()
        for channel, version, count in cursor.fetchall():
            looked_at[channel] += count
            if version is not None:
                waiting[version] += count
        cursor.execute(RECENT, arguments)
        newest, since, recent, last_at = cursor.fetchone()
    return Traffic(
        waiting=dict(waiting),
        is_waiting_capped=any(count >= WAITING for count in looked_at.values()),
        recent=recent,
        looked_at=newest,
        since=since,
        last_at=last_at,
    )
