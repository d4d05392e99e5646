"""Take back what dead workers held: in, the clock; out, how many rows went back or became unknown.

A row whose lease ran out before it was dispatched was not sent: it is queued again. One that was dispatched may have
been sent: the policy for lost answers decides. Keyset pages with SKIP LOCKED, so that sweeps never wait for each other.
"""

import datetime as dt
import logging
import random
import uuid

from django.db import connection, transaction
from django.utils import timezone

from notifications.channels.registry import CHANNELS
from notifications.claim import COLUMNS, as_claimed
from notifications.conf import conf
from notifications.errors import Unknown
from notifications.measure import note_recorded
from notifications.message import Claimed, Delivery
from notifications.record import record
from notifications.verdict import Verdict, after_delivery

logger = logging.getLogger(__name__)

PAGE = 500
# A message that was on the desk of this many dying workers is probably what kills them.
POISON = 5

ORPHANS = f"""
SELECT {COLUMNS}, q.dispatched_at
FROM notification_queue AS q
WHERE q.status = 'processing' AND q.lease_until < statement_timestamp() AND q.id > %s
ORDER BY q.id LIMIT %s FOR UPDATE SKIP LOCKED
"""  # noqa: S608 (constant)


def release(*, now: dt.datetime | None = None, rng: random.Random | None = None) -> int:
    """Release every orphan; answers how many there were. `now` is the moment retries are counted from."""
    moment, chance = now or timezone.now(), rng or random.Random()  # noqa: S311 (jitter)
    last, count = uuid.UUID(int=0), 0
    while True:
        with transaction.atomic():
            rows = _orphans(last)
            verdicts, deliveries = [], []
            for claimed, dispatched_at in rows:
                verdict, delivery = _judge(claimed, dispatched_at, moment, chance)
                verdicts.append((claimed, verdict))
                deliveries += [delivery] if delivery else []
            note_recorded(verdicts, deliveries, held=record(verdicts, deliveries))
        count += len(rows)
        if len(rows) < PAGE:
            return count
        last = rows[-1][0].id


def _orphans(after: uuid.UUID) -> list[tuple[Claimed, dt.datetime | None]]:
    with connection.cursor() as cursor:
        cursor.execute(ORPHANS, [after, PAGE])
        return [(as_claimed(row[:-1]), row[-1]) for row in cursor.fetchall()]


def _judge(
    claimed: Claimed, dispatched_at: dt.datetime | None, now: dt.datetime, rng: random.Random
) -> tuple[Verdict, Delivery | None]:
    if dispatched_at is None:
        times = int(claimed.metadata.get("released", 0)) + 1
        logger.warning("notification.released id=%s times=%s", claimed.id, times)
        if times >= POISON:
            return Verdict(
                "failed", error=f"poison: {times} workers died holding it", metadata={"released": times}
            ), None
        return Verdict("queued", metadata={"released": times}, refund=True), None
    outcome = Unknown("worker_lost", "The worker died while it called the provider.")
    verdict = after_delivery(
        claimed,
        outcome,
        policy=conf().retry_policy(claimed.category),
        resends_unknown=conf().resends_unknown(channel=claimed.channel, category=claimed.category),
        now=now,
        rng=rng,
    )
    provider = CHANNELS[claimed.channel].provider
    return verdict, Delivery(claimed, outcome, provider, dispatched_at, max(timezone.now(), dispatched_at))
