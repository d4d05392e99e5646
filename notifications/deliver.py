"""Call the provider: in, rendered messages that we hold; out, Deliveries, in batches as they finish.

No provider is called inside a transaction. Just before its call a row's lease is renewed and `dispatched_at` set; a
row that is no longer ours is not sent. So a dead worker leaves at most the calls in flight with an unknown outcome.
"""

import datetime as dt
import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from django.db import connection
from django.utils import timezone

from notifications.channels.base import Channel
from notifications.message import Claimed, Delivery, Message

logger = logging.getLogger(__name__)

DISPATCH = """
UPDATE notification_queue AS q
SET dispatched_at = clock_timestamp(), lease_until = clock_timestamp() + %s
FROM unnest(%s::uuid[], %s::uuid[]) AS held(id, lease_token)
WHERE q.id = held.id AND q.lease_token = held.lease_token AND q.status = 'processing'
RETURNING q.id
"""

Work = tuple[Claimed, Message]


def dispatch(batch: Sequence[Claimed], *, lease: dt.timedelta) -> set[uuid.UUID]:
    """Renew the lease of what is about to be sent; answers the ids that are still ours."""
    asked: list[Any] = [lease, [row.id for row in batch], [row.lease_token for row in batch]]
    with connection.cursor() as cursor:
        cursor.execute(DISPATCH, asked)
        held = {row[0] for row in cursor.fetchall()}
    for row in batch:
        if row.id not in held:
            logger.warning("notification.lease_lost id=%s attempt=%s", row.id, row.attempts)
    return held


def deliver_all(
    work: Sequence[Work],
    *,
    channel: Channel,
    pool: ThreadPoolExecutor,
    width: int,
    lease: dt.timedelta,
    goes_on: Callable[[], bool],
) -> Iterator[list[Delivery]]:
    """Deliver with up to `width` calls in flight, yielding what has finished. Stops taking new ones when `goes_on`
    answers False; what was never dispatched stays claimed, for the caller to put back."""
    waiting = deque(work)
    flying: set[Future[Delivery]] = set()
    while flying or (waiting and goes_on()):
        free = width - len(flying)
        # One UPDATE for half a window at least, instead of one a message.
        if waiting and free * 2 >= width and goes_on():
            batch = [waiting.popleft() for _ in range(min(free, len(waiting)))]
            held = dispatch([claimed for claimed, _ in batch], lease=lease)
            flying |= {pool.submit(_call, channel, *item) for item in batch if item[0].id in held}
        if flying:
            done, flying = wait(flying, return_when=FIRST_COMPLETED)
            yield [future.result() for future in done]


def deliver_here(work: Sequence[Work], *, channel: Channel, lease: dt.timedelta) -> list[Delivery]:
    """Deliver on a transactional channel: the caller's transaction holds the write and its record together."""
    held = dispatch([claimed for claimed, _ in work], lease=lease)
    return [_call(channel, claimed, message) for claimed, message in work if claimed.id in held]


def _call(channel: Channel, claimed: Claimed, message: Message) -> Delivery:
    started_at = timezone.now()
    outcome = channel.deliver(message)
    return Delivery(claimed, outcome, channel.provider, started_at, timezone.now())
