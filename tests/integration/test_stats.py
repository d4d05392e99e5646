"""How full the queue is: told in full, and at a cost that does not grow with the table."""

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone

from consent.models import Channel
from notifications.models import Notification
from notifications.stats import CAP, DEPTHS, OLDEST, Depth, queue_stats

pytestmark = pytest.mark.django_db

FILL = """
INSERT INTO notification_queue (id, channel, "to", status, metadata, category, recipient_key, scheduled_at)
SELECT gen_random_uuid(), %s, '{}', %s, '{"sent_at": "x"}', 'reminder', 'customer:1', %s - n * interval '1 second'
FROM generate_series(1, %s) AS n
"""


def fill(channel: str, status: str, count: int, *, now: dt.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL, [channel, status, now, count])


def test_every_status_and_channel_is_told_and_the_oldest_due_by_channel() -> None:
    now = timezone.now()
    fill("email", "queued", 3, now=now)
    fill("sms", "queued", 2, now=now + dt.timedelta(hours=1))  # not due yet
    fill("push", "sent", 4, now=now)
    stats = queue_stats(now=now)
    assert len(stats.depths) == len(Notification.Status.values) * len(Channel.values)
    assert [depth for depth in stats.depths if depth.count] == [
        Depth("queued", "email", 3, False),
        Depth("queued", "sms", 2, False),
        Depth("sent", "push", 4, False),
    ]
    assert stats.oldest_due_seconds == {"email": 3.0, "sms": 0.0, "push": 0.0, "inapp": 0.0}


def test_past_the_cap_it_says_at_least_and_never_reads_the_table() -> None:
    now = timezone.now()
    fill("email", "sent", CAP + 5000, now=now)
    fill("email", "queued", CAP + 1, now=now)
    fill("sms", "queued", 7, now=now)
    depths = {(depth.status, depth.channel): depth for depth in queue_stats(now=now).depths}
    assert depths["queued", "email"] == Depth("queued", "email", CAP, True)
    assert depths["queued", "sms"] == Depth("queued", "sms", 7, False)
    assert depths["sent", "email"] == Depth("sent", "email", CAP, True)
    assert depths["sent", "sms"].capped  # older ones were not looked at
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notification_queue")
        for sql in (DEPTHS, OLDEST):
            # A small share of a small table, as CAP is of a large one.
            cursor.execute(f"EXPLAIN {sql}", {"channels": list(Channel.values), "more": 101, "now": now})
            assert "Seq Scan on notification_queue" not in "\n".join(row[0] for row in cursor.fetchall())
