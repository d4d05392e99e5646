"""The last step before a provider: in, rendered messages that we hold; out, those that are still ours, marked as sent off.

No provider is called inside a transaction. Just before its call a row's lease is renewed and `dispatched_at` set; a
row that is no longer ours is not sent. So a dead worker leaves at most the calls in flight with an unknown outcome.
The calls themselves are `courier.py`'s; a transactional channel writes here, in the caller's transaction.
"""

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.utils import timezone

from consent.arrays import array
from notifications.channels.base import TransactionalChannel
from notifications.message import Claimed, Delivery, Hold, Work

logger = logging.getLogger(__name__)

DISPATCH = """
UPDATE notification_queue AS q
SET dispatched_at = clock_timestamp(), lease_until = clock_timestamp() + %s
FROM unnest(%s::uuid[], %s::uuid[]) AS held(id, lease_token)
WHERE q.id = held.id AND q.lease_token = held.lease_token AND q.status = 'processing'
RETURNING q.id, q.lease_token
"""


def dispatch(batch: Sequence[Claimed], *, lease: dt.timedelta) -> set[Hold]:
    """Renew the lease of what is about to be sent; answers the holds that still stand."""
    asked: list[Any] = [lease, array(row.id for row in batch), array(row.lease_token for row in batch)]
    with connection.cursor() as cursor:
        cursor.execute(DISPATCH, asked)
        held = set(cursor.fetchall())
    for row in batch if len(held) < len(batch) else ():
        if row.hold not in held:
            logger.warning("notification.lease_lost id=%s attempt=%s", row.id, row.attempts)
    return held


def deliver_here(
    work: Sequence[Work], *, channel: TransactionalChannel, lease: dt.timedelta
) -> list[Delivery]:
    """Deliver on a transactional channel: the caller's transaction holds the write and its record together."""
    held = dispatch([claimed for claimed, _ in work], lease=lease)
    ours = [(claimed, message) for claimed, message in work if claimed.hold in held]
    started_at = timezone.now()
    outcomes = channel.deliver_all([message for _, message in ours])
    return [
        Delivery(claimed, outcome, channel.provider, started_at, timezone.now(), message.decided)
        for (claimed, message), outcome in zip(ours, outcomes, strict=True)
    ]
