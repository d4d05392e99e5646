"""Write down what became of rows: in, verdicts and deliveries; out, the holds that still stood. One UPDATE, one INSERT.

Every verdict is fenced by the lease token: a row that somebody else took over in between keeps their state, and the
late finish is logged. The attempt itself is recorded either way, because the call was made.
"""

import json
import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from consent.arrays import array
from notifications.errors import Sent, Transient
from notifications.message import Claimed, Delivery, Hold
from notifications.verdict import Verdict

logger = logging.getLogger(__name__)

# A worker that stands still within this transaction keeps its rows from everybody, so the server ends it after a minute.
SETTLE = """
UPDATE notification_queue AS q
SET status = v.status, scheduled_at = COALESCE(v.scheduled_at, q.scheduled_at), error = v.error,
    metadata = q.metadata || v.metadata, attempts = q.attempts - v.refund,
    lease_token = NULL, lease_until = NULL, dispatched_at = NULL
FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::jsonb[], %s::int[])
     AS v(id, lease_token, status, scheduled_at, error, metadata, refund),
     (SELECT set_config('idle_in_transaction_session_timeout', '60s', true) OFFSET 0) AS standstill
WHERE q.id = v.id AND q.lease_token = v.lease_token AND q.status = 'processing'
RETURNING v.id, v.lease_token
"""
# A worker that had lost its lease brings the provider's yes after all: what was in doubt, and not sent again, is settled.
SETTLE_LATE = """
UPDATE notification_queue AS q
SET status = 'sent', error = NULL, metadata = (q.metadata - 'outcome_unknown') || v.metadata
FROM unnest(%s::uuid[], %s::int[], %s::jsonb[]) AS v(id, attempt, metadata)
WHERE q.id = v.id AND q.attempts = v.attempt
  AND ((q.status = 'failed' AND q.metadata @> '{"outcome_unknown": true}')
       OR (q.status = 'queued' AND q.error LIKE 'worker_lost:%%'))
RETURNING q.id
"""
ATTEMPTS = """
INSERT INTO delivery_attempts (
    notification_id, number, provider, outcome, provider_code, provider_reference, retry_after, started_at,
    finished_at, error)
SELECT * FROM unnest(
    %s::uuid[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::interval[], %s::timestamptz[],
    %s::timestamptz[], %s::text[])
ON CONFLICT ON CONSTRAINT delivery_attempts_once DO NOTHING
"""
# About as many ids as a line of a log may have characters for (8 KB).
LINE = 200
_NOBODY: Mapping[str, str] = {}


def record(verdicts: Sequence[tuple[Claimed, Verdict]], deliveries: Sequence[Delivery] = ()) -> set[Hold]:
    """Settle rows and record their attempts, in one transaction. Answers the holds that still stood."""
    if not verdicts:
        return set()
    # The same order in every worker, so that two records of the same rows cannot deadlock.
    ordered = sorted(verdicts, key=lambda pair: pair[0].id.int)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SETTLE, _columns(_settled(claimed, verdict) for claimed, verdict in ordered))
        held = set(cursor.fetchall())
        late = [
            (claimed, verdict)
            for claimed, verdict in ordered
            if claimed.hold not in held and verdict.status == "sent"
        ]
        if late:
            cursor.execute(
                SETTLE_LATE, _columns((c.id, c.attempts, json.dumps(dict(v.metadata))) for c, v in late)
            )
            for (found,) in cursor.fetchall():
                logger.warning("notification.settled_late id=%s", found)
        if deliveries:
            cursor.execute(ATTEMPTS, _columns(map(_attempt, deliveries)))
    if len(held) == len(ordered):
        _tell(ordered)
        return held
    _tell([pair for pair in ordered if pair[0].hold in held])
    for claimed, verdict in ordered:
        if claimed.hold not in held:
            logger.warning("notification.stale_finish id=%s would_be=%s", claimed.id, verdict.status)
    return held


def _tell(settled: Sequence[tuple[Claimed, Verdict]]) -> None:
    """A line each, with the run of a job that it comes from; of a group, whose rows became the same at once, a line for
    every LINE ids."""
    if not logger.isEnabledFor(logging.INFO):
        return
    alike: defaultdict[tuple[str, str, int, str], list[uuid.UUID]] = defaultdict(list)
    for claimed, verdict in settled:
        run = claimed.metadata.get("origin", _NOBODY).get("run", "")
        alike[verdict.status, claimed.channel, claimed.attempts, run].append(claimed.id)
    for (status, channel, attempt, run), ids in alike.items():
        size = LINE if len(ids) > LINE else 1
        for start in range(0, len(ids), size):
            some = ",".join(map(str, ids[start : start + size]))
            if run:
                logger.info(
                    "notification.%s id=%s channel=%s attempt=%s run=%s", status, some, channel, attempt, run
                )
            else:
                logger.info("notification.%s id=%s channel=%s attempt=%s", status, some, channel, attempt)


def _settled(claimed: Claimed, verdict: Verdict) -> tuple[Any, ...]:
    return (
        claimed.id,
        claimed.lease_token,
        verdict.status,
        verdict.scheduled_at,
        verdict.error,
        json.dumps(dict(verdict.metadata)),
        int(verdict.refund),
    )


def _attempt(delivery: Delivery) -> tuple[Any, ...]:
    outcome = delivery.outcome
    return (
        delivery.claimed.id,
        delivery.claimed.attempts,
        delivery.provider,
        outcome.kind,
        "" if isinstance(outcome, Sent) else outcome.code,
        outcome.reference if isinstance(outcome, Sent) else "",
        outcome.retry_after if isinstance(outcome, Transient) else None,
        delivery.started_at,
        max(delivery.finished_at, delivery.started_at),
        "" if isinstance(outcome, Sent) else outcome.error,
    )


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[str]:
    return [array(column) for column in zip(*rows, strict=True)]
